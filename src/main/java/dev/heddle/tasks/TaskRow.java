package dev.heddle.tasks;

import dev.heddle.db.Uuid7;
import dev.heddle.http.JsonFields;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A task that comes in a row: the members of an export, of which only the title is required. Those that can be written with
 * a new task have its rules.
 */
final class TaskRow {

    /** What every JSON reader takes for a whole number. */
    private static final long VERSION_MAX = (1L << 53) - 1;

    private TaskRow() {}

    /**
     * The task, of no meaning after a complaint.
     *
     * @param userId who imports it, or for whom
     * @param now when it was made or changed, unless it says so itself
     */
    static Task of(JsonFields json, String userId, Instant now) {
        var id = json.uuid("id").orNull();
        var members = NewTask.of(json);
        if (!members.userId().orElse(userId).equals(userId)) {
            json.complain("user_id", "contradiction", "is not the user whose tasks these are to be");
        }
        var completedAt = completedAt(json, now);
        var task = new Task(
                id == null ? Uuid7.next() : id,
                userId,
                members.title(),
                members.description(),
                completedAt != null,
                completedAt,
                members.priority(),
                members.labels(),
                members.dueAt(),
                json.time("created_at").or(now),
                json.time("updated_at").or(now),
                json.bigint("version", 1, VERSION_MAX).or(1L));
        json.complainAboutUnknown();
        return task;
    }

    private static @Nullable Instant completedAt(JsonFields json, Instant now) {
        var completed = json.flag("completed");
        var at = json.timeOrNull("completed_at").orNull();
        if (completed.or(false)) {
            return at == null ? now : at;
        }
        // What is neither true nor false has its complaint already.
        if (at != null && (!completed.isPresent() || completed.value() != null)) {
            json.complain("completed_at", "contradiction", "must be null or absent when completed is not true");
        }
        return null;
    }
}
