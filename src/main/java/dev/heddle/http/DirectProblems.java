package dev.heddle.http;

import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.http.DirectHandlers;
import org.jspecify.annotations.Nullable;

/**
 * The errors that the web server makes before a request reaches the kernel (a broken request line, a body over the
 * limit), in the same form as all others.
 */
final class DirectProblems implements DirectHandler {

    /** Messages of Helidon 4.5; a test tells when they change. */
    private static final String HEADERS_EXCEEDED = "Header size exceeded";

    private static final String BODY_ENCODED = "Content-Encoding header present when content encoding is disabled";

    private final HttpMetrics metrics;
    private final Cors cors;

    private DirectProblems(HttpMetrics metrics, Cors cors) {
        this.metrics = metrics;
        this.cors = cors;
    }

    static DirectHandlers handlers(HttpMetrics metrics, Cors cors) {
        var handler = new DirectProblems(metrics, cors);
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
        var problem = problemOf(request, eventType, defaultStatus, message);
        metrics.refused(problem.problem().status());
        var requestId = RequestIds.of(
                request.headers().first(CommonHeaders.X_REQUEST_ID).orElse(""));
        var answer = Problems.answer(problem, instanceOf(request.path()), requestId);
        var response = TransportResponse.builder()
                .status(Status.create(answer.status()))
                .headers(responseHeaders)
                .keepAlive(false)
                .entity(answer.bytes());
        answer.headers().forEach(response::header);
        CommonHeaders.of(answer, requestId, response::header);
        cors.headers(answer, request.headers().first(HeaderNames.ORIGIN).orElse(""), response::header);
        return response.build();
    }

    private static ProblemException problemOf(
            TransportRequest request, EventType eventType, Status status, @Nullable String message) {
        // The server says 400 where HTTP has a better word; which it was, only its message tells.
        if (HEADERS_EXCEEDED.equals(message)) {
            return Problem.HEADERS_TOO_LARGE.asException();
        }
        if (BODY_ENCODED.equals(message)) {
            return Problem.UNSUPPORTED_MEDIA_TYPE
                    .because("The body must not be encoded (Content-Encoding).")
                    .with("Accept-Encoding", "identity");
        }
        // And 500 to what breaks before there is a request: a method that is no token, a client gone within its
        // headers.
        if (eventType == EventType.INTERNAL_ERROR && request.method().isEmpty()) {
            return Problem.BAD_REQUEST.asException();
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
