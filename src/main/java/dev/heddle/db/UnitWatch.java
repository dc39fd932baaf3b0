package dev.heddle.db;

import dev.heddle.concurrent.Timekeeper;
import java.util.concurrent.TimeUnit;

/** Cancels the statements of a unit whose deadline has passed, and cuts its connection if that does not help. */
final class UnitWatch implements Timekeeper.Timed, AutoCloseable {

    /** How long a cancelled statement may take to end before its connection is cut. */
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Unit unit;

    // The timekeeper's.
    private boolean isCancelled;
    private long triedAt;

    private UnitWatch(Unit unit) {
        this.unit = unit;
    }

    /** Watches over it until it is closed, and ends it then. */
    static UnitWatch over(Unit unit) {
        var watch = new UnitWatch(unit);
        Timekeeper.watch(watch);
        return watch;
    }

    @Override
    public void look(long now) {
        boolean isDue =
                isCancelled ? now - triedAt > PATIENCE_NANOS : unit.deadline().isExpired();
        if (isDue) {
            // Cancelling opens a connection of its own and may wait: not on this thread.
            Thread.ofVirtual().name("heddle-db-cancel").start(isCancelled ? unit::cut : unit::cancel);
            isCancelled = true;
            triedAt = now;
        }
    }

    @Override
    public void close() {
        // In this order: while the end waits for a cancellation, the connection may still be cut.
        unit.end();
        Timekeeper.forget(this);
    }
}
