package dev.heddle.upstream;

import dev.heddle.client.HttpFailure;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;

/** What callers are told of a call that failed; why exactly, and at which address, is for the log. */
final class RemoteProblems {

    private RemoteProblems() {}

    /**
     * The problem that a failure is.
     *
     * @param whose the remote, as the beginning of a sentence
     */
    static ProblemException of(HttpFailure failure, String whose) {
        return switch (failure.kind()) {
            case FORBIDDEN -> Problem.URL_REFUSED.causedBy(failure);
            case UNRESOLVED, UNREACHABLE, UNTRUSTED ->
                Problem.UPSTREAM_UNREACHABLE.because(whose + " cannot be reached.", failure);
            case TIMEOUT -> Problem.UPSTREAM_TIMEOUT.because(whose + " did not answer in time.", failure);
            case CUT -> Problem.UPSTREAM_INVALID.because(whose + " broke off its answer.", failure);
            case MALFORMED -> Problem.UPSTREAM_INVALID.because(whose + " does not speak HTTP/1.1.", failure);
            case TOO_LARGE -> Problem.UPSTREAM_INVALID.because(whose + " sent too large an answer.", failure);
        };
    }
}
