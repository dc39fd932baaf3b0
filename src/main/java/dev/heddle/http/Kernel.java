package dev.heddle.http;

import dev.heddle.concurrent.Deadline;
import dev.heddle.concurrent.SharedBytes;
import dev.heddle.concurrent.SharedPlaces;
import dev.heddle.connection.Exchange;
import dev.heddle.connection.RefusedException;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.CloseConnectionException;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The way of every request: id and deadline, route, caller, complaints, answer, access log and metrics. It is the one
 * handler that connections call, so nothing can be reached around it.
 */
public final class Kernel {

    private static final HeaderName REQUEST_TIMEOUT = HeaderNames.create("Request-Timeout");
    private static final HeaderName RATE_LIMIT = HeaderNames.create("RateLimit");
    private static final byte[] RATE_LIMIT_NAME = AnswerHead.name(RATE_LIMIT);
    private static final byte[] RATE_LIMIT_POLICY_NAME = AnswerHead.name(HeaderNames.create("RateLimit-Policy"));

    private static final byte[] NOTHING = new byte[0];

    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}(\\.[0-9]{1,9})?");

    /** Below it, the limit of connections bounds what all answers hold that are not taken: 64 MiB by default. */
    private static final int LARGE_BYTES = 16 * 1024;

    private final Routes routes;
    private final Edge edge;
    private final Gatekeeper gatekeeper;
    private final Problems problems;
    private final HttpMetrics metrics;
    private final AccessLog accessLog;
    private final Limits limits;

    /**
     * What bounds a request here.
     *
     * @param requestTimeout the deadline when the caller names none, and the longest it may name
     * @param headerBytes all header names and values together, in bytes; more is 431
     * @param bodyBytes of a body that is held in memory; more is 413
     */
    public record Limits(Duration requestTimeout, int headerBytes, long bodyBytes) {}

    /** Answers by that table. */
    public Kernel(
            Routes routes,
            Edge edge,
            Gatekeeper gatekeeper,
            Problems problems,
            HttpMetrics metrics,
            AccessLog accessLog,
            Limits limits) {
        this.routes = routes;
        this.edge = edge;
        this.gatekeeper = gatekeeper;
        this.problems = problems;
        this.metrics = metrics;
        this.accessLog = accessLog;
        this.limits = limits;
    }

    AccessLog accessLog() {
        return accessLog;
    }

    Cors cors() {
        return edge.cors();
    }

    /** One request, from the connection's own virtual thread. */
    void handle(Exchange in) {
        long began = System.nanoTime();
        metrics.started();
        var request = new Request(in, began, RequestIds.of(in.head().first(CommonHeaders.X_REQUEST_ID)), limits);
        var sent = new Sent();
        request.client(edge.proxies().clientOf(request.peer(), request::header));
        Answer answer = null;
        try {
            answer = answer(request, sent);
            if (sent.mustClose || request.leavesBody()) {
                // Where the next request begins is unknown, or too far away.
                in.end();
            }
            sent.status = answer.status();
            send(request, answer, in, sent);
        } finally {
            if (answer != null) {
                answer.release();
            }
            sent.leave();
            long nanos = System.nanoTime() - began;
            metrics.ended(sent.route, sent.status, nanos);
            if (accessLog.isOn()) {
                accessLog.log(entry(request, sent, nanos));
            }
        }
    }

    /** What became of a request; filled in on its way, so that the log knows even of one that broke off. */
    private static final class Sent {
        private @Nullable Route route;
        private @Nullable Duration asked;
        private @Nullable Deadline deadline;
        /** 499, as nginx logs it: the client left before it had an answer. */
        private int status = 499;

        private long bytes;
        private boolean mustClose;
        /** Among the answers that take as long as their clients. */
        private SharedPlaces.@Nullable Place stream;
        /** Of an answer that is large. */
        private SharedBytes.@Nullable Lease held;

        void leave() {
            if (held != null) {
                held.close();
            }
            if (stream != null) {
                stream.close();
            }
        }
    }

    private AccessLog.Entry entry(Request request, Sent sent, long nanos) {
        return new AccessLog.Entry(
                request.id(),
                request.trace().traceparent(),
                request.callerId(),
                clientOf(request),
                request.method(),
                request.rawPath(),
                sent.route == null ? "-" : sent.route.pattern(),
                sent.status,
                nanos,
                sent.bytes);
    }

    private static String clientOf(Request request) {
        var client = request.client();
        return client == null ? "-" : client.getHostAddress();
    }

    private Answer answer(Request request, Sent sent) {
        try {
            return routed(request, sent);
        } catch (CloseConnectionException e) {
            // The client is gone: there is nobody to answer.
            throw e;
        } catch (RefusedException e) {
            // The framing of the body is broken or it is over the limit: what follows is no request.
            sent.mustClose = true;
            return refusal(request, Problem.ofStatus(e.status()).causedBy(e));
        } catch (Throwable e) {
            return refusal(request, problems.of(e));
        }
    }

    private static Answer refusal(Request request, ProblemException problem) {
        Problems.log(problem, request.id());
        return Problems.answer(problem, request.rawPath(), request.id());
    }

    /**
     * What is sent while it is made takes a place among such, for as long as its client takes; what is made and large takes
     * room in the heap.
     */
    private Answer routed(Request request, Sent sent) {
        var answer = route(request, sent);
        boolean isSent = answer.streaming() != null && !(request.method().equals("HEAD") && answer.hasLength());
        if (edge.streams() != null && isSent) {
            try {
                sent.stream = edge.streams().enter(request.callerId());
            } catch (RuntimeException e) {
                answer.release();
                throw e;
            }
        }
        int length = answer.bytes().length;
        if (edge.held() != null && length > LARGE_BYTES) {
            sent.held = edge.held().lease(holderOf(request));
            sent.held.take(length);
        }
        return answer;
    }

    /** Nobody's answers are those of an address, or one could keep all of them from everybody else. */
    private static String holderOf(Request request) {
        return request.callerId().equals(Request.NOBODY) ? "at " + request.clientKey() : request.callerId();
    }

    private Answer route(Request request, Sent sent) {
        request.rate(edge.addresses().take(request.clientKey()));
        requireSmallHeaders(request);
        if (request.rawPath().equals("*") && request.method().equals("OPTIONS")) {
            // About the server as a whole, RFC 9110 §9.3.7.
            return Answer.of(204).header(HeaderNames.ALLOW, routes.methods());
        }
        var place = routes.find(request.rawPath());
        if (place == null) {
            throw Problem.NOT_FOUND.asException();
        }
        var method = request.method();
        if (method.equals("OPTIONS")) {
            var preflight = edge.cors().preflight(request, place.allow());
            return preflight == null ? Answer.of(204).header(HeaderNames.ALLOW, place.allow()) : preflight;
        }
        var route = place.route(method);
        if (route == null) {
            throw Problem.METHOD_NOT_ALLOWED.asException().with("Allow", place.allow());
        }
        sent.route = route;
        sent.asked = askedTimeout(request).orElse(null);
        request.pathValues(place.values());
        var deadline = deadline(request.began(), sent.asked);
        sent.deadline = deadline;
        var answer = deadline.call(() -> gatekeeper.admit(request, route.access(), () -> run(route, request, sent)));
        return unlessNotModified(request, answer);
    }

    private Answer run(Route route, Request request, Sent sent) {
        if (route.load() == Load.STREAMED && sent.asked == null) {
            // A body comes as fast as its client sends it; the server's own deadline is for what is done with it.
            return Deadline.never().call(() -> route.run().run(request));
        }
        if (route.load() != Load.ORDINARY || edge.admission() == null) {
            return route.run().run(request);
        }
        try {
            request.admittedBy(edge.admission());
            return route.run().run(request);
        } finally {
            request.leave();
        }
    }

    private Deadline deadline(long began, @Nullable Duration asked) {
        return asked != null && asked.compareTo(limits.requestTimeout()) < 0
                ? Deadline.ofCaller(began, asked)
                : Deadline.after(began, limits.requestTimeout());
    }

    private static Optional<Duration> askedTimeout(Request request) {
        var text = request.header(REQUEST_TIMEOUT);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        double seconds = SECONDS.matcher(text).matches() ? Double.parseDouble(text) : 0;
        if (seconds <= 0) {
            throw Problem.BAD_REQUEST.because("Request-Timeout must be a number of seconds above 0, such as 2.5.");
        }
        return Optional.of(Duration.ofNanos((long) (seconds * 1e9)));
    }

    private void requireSmallHeaders(Request request) {
        if (request.headerBytes() > limits.headerBytes()) {
            throw Problem.HEADERS_TOO_LARGE.because(
                    "The header fields may have at most " + limits.headerBytes() + " bytes.");
        }
    }

    /** RFC 9110 §13.1.2: a client that has this version already gets told so. */
    private static Answer unlessNotModified(Request request, Answer answer) {
        if (answer.version() == 0 || answer.status() != 200 || !isSafe(request)) {
            return answer;
        }
        return Preconditions.noneMatchFails(request.header(HeaderNames.IF_NONE_MATCH), answer.version())
                ? Answer.of(304).version(answer.version())
                : answer;
    }

    private static boolean isSafe(Request request) {
        return request.method().equals("GET") || request.method().equals("HEAD");
    }

    private void send(Request request, Answer answer, Exchange out, Sent sent) {
        AnswerHead head;
        try {
            head = head(request, answer, out);
        } catch (IllegalArgumentException e) {
            // A header that nobody can be sent: nothing has left, so it is a failure like any other.
            var failure = failure(request, problems.of(e), sent);
            send(request, failure, head(request, failure, out), out, sent);
            return;
        }
        send(request, answer, head, out, sent);
    }

    private void send(Request request, Answer answer, AnswerHead head, Exchange out, Sent sent) {
        var streaming = answer.streaming();
        boolean isHead = request.method().equals("HEAD");
        if (streaming != null && !(isHead && answer.hasLength())) {
            stream(request, answer, head, out, sent);
            return;
        }
        var bytes = answer.bytes();
        if (mayHaveBody(answer.status())) {
            head.contentLength(streaming == null ? bytes.length : answer.length());
        }
        sent.bytes = isHead ? 0 : bytes.length;
        head.send(out, bytes, 0, (int) sent.bytes);
    }

    /** RFC 9110 §8.6: these never have one, and name no length. */
    private static boolean mayHaveBody(int status) {
        return status != 204 && status != 304;
    }

    /** All of it but what tells the length. */
    private AnswerHead head(Request request, Answer answer, Exchange out) {
        var head = new AnswerHead(answer.status()).headers(headers(request, answer));
        CommonHeaders.add(head, answer, request.id());
        var rate = request.rate();
        if (rate != null && !answer.has(RATE_LIMIT)) {
            head.header(RATE_LIMIT_POLICY_NAME, rate.policy()).header(RATE_LIMIT_NAME, rate.left());
        }
        boolean isLast = out.isLast();
        if (isLast) {
            // The client, or the proxy, goes elsewhere of its own accord, and never meets a closed connection.
            out.end();
        }
        return head.closing(isLast);
    }

    private List<Header> headers(Request request, Answer answer) {
        if (edge.publicUrl().isEmpty() && edge.cors() == Cors.OFF) {
            return answer.headers();
        }
        var headers = new ArrayList<Header>();
        for (var header : answer.headers()) {
            headers.add(isLink(header) ? HeaderValues.create(header.headerName(), edge.link(header.get())) : header);
        }
        edge.cors().headers(answer, request.header(HeaderNames.ORIGIN), headers::add);
        return headers;
    }

    /**
     * A stream is as long as its client reads; the server's default deadline was for making its beginning. Only a
     * deadline that the caller asked for bounds the whole.
     */
    private void stream(Request request, Answer answer, AnswerHead head, Exchange out, Sent sent) {
        var streaming = Objects.requireNonNull(answer.streaming());
        boolean isHead = request.method().equals("HEAD");
        if (answer.hasLength()) {
            head.contentLength(answer.length());
        }
        var stream = new AnswerStream(out, head, answer.hasLength());
        var body = isHead
                ? new BodyOutput(OutputStream.nullOutputStream(), null, BodyOutput.LENGTH_UNKNOWN)
                : new BodyOutput(stream, answer.hasLength() ? out.wire().orElse(null) : null, answer.length());
        try {
            var deadline = sent.deadline;
            if (sent.asked == null || deadline == null) {
                streaming.to(body);
            } else {
                deadline.call(() -> {
                    streaming.to(body);
                    return null;
                });
            }
            body.requireWhole();
            if (isHead) {
                // Known only by making it.
                head.contentLength(body.bytes()).send(out, NOTHING, 0, 0);
            } else {
                stream.finish();
            }
        } catch (CloseConnectionException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // Not the client's: what fails on the way to it closes the connection, see above.
            breakOff(request, problems.of(e), stream, out, sent);
        } finally {
            if (!isHead && sent.bytes == 0) {
                sent.bytes = body.bytes();
            }
        }
    }

    /** While nothing has left, a failure is an answer like any other; later it is a cut, so no part passes for all. */
    private void breakOff(Request request, ProblemException problem, AnswerStream stream, Exchange out, Sent sent) {
        var failure = failure(request, problem, sent);
        if (stream.hasBegun()) {
            throw new CloseConnectionException("a stream broke off", problem);
        }
        send(request, failure, out, sent);
    }

    /** In place of an answer that was already known. */
    private static Answer failure(Request request, ProblemException problem, Sent sent) {
        sent.status = problem.problem().status();
        return refusal(request, problem);
    }

    private static boolean isLink(Header header) {
        return header.headerName().equals(HeaderNames.LOCATION)
                || header.headerName().equals(HeaderNames.LINK);
    }
}
