package dev.heddle.http;

import dev.heddle.connection.RequestHead;
import io.helidon.http.Header;
import io.helidon.http.HeaderNames;
import java.util.ArrayList;

/**
 * The errors that are made before a request reaches the kernel (a broken request line, a body over the limit), in the same
 * form as all others.
 */
final class DirectProblems {

    private static final byte[] NOTHING = new byte[0];

    private final HttpMetrics metrics;
    private final Cors cors;

    DirectProblems(HttpMetrics metrics, Cors cors) {
        this.metrics = metrics;
        this.cors = cors;
    }

    /**
     * A whole answer; the connection ends with it.
     *
     * @param head as far as it was read
     */
    byte[] answer(int status, RequestHead head) {
        metrics.refused(status);
        var requestId = RequestIds.of(head.first(CommonHeaders.X_REQUEST_ID));
        return answer(Problems.answer(problemOf(status), head.path(), requestId), head, requestId);
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
