package dev.heddle.jobs;

import dev.heddle.concurrent.Timekeeper;
import dev.heddle.db.DatabaseException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Does the jobs of a kind where they lie (see {@link Due}): one statement finds those that are due and deletes them, and
 * what they are for is done by the same statement or before it is committed. They are not picked first, so they have no
 * heartbeat, and a server that is killed leaves them as they were.
 *
 * <p>It does what is likely to succeed. For some time after it has failed it leaves the kind to the engine, which does each
 * job by itself and counts its attempts; what has failed before stays with the engine, and so does what was there before
 * this server started, as it may be what took one down. Safe for any thread.
 */
final class DueWorker {

    private static final System.Logger LOG = System.getLogger(DueWorker.class.getName());

    /** At once: their locks are held until all are done. */
    static final int BATCH_MAX = 128;

    /** For what other servers have left; our own commits wake it at once. */
    private static final Duration POLLING_INTERVAL = Duration.ofSeconds(1);

    /** In which the engine finds out what is wrong with which job; doubled when it fails again before as long has passed. */
    private static final Duration REST_MIN = Duration.ofSeconds(2);

    private static final Duration REST_MAX = Duration.ofMinutes(1);

    /** On shutdown, before it is interrupted. */
    private static final Duration SHUTDOWN_WAIT = Duration.ofSeconds(7);

    /** For the end after that. A disk that does not answer cannot be interrupted; what waits for it is never committed. */
    private static final Duration INTERRUPTED_WAIT = Duration.ofSeconds(1);

    // Set once.
    private final JobKind kind;
    private final Due due;
    private final JobObserver observer;
    private final Runnable engine;
    private final Thread thread;

    // The thread's own.
    private Duration rest = REST_MIN;
    private long restedUntil = System.nanoTime();

    // Any thread.
    private volatile boolean isWoken;
    private volatile boolean isStopping;
    private volatile boolean isResting;

    /**
     * For that kind.
     *
     * @param engine wakes the engine
     */
    DueWorker(JobKind kind, Due due, JobObserver observer, Runnable engine) {
        this.kind = kind;
        this.due = due;
        this.observer = observer;
        this.engine = engine;
        this.thread = Thread.ofVirtual().name("heddle-" + kind.name()).unstarted(this::work);
    }

    void start() {
        thread.start();
    }

    /** There may be jobs. */
    void wake() {
        // Most of the time it is at work and somebody has said so already.
        if (!isWoken) {
            isWoken = true;
            LockSupport.unpark(thread);
        }
    }

    JobKind kind() {
        return kind;
    }

    /** Whether the engine is to do the jobs of this kind for now. */
    boolean isResting() {
        return isResting;
    }

    /** Begins no more of them. */
    void pause() {
        isStopping = true;
        LockSupport.unpark(thread);
    }

    /** After {@link #pause()}: waits for those that are under way. */
    void awaitEnd() {
        if (thread.getState() == Thread.State.NEW) {
            return;
        }
        try {
            if (!thread.join(SHUTDOWN_WAIT)) {
                thread.interrupt();
                thread.join(INTERRUPTED_WAIT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void work() {
        try {
            while (!isStopping) {
                // Before it looks: whoever comes later finds it false, and says so.
                isWoken = false;
                if (!isMoreLeft()) {
                    Timekeeper.await(() -> isWoken || isStopping, POLLING_INTERVAL.toNanos());
                }
            }
        } catch (InterruptedException e) {
            // Only whoever stops it does that.
            Thread.currentThread().interrupt();
        } finally {
            isResting = true;
        }
    }

    private boolean isMoreLeft() throws InterruptedException {
        long began = System.nanoTime();
        // Not after a success: when a rest has ended there is often one job or none, which says nothing of many.
        if (began - restedUntil > rest.toNanos()) {
            rest = REST_MIN;
        }
        try {
            long done = due.work().applyAsLong(BATCH_MAX);
            var took = Duration.ofNanos(System.nanoTime() - began);
            for (long i = 0; i < done; i++) {
                observer.ended(kind, JobObserver.Outcome.DONE, took);
            }
            return done == BATCH_MAX;
        } catch (UnfitException e) {
            leave(e);
        } catch (RuntimeException | Error e) {
            failed(e);
        }
        return true;
    }

    private void leave(UnfitException unfit) throws InterruptedException {
        try {
            if (due.leave().applyAsLong(unfit.jobs()) == 0) {
                throw new IllegalStateException("those that cannot be done with others are none of them", unfit);
            }
            engine.run();
        } catch (RuntimeException | Error e) {
            failed(e);
        }
    }

    private void failed(Throwable cause) throws InterruptedException {
        LOG.log(
                cause instanceof Error ? Level.WARNING : Level.DEBUG,
                "jobs (" + kind.name() + ") could not be done together; each is done by itself",
                cause);
        observer.failedTogether(kind);
        isResting = true;
        engine.run();
        Timekeeper.await(() -> isStopping, rest.toNanos());
        isResting = false;
        restedUntil = System.nanoTime();
        // A database that is back has much to do, and together is the way to do it.
        if (!(cause instanceof DatabaseException)) {
            var longer = rest.multipliedBy(2);
            rest = longer.compareTo(REST_MAX) < 0 ? longer : REST_MAX;
        }
    }
}
