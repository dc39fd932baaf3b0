package dev.heddle.concurrent;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.SequencedSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets a bounded number of callers in at once; a bounded number more may wait, each for a bounded time and never past
 * its {@link Deadline}. Everyone else is refused at once, so that overload is a prompt answer and not a pile. Safe for
 * any thread.
 */
public final class Bulkhead {

    // Set once.
    private final String name;
    private final int places;
    private final int queue;
    private final Duration wait;

    // Under the lock.
    private final ReentrantLock lock = new ReentrantLock();
    /** In the order in which they came. Invariant: while anyone waits no place is free, because it is handed over. */
    private final SequencedSet<Waiter> line = new LinkedHashSet<>();

    private int free;
    private long refused;

    /** Who waits for a place. */
    private static final class Waiter {
        private final Thread thread = Thread.currentThread();
        /** Set when a place was handed over: it is this one's from then on, also when it no longer wants it. */
        private volatile boolean hasPlace;

        boolean hasPlace() {
            return hasPlace;
        }
    }

    /**
     * Makes a bulkhead.
     *
     * @param name what it guards, for the message of a refusal
     * @param places how many may be inside at once
     * @param queue how many more may wait at once
     * @param wait how long each may wait
     */
    public Bulkhead(String name, int places, int queue, Duration wait) {
        this.name = name;
        this.places = places;
        this.queue = queue;
        this.wait = wait;
        this.free = places;
    }

    /**
     * Enters; every return must be followed by one {@link #leave()}.
     *
     * @throws BulkheadFullException when the queue is full, or the wait or the deadline has passed
     * @throws CancellationException when the thread was interrupted; the interrupt flag stays set
     */
    public void enter() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("interrupted before entering " + name);
        }
        var waiter = enterOrWait();
        if (waiter != null) {
            await(waiter);
        }
    }

    /** Leaves; the next one waiting may enter. */
    public void leave() {
        lock.lock();
        try {
            handOver();
        } finally {
            lock.unlock();
        }
    }

    /** Null when it is inside. */
    private @Nullable Waiter enterOrWait() {
        lock.lock();
        try {
            if (free > 0) {
                free--;
                return null;
            }
            if (line.size() >= queue) {
                throw refusal("its queue is full");
            }
            var waiter = new Waiter();
            line.addLast(waiter);
            return waiter;
        } finally {
            lock.unlock();
        }
    }

    private void await(Waiter waiter) {
        try {
            if (!Timekeeper.await(waiter::hasPlace, Deadline.current().limitNanos(wait))) {
                requirePlace(waiter);
            }
        } catch (InterruptedException e) {
            giveUp(waiter);
            Thread.currentThread().interrupt();
            throw (CancellationException)
                    new CancellationException("interrupted while waiting for " + name).initCause(e);
        }
    }

    private void requirePlace(Waiter waiter) {
        lock.lock();
        try {
            if (line.remove(waiter)) {
                throw refusal("no place became free in time");
            }
        } finally {
            lock.unlock();
        }
    }

    private void giveUp(Waiter waiter) {
        lock.lock();
        try {
            if (!line.remove(waiter)) {
                handOver();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Passes a place on to who has waited longest; without anyone waiting it becomes free. */
    private void handOver() {
        if (line.isEmpty()) {
            free++;
            return;
        }
        var next = line.removeFirst();
        next.hasPlace = true;
        LockSupport.unpark(next.thread);
    }

    private BulkheadFullException refusal(String why) {
        refused++;
        return new BulkheadFullException(name + ": " + why);
    }

    /** How many are inside. */
    public int inside() {
        lock.lock();
        try {
            return places - free;
        } finally {
            lock.unlock();
        }
    }

    /** Whether whoever enters now has to wait. */
    public boolean isFull() {
        return inside() == places;
    }

    /** How many wait. */
    public int waiting() {
        lock.lock();
        try {
            return line.size();
        } finally {
            lock.unlock();
        }
    }

    /** How many were refused since the start. */
    public long refused() {
        lock.lock();
        try {
            return refused;
        } finally {
            lock.unlock();
        }
    }
}
