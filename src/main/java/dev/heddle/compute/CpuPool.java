package dev.heddle.compute;

import dev.heddle.concurrent.Bulkhead;
import dev.heddle.concurrent.Deadline;
import dev.heddle.concurrent.Timekeeper;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * A few platform threads for work that computes and never waits. On a virtual thread it would not let go of the carrier
 * under it, and as many such requests as there are processors would stop all others. Safe for any thread.
 *
 * <p>Work must look at its interruption and its {@link Deadline} every few milliseconds. Its place is free again only when
 * its thread has really stopped, so what is given up is not done twice at once.
 */
public final class CpuPool implements AutoCloseable {

    /** By then whatever looks at its interruption has ended; the threads of what does not end with the process. */
    private static final Duration CLOSE_MAX = Duration.ofSeconds(2);

    private final Bulkhead places;
    private final ExecutorService threads;

    /** How it is used. */
    public record Usage(int busy, int waiting, long refused) {}

    /**
     * Opens one.
     *
     * @param size how many threads
     * @param queue how many callers more may wait for one
     * @param wait how long each of them may wait
     */
    public CpuPool(int size, int queue, Duration wait) {
        places = new Bulkhead("compute", size, queue, wait);
        threads = Executors.newFixedThreadPool(
                size, Thread.ofPlatform().daemon().name("heddle-compute-", 0).factory());
    }

    /**
     * Does the work on a thread of the pool, under this thread's deadline, and returns what it came to.
     *
     * @throws dev.heddle.concurrent.BulkheadFullException when no thread is free, and none becomes so in time
     * @throws CancellationException when the deadline passes, this thread is interrupted (the flag stays set) or the pool
     *     is closed; the work is interrupted then
     */
    public <T> T call(Supplier<T> work) {
        places.enter();
        var deadline = Deadline.current();
        // Bindings of scoped values do not reach the threads of an executor by themselves.
        var placed = new Placed<>(() -> deadline.call(work::get));
        try {
            threads.execute(placed);
        } catch (RejectedExecutionException e) {
            places.leave();
            throw (CancellationException) new CancellationException("the pool is closed").initCause(e);
        } catch (Error e) {
            // No thread to be had from the system.
            places.leave();
            throw e;
        }
        return result(placed, deadline);
    }

    /** Work that has a place. */
    private final class Placed<T> extends FutureTask<T> {

        private final Thread caller = Thread.currentThread();

        Placed(Supplier<T> work) {
            super(work::get);
        }

        @Override
        protected void done() {
            LockSupport.unpark(caller);
        }

        @Override
        public void run() {
            try {
                super.run();
            } finally {
                places.leave();
            }
        }
    }

    private static <T> T result(FutureTask<T> work, Deadline deadline) {
        try {
            if (!Timekeeper.await(work::isDone, deadline.remainingNanos())) {
                work.cancel(true);
                throw new CancellationException("the deadline passed while computing");
            }
            return work.get();
        } catch (InterruptedException e) {
            work.cancel(true);
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("interrupted while computing").initCause(e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error failure) {
                throw failure;
            }
            throw e.getCause() instanceof RuntimeException failure ? failure : new IllegalStateException(e.getCause());
        }
    }

    /** How it is used now. */
    public Usage usage() {
        return new Usage(places.inside(), places.waiting(), places.refused());
    }

    /** Interrupts what runs, and waits for it to end. */
    @Override
    public void close() {
        for (var neverBegun : threads.shutdownNow()) {
            ((Placed<?>) neverBegun).cancel(false);
        }
        try {
            threads.awaitTermination(CLOSE_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
