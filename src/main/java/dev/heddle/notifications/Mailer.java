package dev.heddle.notifications;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Sends mails. Implementations are safe for any thread. */
public interface Mailer {

    /**
     * Returns when somebody else has taken the mail. After a failure it may have been taken all the same, so a second try
     * can make a second copy, with the same Message-ID.
     *
     * @throws MailException when that failed or the thread was interrupted, whose flag then stays set
     */
    void send(Mail mail);

    /**
     * How to send many at once, as {@link #send} does one, where that takes moments; empty where it does not. It throws a
     * {@link dev.heddle.jobs.UnfitException} with the ids of mails that can never be sent, and has then sent none.
     */
    default Optional<Consumer<List<Mail>>> together() {
        return Optional.empty();
    }
}
