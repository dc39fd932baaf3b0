package dev.heddle.notifications;

/** Sends mails. Implementations are safe for any thread. */
public interface Mailer {

    /**
     * Returns when somebody else has taken the mail. After a failure it may have been taken all the same, so a second try
     * can make a second copy, with the same Message-ID.
     *
     * @throws MailException when that failed or the thread was interrupted, whose flag then stays set
     */
    void send(Mail mail);
}
