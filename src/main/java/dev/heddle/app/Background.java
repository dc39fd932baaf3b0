package dev.heddle.app;

import dev.heddle.db.Database;
import dev.heddle.db.Sql;
import dev.heddle.identity.Users;
import dev.heddle.jobs.JobQueue;
import dev.heddle.jobs.JobWorker;
import dev.heddle.jobs.Jobs;
import dev.heddle.jobs.Recurring;
import dev.heddle.jobs.Registration;
import dev.heddle.notifications.FollowUpJobs;
import dev.heddle.notifications.MailFolder;
import dev.heddle.notifications.Mailer;
import dev.heddle.notifications.Notifications;
import dev.heddle.notifications.Smtp;
import dev.heddle.notifications.SmtpMailer;
import dev.heddle.tasks.FollowUps;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What is done behind the requests, put together. */
final class Background {

    /** Often enough that no table grows for long, seldom enough to be seen in no graph. */
    private static final Duration SWEEP_PAUSE = Duration.ofHours(1);

    /** Counting everything anew reads every task once: at night, for most of those who run this in Europe. */
    private static final LocalTime RECONCILIATION = LocalTime.of(2, 30);

    private Background() {}

    /** What follows from the change of a task. */
    static FollowUps followUps() {
        return FollowUps.of(
                FollowUpJobs.SEND_NOTIFICATION,
                FollowUpJobs.SEND_EMAIL,
                FollowUpJobs.UPDATE_STATS,
                FollowUpJobs.LOG_ACTIVITY);
    }

    /** What is to be done for users. */
    static Users.Errands errands(Jobs jobs) {
        return new Users.Errands() {
            @Override
            public void drop(Sql sql, String userId) {
                jobs.deleteIdle(sql, FollowUpJobs.USER, userId);
            }

            @Override
            public void dropAll(Sql sql, String userId) {
                jobs.deleteAll(sql, FollowUpJobs.USER, userId);
            }
        };
    }

    /** How much is done at once. */
    static JobWorker.Options options(Settings.Jobs its) {
        return new JobWorker.Options(its.workers(), its.outboundWorkers(), its.retryDelay());
    }

    /**
     * The workers, not yet at work.
     *
     * @param database that of the jobs
     * @param addresses the e-mail addresses of users by their ids
     * @param storage whose leftovers are swept
     */
    static JobWorker worker(
            Settings settings,
            Database database,
            JobQueue queue,
            Function<List<String>, Map<String, String>> addresses,
            Storage storage,
            JobMetrics metrics) {
        var its = settings.jobs();
        var attempts = its.attempts();
        var mailer = mailer(settings);
        var kinds = List.of(
                new Registration(FollowUpJobs.SEND_NOTIFICATION, FollowUpJobs.NOTIFY, attempts.sendNotification()),
                new Registration(FollowUpJobs.SEND_EMAIL, FollowUpJobs.email(addresses, mailer), attempts.sendEmail()),
                new Registration(FollowUpJobs.UPDATE_STATS, FollowUpJobs.COUNT, attempts.updateStats()),
                new Registration(FollowUpJobs.LOG_ACTIVITY, FollowUpJobs.LOG, attempts.logActivity()));
        var recurring = recurring(its, database, queue, mailer);
        recurring.add(Recurring.every(SWEEP_PAUSE, "sweep_files", storage.files(database)::sweep));
        return new JobWorker(database, queue, kinds, recurring, metrics, options(its));
    }

    private static List<Recurring> recurring(Settings.Jobs its, Database database, JobQueue queue, Mailer mailer) {
        var notifications = new Notifications(database);
        var jobs = new Jobs(database, queue, FollowUpJobs.ALL);
        var idempotency = new IdempotencyTable(database);
        var all = new ArrayList<>(List.of(
                Recurring.every(SWEEP_PAUSE, "sweep_idempotency_keys", idempotency::sweep),
                Recurring.every(SWEEP_PAUSE, "sweep_dead_jobs", () -> jobs.sweep(its.deadRetention())),
                Recurring.every(
                        SWEEP_PAUSE, "sweep_activity", () -> notifications.sweepActivity(its.activityRetention())),
                Recurring.daily(RECONCILIATION, "reconcile_stats", notifications::reconcile)));
        if (mailer instanceof MailFolder folder) {
            all.add(Recurring.every(SWEEP_PAUSE, "sweep_mail_folder", () -> folder.sweep(Instant.now())));
        }
        return all;
    }

    private static Mailer mailer(Settings settings) {
        var its = settings.email();
        var smtp = its.smtp();
        if (smtp == null) {
            return new MailFolder(mailDirectory(settings), its.from());
        }
        var password = smtp.password();
        return new SmtpMailer(new Smtp(
                smtp.host(),
                smtp.port(),
                smtp.security(),
                smtp.username(),
                password == null ? null : password.value(),
                its.from(),
                smtp.connectTimeout(),
                smtp.timeout()));
    }

    private static Path mailDirectory(Settings settings) {
        return settings.data().directory().resolve("mail");
    }
}
