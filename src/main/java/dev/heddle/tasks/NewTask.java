package dev.heddle.tasks;

import dev.heddle.http.JsonFields;
import dev.heddle.identity.Caller;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A task that is asked for.
 *
 * @param userId for whom, if the request says so
 */
record NewTask(
        String title,
        @Nullable String description,
        int priority,
        List<String> labels,
        @Nullable Instant dueAt,
        Optional<String> userId) {

    static NewTask of(JsonFields json) {
        json.require("title");
        var members = TaskPatch.of(json);
        return new NewTask(
                members.title().or(""),
                members.description().orNull(),
                members.priority().or(0),
                members.labels().or(List.of()),
                members.dueAt().orNull(),
                Optional.ofNullable(json.text("user_id", 1, Caller.USER_ID_MAX).orNull()));
    }
}
