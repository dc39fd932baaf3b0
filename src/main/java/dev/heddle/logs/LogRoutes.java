package dev.heddle.logs;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.MediaTypes;
import dev.heddle.http.Page;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The HTTP side of the log, for administrators: what it says is for nobody else. */
public final class LogRoutes {

    private static final String TEXT = "text/plain";

    /** As many as one document has room for, when they are as short as a line of the log can be. */
    private static final int TAIL_MAX = 10_000;

    private final LogFiles files;

    private record Asked(String name, boolean asText, int lines) {}

    private LogRoutes(LogFiles files) {
        this.files = files;
    }

    /** Adds the routes. */
    public static void add(Routes routes, LogFiles files) {
        var its = new LogRoutes(files);
        // Whatever is no name of a log gets the same answer, so that nobody learns anything from another.
        routes.add("GET", "/logs", Access.ADMIN, LogRoutes::page, its::list)
                .add("GET", "/logs/{filename}", Access.ADMIN, LogRoutes::asked, its::get)
                .takeTheRest("/logs/{filename}");
    }

    private static Page page(Request request) {
        return Page.of(request.query(), "logs");
    }

    private Answer list(Request request, Page page) {
        var rows = files.list(Keyset.of(page), page.skip(), page.rows());
        return page.answer(request, rows, LogRoutes::write, LogFile::position);
    }

    private static void write(JsonGenerator json, LogFile log) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", log.name().text());
        json.writeNumberField("size", log.size());
        Json.time(json, "modified_at", log.modifiedAt());
        json.writeEndObject();
    }

    private static Asked asked(Request request) {
        boolean asText = request.accept(MediaTypes.JSON, TEXT).equals(TEXT);
        var lines = request.query().integer("tail", 1, TAIL_MAX);
        if (asText && lines.isPresent()) {
            request.query().complain("tail", "not_for_text", "is for application/json; text/plain takes Range");
        }
        return new Asked(request.pathValue(0), asText, lines.orElse(Integer.MAX_VALUE));
    }

    private Answer get(Request request, Asked asked) {
        var log = files.open(asked.name()).orElseThrow(() -> Problem.NOT_FOUND.because("Log file not found"));
        try {
            var answer = asked.asText() ? log.representation().answer(request, () -> log) : tail(log, asked.lines());
            return answer.owning(log);
        } catch (RuntimeException | Error e) {
            close(log);
            throw e;
        }
    }

    private static Answer tail(OpenLog log, int lines) {
        OpenLog.Tail tail;
        try {
            tail = log.tail(lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Answer.ok(json -> {
                    json.writeStartObject();
                    json.writeStringField("content", tail.content());
                    json.writeNumberField("size", log.size());
                    json.writeBooleanField("truncated", tail.isTruncated());
                    json.writeEndObject();
                })
                .header(HeaderNames.VARY, "Accept");
    }

    private static void close(OpenLog log) {
        try {
            log.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
