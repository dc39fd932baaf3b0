package dev.heddle.notifications;

import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** All SQL about notifications and activity, but what the jobs write. Ids begin with the time, so they sort by it. */
final class NotificationStore {

    /** One batch of a sweep; small, so that no lock is held for long. */
    private static final int SWEEP_ROWS = 1000;

    private static final String NOTIFICATION = "id, user_id, task_id, message, created_at, read_at";

    private static final String ACTIVITY = "id, user_id, task_id, action, created_at";

    /** Newest first; {@code rows} bounds how many. */
    List<Notification> notifications(
            Sql sql, String userId, Optional<Boolean> unread, Optional<UUID> after, int skip, int rows) {
        var state = unread.map(is -> is ? " AND read_at IS NULL" : " AND read_at IS NOT NULL")
                .orElse("");
        var parameters = new ArrayList<@Nullable Object>();
        parameters.add(userId);
        var where = "user_id = ?" + state + after(after, parameters);
        return sql.list(
                page("SELECT " + NOTIFICATION + " FROM notifications WHERE " + where, skip, rows, parameters),
                NotificationStore::notification,
                parameters.toArray());
    }

    /** Read once is read for ever: the first time stays. */
    Optional<Notification> read(Sql sql, String userId, UUID id) {
        return sql.first(
                "UPDATE notifications SET read_at = coalesce(read_at, now()) WHERE user_id = ? AND id = ? RETURNING "
                        + NOTIFICATION,
                NotificationStore::notification,
                userId,
                id);
    }

    /** Newest first; {@code rows} bounds how many. */
    List<Activity> activity(Sql sql, String userId, Optional<UUID> taskId, Optional<UUID> after, int skip, int rows) {
        var parameters = new ArrayList<@Nullable Object>();
        parameters.add(userId);
        taskId.ifPresent(parameters::add);
        var where = "user_id = ?" + (taskId.isPresent() ? " AND task_id = ?" : "") + after(after, parameters);
        return sql.list(
                page("SELECT " + ACTIVITY + " FROM activity WHERE " + where, skip, rows, parameters),
                NotificationStore::activity,
                parameters.toArray());
    }

    private static String after(Optional<UUID> after, List<@Nullable Object> parameters) {
        after.ifPresent(parameters::add);
        return after.isPresent() ? " AND id < ?" : "";
    }

    private static String page(String select, int skip, int rows, List<@Nullable Object> parameters) {
        parameters.add(rows);
        parameters.add(skip);
        return select + " ORDER BY id DESC LIMIT ? OFFSET ?";
    }

    /** Deletes what was done before that time, a batch of it; how much. */
    long sweepActivity(Sql sql, Instant before) {
        return sql.update(
                "DELETE FROM activity WHERE ctid = ANY (ARRAY(SELECT ctid FROM activity WHERE created_at < ? LIMIT "
                        + SWEEP_ROWS + "))",
                before);
    }

    private static Notification notification(Row row) {
        return new Notification(row.uuid(), row.text(), row.uuid(), row.text(), row.instant(), row.instantOrNull());
    }

    private static Activity activity(Row row) {
        return new Activity(row.uuid(), row.text(), row.uuidOrNull(), row.text(), row.instant());
    }
}
