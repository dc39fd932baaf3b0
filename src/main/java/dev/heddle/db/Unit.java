package dev.heddle.db;

import dev.heddle.concurrent.Deadline;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
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
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * One unit of work: a connection while a piece of work holds it. Invariant: after {@link #end()} nothing of this unit
 * touches the connection any more, so a cancellation can never hit the next user of it.
 */
final class Unit implements Sql {

    private static final System.Logger LOG = System.getLogger(Unit.class.getName());

    /** What of a COPY is sent at once. */
    private static final int COPY_BYTES = 64 * 1024;

    // Set once.
    private final Connection connection;
    private final Deadline deadline;
    private final Afterwards afterwards;
    private final Thread owner = Thread.currentThread();

    // Only the owner.
    private boolean transaction;
    private boolean failed;

    // The owner ends it, the watch cancels and cuts it: all under the lock.
    private final ReentrantLock ending = new ReentrantLock();
    private final Condition settled = ending.newCondition();
    private boolean cancelling;
    private boolean cut;
    private boolean ended;

    Unit(Connection connection, Deadline deadline, Afterwards afterwards) {
        this.connection = connection;
        this.deadline = deadline;
        this.afterwards = afterwards;
    }

    Connection connection() {
        return connection;
    }

    Deadline deadline() {
        return deadline;
    }

    void beginTransaction() {
        transaction = true;
    }

    boolean isTransaction() {
        return transaction;
    }

    /** Nothing of it may be committed any more. */
    void fail() {
        failed = true;
    }

    /** Whether a statement or a part has failed: PostgreSQL would answer COMMIT with a silent rollback, or keep half. */
    boolean hasFailed() {
        return failed;
    }

    /** Refuses what nobody waits for any more; begun, it would be cut off in the middle, its outcome unknown. */
    void requireTime() {
        if (Database.isCancelled(deadline)) {
            throw new DatabaseException(DatabaseException.Kind.DEADLINE, "cancelled before a statement", null);
        }
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
            while (row.advance()) {
                values.add(mapper.map(row));
            }
            return values;
        });
    }

    @Override
    public <T> Optional<T> first(String statement, Mapper<T> mapper, @Nullable Object... parameters) {
        return query(statement, parameters, row -> row.advance() ? Optional.of(mapper.map(row)) : Optional.<T>empty());
    }

    @Override
    public long update(String statement, @Nullable Object... parameters) {
        return run(statement, parameters, PreparedStatement::executeLargeUpdate);
    }

    @Override
    public long copyIn(String statement, InputStream rows) {
        return whole(() -> copy(statement, rows));
    }

    @Override
    public long copyOut(String statement, OutputStream rows) {
        return whole(() -> copy(statement, rows));
    }

    @Override
    public void afterwards(Runnable action) {
        requireOwner();
        afterwards.add(action);
    }

    private interface Reading<T> {
        T read(JdbcRow row) throws SQLException;
    }

    private interface Running<T> {
        T run(PreparedStatement statement) throws SQLException;
    }

    private <T> T query(String statement, @Nullable Object[] parameters, Reading<T> reading) {
        return run(statement, parameters, prepared -> {
            try (ResultSet rows = prepared.executeQuery()) {
                return reading.read(new JdbcRow(rows));
            } catch (Row.UnreadableColumn e) {
                throw e.sqlException();
            }
        });
    }

    private <T> T run(String statement, @Nullable Object[] parameters, Running<T> running) {
        return whole(() -> execute(statement, parameters, running));
    }

    private <T> T whole(Supplier<T> step) {
        requireOwner();
        boolean done = false;
        try {
            requireTime();
            T value = step.get();
            done = true;
            return value;
        } finally {
            // Whatever kept it from its end: the work may swallow that, the unit does not.
            failed |= !done;
        }
    }

    private <T> T execute(String statement, @Nullable Object[] parameters, Running<T> running) {
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
            for (int i = 0; i < parameters.length; i++) {
                set(prepared, i + 1, parameters[i]);
            }
            return running.run(prepared);
        } catch (SQLException e) {
            throw DatabaseException.of(e, Database.isCancelled(deadline));
        }
    }

    /** Whatever ends it early, the driver tells PostgreSQL to forget the rows that it has. */
    private long copy(String statement, InputStream rows) {
        try {
            var copies = connection.unwrap(PGConnection.class).getCopyAPI();
            return copies.copyIn(statement, new UntilCancelled(rows, deadline), COPY_BYTES);
        } catch (SQLException e) {
            throw DatabaseException.of(e, Database.isCancelled(deadline));
        } catch (IOException e) {
            if (Database.isCancelled(deadline)) {
                // Then the rows have ended, and an interruption closes the file that is read.
                throw new DatabaseException(DatabaseException.Kind.DEADLINE, "cancelled while reading rows", e);
            }
            throw new UncheckedIOException(e);
        }
    }

    /** The driver does not hear that its statement was cancelled before it has sent all rows: here they end. */
    private static final class UntilCancelled extends FilterInputStream {

        private final Deadline deadline;

        UntilCancelled(InputStream rows, Deadline deadline) {
            super(rows);
            this.deadline = deadline;
        }

        @Override
        public int read() throws IOException {
            requireTime();
            return super.read();
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            requireTime();
            return super.read(to, offset, length);
        }

        private void requireTime() throws IOException {
            if (Database.isCancelled(deadline)) {
                throw new InterruptedIOException("no time for more rows");
            }
        }
    }

    /** When the stream fails, the driver cancels the statement and the connection stays good. */
    private long copy(String statement, OutputStream rows) {
        try {
            return connection.unwrap(PGConnection.class).getCopyAPI().copyOut(statement, rows);
        } catch (SQLException e) {
            throw DatabaseException.of(e, Database.isCancelled(deadline));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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

    /**
     * After this, the watch leaves the connection alone. A cancellation that is under way must have reached PostgreSQL
     * by then, or the connection must be cut: else it would hit the next statement.
     */
    void end() {
        ending.lock();
        try {
            while (cancelling && !cut) {
                settled.awaitUninterruptibly();
            }
            ended = true;
        } finally {
            ending.unlock();
        }
    }

    /**
     * Cancels what runs, the way {@code psql} does on Ctrl-C: PostgreSQL ends the statement and the connection stays
     * good. It returns when PostgreSQL has done so or the driver has given up, which takes seconds.
     */
    void cancel() {
        if (beginCancelling()) {
            try {
                connection.unwrap(PGConnection.class).cancelQuery();
            } catch (SQLException e) {
                LOG.log(System.Logger.Level.DEBUG, "a connection was gone before its statement was cancelled", e);
            } finally {
                endCancelling();
            }
        }
    }

    private boolean beginCancelling() {
        ending.lock();
        try {
            cancelling = !ended;
            return cancelling;
        } finally {
            ending.unlock();
        }
    }

    private void endCancelling() {
        ending.lock();
        try {
            cancelling = false;
            settled.signalAll();
        } finally {
            ending.unlock();
        }
    }

    /** Cuts the connection of a unit that cancelling did not end: the network or the server hangs. */
    void cut() {
        ending.lock();
        try {
            if (!ended && !cut) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "a unit of work did not end at its deadline; its connection is cut");
                cut = true;
                settled.signalAll();
                connection.abort(Runnable::run);
            }
        } catch (SQLException e) {
            LOG.log(System.Logger.Level.DEBUG, "a connection was gone before it was cut", e);
        } finally {
            ending.unlock();
        }
    }
}
