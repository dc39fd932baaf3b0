package dev.heddle.connection;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

    // Any thread.
    private final Set<GuardedConnection> open = ConcurrentHashMap.newKeySet();
    private final Map<Wait.Reason, LongAdder> ended = new EnumMap<>(Wait.Reason.class);
    private volatile boolean isClosed;

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
        while (!isClosed) {
            LockSupport.parkNanos(TICK.toNanos());
            long now = System.nanoTime();
            for (var connection : open) {
                cutIfOverdue(connection, now);
            }
        }
    }

    private void cutIfOverdue(GuardedConnection connection, long now) {
        try {
            connection.overdue(now).ifPresent(reason -> {
                count(reason);
                connection.cut();
            });
        } catch (RuntimeException e) {
            // One that cannot be cut must not keep the others from it.
            LOG.log(System.Logger.Level.WARNING, "a connection could not be cut", e);
        }
    }

    void enter(GuardedConnection connection) {
        open.add(connection);
    }

    void leave(GuardedConnection connection) {
        open.remove(connection);
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
