package dev.heddle.concurrent;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.StructuredTaskScope;
import java.util.concurrent.StructuredTaskScope.Joiner;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Does the parts of an answer side by side, each on a virtual thread and within its own limit, and keeps what each came to.
 * The caller and the deadline are inherited; a unit of work on the database is not, each part opens its own.
 *
 * <p>Nothing outlives it: a part that is late is interrupted, and {@link #run} returns when all have ended. A part that is
 * deaf to interruption therefore holds up everything, so parts wait only for what can be interrupted.
 *
 * <p>The only user of {@link StructuredTaskScope}, a preview API in 25. Immutable, safe for any thread.
 */
public final class FanOut {

    /**
     * What a part gets to end by itself, when its time is up, before it is interrupted: a statement that is cancelled leaves
     * its connection whole, one that is interrupted takes it along.
     */
    private static final Duration GRACE = Duration.ofMillis(100);

    /** Any wait ends before it. */
    private static final long FOREVER_NANOS = Duration.ofDays(1).toNanos();

    private final int width;

    /**
     * A piece of work.
     *
     * @param limit its own; the deadline may be shorter
     */
    public record Part<T>(String name, Duration limit, Callable<T> work) {}

    /** How a part ended. */
    public enum Ending {
        /** It has a value. */
        DONE,
        /** It threw. */
        FAILED,
        /** Its limit or the deadline passed before its end, or even before its beginning. */
        LATE
    }

    /**
     * What a part came to.
     *
     * @param value null unless it is done, and then if that is its value
     * @param cause what it threw, if it has failed
     * @param took from the beginning of all parts to its end, waiting for its turn included
     */
    public record Result<T>(
            String name,
            Ending ending,
            @Nullable T value,
            @Nullable Throwable cause,
            Duration took) {}

    /** Does at most so many parts at once. */
    public FanOut(int width) {
        if (width < 1) {
            throw new IllegalArgumentException("width " + width);
        }
        this.width = width;
    }

    /**
     * Does all parts.
     *
     * @return their results, in their order
     * @throws CancellationException when this thread was interrupted; the parts are too, and the flag stays set
     */
    public <T> List<Result<T>> run(List<Part<T>> parts) {
        var run = new Run<>(parts);
        try (var scope = StructuredTaskScope.open(Joiner.<Object>awaitAll())) {
            for (int i = Math.min(width, parts.size()); i > 0; i--) {
                scope.fork(run::work);
            }
            run.interruptWhatIsLate();
            // At once, or with the interruption.
            scope.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while its parts ran");
        }
        return run.results();
    }

    /**
     * All parts on their way. As many threads as there may be at once take one after the other; the thread that wants the
     * results keeps the time meanwhile: a scope for each part would cost as much as a small part itself.
     */
    private static final class Run<T> {

        private final List<Part<T>> parts;
        private final Deadline deadline = Deadline.current();
        private final long began = System.nanoTime();

        // Under the lock.
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final List<@Nullable Result<T>> results;
        private final List<Turn> running = new ArrayList<>();
        private int next;
        private int ended;

        /** The end of the wait that the time keeper is in: what begins with less time must wake it. */
        private long wakesAt;

        /** A part that runs. Its state is under the lock. */
        private static final class Turn {
            private final Thread thread = Thread.currentThread();
            private final Deadline deadline;
            private boolean isInterrupted;

            Turn(Deadline deadline) {
                this.deadline = deadline;
            }

            /** When it is interrupted, if it goes on after its deadline. */
            long interruptedInNanos() {
                return deadline.remainingNanos() + GRACE.toNanos();
            }
        }

        Run(List<Part<T>> parts) {
            this.parts = parts;
            this.results = new ArrayList<>(Collections.nCopies(parts.size(), null));
        }

        /** One thread's work. */
        @Nullable
        Void work() {
            for (int index = take(); index < parts.size(); index = take()) {
                var part = parts.get(index);
                // From its own beginning: whoever waits for a turn has not begun.
                var own = Deadline.after(Duration.ofNanos(deadline.limitNanos(part.limit())));
                if (own.isExpired()) {
                    end(index, ended(part, Ending.LATE, null, null));
                } else {
                    call(index, part, own);
                }
            }
            return null;
        }

        private int take() {
            lock.lock();
            try {
                return next++;
            } finally {
                lock.unlock();
            }
        }

        private void call(int index, Part<T> part, Deadline own) {
            var turn = begin(own);
            Result<T> result;
            try {
                result = ended(part, Ending.DONE, own.call(part.work()::call), null);
            } catch (Throwable e) {
                // What fails after its deadline has failed because of it: every wait inside honours it by itself.
                result = own.isExpired() ? ended(part, Ending.LATE, null, null) : ended(part, Ending.FAILED, null, e);
            }
            end(turn, index, result);
        }

        private Turn begin(Deadline own) {
            var turn = new Turn(own);
            lock.lock();
            try {
                running.add(turn);
                if (System.nanoTime() + turn.interruptedInNanos() < wakesAt) {
                    changed.signal();
                }
                return turn;
            } finally {
                lock.unlock();
            }
        }

        /** From here on it is not interrupted; what it was is no reason to leave the next part undone. */
        private void end(Turn turn, int index, Result<T> result) {
            lock.lock();
            try {
                running.remove(turn);
                if (turn.isInterrupted) {
                    Thread.interrupted();
                }
                end(index, result);
            } finally {
                lock.unlock();
            }
        }

        private void end(int index, Result<T> result) {
            lock.lock();
            try {
                results.set(index, result);
                if (++ended == parts.size()) {
                    changed.signal();
                }
            } finally {
                lock.unlock();
            }
        }

        private Result<T> ended(Part<T> part, Ending ending, @Nullable T value, @Nullable Throwable cause) {
            return new Result<>(part.name(), ending, value, cause, Duration.ofNanos(System.nanoTime() - began));
        }

        /** Returns when all parts have ended, or when this thread is interrupted; then the flag is set. */
        void interruptWhatIsLate() {
            lock.lock();
            try {
                while (ended < parts.size()) {
                    long wait = FOREVER_NANOS;
                    for (var turn : running) {
                        long left = turn.interruptedInNanos();
                        if (turn.isInterrupted) {
                            continue;
                        }
                        if (left > 0) {
                            wait = Math.min(wait, left);
                        } else {
                            turn.isInterrupted = true;
                            turn.thread.interrupt();
                        }
                    }
                    wakesAt = System.nanoTime() + wait;
                    changed.awaitNanos(wait);
                }
            } catch (InterruptedException e) {
                // Nothing more is begun; what runs is interrupted by the scope.
                next = parts.size();
                Thread.currentThread().interrupt();
            } finally {
                lock.unlock();
            }
        }

        List<Result<T>> results() {
            lock.lock();
            try {
                return results.stream().map(Objects::requireNonNull).toList();
            } finally {
                lock.unlock();
            }
        }
    }
}
