package dev.heddle.tasks;

import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import de.siegmar.fastcsv.writer.QuoteStrategies;
import dev.heddle.concurrent.Deadline;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.MediaTypes;
import dev.heddle.http.Timestamps;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
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

    /**
     * The largest task takes some 160 KB while it is read, so a page of the largest is 16 MB. Longer pages are not faster:
     * the next one costs one index look-up.
     */
    private static final int PAGE = 100;

    /** What is sent at once. */
    private static final int BUFFER_BYTES = 64 * 1024;

    /** A page takes milliseconds; the whole may take as long as its client reads. */
    private static final Duration PAGE_LIMIT = Duration.ofSeconds(30);

    /** Of CSV; an import takes the same. */
    static final List<String> COLUMNS = List.of(
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
            "version");

    private final Tasks tasks;
    private final TaskFilter filter;

    TaskExport(Tasks tasks, TaskFilter filter) {
        this.tasks = tasks;
        this.filter = filter;
    }

    private interface Writing {
        void write(Task task) throws IOException;
    }

    /** Writes them in that media type. */
    void to(String type, OutputStream out) throws IOException {
        var buffered = new BufferedOutputStream(out, BUFFER_BYTES);
        if (type.equals(MediaTypes.CSV)) {
            csv(buffered);
        } else {
            ndjson(buffered);
        }
        buffered.flush();
    }

    private void ndjson(OutputStream out) throws IOException {
        forEach(task -> {
            out.write(Json.write(json -> TaskJson.write(json, task)));
            out.write('\n');
        });
    }

    /** RFC 4180; a null is an empty field, an empty text is a quoted one, labels are a JSON array. */
    private void csv(OutputStream out) throws IOException {
        var csv = CsvWriter.builder()
                .lineDelimiter(LineDelimiter.CRLF)
                .quoteStrategy(QuoteStrategies.EMPTY)
                .build(new OutputStreamWriter(out, StandardCharsets.UTF_8));
        csv.writeRecord(COLUMNS);
        forEach(task -> csv.writeRecord(cells(task)));
        csv.flush();
    }

    private void forEach(Writing writing) throws IOException {
        var after = Optional.<Keyset>empty();
        List<Task> page;
        do {
            page = page(after);
            for (var task : page) {
                writing.write(task);
            }
            after = page.isEmpty() ? after : Optional.of(TaskRoutes.keyset(page.getLast()));
        } while (page.size() == PAGE);
    }

    private List<Task> page(Optional<Keyset> after) {
        // Each page has its own limit, or less if the caller asked for a deadline of the whole.
        return Deadline.after(Duration.ofNanos(Deadline.current().limitNanos(PAGE_LIMIT)))
                .call(() -> tasks.list(filter, after, 0, PAGE));
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
