package dev.heddle.jobs;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many jobs of a lane a server has in its hands, of which some are done at once. A job that takes little costs more by
 * being read and marked than by being done, so several of those are picked for each worker, and read and marked together. One
 * that takes long would make those wait that another server could do, so of those no more are picked than are done at once.
 * Safe for any thread.
 */
final class Intake {

    /** How long a job is to wait for the others of its worker. */
    private static final Duration WAIT_AIM = Duration.ofMillis(25);

    /** A job that has waited for so long is given back: those before it take longer than those that came before them. */
    private static final Duration WAIT_MAX = Duration.ofMillis(100);

    /** How much the last job counts in the average. */
    private static final int WEIGHT = 8;

    private final int workers;
    private final int eachMax;
    private final Semaphore turns;
    private final AtomicInteger held = new AtomicInteger();

    /** Whether there may be more due jobs than were picked. */
    private volatile boolean more;

    /** What a job takes, in nanoseconds. */
    private final AtomicLong average = new AtomicLong(WAIT_AIM.toNanos());

    /**
     * For so many workers.
     *
     * @param eachMax jobs for each of them at most
     */
    Intake(int workers, int eachMax) {
        this.workers = workers;
        this.eachMax = eachMax;
        this.turns = new Semaphore(workers, true);
    }

    /** Jobs that can be held at once. */
    int most() {
        return workers * eachMax;
    }

    /** How many may be picked now. */
    int room() {
        int each = each();
        int room = workers * each - held.get();
        // Not one by one when those in hand are done in a moment.
        if (room < (each > 1 ? workers * each / 2 : 1)) {
            more = true;
            return 0;
        }
        return room;
    }

    /** So many were asked for and picked. */
    void picked(int asked, int picked) {
        more = asked == picked;
    }

    /** One is in hand. */
    void begin() {
        held.incrementAndGet();
    }

    /** One is no longer in hand; whether to pick now. */
    boolean end() {
        held.decrementAndGet();
        return more && room() > 0;
    }

    /** Whether there are others in hand than so many. */
    boolean holdsMoreThan(int jobs) {
        return held.get() > jobs;
    }

    /**
     * Runs it as soon as a worker is free.
     *
     * @return false when none was for too long, and it was not run
     * @throws IllegalStateException when the thread was interrupted while it waited
     */
    boolean take(Runnable work) {
        try {
            if (!turns.tryAcquire(WAIT_MAX.toNanos(), TimeUnit.NANOSECONDS)) {
                average.accumulateAndGet(WAIT_AIM.toNanos(), Math::max);
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted before its turn", e);
        }
        long began = System.nanoTime();
        try {
            work.run();
        } finally {
            turns.release();
            long took = System.nanoTime() - began;
            average.updateAndGet(its -> its + (took - its) / WEIGHT);
        }
        return true;
    }

    private int each() {
        return Math.clamp(WAIT_AIM.toNanos() / Math.max(1, average.get()), 1, eachMax);
    }
}
