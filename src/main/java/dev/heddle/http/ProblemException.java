package dev.heddle.http;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A {@link Problem} on its way to the client: the one exception type that errors of a request travel as. */
public final class ProblemException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Problem problem;
    private final transient List<Complaint> complaints;
    private final transient Map<String, String> headers;

    ProblemException(
            Problem problem,
            String detail,
            List<Complaint> complaints,
            Map<String, String> headers,
            @Nullable Throwable cause) {
        // The stack of a refusal tells nothing; the stack of its cause does.
        super(detail, cause, false, false);
        this.problem = problem;
        this.complaints = List.copyOf(complaints);
        this.headers = Map.copyOf(headers);
    }

    static ProblemException invalid(List<Complaint> complaints) {
        return new ProblemException(Problem.INVALID, Problem.INVALID.detail(), complaints, Map.of(), null);
    }

    static ProblemException invalidRows(List<Complaint> complaints) {
        return new ProblemException(Problem.INVALID_ROWS, Problem.INVALID_ROWS.detail(), complaints, Map.of(), null);
    }

    /** The same, with one more header in the answer. */
    public ProblemException with(String header, String value) {
        var more = new HashMap<>(headers);
        more.put(header, value);
        return new ProblemException(problem, detail(), complaints, more, getCause());
    }

    /** What it is. */
    public Problem problem() {
        return problem;
    }

    /** The sentence the client sees. */
    public String detail() {
        var message = getMessage();
        return message == null ? problem.detail() : message;
    }

    /** What was wrong with the input, part by part. */
    List<Complaint> complaints() {
        return complaints;
    }

    Map<String, String> headers() {
        return headers;
    }
}
