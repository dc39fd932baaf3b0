package dev.heddle.notifications;

import dev.heddle.db.Database;
import dev.heddle.http.Json;
import dev.heddle.http.Problem;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** What can be done with what the jobs have written. Safe for any thread. */
public final class Notifications {

    private static final System.Logger LOG = System.getLogger(Notifications.class.getName());

    /** How many users are counted anew in one transaction; their jobs wait meanwhile. */
    private static final int RECONCILED_AT_ONCE = 100;

    private final Database database;
    private final NotificationStore store = new NotificationStore();
    private final StatsStore stats = new StatsStore();

    /** Those in that database. */
    public Notifications(Database database) {
        this.database = database;
    }

    List<Notification> list(String userId, Optional<Boolean> unread, Optional<UUID> after, int skip, int rows) {
        return database.quick(sql -> store.notifications(sql, userId, unread, after, skip, rows));
    }

    Notification read(String userId, UUID id) {
        return database.single(sql -> store.read(sql, userId, id)).orElseThrow(Notifications::notFound);
    }

    List<Activity> activity(String userId, Optional<UUID> taskId, Optional<UUID> after, int skip, int rows) {
        return database.quick(sql -> store.activity(sql, userId, taskId, after, skip, rows));
    }

    Stats stats(String userId) {
        return database.quick(sql -> stats.find(sql, userId)).orElse(Stats.NONE);
    }

    /** A user's newest notifications as a JSON array. */
    public Json.Writing newest(String userId, int rows) {
        return Json.array(list(userId, Optional.empty(), Optional.empty(), 0, rows), NotificationJson::write);
    }

    /** The newest of a user's activity as a JSON array. */
    public Json.Writing newestActivity(String userId, int rows) {
        return Json.array(activity(userId, Optional.empty(), Optional.empty(), 0, rows), NotificationJson::write);
    }

    /** A user's statistics as a JSON object. */
    public Json.Writing statistics(String userId) {
        var its = stats(userId);
        return json -> NotificationJson.write(json, its);
    }

    /** Deletes activity that is older than that. */
    public void sweepActivity(Duration retention) {
        var before = Instant.now().minus(retention);
        database.inBatches(sql -> store.sweepActivity(sql, before));
    }

    /** Counts every user's tasks anew. The jobs count exactly; this finds out if something else has changed the tables. */
    public void reconcile() {
        long wrong = 0;
        var users = database.read(sql -> stats.users(sql, "", RECONCILED_AT_ONCE));
        while (!users.isEmpty()) {
            var batch = users;
            wrong += database.inTransaction(sql -> stats.reconcile(sql, batch));
            users = database.read(sql -> stats.users(sql, batch.getLast(), RECONCILED_AT_ONCE));
        }
        if (wrong > 0) {
            LOG.log(Level.WARNING, "the statistics of " + wrong + " users were wrong and are corrected");
        }
    }

    static RuntimeException notFound() {
        return Problem.NOT_FOUND.because("Notification not found");
    }
}
