package dev.heddle.connection;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ObjLongConsumer;

/**
 * Knows every connection that is open, and ends those whose clients keep them waiting for too long. One thread looks at all
 * of them a few times a second, which costs less than a timer for each read. Safe for any thread; whoever makes it closes it.
 */
public final class ConnectionWatch implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(ConnectionWatch.class.getName());

    /** The limits are of seconds; to end a connection this much later does no harm. */
    private static final Duration TICK = Duration.ofMillis(100);

    /** Whoever looks so late has stood still with all the others, who have until the next look to see what came meanwhile. */
    private static final Duration STOOD_STILL = Duration.ofSeconds(1);

    /**
     * For heads that are longer than most, of all connections together: to begin thousands of them costs a client nothing, and
     * a full heap ends the server.
     */
    private static final long HEADS_BYTES =
            Math.max(8L << 20, Runtime.getRuntime().maxMemory() / 16);

    /** For the few connections that are ended in the middle of a request. */
    private static final Duration STEP = Duration.ofMillis(5);

    // Any thread.
    private final Set<GuardedConnection> open = ConcurrentHashMap.newKeySet();
    private final Map<Wait.Reason, LongAdder> ended = new EnumMap<>(Wait.Reason.class);
    private final AtomicLong headsRoom = new AtomicLong(HEADS_BYTES);
    private volatile Stage stage = Stage.SERVING;
    private volatile boolean isClosed;

    /** How far the server has come with its own end. */
    private enum Stage {
        SERVING,
        DRAINING,
        CLOSING
    }

    // Set once.
    private final Thread thread;

    /** Begins to look. */
    public ConnectionWatch() {
        for (var reason : Wait.Reason.values()) {
            ended.put(reason, new LongAdder());
        }
        thread = Thread.ofPlatform().daemon().name("heddle-connections").start(this::look);
    }

    private void look() {
        long last = System.nanoTime();
        while (!isClosed) {
            LockSupport.parkNanos(TICK.toNanos());
            long now = System.nanoTime();
            boolean stoodStill = now - last > STOOD_STILL.toNanos();
            last = now;
            boolean isClosing = stage == Stage.CLOSING;
            for (var connection : open) {
                look(connection, now, !stoodStill);
                if (isClosing) {
                    connection.endIfIdle(now);
                }
            }
        }
    }

    private void look(GuardedConnection connection, long now, boolean mayEnd) {
        try {
            if (mayEnd) {
                connection.overdue(now).ifPresent(connection::giveUp);
            }
            connection.listenIfLate(now);
        } catch (RuntimeException | OutOfMemoryError e) {
            // One that cannot be looked at must not keep the others from it.
            LOG.log(System.Logger.Level.WARNING, "a connection could not be looked at", e);
        }
    }

    /** From now on every answer is the last one of its connection; whoever is idle may still ask. */
    public void drain() {
        stage = Stage.DRAINING;
    }

    /** From now on whoever is idle is ended; requests that have begun to come go on. */
    public void finish() {
        stage = Stage.CLOSING;
        LockSupport.unpark(thread);
    }

    boolean isDraining() {
        return stage != Stage.SERVING;
    }

    boolean isClosing() {
        return stage == Stage.CLOSING;
    }

    /**
     * Waits until no connection is open.
     *
     * @return how many are after that time
     */
    public int awaitNone(Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        while (!open.isEmpty() && System.nanoTime() < end) {
            LockSupport.parkNanos(STEP.toNanos());
        }
        return open.size();
    }

    void enter(GuardedConnection connection) {
        open.add(connection);
    }

    void leave(GuardedConnection connection) {
        open.remove(connection);
    }

    /** False when there is no room for so many bytes more of a long head; else they are to be given back. */
    boolean takeRoom(long bytes) {
        if (headsRoom.addAndGet(-bytes) >= 0 || bytes <= 0) {
            return true;
        }
        headsRoom.addAndGet(bytes);
        return false;
    }

    void giveRoom(long bytes) {
        headsRoom.addAndGet(bytes);
    }

    void count(Wait.Reason reason) {
        var adder = ended.get(reason);
        if (adder != null) {
            adder.increment();
        }
    }

    /** How many are open. */
    public int connections() {
        return open.size();
    }

    /** How many were ended since the start, by the reason. */
    public void ended(ObjLongConsumer<String> consumer) {
        ended.forEach((reason, count) -> consumer.accept(reason.name().toLowerCase(Locale.ROOT), count.sum()));
    }

    /** Ends the looking; connections stay as they are. */
    @Override
    public void close() {
        isClosed = true;
        LockSupport.unpark(thread);
    }
}
