package dev.heddle.tasks;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Json;
import java.io.IOException;
import java.util.List;

/** Tasks as JSON. */
final class TaskJson {

    private TaskJson() {}

    static void write(JsonGenerator json, Task task) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", task.id().toString());
        json.writeStringField("user_id", task.userId());
        json.writeStringField("title", task.title());
        json.writeStringField("description", task.description());
        json.writeBooleanField("completed", task.completed());
        Json.time(json, "completed_at", task.completedAt());
        json.writeNumberField("priority", task.priority());
        json.writeFieldName("labels");
        writeLabels(json, task.labels());
        Json.time(json, "due_at", task.dueAt());
        Json.time(json, "created_at", task.createdAt());
        Json.time(json, "updated_at", task.updatedAt());
        json.writeNumberField("version", task.version());
        json.writeEndObject();
    }

    static void writeLabels(JsonGenerator json, List<String> labels) throws IOException {
        json.writeStartArray();
        for (var label : labels) {
            json.writeString(label);
        }
        json.writeEndArray();
    }
}
