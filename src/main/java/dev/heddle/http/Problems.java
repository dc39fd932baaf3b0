package dev.heddle.http;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.admission.RateLimitedException;
import dev.heddle.concurrent.BulkheadFullException;
import io.helidon.http.HeaderNames;
import io.helidon.http.HttpException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Function;

/** Turns whatever went wrong into a {@link Problem}, and a problem into the document a client gets. */
public final class Problems {

    private static final System.Logger LOG = System.getLogger(Problems.class.getName());

    private final Function<Throwable, Optional<ProblemException>> translator;

    /**
     * Knows the failures of this room.
     *
     * @param translator knows those of the others
     */
    public Problems(Function<Throwable, Optional<ProblemException>> translator) {
        this.translator = translator;
    }

    /** What the client is told about a failure; the rest is logged. */
    public ProblemException of(Throwable failure) {
        return switch (failure) {
            case ProblemException known -> known;
            case BulkheadFullException full -> Problem.OVERLOADED.causedBy(full);
            case RateLimitedException limited -> rateLimited(limited);
            case HttpException refused ->
                Problem.ofStatus(refused.status().code()).causedBy(refused);
            case CancellationException cancelled -> Problem.DEADLINE_EXCEEDED.causedBy(cancelled);
            default -> translator.apply(failure).orElseGet(() -> Problem.INTERNAL_ERROR.causedBy(failure));
        };
    }

    private static ProblemException rateLimited(RateLimitedException limited) {
        long seconds =
                Math.max(1, limited.untilNext().plusSeconds(1).minusNanos(1).toSeconds());
        return Problem.RATE_LIMITED
                .causedBy(limited)
                .with("Retry-After", String.valueOf(seconds))
                .with("RateLimit-Policy", limited.state().policy())
                .with("RateLimit", limited.state().left());
    }

    /** Logs it, with its cause and the request's id, as loudly as the catalogue says. */
    public static void log(ProblemException problem, String requestId) {
        var level = problem.problem().level();
        if (LOG.isLoggable(level)) {
            var line = "request " + requestId + ": " + problem.problem().code();
            if (level == Level.ERROR) {
                LOG.log(level, line, problem.getCause());
            } else {
                // One line: what passes by itself comes in hundreds, and its stacks would drown the rest.
                LOG.log(level, problem.getCause() == null ? line : line + ": " + problem.getCause());
            }
        }
    }

    /** The answer to a request that failed so. */
    public static Answer answer(ProblemException problem, String path, String requestId) {
        var answer = Answer.of(problem.problem().status(), MediaTypes.PROBLEM, document(problem, path, requestId));
        problem.headers().forEach((name, value) -> answer.header(HeaderNames.create(name), value));
        switch (problem.problem().status()) {
            case 401 -> {
                if (!answer.has(HeaderNames.WWW_AUTHENTICATE)) {
                    answer.header(HeaderNames.WWW_AUTHENTICATE, "Bearer realm=\"heddle\"");
                }
            }
            case 503 -> {
                if (!answer.has(HeaderNames.RETRY_AFTER)) {
                    answer.header(HeaderNames.RETRY_AFTER, Problem.RETRY_AFTER_SECONDS);
                }
            }
            default -> {}
        }
        if (problem.problem() == Problem.IDEMPOTENCY_IN_PROGRESS) {
            answer.header(HeaderNames.RETRY_AFTER, Problem.RETRY_AFTER_SECONDS);
        }
        return answer;
    }

    static byte[] document(ProblemException exception, String path, String requestId) {
        return Json.write(json -> write(json, exception, path, requestId));
    }

    /** Writes the document of a problem. */
    public static void write(JsonGenerator json, ProblemException exception, String path, String requestId)
            throws IOException {
        var problem = exception.problem();
        json.writeStartObject();
        json.writeStringField("type", "/problems/" + problem.code());
        json.writeStringField("title", problem.title());
        json.writeNumberField("status", problem.status());
        json.writeStringField("detail", exception.detail());
        json.writeStringField("instance", path);
        json.writeStringField("code", problem.code());
        json.writeStringField("request_id", requestId);
        if (!exception.complaints().isEmpty()) {
            write(json, exception.complaints());
        }
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, List<Complaint> complaints) throws IOException {
        json.writeArrayFieldStart("errors");
        for (var complaint : complaints) {
            json.writeStartObject();
            if (complaint.line() > 0) {
                json.writeNumberField("line", complaint.line());
            }
            json.writeStringField(complaint.place().member(), complaint.name());
            json.writeStringField("code", complaint.code());
            json.writeStringField("detail", complaint.detail());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
