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
        var receivers = receivers(jobs);
        return job -> mail(job, receivers).ifPresent(this::send);
    }

    @Override
    public Optional<Consumer<List<Work>>> together() {
        return mailer.together().map(send -> jobs -> {
            var receivers = receivers(jobs);
            send.accept(
                    jobs.stream().flatMap(job -> mail(job, receivers).stream()).toList());
        });
    }

    /** The addresses of their users, by the users' ids. */
    private Map<String, String> receivers(List<Work> jobs) {
        return addresses.apply(
                jobs.stream().flatMap(job -> user(job).stream()).distinct().toList());
    }

    private static Optional<String> user(Work job) {
        return job.text("user_id");
    }

    /** Nobody is there to be told when the user is gone. */
    private static Optional<Mail> mail(Work job, Map<String, String> receivers) {
        return user(job).map(receivers::get).map(receiver -> mail(job, receiver));
    }

    private static Mail mail(Work job, String receiver) {
        var title = job.text("title").orElse("");
        return new Mail(
                job.id(), job.createdAt(), receiver, "Task completed!", "Your task '" + title + "' is completed.\n");
    }

    private void send(Mail mail) {
        try {
            mailer.send(mail);
        } catch (MailException e) {
            if (e.isPermanent()) {
                throw new HopelessException(String.valueOf(e.getMessage()), e);
            }
            throw e;
        }
    }
}
