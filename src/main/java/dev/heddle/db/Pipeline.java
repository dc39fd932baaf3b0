package dev.heddle.db;

import dev.heddle.concurrent.Deadline;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * Lets the short statements of many threads travel together: those that come while others are under way wait, and go to
 * PostgreSQL in one write when these are back. So a busy server makes one round trip for many statements, and an idle one
 * does not wait for company.
 *
 * <p>It is a way of saving, never of failing: whatever does not come to its end here soon has the ordinary way before it,
 * a connection of its own from the pool, with its gate, its deadline and its errors. Safe for any thread.
 */
final class Pipeline implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Pipeline.class.getName());

    /** Statements sent at once; more gain nothing, and the first waits for the last. */
    private static final int BATCH_STATEMENTS = 64;

    /** Up to so many at once have connections for themselves: measured, where the two ways cost the same. */
    private static final int ALONE_MAX = 6;

    /**
     * After more than that, so many more go together however few are under way: many come again, and between two batches
     * there are always few. Measured with 64 at once, 0.92 of the processor's time.
     */
    private static final int FOLLOWERS = 64;

    /**
     * Their messages together, and each. While it writes, nobody reads: PostgreSQL must be able to take all, though it
     * waits to be read; the buffers of a socket are several times larger.
     */
    private static final int BATCH_BYTES = 32 * 1024;

    private static final int MESSAGES_BYTES_MAX = 8 * 1024;

    /** Waiting at once; further ones go the ordinary way, where the gate bounds them. */
    private static final int QUEUE_MAX = 1024;

    /** Texts that are known; the server has a few dozens. Each is a plan on every connection. */
    private static final int STATEMENTS_MAX = 200;

    /** For each statement, in PostgreSQL: whoever takes longer is not one for company. */
    static final Duration STATEMENT_TIMEOUT = Duration.ofMillis(200);

    /** Beside that, before the watch ends a batch: what the network may take. */
    private static final Duration NETWORK_RESERVE = Duration.ofMillis(300);

    /**
     * Whoever has less left goes the ordinary way, which knows deadlines. It is what a batch may take, and what that way needs
     * after one in vain; and less than the limit of a part of a dashboard, which is often a second.
     */
    private static final long REMAINING_MIN_NANOS =
            STATEMENT_TIMEOUT.plus(NETWORK_RESERVE).plusMillis(200).toNanos();

    private static final long ALONE_NANOS = Duration.ofSeconds(2).toNanos();

    /** As the pool does it: what PostgreSQL keeps for a connection grows with its age. */
    private static final long AGE_MAX_NANOS = Duration.ofMinutes(30).toNanos();

    private static final long RECONNECT_NANOS = Duration.ofSeconds(1).toNanos();

    // Set once.
    private final String url;
    private final Properties properties;
    private final Duration limit;
    /** A batch that took that long has kept others waiting; its statements go alone for a while. */
    private final long slowNanos;

    private final List<Worker> workers = new ArrayList<>();

    // Any thread.
    private final Map<String, PipelineStatement> statements = new ConcurrentHashMap<>();
    private final AtomicInteger statementsMade = new AtomicInteger();
    private final ConcurrentLinkedQueue<PipelineRequest> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicInteger underWay = new AtomicInteger();
    /** How many more go together; written without care for each other, as it need not be exact. */
    private volatile int followers;

    private final AtomicInteger connected = new AtomicInteger();
    private final LongAdder together = new LongAdder();
    private final LongAdder batches = new LongAdder();
    private final LongAdder alone = new LongAdder();
    private volatile boolean closed;

    /**
     * Opens its connections, in the background, when they are first wanted.
     *
     * @param properties the driver's
     * @param connections how many; each is a thread that waits for PostgreSQL
     * @param timeout {@link #STATEMENT_TIMEOUT}
     */
    Pipeline(String url, Properties properties, int connections, Duration timeout) {
        this.url = url;
        this.properties = new Properties();
        this.properties.putAll(properties);
        PGProperty.OPTIONS.set(
                this.properties,
                PGProperty.OPTIONS.getOrDefault(properties) + " -c statement_timeout=" + timeout.toMillis());
        this.limit = timeout.plus(NETWORK_RESERVE);
        this.slowNanos = timeout.dividedBy(2).toNanos();
        for (int i = 0; i < connections; i++) {
            workers.add(new Worker(i));
        }
    }

    /**
     * Whether statements can go together over connections of that address: not when it says where the driver's sockets come
     * from, or that statements are not to be prepared, as before a pooler that would lose them.
     */
    static boolean isPossible(String url) {
        var said = Driver.parseURL(url, new Properties());
        return said != null
                && !PGProperty.SOCKET_FACTORY.isPresent(said)
                && !PGProperty.SSL_FACTORY.isPresent(said)
                && !"0".equals(PGProperty.PREPARE_THRESHOLD.getOrDefault(said))
                && "extended".equals(PGProperty.PREFER_QUERY_MODE.getOrDefault(said));
    }

    /** The rows of a statement; empty when it is to go the ordinary way. */
    Optional<List<byte[]>> run(String text, @Nullable Object[] parameters) {
        if (connected.get() == 0) {
            start();
            return Optional.empty();
        }
        if (Deadline.current().remainingNanos() < REMAINING_MIN_NANOS) {
            return Optional.empty();
        }
        var statement = statement(text);
        if (statement == null || !statement.isFit()) {
            return Optional.empty();
        }
        var messages = statement.bind(parameters);
        if (messages == null || messages.length > MESSAGES_BYTES_MAX) {
            return Optional.empty();
        }
        var request = new PipelineRequest(statement, messages);
        if (offer(request) && request.await()) {
            return Optional.of(request.rows());
        }
        alone.increment();
        return Optional.empty();
    }

    private void start() {
        if (!started.get() && !closed && started.compareAndSet(false, true)) {
            workers.forEach(worker -> worker.thread.start());
        }
    }

    /**
     * Counts a statement in, which {@link #leave()} follows; whether it is to go together with others. Among few, it has a
     * connection for itself, which saves handing it over twice.
     */
    boolean enter() {
        int left = followers;
        if (underWay.incrementAndGet() > ALONE_MAX) {
            if (left < FOLLOWERS / 2) {
                followers = FOLLOWERS;
            }
            return true;
        }
        if (left > 0) {
            followers = left - 1;
        }
        return left > 0;
    }

    void leave() {
        underWay.decrementAndGet();
    }

    private @Nullable PipelineStatement statement(String text) {
        var known = statements.get(text);
        if (known != null || statements.size() >= STATEMENTS_MAX) {
            return known;
        }
        return statements.computeIfAbsent(text, its -> new PipelineStatement(statementsMade.getAndIncrement(), its));
    }

    private boolean offer(PipelineRequest request) {
        if (queued.incrementAndGet() > QUEUE_MAX) {
            queued.decrementAndGet();
            return false;
        }
        queue.add(request);
        for (var worker : workers) {
            if (worker.idle.get() && worker.idle.compareAndSet(true, false)) {
                LockSupport.unpark(worker.thread);
                break;
            }
        }
        // The last connection may have gone before the request was in the queue, where nobody would look for it.
        return connected.get() > 0 || !request.leave();
    }

    private @Nullable PipelineRequest poll() {
        var request = queue.poll();
        if (request != null) {
            queued.decrementAndGet();
        }
        return request;
    }

    /** One of the connections and its thread. */
    private final class Worker {

        private final Thread thread;
        private final AtomicBoolean idle = new AtomicBoolean();
        private final List<PipelineRequest> batch = new ArrayList<>(BATCH_STATEMENTS);

        Worker(int number) {
            thread = Thread.ofVirtual().name("heddle-db-pipeline-" + number).unstarted(this::work);
        }

        private void work() {
            while (!closed) {
                try (var connection = PipelineConnection.open(url, properties)) {
                    serve(connection);
                } catch (SQLException | IOException | RuntimeException e) {
                    LOG.log(System.Logger.Level.DEBUG, "a connection for many statements is gone", e);
                    if (!closed) {
                        LockSupport.parkNanos(this, RECONNECT_NANOS);
                    }
                }
            }
        }

        private void serve(PipelineConnection connection) throws IOException {
            connected.incrementAndGet();
            try {
                while (!closed && connection.ageNanos() < AGE_MAX_NANOS) {
                    await();
                    run(connection);
                }
            } finally {
                if (connected.decrementAndGet() == 0) {
                    sendAway();
                }
            }
        }

        /** Nobody waits for statements any more, and what runs ends soon. */
        void end() {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        /** Returns when there is something in the queue, or it is closed. */
        private void await() {
            while (queue.isEmpty() && !closed) {
                idle.set(true);
                // Looked at again after saying so, so that nothing that came in between is slept over.
                if (queue.isEmpty() && !closed) {
                    LockSupport.park(this);
                }
                idle.set(false);
            }
        }

        private void run(PipelineConnection connection) throws IOException {
            fill();
            if (batch.isEmpty()) {
                return;
            }
            var unit = new Unit(connection.connection(), Deadline.after(limit), new Afterwards());
            long began = System.nanoTime();
            try (var _ = UnitWatch.over(unit)) {
                for (var request : batch) {
                    connection.prepare(request.statement(), ALONE_NANOS);
                }
                batch.removeIf(this::isUnfit);
                if (!batch.isEmpty()) {
                    connection.run(batch);
                }
            } finally {
                boolean isSlow = System.nanoTime() - began > slowNanos;
                together.add(batch.size());
                batches.increment();
                for (var request : batch) {
                    if (isSlow) {
                        request.statement().alone(ALONE_NANOS);
                    }
                    end(request);
                }
                batch.clear();
            }
        }

        private boolean isUnfit(PipelineRequest request) {
            if (request.statement().isFit()) {
                return false;
            }
            request.alone();
            return true;
        }

        private void end(PipelineRequest request) {
            if (request.hasRows()) {
                request.done();
            } else {
                request.alone();
            }
        }

        private void fill() {
            int bytes = 0;
            while (batch.size() < BATCH_STATEMENTS && bytes < BATCH_BYTES) {
                var request = poll();
                if (request == null) {
                    return;
                }
                if (request.send()) {
                    batch.add(request);
                    bytes += request.messages().length;
                }
            }
        }
    }

    private void sendAway() {
        for (var request = poll(); request != null; request = poll()) {
            if (request.send()) {
                request.alone();
            }
        }
    }

    /** How much has gone this way. */
    Database.Together usage() {
        return new Database.Together(together.sum(), batches.sum(), alone.sum());
    }

    @Override
    public void close() {
        closed = true;
        // Whoever starts them later finds it closed.
        if (started.getAndSet(true)) {
            workers.forEach(worker -> LockSupport.unpark(worker.thread));
            workers.forEach(Worker::end);
        }
        sendAway();
    }
}
