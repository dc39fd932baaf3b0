package dev.heddle.notifications;

import dev.heddle.jobs.HopelessException;
import dev.heddle.jobs.JobHandler;
import dev.heddle.jobs.Work;
import java.util.Optional;
import java.util.function.Function;

/** Tells a user by e-mail that a task is completed. A repetition has the same Message-ID, by which it can be told. */
final class SendEmail implements JobHandler.Action {

    private final Function<String, Optional<String>> addresses;
    private final Mailer mailer;

    /** The address of a user is asked for when the mail is sent: it may have changed since. */
    SendEmail(Function<String, Optional<String>> addresses, Mailer mailer) {
        this.addresses = addresses;
        this.mailer = mailer;
    }

    @Override
    public void run(Work job) {
        // Nobody is there to be told when the user is gone.
        job.text("user_id").flatMap(addresses).ifPresent(address -> send(job, address));
    }

    private void send(Work job, String address) {
        var title = job.text("title").orElse("");
        try {
            mailer.send(new Mail(
                    job.id(),
                    job.createdAt(),
                    address,
                    "Task completed!",
                    "Your task '" + title + "' is completed.\n"));
        } catch (MailException e) {
            if (e.isPermanent()) {
                throw new HopelessException(String.valueOf(e.getMessage()), e);
            }
            throw e;
        }
    }
}
