package dev.heddle.db;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The row a {@link Sql.Mapper} reads: each call reads the next column, so that the order of the calls is the order of
 * the statement's column list. Valid only inside the mapper.
 */
public final class Row {

    // The unit that reads it sets these; only that thread touches them.
    private final ResultSet rows;
    private int column;

    Row(ResultSet rows) {
        this.rows = rows;
    }

    boolean next() throws SQLException {
        column = 0;
        return rows.next();
    }

    /** A text column that is never null. */
    public String text() {
        return present(textOrNull());
    }

    /** A text column. */
    public @Nullable String textOrNull() {
        try {
            return rows.getString(++column);
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** A uuid column that is never null. */
    public UUID uuid() {
        return present(uuidOrNull());
    }

    /** A uuid column. */
    public @Nullable UUID uuidOrNull() {
        try {
            return (UUID) rows.getObject(++column);
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** A boolean column that is never null. */
    public boolean flag() {
        try {
            return known(rows.getBoolean(++column));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** A smallint or integer column that is never null. */
    public int integer() {
        try {
            return known(rows.getInt(++column));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** A bigint column that is never null. */
    public long bigint() {
        try {
            return known(rows.getLong(++column));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** A timestamptz column that is never null. */
    public Instant instant() {
        return present(instantOrNull());
    }

    /** A timestamptz column. */
    public @Nullable Instant instantOrNull() {
        try {
            var value = rows.getObject(++column, OffsetDateTime.class);
            return value == null ? null : value.toInstant();
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** A text[] column that holds no nulls; null is an empty list, which costs less to send and to read. */
    public List<String> texts() {
        try {
            var array = rows.getArray(++column);
            if (array == null) {
                return List.of();
            }
            return List.of((String[]) Objects.requireNonNull(array.getArray()));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** A bytea column that is never null. */
    public byte[] bytes() {
        try {
            return present(rows.getBytes(++column));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    private <T> T present(@Nullable T value) {
        if (value == null) {
            throw isNull();
        }
        return value;
    }

    /** JDBC reads a null as 0 or false. */
    private <T> T known(T value) throws SQLException {
        if (rows.wasNull()) {
            throw isNull();
        }
        return value;
    }

    private IllegalStateException isNull() {
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
