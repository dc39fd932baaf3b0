package dev.heddle.notifications;

import dev.heddle.jobs.HopelessException;
import dev.heddle.jobs.JobHandler;
import dev.heddle.jobs.Work;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/** Tells a user by e-mail that a task is completed. A repetition has the same Message-ID, by which it can be told. */
final class SendEmail implements JobHandler.Action {

    private final Function<List<String>, Map<String, String>> addresses;
    private final Mailer mailer;

    /** The addresses of users are asked for when mails are about to be sent: they may have changed since. */
    SendEmail(Function<List<String>, Map<String, String>> addresses, Mailer mailer) {
        this.addresses = addresses;
        this.mailer = mailer;
    }

    @Override
    public Consumer<Work> prepare(List<Work> jobs) {
        var users =
                jobs.stream().flatMap(job -> receiver(job).stream()).distinct().toList();
        var found = addresses.apply(users);
        // Nobody is there to be told when the user is gone.
        return job -> receiver(job).map(found::get).ifPresent(address -> send(job, address));
    }

    private static Optional<String> receiver(Work job) {
        return job.text("user_id");
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
