package dev.heddle.db;

import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The row a {@link Sql.Mapper} reads: each call reads the next column, so that the order of the calls is the order of
 * the statement's column list. Valid only inside the mapper.
 */
public abstract sealed class Row permits JdbcRow, WireRow {

    // Whoever makes it reads it; only that thread touches it.
    private int column;

    /** The number of the column that is read next, from 1. */
    final int next() {
        return ++column;
    }

    /** Begins a row. */
    final void begin() {
        column = 0;
    }

    /** A text column that is never null. */
    public final String text() {
        return present(textOrNull());
    }

    /** A text column. */
    public abstract @Nullable String textOrNull();

    /** A uuid column that is never null. */
    public final UUID uuid() {
        return present(uuidOrNull());
    }

    /** A uuid column. */
    public abstract @Nullable UUID uuidOrNull();

    /** A boolean column that is never null. */
    public abstract boolean flag();

    /** A smallint or integer column that is never null. */
    public abstract int integer();

    /** A bigint column that is never null. */
    public abstract long bigint();

    /** A timestamptz column that is never null. */
    public final Instant instant() {
        return present(instantOrNull());
    }

    /** A timestamptz column. */
    public abstract @Nullable Instant instantOrNull();

    /** A text[] column that holds no nulls; null is an empty list, which costs less to send and to read. */
    public abstract List<String> texts();

    /** A bytea column that is never null. */
    public abstract byte[] bytes();

    final <T> T present(@Nullable T value) {
        if (value == null) {
            throw isNull();
        }
        return value;
    }

    final IllegalStateException isNull() {
        return new IllegalStateException("column " + column + " is null");
    }

    /** Carries an SQLException out of a mapper to the unit, which turns it into a {@link DatabaseException}. */
    static final class UnreadableColumn extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final SQLException sqlException;

        UnreadableColumn(SQLException cause) {
            super(cause);
            this.sqlException = cause;
        }

        SQLException sqlException() {
            return sqlException;
        }
    }
}
