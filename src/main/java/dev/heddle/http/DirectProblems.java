package dev.heddle.http;

import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.ServerRequestHeaders;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.http.DirectHandlers;
import org.jspecify.annotations.Nullable;

/**
 * The errors that the web server makes before a request reaches the kernel (a broken request line, a body over the
 * limit), in the same form as all others.
 */
final class DirectProblems implements DirectHandler {

    private final HttpMetrics metrics;

    private DirectProblems(HttpMetrics metrics) {
        this.metrics = metrics;
    }

    static DirectHandlers handlers(HttpMetrics metrics) {
        var handler = new DirectProblems(metrics);
        var handlers = DirectHandlers.builder();
        for (var type : EventType.values()) {
            handlers.addHandler(type, handler);
        }
        return handlers.build();
    }

    @Override
    public TransportResponse handle(
            TransportRequest request,
            EventType eventType,
            Status defaultStatus,
            ServerResponseHeaders responseHeaders,
            @Nullable String message) {
        metrics.refused(defaultStatus.code());
        var problem = problemOf(defaultStatus, request.headers());
        var requestId = RequestIds.of(
                request.headers().first(HeaderNames.create("X-Request-Id")).orElse(""));
        var answer = Problems.answer(problem, instanceOf(request.path()), requestId);
        var response = TransportResponse.builder()
                .status(Status.create(answer.status()))
                .headers(responseHeaders)
                .keepAlive(false)
                .header(HeaderNames.create("X-Request-Id"), requestId)
                .header(HeaderNames.create("X-Content-Type-Options"), "nosniff")
                .header(HeaderNames.CACHE_CONTROL, "no-store")
                .entity(answer.bytes());
        answer.headers().forEach(response::header);
        return response.build();
    }

    private static ProblemException problemOf(Status status, ServerRequestHeaders headers) {
        // The server says 400 to a body in an encoding that it does not decode; RFC 9110 §15.5.16 has a better word.
        if (status.code() == 400 && headers.contains(HeaderNames.CONTENT_ENCODING)) {
            return Problem.UNSUPPORTED_MEDIA_TYPE.because("The body must not be encoded (Content-Encoding).");
        }
        return Problem.ofStatus(status.code()).asException();
    }

    private static String instanceOf(@Nullable String target) {
        if (target == null) {
            return "";
        }
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }
}
