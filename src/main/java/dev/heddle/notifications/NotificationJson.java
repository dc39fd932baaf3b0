package dev.heddle.notifications;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Json;
import java.io.IOException;

/** What the jobs have written, as JSON. */
final class NotificationJson {

    private NotificationJson() {}

    static void write(JsonGenerator json, Notification notification) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", notification.id().toString());
        json.writeStringField("user_id", notification.userId());
        json.writeStringField("task_id", notification.taskId().toString());
        json.writeStringField("message", notification.message());
        Json.time(json, "created_at", notification.createdAt());
        Json.time(json, "read_at", notification.readAt());
        json.writeEndObject();
    }

    static void write(JsonGenerator json, Activity activity) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", activity.id().toString());
        json.writeStringField("user_id", activity.userId());
        var taskId = activity.taskId();
        json.writeStringField("task_id", taskId == null ? null : taskId.toString());
        json.writeStringField("action", activity.action());
        Json.time(json, "created_at", activity.createdAt());
        json.writeEndObject();
    }

    static void write(JsonGenerator json, Stats stats) throws IOException {
        json.writeStartObject();
        // A deletion may be counted before the creation: at rest no count is below zero.
        long total = Math.max(0, stats.total());
        long completed = Math.clamp(stats.completed(), 0, total);
        json.writeNumberField("total", total);
        json.writeNumberField("completed", completed);
        json.writeNumberField("open", total - completed);
        Json.time(json, "updated_at", stats.updatedAt());
        json.writeEndObject();
    }
}
