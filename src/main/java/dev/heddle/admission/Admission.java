package dev.heddle.admission;

import dev.heddle.concurrent.BulkheadFullException;
import dev.heddle.concurrent.Deadline;
import io.helidon.common.concurrency.limits.AimdLimit;
import io.helidon.common.concurrency.limits.LimitAlgorithm;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Bounds how many requests are worked on at once, and finds the number by itself: while they are quick it grows, up to a
 * limit, and when one of them is slow it shrinks by a tenth (additive increase, multiplicative decrease). Who finds no place
 * waits in a queue with an end, for a time with an end, and never past the {@link Deadline}; everybody else is refused at
 * once. So what is let in under overload is served in good time, and what is not hears so soon. Safe for any thread.
 */
public final class Admission {

    // Set once.
    private final Options options;
    private final AimdLimit limit;
    /** Whoever waits longest holds it; the others stand in line for it. */
    private final ReentrantLock turn = new ReentrantLock(true);

    // Any thread.
    private final AtomicInteger inside = new AtomicInteger();
    private final AtomicInteger waiting = new AtomicInteger();
    private final LongAdder refused = new LongAdder();
    /** Whom a place that becomes free is for; null when nobody waits. */
    private volatile @Nullable Thread first;

    /**
     * The bounds.
     *
     * @param least places there always are: fewer would leave idle what stands behind
     * @param most places there ever are
     * @param slow whoever takes longer shows that there is too much at once
     * @param queue how many more may wait
     * @param queueWait how long each of them waits
     */
    public record Options(int least, int most, Duration slow, int queue, Duration queueWait) {}

    /** Lets in as many as these bounds have it. */
    public Admission(Options options) {
        this.options = options;
        int most = Math.max(options.least(), options.most());
        limit = AimdLimit.builder()
                .minLimit(Math.min(options.least(), most))
                .maxLimit(most)
                .initialLimit(most)
                .timeout(options.slow())
                .build();
        limit.init("requests");
    }

    /** A place inside, until it is closed; closing it twice is closing it once. Belongs to one thread. */
    public final class Place implements AutoCloseable {

        private LimitAlgorithm.@Nullable Token token;

        private Place(LimitAlgorithm.Token token) {
            this.token = token;
        }

        @Override
        public void close() {
            var its = token;
            if (its == null) {
                return;
            }
            token = null;
            inside.decrementAndGet();
            // Always: what has failed in good time is no sign of overload, and the time of the rest speaks for itself.
            its.success();
            var next = first;
            if (next != null) {
                LockSupport.unpark(next);
            }
        }
    }

    /**
     * Enters.
     *
     * @throws BulkheadFullException when the queue is full, or the wait or the deadline has passed
     * @throws CancellationException when the thread was interrupted; the interrupt flag stays set
     */
    @SuppressWarnings("MustBeClosedChecker") // The caller closes it.
    public Place enter() {
        var place = waiting.get() == 0 ? placeIfFree() : null;
        return place != null ? place : placeInTurn();
    }

    private @Nullable Place placeIfFree() {
        if (limit.tryAcquireOutcome(false) instanceof LimitAlgorithm.Outcome.Accepted accepted) {
            inside.incrementAndGet();
            return new Place(accepted.token());
        }
        return null;
    }

    private Place placeInTurn() {
        if (waiting.incrementAndGet() > options.queue()) {
            waiting.decrementAndGet();
            throw refusal("its queue is full");
        }
        try {
            long until = System.nanoTime() + Deadline.current().limitNanos(options.queueWait());
            if (!turn.tryLock(until - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw refusal("no place became free in time");
            }
            try {
                return firstInLine(until);
            } finally {
                first = null;
                turn.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException)
                    new CancellationException("interrupted while waiting for a place").initCause(e);
        } finally {
            waiting.decrementAndGet();
        }
    }

    private Place firstInLine(long until) throws InterruptedException {
        // Before the first look: whoever leaves after that look sees it and wakes this thread.
        first = Thread.currentThread();
        while (true) {
            var place = placeIfFree();
            if (place != null) {
                return place;
            }
            long left = until - System.nanoTime();
            if (left <= 0) {
                throw refusal("no place became free in time");
            }
            LockSupport.parkNanos(this, left);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    private BulkheadFullException refusal(String why) {
        refused.increment();
        return new BulkheadFullException("requests at once: " + why);
    }

    /** How many are inside. */
    public int inside() {
        return inside.get();
    }

    /** How many wait. */
    public int waiting() {
        return waiting.get();
    }

    /** How many places there are right now. */
    @SuppressWarnings("removal") // The limit has no other way to say it.
    public int places() {
        return Math.max(0, inside.get() + limit.semaphore().availablePermits());
    }

    /** How many were refused since the start. */
    public long refused() {
        return refused.sum();
    }
}
