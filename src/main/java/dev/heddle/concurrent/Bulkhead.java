package dev.heddle.concurrent;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Lets a bounded number of callers in at once; a bounded number more may wait, each for a bounded time and never past
 * its {@link Deadline}. Everyone else is refused at once, so that overload is a prompt answer and not a pile. Safe for
 * any thread.
 */
public final class Bulkhead {

    private final String name;
    private final int places;
    private final int queue;
    private final Duration wait;
    private final Semaphore free;
    private final AtomicInteger waiting = new AtomicInteger();
    private final LongAdder refused = new LongAdder();

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
        // Fair: under overload the others overtake those who wait, until these run into their limit.
        this.free = new Semaphore(places, true);
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
        // A free place belongs to those who wait: tryAcquire() alone takes it before them, even of a fair semaphore.
        if (free.hasQueuedThreads() || !free.tryAcquire()) {
            enterAfterWaiting();
        }
    }

    /** Leaves; the next one waiting may enter. */
    public void leave() {
        free.release();
    }

    private void enterAfterWaiting() {
        if (waiting.incrementAndGet() > queue) {
            waiting.decrementAndGet();
            throw refusal("its queue is full");
        }
        try {
            if (!free.tryAcquire(Deadline.current().limitNanos(wait), TimeUnit.NANOSECONDS)) {
                throw refusal("no place became free in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException)
                    new CancellationException("interrupted while waiting for " + name).initCause(e);
        } finally {
            waiting.decrementAndGet();
        }
    }

    private BulkheadFullException refusal(String why) {
        refused.increment();
        return new BulkheadFullException(name + ": " + why);
    }

    /** How many are inside. */
    public int inside() {
        return places - free.availablePermits();
    }

    /** How many wait. */
    public int waiting() {
        return waiting.get();
    }

    /** How many were refused since the start. */
    public long refused() {
        return refused.sum();
    }
}
