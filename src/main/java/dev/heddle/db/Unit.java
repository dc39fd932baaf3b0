package dev.heddle.db;

import dev.heddle.concurrent.Deadline;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * One unit of work: a connection while a piece of work holds it. Invariant: after {@link #end()} nothing of this unit
 * touches the connection any more, so a cancellation can never hit the next user of it.
 */
final class Unit implements Sql {

    private static final System.Logger LOG = System.getLogger(Unit.class.getName());

    // Set once.
    private final Connection connection;
    private final Deadline deadline;
    private final Thread owner = Thread.currentThread();

    // Only the owner.
    private boolean failed;

    // The owner ends it, the watch cancels it: both under the lock.
    private final ReentrantLock ending = new ReentrantLock();
    private boolean ended;

    // Only the watch.
    private int cancellations;

    Unit(Connection connection, Deadline deadline) {
        this.connection = connection;
        this.deadline = deadline;
    }

    Connection connection() {
        return connection;
    }

    Deadline deadline() {
        return deadline;
    }

    /** Whether a statement has failed: PostgreSQL would then answer COMMIT with a silent rollback. */
    boolean hasFailed() {
        return failed;
    }

    void requireOwner() {
        if (Thread.currentThread() != owner) {
            throw new IllegalStateException("a unit of work belongs to one thread and does not cross a fork");
        }
    }

    @Override
    public <T> List<T> list(String statement, Mapper<T> mapper, @Nullable Object... parameters) {
        return query(statement, parameters, row -> {
            var values = new ArrayList<T>();
            while (row.next()) {
                values.add(mapper.map(row));
            }
            return values;
        });
    }

    @Override
    public <T> Optional<T> first(String statement, Mapper<T> mapper, @Nullable Object... parameters) {
        return query(statement, parameters, row -> row.next() ? Optional.of(mapper.map(row)) : Optional.<T>empty());
    }

    @Override
    public long update(String statement, @Nullable Object... parameters) {
        return run(statement, parameters, PreparedStatement::executeLargeUpdate);
    }

    private interface Reading<T> {
        T read(Row row) throws SQLException;
    }

    private interface Running<T> {
        T run(PreparedStatement statement) throws SQLException;
    }

    private <T> T query(String statement, @Nullable Object[] parameters, Reading<T> reading) {
        return run(statement, parameters, prepared -> {
            try (ResultSet rows = prepared.executeQuery()) {
                return reading.read(new Row(rows));
            } catch (Row.UnreadableColumn e) {
                throw e.sqlException();
            }
        });
    }

    private <T> T run(String statement, @Nullable Object[] parameters, Running<T> running) {
        requireOwner();
        if (deadline.isExpired()) {
            throw new DatabaseException(
                    DatabaseException.Kind.DEADLINE, "the deadline passed before a statement", null);
        }
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
            for (int i = 0; i < parameters.length; i++) {
                set(prepared, i + 1, parameters[i]);
            }
            return running.run(prepared);
        } catch (SQLException e) {
            failed = true;
            throw DatabaseException.of(e, deadline.isExpired());
        }
    }

    private void set(PreparedStatement prepared, int index, @Nullable Object value) throws SQLException {
        switch (value) {
            case null -> prepared.setNull(index, Types.NULL);
            case String text -> prepared.setString(index, text);
            case Integer number -> prepared.setInt(index, number);
            case Long number -> prepared.setLong(index, number);
            case Boolean flag -> prepared.setBoolean(index, flag);
            case byte[] bytes -> prepared.setBytes(index, bytes);
            case Instant instant -> prepared.setObject(index, instant.atOffset(ZoneOffset.UTC));
            case List<?> texts -> prepared.setArray(index, connection.createArrayOf("text", texts.toArray()));
            default -> prepared.setObject(index, value);
        }
    }

    /** After this, the watch leaves the connection alone; waits for a cancellation that is under way. */
    void end() {
        ending.lock();
        try {
            ended = true;
        } finally {
            ending.unlock();
        }
    }

    /**
     * Cancels what runs, the way {@code psql} does on Ctrl-C: PostgreSQL ends the statement and the connection stays
     * good. When an earlier attempt did not help (the network or the server hangs) the connection is cut.
     */
    void cancel() {
        ending.lock();
        try {
            if (ended) {
                return;
            }
            if (cancellations++ == 0) {
                connection.unwrap(PGConnection.class).cancelQuery();
            } else {
                connection.abort(Runnable::run);
            }
        } catch (SQLException e) {
            LOG.log(System.Logger.Level.WARNING, "a statement past its deadline could not be cancelled", e);
        } finally {
            ending.unlock();
        }
    }
}
