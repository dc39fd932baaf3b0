package dev.heddle.concurrent;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A {@link Bulkhead} that many callers share fairly: a place that becomes free goes to the next caller in turn, and within
 * a caller to the one who has waited longest. So whoever has a thousand waiting delays another's one by a turn, not by a
 * thousand, and each has room of its own to wait in. Safe for any thread.
 */
public final class FairBulkhead {

    // Set once.
    private final String name;
    private final int places;
    private final int queue;
    private final Duration wait;

    /** Seen by the test, which holds it to let a hand-over meet the end of a wait. */
    final ReentrantLock lock = new ReentrantLock();

    // Under the lock.
    /** Who waits, by caller, the next one's turn first. Invariant: no caller is in it without anyone waiting. */
    private final SequencedMap<String, SequencedSet<Waiter>> turns = new LinkedHashMap<>();

    private int waiting;
    /** Invariant: while anyone waits this is {@code places}, because a place is handed over and never becomes free then. */
    private int inside;

    private long refused;

    /**
     * Makes a bulkhead.
     *
     * @param name what it guards, for the message of a refusal
     * @param places how many may be inside at once, over all callers
     * @param queue how many more one caller may have waiting at once
     * @param wait how long each may wait
     */
    public FairBulkhead(String name, int places, int queue, Duration wait) {
        if (places < 1 || queue < 0) {
            throw new IllegalArgumentException(name + ": " + places + " places, a queue of " + queue);
        }
        this.name = name;
        this.places = places;
        this.queue = queue;
        this.wait = wait;
    }

    /** Who waits for a place. Its fields are under the lock. */
    private static final class Waiter {

        private final String caller;
        private final Condition turn;
        /** Set when a place was handed over: it is this one's from then on, also when it no longer wants it. */
        private boolean hasPlace;

        Waiter(String caller, Condition turn) {
            this.caller = caller;
            this.turn = turn;
        }
    }

    /**
     * Enters; every return must be followed by one {@link #leave()}.
     *
     * @param caller for whom; nothing of it is kept when it has nobody waiting
     * @throws BulkheadFullException when the caller's queue is full, or the wait or the deadline has passed
     * @throws CancellationException when the thread was interrupted; the interrupt flag stays set
     */
    public void enter(String caller) {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("interrupted before entering " + name);
        }
        long limit = Deadline.current().limitNanos(wait);
        lock.lock();
        try {
            if (inside < places) {
                inside++;
            } else if (waitingOf(caller) >= queue) {
                throw refusal("its queue is full");
            } else {
                await(new Waiter(caller, lock.newCondition()), limit);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Leaves; the next one waiting may enter.
     *
     * @throws IllegalStateException when nobody is inside: another place would be made of it
     */
    public void leave() {
        lock.lock();
        try {
            if (inside == 0) {
                throw new IllegalStateException(name + ": left without having entered");
            }
            handOver();
        } finally {
            lock.unlock();
        }
    }

    private int waitingOf(String caller) {
        var its = turns.get(caller);
        return its == null ? 0 : its.size();
    }

    private void await(Waiter waiter, long limit) {
        turns.computeIfAbsent(waiter.caller, _ -> new LinkedHashSet<>()).add(waiter);
        waiting++;
        try {
            for (long left = limit; !waiter.hasPlace; left = waiter.turn.awaitNanos(left)) {
                if (left <= 0) {
                    giveUp(waiter);
                    throw refusal("no place became free in time");
                }
            }
        } catch (InterruptedException e) {
            if (waiter.hasPlace) {
                handOver();
            } else {
                giveUp(waiter);
            }
            Thread.currentThread().interrupt();
            throw (CancellationException)
                    new CancellationException("interrupted while waiting for " + name).initCause(e);
        }
    }

    /** Passes a place on to whose turn it is; without anyone waiting it becomes free. */
    private void handOver() {
        var next = turns.pollFirstEntry();
        if (next == null) {
            inside--;
            return;
        }
        var its = next.getValue();
        var waiter = its.removeFirst();
        waiting--;
        if (!its.isEmpty()) {
            turns.putLast(next.getKey(), its);
        }
        waiter.hasPlace = true;
        waiter.turn.signal();
    }

    private void giveUp(Waiter waiter) {
        turns.computeIfPresent(waiter.caller, (_, its) -> its.remove(waiter) && its.isEmpty() ? null : its);
        waiting--;
    }

    private BulkheadFullException refusal(String why) {
        refused++;
        return new BulkheadFullException(name + ": " + why);
    }

    /** How many are inside. */
    public int inside() {
        lock.lock();
        try {
            return inside;
        } finally {
            lock.unlock();
        }
    }

    /** How many wait. */
    public int waiting() {
        lock.lock();
        try {
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    /** How many callers are remembered: those who have someone waiting. */
    int callers() {
        lock.lock();
        try {
            return turns.size();
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
