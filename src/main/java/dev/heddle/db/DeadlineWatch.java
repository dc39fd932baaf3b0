package dev.heddle.db;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Cancels the statements of units whose deadline has passed. One thread looks at all running units every few
 * milliseconds: they are at most as many as the pool has connections, so a look costs less than a timer task per
 * statement would. While nothing runs, it sleeps.
 */
final class DeadlineWatch implements AutoCloseable {

    /** How late a cancellation may be; a tenth of the 250 ms in which nothing of a late request may remain. */
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /** How long a cancelled statement may take to end before its connection is cut. */
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Map<Unit, Long> running = new ConcurrentHashMap<>();
    private final Thread thread;
    private volatile boolean idle;
    private volatile boolean closed;

    DeadlineWatch() {
        thread = Thread.ofPlatform().daemon().name("heddle-db-deadlines").start(this::watch);
    }

    void add(Unit unit) {
        running.put(unit, 0L);
        if (idle) {
            LockSupport.unpark(thread);
        }
    }

    void remove(Unit unit) {
        // In this order: while the end waits for a cancellation, the connection may still be cut.
        unit.end();
        running.remove(unit);
    }

    private void watch() {
        while (!closed) {
            if (running.isEmpty()) {
                idle = true;
                // Looked at again after saying "idle", so that a unit added in between is not slept over.
                if (running.isEmpty() && !closed) {
                    LockSupport.park(this);
                }
                idle = false;
            } else {
                LockSupport.parkNanos(this, TICK_NANOS);
            }
            running.forEach(this::look);
        }
    }

    private void look(Unit unit, long cancelledAt) {
        boolean isFirst = cancelledAt == 0;
        boolean due = isFirst ? unit.deadline().isExpired() : System.nanoTime() - cancelledAt > PATIENCE_NANOS;
        if (due && running.replace(unit, cancelledAt, System.nanoTime() | 1)) {
            // Cancelling opens a connection of its own and may wait: not on this thread.
            Thread.ofVirtual().name("heddle-db-cancel").start(isFirst ? unit::cancel : unit::cut);
        }
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
