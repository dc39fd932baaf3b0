package dev.heddle.tasks;

import dev.heddle.http.Field;
import dev.heddle.http.JsonFields;
import java.time.Instant;
import java.util.List;

/** A change to a task: what is absent stays as it is (RFC 7396). The rules of its members are those of new tasks. */
record TaskPatch(
        Field<String> title,
        Field<String> description,
        Field<Integer> priority,
        Field<List<String>> labels,
        Field<Instant> dueAt) {

    static TaskPatch of(JsonFields json) {
        return new TaskPatch(
                json.text("title", 1, Task.TITLE_MAX),
                json.textOrNull("description", Task.DESCRIPTION_MAX),
                json.integer("priority", 0, Task.PRIORITY_MAX),
                json.texts("labels", 0, Task.LABELS_MAX, Task.LABEL_MAX),
                json.timeOrNull("due_at"));
    }

    boolean isEmpty() {
        return !title.isPresent()
                && !description.isPresent()
                && !priority.isPresent()
                && !labels.isPresent()
                && !dueAt.isPresent();
    }
}
