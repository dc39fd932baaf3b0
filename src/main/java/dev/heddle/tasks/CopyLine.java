package dev.heddle.tasks;

import dev.heddle.http.Timestamps;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Tasks as lines of PostgreSQL's COPY, in its text format: tabs between the columns, {@code \N} for null, and a backslash
 * before whatever would be taken for one of these. One thread's.
 */
final class CopyLine {

    /** In the order of the columns below. */
    static final String COLUMNS = """
        id, user_id, title, description, completed, completed_at, priority, labels, due_at, created_at, updated_at, version\
        """;

    private final StringBuilder line = new StringBuilder();

    /** The line, with its end. It begins with the id, in 36 characters. */
    byte[] of(Task task) {
        line.setLength(0);
        line.append(task.id());
        text(task.userId());
        text(task.title());
        text(task.description());
        text(task.completed() ? "t" : "f");
        time(task.completedAt());
        line.append('\t').append(task.priority());
        labels(task);
        time(task.dueAt());
        time(task.createdAt());
        time(task.updatedAt());
        line.append('\t').append(task.version()).append('\n');
        return line.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void text(@Nullable String text) {
        line.append('\t');
        if (text == null) {
            line.append("\\N");
        } else {
            escape(text);
        }
    }

    private void time(@Nullable Instant time) {
        line.append('\t').append(time == null ? "\\N" : Timestamps.write(time));
    }

    /** An array is a text by itself, with quotes and backslashes of its own. */
    private void labels(Task task) {
        line.append("\t{");
        var separator = "";
        for (var label : task.labels()) {
            line.append(separator).append('"');
            escape(label.replace("\\", "\\\\").replace("\"", "\\\""));
            line.append('"');
            separator = ",";
        }
        line.append('}');
    }

    private void escape(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\\' -> line.append("\\\\");
                case '\t' -> line.append("\\t");
                case '\n' -> line.append("\\n");
                case '\r' -> line.append("\\r");
                default -> line.append(c);
            }
        }
    }
}
