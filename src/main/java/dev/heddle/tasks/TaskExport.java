package dev.heddle.tasks;

import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import de.siegmar.fastcsv.writer.QuoteStrategies;
import dev.heddle.concurrent.Deadline;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.MediaTypes;
import dev.heddle.http.Timestamps;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * All matching tasks, newest first, in constant memory. It reads page by page, so that no database connection waits for
 * a slow client; what is made or changed while it runs may or may not be in it.
 */
final class TaskExport {

    /** Half a megabyte for tasks of the usual size; the next page costs one index look-up. */
    private static final int PAGE = 1000;

    /** A page takes milliseconds; the whole may take as long as its client reads. */
    private static final Duration PAGE_LIMIT = Duration.ofSeconds(30);

    private static final String[] CSV_HEADER = {
        "id",
        "user_id",
        "title",
        "description",
        "completed",
        "completed_at",
        "priority",
        "labels",
        "due_at",
        "created_at",
        "updated_at",
        "version"
    };

    private final Tasks tasks;
    private final TaskFilter filter;

    TaskExport(Tasks tasks, TaskFilter filter) {
        this.tasks = tasks;
        this.filter = filter;
    }

    /** Writes them in that media type. */
    void to(String type, OutputStream out) throws IOException {
        boolean csv = type.equals(MediaTypes.CSV);
        if (csv) {
            out.write((String.join(",", CSV_HEADER) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        }
        var after = Optional.<Keyset>empty();
        List<Task> page;
        do {
            page = page(after);
            out.write(csv ? csv(page) : ndjson(page));
            after = page.isEmpty() ? after : Optional.of(TaskRoutes.keyset(page.getLast()));
        } while (page.size() == PAGE);
    }

    private List<Task> page(Optional<Keyset> after) {
        // Each page has its own limit, or less if the caller asked for a deadline of the whole.
        return Deadline.after(Duration.ofNanos(Deadline.current().limitNanos(PAGE_LIMIT)))
                .call(() -> tasks.list(filter, after, 0, PAGE));
    }

    private static byte[] ndjson(List<Task> page) {
        var bytes = new ByteArrayOutputStream(page.size() * 400);
        for (var task : page) {
            bytes.writeBytes(Json.write(json -> TaskJson.write(json, task)));
            bytes.write('\n');
        }
        return bytes.toByteArray();
    }

    /** RFC 4180; a null is an empty field, an empty text is a quoted one, labels are a JSON array. */
    private static byte[] csv(List<Task> page) {
        var bytes = new ByteArrayOutputStream(page.size() * 300);
        try (Writer text = new OutputStreamWriter(bytes, StandardCharsets.UTF_8);
                CsvWriter csv = CsvWriter.builder()
                        .lineDelimiter(LineDelimiter.CRLF)
                        .quoteStrategy(QuoteStrategies.EMPTY)
                        .build(text)) {
            page.forEach(task -> csv.writeRecord(cells(task)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static @Nullable String[] cells(Task task) {
        return new @Nullable String[] {
            task.id().toString(),
            task.userId(),
            task.title(),
            task.description(),
            String.valueOf(task.completed()),
            time(task.completedAt()),
            String.valueOf(task.priority()),
            new String(Json.write(json -> TaskJson.writeLabels(json, task.labels())), StandardCharsets.UTF_8),
            time(task.dueAt()),
            time(task.createdAt()),
            time(task.updatedAt()),
            String.valueOf(task.version())
        };
    }

    private static @Nullable String time(@Nullable Instant time) {
        return time == null ? null : Timestamps.write(time);
    }
}
