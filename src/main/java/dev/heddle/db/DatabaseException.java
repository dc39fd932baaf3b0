package dev.heddle.db;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;

/**
 * A statement, a transaction or the way to the database failed. The message is for the log, never for a client: it may
 * quote SQL.
 */
public final class DatabaseException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** What kind of failure it was, so far as a caller may act on it. */
    public enum Kind {
        /** The database cannot be reached or is starting, stopping or failing over: later may help. */
        UNAVAILABLE,
        /** A lock could not be had, or a deadlock or serialization conflict chose this transaction: again may help. */
        CONTENDED,
        /**
         * The deadline of the work, or the backstop for every statement, has passed, or the thread was interrupted; the
         * statement was cancelled.
         */
        DEADLINE,
        /** A constraint refused the data; {@link DatabaseException#constraint()} names it. */
        CONSTRAINT,
        /** The database's disk is full. */
        DISK_FULL,
        /** Anything else: a mistake in our SQL or a fault of the database. */
        FAILURE
    }

    private final Kind kind;
    private final @Nullable String constraint;

    DatabaseException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.constraint = constraintOf(cause);
    }

    static DatabaseException of(SQLException e, boolean cancelled) {
        var kind = cancelled && isCancellation(e) ? Kind.DEADLINE : kindOf(e);
        return new DatabaseException(kind, "SQLSTATE " + e.getSQLState() + ": " + e.getMessage(), e);
    }

    /** What kind of failure it was. */
    public Kind kind() {
        return kind;
    }

    /** The constraint's name for {@link Kind#CONSTRAINT}, else null. */
    public @Nullable String constraint() {
        return constraint;
    }

    /** Whether this constraint refused the data. */
    public boolean isConstraint(String name) {
        return name.equals(constraint);
    }

    /**
     * A cancelled statement (57014), one whose connection was cut because cancelling did not help or by an interruption
     * (08), or a wait for a connection that was interrupted.
     */
    private static boolean isCancellation(SQLException e) {
        var state = stateOf(e);
        return state.equals("57014")
                || state.startsWith("08")
                || isOfALostConnection(e)
                || e.getCause() instanceof InterruptedException;
    }

    // The states are listed in PostgreSQL's documentation, appendix A.
    private static Kind kindOf(SQLException e) {
        if (e instanceof SQLTransientConnectionException || isOfALostConnection(e)) {
            return Kind.UNAVAILABLE;
        }
        var state = stateOf(e);
        return switch (state) {
            case "57014" -> Kind.DEADLINE;
            case "40001", "40P01", "55P03" -> Kind.CONTENDED;
            case "53100" -> Kind.DISK_FULL;
            // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, idle_session_timeout,
            // idle_in_transaction_session_timeout, too_many_connections, read_only_sql_transaction (after a failover)
            case "57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "53300", "25006" -> Kind.UNAVAILABLE;
            default ->
                state.startsWith("08") ? Kind.UNAVAILABLE : state.startsWith("23") ? Kind.CONSTRAINT : Kind.FAILURE;
        };
    }

    /** HikariCP's own words to whoever goes on with a connection that it has taken away, as the driver said it was lost. */
    private static boolean isOfALostConnection(SQLException e) {
        return e.getSQLState() == null && "Connection is closed".equals(e.getMessage());
    }

    private static String stateOf(SQLException e) {
        var state = e.getSQLState();
        return state == null ? "" : state;
    }

    private static @Nullable String constraintOf(@Nullable Throwable cause) {
        if (cause instanceof PSQLException e && e.getServerErrorMessage() != null) {
            return e.getServerErrorMessage().getConstraint();
        }
        return null;
    }
}
