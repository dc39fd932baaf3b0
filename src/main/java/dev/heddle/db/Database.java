package dev.heddle.db;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.heddle.concurrent.Bulkhead;
import dev.heddle.concurrent.Deadline;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * The way to PostgreSQL: a pool, a bounded gate in front of it, and units of work. A unit takes a connection, runs a
 * piece of work with it, and gives it back whatever happens. A unit opened inside another one joins it. Safe for any
 * thread; the one who opened it closes it.
 *
 * <p>Every method that runs work throws {@link DatabaseException} when the database fails it, and {@link
 * dev.heddle.concurrent.BulkheadFullException} when no connection became free within the gate's wait. Work that is past
 * its {@link Deadline}, or whose thread was interrupted, is cancelled in PostgreSQL and rolled back.
 */
public final class Database implements AutoCloseable {

    /** Above PostgreSQL's own limit for a statement: the last resort against a network that swallows packets. */
    private static final Duration NETWORK_RESERVE = Duration.ofSeconds(10);

    /** For the TCP connection and the log-in together; a network that swallows packets must not hold the pool. */
    private static final int LOGIN_TIMEOUT_SECONDS = 5;

    /** A lock held that long is a fault; the request is told to try again rather than to use up its deadline. */
    private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(5);

    /** A transaction that does nothing that long has lost its owner. */
    private static final Duration IDLE_IN_TRANSACTION_TIMEOUT = Duration.ofSeconds(30);

    /** Beside the gate's places: health checks and migrations must not wait behind requests. */
    private static final int RESERVED = 1;

