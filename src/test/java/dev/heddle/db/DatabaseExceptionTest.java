package dev.heddle.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.db.DatabaseException.Kind;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class DatabaseExceptionTest {

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "08000, UNAVAILABLE",
        "08001, UNAVAILABLE",
        "08003, UNAVAILABLE",
        "08006, UNAVAILABLE",
        "08P01, UNAVAILABLE",
        "57P01, UNAVAILABLE",
        "57P02, UNAVAILABLE",
        "57P03, UNAVAILABLE",
        "57P04, UNAVAILABLE",
        "57P05, UNAVAILABLE",
        "25P03, UNAVAILABLE",
        "25006, UNAVAILABLE",
        "53300, UNAVAILABLE",
        "40001, CONTENDED",
        "40P01, CONTENDED",
        "55P03, CONTENDED",
        "57014, DEADLINE",
        "23502, CONSTRAINT",
        "23503, CONSTRAINT",
        "23505, CONSTRAINT",
        "23514, CONSTRAINT",
        "53100, DISK_FULL",
        "42601, FAILURE",
        "42P01, FAILURE",
        "22P02, FAILURE",
        "25P02, FAILURE",
        "53200, FAILURE",
        "XX000, FAILURE"
    })
    void aStateOfPostgreSqlHasItsKind(String state, Kind kind) {
        var failure = DatabaseException.of(new SQLException("it failed", state), false);
        assertEquals(kind, failure.kind());
        assertEquals("SQLSTATE " + state + ": it failed", failure.getMessage());
    }

    @Test
    void aFailureWithoutAStateIsAFailure() {
        assertEquals(
                Kind.FAILURE,
                DatabaseException.of(new SQLException("it failed"), false).kind());
    }

    @Test
    void aPoolThatGivesNoConnectionIsUnavailableWhateverTheReason() {
        assertEquals(
                Kind.UNAVAILABLE,
                DatabaseException.of(new SQLTransientConnectionException("timed out"), false)
                        .kind());
        assertEquals(
                Kind.UNAVAILABLE,
                DatabaseException.of(new SQLTransientConnectionException("timed out", "28P01"), false)
                        .kind());
    }

    @ParameterizedTest(name = "after the deadline {0} is {1}")
    @CsvSource({
        // What ends when we cancel it, or cut its connection.
        "57014, DEADLINE",
        "08006, DEADLINE",
        "08003, DEADLINE",
        // What happened by itself, late.
        "23505, CONSTRAINT",
        "40001, CONTENDED",
        "42601, FAILURE"
    })
    void onlyACancellationCountsAsTheDeadline(String state, Kind kind) {
        assertEquals(
                kind,
                DatabaseException.of(new SQLException("it failed", state), true).kind());
    }

    @Test
    void aViolationNamesItsConstraintAndItsCause() {
        var cause = new PSQLException(
                new ServerErrorMessage("SERROR\0C23505\0Mduplicate key value\0Dthe key (me@x.org)\0nusers_email\0"),
                false);
        var failure = DatabaseException.of(cause, false);
        assertEquals(Kind.CONSTRAINT, failure.kind());
        assertEquals("users_email", failure.constraint());
        assertTrue(failure.isConstraint("users_email"));
        assertFalse(failure.isConstraint("users_pkey"));
        assertSame(cause, failure.getCause());
        assertFalse(failure.toString().contains("me@x.org"), failure::toString);
    }

    @Test
    void whatNoServerSaidNamesNoConstraint() {
        var failure = DatabaseException.of(new SQLException("it failed", "23505"), false);
        assertNull(failure.constraint());
        assertFalse(failure.isConstraint("users_email"));
    }
}
