package dev.heddle.jobs;

import dev.heddle.concurrent.Deadline;
import dev.heddle.concurrent.Timekeeper;
import dev.heddle.db.Database;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;

/**
 * Does the jobs of a kind that is an {@link JobHandler.Effect} where they lie: one statement finds those that are due, writes
 * their effects and deletes them. They are not picked first, so they have no heartbeat, and a server that is killed leaves
 * them as they were.
 *
 * <p>It does what is likely to succeed. For some time after a statement has failed it leaves the kind to the engine, which
 * does each job by itself and counts its attempts; what has failed before stays with the engine, and so does what was there
 * before this server started, as it may be what took one down. Safe for any thread.
 */
final class EffectWorker {

    private static final System.Logger LOG = System.getLogger(EffectWorker.class.getName());

    /** In one statement, which holds its locks until its end. */
    static final int BATCH_MAX = 128;

    /** Of such a statement: whatever it waits for so long is better waited for by single jobs. */
    private static final Duration BATCH_LIMIT = Duration.ofSeconds(2);

    /** For what other servers have left; our own commits wake it at once. */
    private static final Duration POLLING_INTERVAL = Duration.ofSeconds(1);

    /** In which the engine finds out what is wrong with which job. */
    private static final Duration REST = Duration.ofSeconds(2);

    /** On shutdown, before the statement is interrupted. */
    private static final Duration SHUTDOWN_WAIT = Duration.ofSeconds(7);

    // Set once.
    private final Database database;
    private final JobStore store;
    private final JobKind kind;
    private final JobHandler.Effect effect;
    private final Instant since;
    private final JobObserver observer;
    private final Runnable engine;
    private final Thread thread;

    // Any thread.
    private volatile boolean isWoken;
    private volatile boolean isStopping;
    private volatile boolean isResting;

    /**
     * For that kind.
     *
     * @param since jobs that were due before it are the engine's
     * @param engine wakes the engine
     */
    EffectWorker(
            Database database,
            JobStore store,
            JobKind kind,
            JobHandler.Effect effect,
            Instant since,
            JobObserver observer,
            Runnable engine) {
        this.database = database;
        this.store = store;
        this.kind = kind;
        this.effect = effect;
        this.since = since;
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

    /** Begins no more statements. */
    void pause() {
        isStopping = true;
        LockSupport.unpark(thread);
    }

    /** After {@link #pause()}: waits for the one that runs. */
    void awaitEnd() {
        if (thread.getState() == Thread.State.NEW) {
            return;
        }
        try {
            if (!thread.join(SHUTDOWN_WAIT)) {
                thread.interrupt();
                thread.join();
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
        try {
            long done = Deadline.after(BATCH_LIMIT)
                    .call(() -> database.single(sql -> store.applyDue(sql, kind, effect, since, BATCH_MAX)));
            var took = Duration.ofNanos(System.nanoTime() - began);
            for (long i = 0; i < done; i++) {
                observer.ended(kind, JobObserver.Outcome.DONE, took);
            }
            return done == BATCH_MAX;
        } catch (RuntimeException e) {
            LOG.log(Level.DEBUG, "jobs (" + kind.name() + ") could not be done together; each is done by itself", e);
            rest();
            return true;
        }
    }

    private void rest() throws InterruptedException {
        isResting = true;
        engine.run();
        Timekeeper.await(() -> isStopping, REST.toNanos());
        isResting = false;
    }
}
