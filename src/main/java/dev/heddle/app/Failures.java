package dev.heddle.app;

import dev.heddle.db.DatabaseException;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import java.util.Optional;

/** What the failures of the database mean to a client; here, because neither of the two rooms knows the other. */
final class Failures {

    private Failures() {}

    static Optional<ProblemException> translate(Throwable failure) {
        return failure instanceof DatabaseException e
                ? Optional.of(problemOf(e.kind()).causedBy(e))
                : Optional.empty();
    }

    private static Problem problemOf(DatabaseException.Kind kind) {
        return switch (kind) {
            case UNAVAILABLE -> Problem.DATABASE_UNAVAILABLE;
            case CONTENDED -> Problem.CONTENDED;
            case DEADLINE -> Problem.DEADLINE_EXCEEDED;
            case DISK_FULL -> Problem.STORAGE_FULL;
            case CONSTRAINT, FAILURE -> Problem.DATABASE_ERROR;
        };
    }
}