    /**
     * Of the {@link Pipeline}, beside the pool's. One does the work of many: more share the same statements out among
     * themselves, which costs more, and gains only where PostgreSQL has processors to spare.
     */
    private static final int PIPELINE_CONNECTIONS =
            Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 4);

    /** The schema that this Heddle works with. */
    public static final int NEWEST_SCHEMA = Migrations.NEWEST;

    private final HikariDataSource pool;
    private final Bulkhead gate;
    private final Duration unitLimit;
    private final @Nullable Pipeline reads;

    // Not static: a unit of one database is none of another.
    private final ScopedValue<Unit> current = ScopedValue.newInstance();
    private final ScopedValue<Boolean> patient = ScopedValue.newInstance();

    /**
     * How to reach the database and how much of it to use.
     *
     * @param url a {@code jdbc:postgresql:} address
     * @param username the role, or null when the address names it
     * @param password its password, or null when the address or a passfile gives it
     * @param poolSize how many connections are kept open
     * @param gateQueue how many units may wait for a connection at once
     * @param gateWait how long each may wait
     * @param statementTimeout backstop for every statement, set in PostgreSQL
     */
    public record Options(
            String url,
            @Nullable String username,
            @Nullable String password,
            int poolSize,
            int gateQueue,
            Duration gateWait,
            Duration statementTimeout) {

        @Override
        public String toString() {
            // An address may carry the password among its parameters.
            return "Options[url=" + url.replaceFirst("\\?.*", "?...") + ", poolSize=" + poolSize + "]";
        }
    }

    /**
     * What went together with statements of other threads since the start.
     *
     * @param statements that did
     * @param batches in which they did
     * @param alone that were sent so, or were to be, and then had the ordinary way
     */
    public record Together(long statements, long batches, long alone) {}

    /** The pool and the gate at one moment. */
    public record Usage(int open, int idle, int inUse, int waiting, long refused) {}

    /** A piece of work in a unit. */
    @FunctionalInterface
    public interface Work<T> {
        /** Does it. */
        T run(Sql sql);
    }

    private Database(HikariDataSource pool, Bulkhead gate, Duration unitLimit, @Nullable Pipeline reads) {
        this.pool = pool;
        this.gate = gate;
        this.unitLimit = unitLimit;
        this.reads = reads;
    }

    /** What its connections are for. */
    public enum Session {
        /** What was acknowledged is on the disk, and is there after a crash. */
        REQUESTS(""),
        /**
         * Work that is done again when a crash takes it back: a COMMIT waits for nothing, so PostgreSQL may lose the last
         * fraction of a second, whole transactions in their order, never a part of one.
         *
         * <p>No table is read as a whole where an index could be used. A queue is empty most of the time, and a plan that
         * was made for an empty one, which PostgreSQL keeps for as long as the connection, reads all of it once it is long.
         */
        JOBS(" -c synchronous_commit=off -c enable_seqscan=off");

        private final String settings;

        Session(String settings) {
            this.settings = settings;
        }
    }

    /** Opens the pool; the database need not be there yet, see {@link #failure()}. */
    public static Database open(Options options) {
        return open("heddle", Session.REQUESTS, options);
    }

    /** The same with a name, which PostgreSQL shows as {@code application_name}. */
    public static Database open(String name, Session session, Options options) {
        var gate = new Bulkhead(name + " database", options.poolSize(), options.gateQueue(), options.gateWait());
        var reads = Pipeline.isPossible(options.url())
                ? new Pipeline(
                        withoutOptions(options.url()),
                        login(name + "-together", session, options),
                        PIPELINE_CONNECTIONS,
                        Pipeline.STATEMENT_TIMEOUT)
                : null;
        return new Database(
                new HikariDataSource(config(name, session, options)),
                gate,
                options.statementTimeout().plus(NETWORK_RESERVE),
                reads);
    }

    private static HikariConfig config(String name, Session session, Options options) {
        var config = new HikariConfig();
        config.setPoolName(name);
        config.setJdbcUrl(withoutOptions(options.url()));
        config.setUsername(options.username());
        config.setPassword(options.password());
        config.setMaximumPoolSize(options.poolSize() + RESERVED);
        config.setMinimumIdle(options.poolSize() + RESERVED);
        // The gate has as many places as the pool has connections, so a wait here means that connections are missing.
        // HikariCP's least is 250 ms.
        config.setConnectionTimeout(Math.max(250, options.gateWait().toMillis()));
        config.setValidationTimeout(250);
        config.setKeepaliveTime(Duration.ofMinutes(2).toMillis());
        // No leak detection: a unit gives its connection back by construction, and a timer task for each costs 5 %.
        // The server starts before its database: readiness tells, not a failed constructor.
        config.setInitializationFailTimeout(-1);
        config.setDataSourceProperties(driver(name, session, options));
        return config;
    }

    /** The driver's properties with name and password, for a connection that is in no pool. */
    static Properties login(String name, Session session, Options options) {
        var properties = driver(name, session, options);
        if (options.username() != null) {
            PGProperty.USER.set(properties, options.username());
        }
        if (options.password() != null) {
            PGProperty.PASSWORD.set(properties, options.password());
        }
        return properties;
    }

    /** The address but for its {@code options}: with the driver they would take the place of ours, all of them. */
    private static String withoutOptions(String url) {
        return url.replaceFirst("([?&])options=[^&]*&?", "$1");
    }

    /** The {@code options} of an address, to stand before ours: where both say something, ours is what counts. */
    private static String optionsOf(String url) {
        var said = Driver.parseURL(url, new Properties());
        var options = said == null ? null : PGProperty.OPTIONS.getOrDefault(said);
        return options == null ? "" : options + " ";
    }

    private static Properties driver(String name, Session session, Options options) {
        var properties = new Properties();
        PGProperty.APPLICATION_NAME.set(properties, name);
        PGProperty.CONNECT_TIMEOUT.set(properties, "3");
        PGProperty.CANCEL_SIGNAL_TIMEOUT.set(properties, "3");
        PGProperty.TCP_KEEP_ALIVE.set(properties, true);
        // No socketTimeout: it costs a timer for each read, and UnitWatch cuts what cannot be cancelled.
        PGProperty.LOGIN_TIMEOUT.set(properties, LOGIN_TIMEOUT_SECONDS);
        // Its default puts the data of refused rows into messages, and so into logs.
        PGProperty.LOG_SERVER_ERROR_DETAIL.set(properties, false);
        PGProperty.REWRITE_BATCHED_INSERTS.set(properties, true);
        // client_connection_check_interval: a backend whose client is gone gives its locks back at once.
        PGProperty.OPTIONS.set(
                properties,
                optionsOf(options.url())
                        + "-c statement_timeout=%d -c lock_timeout=%d -c idle_in_transaction_session_timeout=%d -c client_connection_check_interval=500%s"
                                .formatted(
                                        options.statementTimeout().toMillis(),
                                        LOCK_TIMEOUT.toMillis(),
                                        IDLE_IN_TRANSACTION_TIMEOUT.toMillis(),
                                        session.settings));
        return properties;
    }

    /** Reads: each statement by itself, in no transaction. */
    public <T> T read(Work<T> work) {
        return current.isBound() ? join(work) : inUnit(work, this::plain);
    }

    /**
     * Reads few rows, which an index finds: each statement by itself, and together with those of other threads (see {@link
     * Pipeline}). Whatever takes longer than it should goes the way of {@link #read} instead, and any other may too.
     */
    public <T> T quick(Work<T> work) {
        if (current.isBound() || reads == null) {
            return read(work);
        }
        var afterwards = new Afterwards();
        T value = work.run(new QuickSql(this, reads, afterwards));
        afterwards.run();
        return value;
    }

    /**
     * One statement that writes. It is a transaction of its own, which saves a round trip for BEGIN and COMMIT; work
     * that needs two statements to agree takes {@link #inTransaction}.
     */
    public <T> T single(Work<T> work) {
        return current.isBound() ? join(work) : inUnit(work, this::plain);
    }

    /** Whether a unit of work would have to wait for a connection now. */
    boolean isFull() {
        return gate.isFull();
    }

    /** Whether a unit of work is open here, which work would join. */
    public boolean isInUnit() {
        return current.isBound();
    }

    /**
     * Repeats a statement that writes a bounded number of rows, each time in a unit of its own so that no lock is held for
     * long, until there is nothing left to write.
     */
    public void inBatches(Work<Long> statement) {
        long written;
        do {
            written = single(statement);
        } while (written > 0);
    }

    /**
     * All or nothing: commits when the work returns, rolls back when it throws. A work that swallowed the failure of a
     * statement, or of a transaction that joined this one, is rolled back and fails here: half of it would be written,
     * or PostgreSQL would answer its COMMIT with a silent rollback. A transaction does not begin inside a {@link #read}
     * or a {@link #single}.
     */
    public <T> T inTransaction(Work<T> work) {
        return current.isBound() ? joinTransaction(work) : inUnit(work, this::transaction);
    }

    /**
     * Gives each transaction inside, and each of its statements, as long as the deadline of the work, however long that is:
     * for work that grows with what it is given, and so needs more than PostgreSQL's limit for every statement.
     */
    public <T> T patiently(Supplier<T> work) {
        return ScopedValue.where(patient, true).call(work::get);
    }

    private <T> T join(Work<T> work) {
        var unit = current.get();
        unit.requireOwner();
        return work.run(unit);
    }

    private <T> T joinTransaction(Work<T> work) {
        var unit = current.get();
        unit.requireOwner();
        if (!unit.isTransaction()) {
            throw new IllegalStateException("a transaction cannot begin inside a unit of work that is none");
        }
        try {
            return work.run(unit);
        } catch (Throwable t) {
            unit.fail();
            throw t;
        }
    }

    private interface Frame {
        <T> T run(Unit unit, Work<T> work) throws SQLException;
    }

    private <T> T inUnit(Work<T> work, Frame frame) {
        var afterwards = new Afterwards();
        T value = gated(work, frame, afterwards);
        // Only now: what they wake needs a connection, and this one is given back.
        afterwards.run();
        return value;
    }

    private <T> T gated(Work<T> work, Frame frame, Afterwards afterwards) {
        gate.enter();
        try (Connection connection = pool.getConnection()) {
            var unit = new Unit(connection, deadline(), afterwards);
            try (var _ = UnitWatch.over(unit)) {
                return ScopedValue.where(current, unit).call(() -> frame.run(unit, work));
            }
        } catch (SQLException e) {
            throw DatabaseException.of(e, isCancelled(Deadline.current()));
        } finally {
            gate.leave();
        }
    }

    /** That of the request, or for work without one the time after which only the network can be at fault. */
    private Deadline deadline() {
        var current = Deadline.current();
        return patient.isBound() || current.remainingNanos() <= unitLimit.toNanos()
                ? current
                : Deadline.after(unitLimit);
    }

    /** Whether nobody waits for the outcome any more; an interruption closes the socket of a virtual thread. */
    static boolean isCancelled(Deadline deadline) {
        return deadline.isExpired() || Thread.currentThread().isInterrupted();
    }

    private <T> T plain(Unit unit, Work<T> work) {
        return work.run(unit);
    }

    private <T> T transaction(Unit unit, Work<T> work) throws SQLException {
        var connection = unit.connection();
        connection.setAutoCommit(false);
        unit.beginTransaction();
        T value;
        try {
            if (patient.isBound()) {
                putOffStatementTimeout(unit);
            }
            value = work.run(unit);
            if (unit.hasFailed()) {
                throw new IllegalStateException("the work went on after a failure inside it; nothing is committed");
            }
            unit.requireTime();
        } catch (Throwable t) {
            rollBack(connection, t);
            throw t;
        }
        connection.commit();
        connection.setAutoCommit(true);
        return value;
    }

    /** Until the end of the transaction. 0 would be none at all. */
    private static void putOffStatementTimeout(Unit unit) {
        long millis = Math.clamp(unit.deadline().remaining().toMillis(), 1, Integer.MAX_VALUE);
        unit.update("SET LOCAL statement_timeout = " + millis);
    }

    private static void rollBack(Connection connection, Throwable because) {
        try {
            connection.rollback();
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            because.addSuppressed(e);
        }
    }

    /** Brings the schema up to date; replicas may do so at the same time. */
    public void migrate() {
        migrate(NEWEST_SCHEMA);
    }

    /** Brings an older schema to that version, which may be older than the newest: for rows of that time. */
    public void migrate(int version) {
        Migrations.migrate(pool, version);
    }

    /** The version of the schema; 0 when there is none. */
    public int schema() {
        try {
            return Migrations.applied(pool);
        } catch (SQLException e) {
            throw DatabaseException.of(e, false);
        }
    }

    /**
     * Why the database cannot be used.
     *
     * @param mayPass whether waiting may help; a wrong password does not pass
     * @param sentence for the operator
     */
    public record Outage(boolean mayPass, String sentence) {}

    /**
     * Asks the database for a sign of life; empty when all is well. It takes no place of the gate: a busy server is not
     * an absent one.
     */
    public Optional<Outage> failure() {
        try (Connection connection = pool.getConnection()) {
            return connection.isValid(1) ? Optional.empty() : Optional.of(new Outage(true, "it does not answer"));
        } catch (SQLException e) {
            // HikariCP's own exception says only that it gave up; its cause is the driver's.
            var cause = e.getCause() instanceof SQLException driver ? driver : e;
            return Optional.of(new Outage(mayPass(cause), String.valueOf(cause.getMessage())));
        }
    }

    /** Not: a refused log-in (28) or a database that does not exist (3D). */
    private static boolean mayPass(SQLException e) {
        var state = String.valueOf(e.getSQLState());
        return !state.startsWith("28") && !state.startsWith("3D");
    }

    /**
     * The pool itself, for a library that brings its own SQL: outside the gate and outside every unit of work. Its
     * connections commit each statement; whoever takes one closes it.
     */
    public DataSource dataSource() {
        return pool;
    }

    /** The pool and the gate right now. */
    public Usage usage() {
        var bean = pool.getHikariPoolMXBean();
        return new Usage(
                bean.getTotalConnections(), bean.getIdleConnections(), gate.inside(), gate.waiting(), gate.refused());
    }

    /** What {@link #quick} has saved. */
    public Together together() {
        return reads == null ? new Together(0, 0, 0) : reads.usage();
    }

    @Override
    public void close() {
        if (reads != null) {
            reads.close();
        }
        pool.close();
    }
}
