package dev.heddle.tasks;

import dev.heddle.concurrent.SharedPlaces;
import dev.heddle.db.DatabaseException;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Idempotency;
import dev.heddle.http.MediaTypes;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import io.helidon.http.HeaderNames;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Supplier;

/** The HTTP side of importing tasks. */
public final class TaskImportRoutes {

    /**
     * What a database loads in a second at the very least: a tenth of what one did on a small machine. A larger import has
     * that much more time than other requests.
     */
    private static final long LOADED_BYTES_A_SECOND = 1 << 20;

    /** Each takes half a megabyte of memory for as long as its client sends. */
    private static final int RECEIVED_AT_ONCE_MAX = 64;

    private static final int RECEIVED_OF_ONE_MAX = 16;

    private final Tasks tasks;
    private final Idempotency idempotency;
    private final SpoolFolder folder;
    private final long maxBytes;

    private final SharedPlaces receiving = new SharedPlaces("imports", RECEIVED_AT_ONCE_MAX, RECEIVED_OF_ONE_MAX);

    private record Asked(String userId, String type) {}

    private TaskImportRoutes(Tasks tasks, Idempotency idempotency, SpoolFolder folder, long maxBytes) {
        this.tasks = tasks;
        this.idempotency = idempotency;
        this.folder = folder;
        this.maxBytes = maxBytes;
    }

    /**
     * Adds the route.
     *
     * @param maxBytes of a body
     */
    public static void add(Routes routes, Tasks tasks, Idempotency idempotency, SpoolFolder folder, long maxBytes) {
        var its = new TaskImportRoutes(tasks, idempotency, folder, maxBytes);
        routes.addStreaming("POST", "/process", Access.WRITE, its::asked, its::process);
    }

    private Asked asked(Request request) {
        var userId = Caller.current().subject(request.query());
        var type = request.requireType(MediaTypes.CSV, MediaTypes.NDJSON);
        if (type.equals(MediaTypes.CSV) && saysNoHeader(request.header(HeaderNames.CONTENT_TYPE))) {
            throw Problem.UNSUPPORTED_MEDIA_TYPE
                    .because("The first line of text/csv must name the columns; header=absent is not taken.")
                    .with("Accept-Post", MediaTypes.CSV + ", " + MediaTypes.NDJSON);
        }
        Idempotency.requireValidKey(request);
        request.expectStream(maxBytes);
        return new Asked(userId, type);
    }

    /** RFC 4180 §3. Else the first task would be taken for the names of the columns. */
    private static boolean saysNoHeader(String contentType) {
        return Arrays.stream(contentType.toLowerCase(Locale.ROOT).split(";", -1))
                .map(parameter -> parameter.strip().replace("\"", ""))
                .anyMatch("header=absent"::equals);
    }

    private Answer process(Request request, Asked asked) {
        try (var _ = receiving.enter(Caller.current().id());
                var spool = folder.open()) {
            var content = TaskImport.receive(request.stream(), asked.type(), asked.userId(), spool);
            var more = Duration.ofSeconds(spool.bytes() / LOADED_BYTES_A_SECOND);
            return request.onceReceived(more, () -> tasks.inTurn(() -> load(request, content, asked.userId(), spool)));
        }
    }

    private Answer load(Request request, byte[] content, String userId, Spool spool) {
        try {
            return once(request, content, () -> {
                tasks.load(userId, spool);
                return imported(spool.tasks());
            });
        } catch (DatabaseException e) {
            if (!Tasks.isTaken(e)) {
                throw e;
            }
            // Which ids, only when there are any. It is the outcome as well, for whoever asks again with the key.
            var refusal = tasks.taken(userId, spool);
            return once(request, content, () -> {
                throw refusal;
            });
        }
    }

    private Answer once(Request request, byte[] content, Supplier<Answer> work) {
        return idempotency.onceStreamed(request, Caller.current().id(), content, work);
    }

    private static Answer imported(long count) {
        return Answer.ok(json -> {
            json.writeStartObject();
            json.writeObjectFieldStart("result");
            json.writeNumberField("imported", count);
            json.writeEndObject();
            json.writeEndObject();
        });
    }
}
