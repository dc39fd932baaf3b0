package dev.heddle.notifications;

import dev.heddle.jobs.JobHandler;
import dev.heddle.jobs.JobHandler.Effect;
import dev.heddle.jobs.JobKind;
import dev.heddle.jobs.Lane;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The kinds of jobs that follow from a task's change, and what they write. Their data are JSON objects with {@code user_id},
 * with {@code task_id} unless many tasks were changed at once, and what each needs beside. A job of a user who is gone does
 * nothing.
 */
public final class FollowUpJobs {

    /** The member of their data that says whose they are. */
    public static final String USER = "user_id";

    /** Tells the user that a task was created, and counts it; needs {@code title}. */
    public static final JobKind SEND_NOTIFICATION = new JobKind("send_notification", Lane.DATABASE);

    /** Sends the user an e-mail; needs {@code title}. */
    public static final JobKind SEND_EMAIL = new JobKind("send_email", Lane.OUTBOUND);

    /** Counts; needs {@code total} and {@code completed}, by which the counts change. */
    public static final JobKind UPDATE_STATS = new JobKind("update_stats", Lane.DATABASE);

    /** Writes the activity log; needs {@code action}. */
    public static final JobKind LOG_ACTIVITY = new JobKind("log_activity", Lane.DATABASE);

    /** All of them. */
    public static final List<JobKind> ALL = List.of(SEND_NOTIFICATION, SEND_EMAIL, UPDATE_STATS, LOG_ACTIVITY);

    // Locked before anything is written: a deletion of the user that has begun is waited for, and leaves no user. The
    // check of the foreign key would wait too late, holding the counts that the deletion waits for.
    private static final String OWNER = """
        owner AS (SELECT id AS user_id FROM users WHERE id IN (SELECT data->>'user_id' FROM job)
            ORDER BY id FOR KEY SHARE)\
        """;

    private static final String OWNED = "job JOIN owner ON owner.user_id = data->>'user_id'";

    /** Of {@link #SEND_NOTIFICATION}. */
    public static final Effect NOTIFY = new Effect(List.of(OWNER, """
        notification AS (INSERT INTO notifications (user_id, id, task_id, message, created_at)
            SELECT user_id, id, CAST(data->>'task_id' AS uuid), 'Task ''' || (data->>'title') || ''' created', created_at
            FROM %s)\
        """.formatted(OWNED), count("count(*)", "0")));

    /** Of {@link #UPDATE_STATS}. */
    public static final Effect COUNT = new Effect(
            List.of(OWNER, count("sum(CAST(data->>'total' AS bigint))", "sum(CAST(data->>'completed' AS bigint))")));

    /** Of {@link #LOG_ACTIVITY}. */
    public static final Effect LOG = new Effect(List.of(OWNER, """
        entry AS (INSERT INTO activity (user_id, id, task_id, action, created_at)
            SELECT user_id, id, CAST(data->>'task_id' AS uuid), data->>'action', created_at FROM %s)\
        """.formatted(OWNED)));

    private FollowUpJobs() {}

    /**
     * What {@link #SEND_EMAIL} does.
     *
     * @param addresses of users, asked for when mails are about to be sent, as they may have changed
     */
    public static JobHandler email(Function<List<String>, Map<String, String>> addresses, Mailer mailer) {
        return new SendEmail(addresses, mailer);
    }

    private static String count(String total, String completed) {
        // In the order of the users, so that two that count the same ones do not wait for each other.
        return """
            counted AS (INSERT INTO stats (user_id, total, completed) SELECT user_id, %s, %s FROM %s
                GROUP BY user_id ORDER BY user_id
                ON CONFLICT (user_id) DO UPDATE SET total = stats.total + excluded.total,
                    completed = stats.completed + excluded.completed, updated_at = now())\
            """.formatted(total, completed, OWNED);
    }
}
