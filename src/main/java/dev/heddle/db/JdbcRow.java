package dev.heddle.db;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A row as the driver gives it. */
final class JdbcRow extends Row {

    private final ResultSet rows;

    JdbcRow(ResultSet rows) {
        this.rows = rows;
    }

    boolean advance() throws SQLException {
        begin();
        return rows.next();
    }

    @Override
    public @Nullable String textOrNull() {
        try {
            return rows.getString(next());
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    @Override
    public @Nullable UUID uuidOrNull() {
        try {
            return (UUID) rows.getObject(next());
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    @Override
    public boolean flag() {
        try {
            return known(rows.getBoolean(next()));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    @Override
    public int integer() {
        try {
            return known(rows.getInt(next()));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    @Override
    public long bigint() {
        try {
            return known(rows.getLong(next()));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    @Override
    public @Nullable Instant instantOrNull() {
        try {
            var value = rows.getObject(next(), OffsetDateTime.class);
            return value == null ? null : value.toInstant();
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    @Override
    public List<String> texts() {
        try {
            var array = rows.getArray(next());
            if (array == null) {
                return List.of();
            }
            return List.of((String[]) Objects.requireNonNull(array.getArray()));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    @Override
    public byte[] bytes() {
        try {
            return present(rows.getBytes(next()));
        } catch (SQLException e) {
            throw new UnreadableColumn(e);
        }
    }

    /** JDBC reads a null as 0 or false. */
    private <T> T known(T value) throws SQLException {
        if (rows.wasNull()) {
            throw isNull();
        }
        return value;
    }
}
