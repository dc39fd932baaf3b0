package dev.heddle.http;

import dev.heddle.connection.RequestHead;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import java.net.InetAddress;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The errors that are made before a request reaches the kernel (a broken request line, a body over the limit), in the same
 * form as all others.
 */
final class DirectProblems {

    private static final byte[] NOTHING = new byte[0];

    private final HttpMetrics metrics;
    private final Cors cors;
    private final AccessLog accessLog;

    DirectProblems(HttpMetrics metrics, Cors cors, AccessLog accessLog) {
        this.metrics = metrics;
        this.cors = cors;
        this.accessLog = accessLog;
    }

    /**
     * A whole answer; the connection ends with it.
     *
     * @param head as far as it was read
     * @param peer who sent it, as far as that is known
     */
    byte[] answer(int status, RequestHead head, @Nullable InetAddress peer) {
        metrics.refused(status);
        var requestId = RequestIds.of(head.first(CommonHeaders.X_REQUEST_ID));
        var answer = Problems.answer(problemOf(status), head.path(), requestId);
        if (accessLog.isOn()) {
            accessLog.log(entry(requestId, head, peer, answer));
        }
        return answer(answer, head, requestId);
    }

    /** As of all requests, but that nobody has seen who sent it on whose behalf, or when it began. */
    private static AccessLog.Entry entry(
            String requestId, RequestHead head, @Nullable InetAddress peer, Answer answer) {
        return new AccessLog.Entry(
                requestId,
                null,
                "-",
                peer == null ? "-" : peer.getHostAddress(),
                head.method().isEmpty() ? "-" : head.method(),
                isVisible(head.path()) ? head.path() : "-",
                "-",
                answer.status(),
                0,
                answer.bytes().length);
    }

    /** A path may be refused for what would break a line of the log. */
    private static boolean isVisible(String path) {
        return !path.isEmpty() && path.chars().allMatch(c -> c > ' ' && c < 0x7f);
    }

    private static ProblemException problemOf(int status) {
        if (status == 415) {
            return Problem.UNSUPPORTED_MEDIA_TYPE
                    .because("The body must not be encoded (Content-Encoding).")
                    .with("Accept-Encoding", "identity");
        }
        return Problem.ofStatus(status).asException();
    }

    /** To one that has not been heard yet; it may ask for anything. */
    byte[] tooManyConnections() {
        var id = RequestIds.fresh();
        var problem = Problem.OVERLOADED.because("There are too many connections; try again.");
        return answer(Problems.answer(problem, "", id), RequestHead.NONE, id);
    }

    private byte[] answer(Answer answer, RequestHead request, String requestId) {
        var headers = new ArrayList<Header>(answer.headers());
        cors.headers(answer, request.first(HeaderNames.ORIGIN), headers::add);
        var head = new AnswerHead(answer.status()).headers(headers);
        CommonHeaders.add(head, answer, requestId);
        head.closing(true).contentLength(answer.bytes().length);
        return head.with(request.method().equals("HEAD") ? NOTHING : answer.bytes());
    }
}
