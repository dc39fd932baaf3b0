package dev.heddle.concurrent;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.StructuredTaskScope;
import java.util.concurrent.StructuredTaskScope.Joiner;
import java.util.concurrent.StructuredTaskScope.Subtask;
import java.util.concurrent.TimeUnit;
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
        var places = parts.size() > width ? new Semaphore(width) : null;
        var runs = new ArrayList<Run<T>>(parts.size());
        long began = System.nanoTime();
        try (var scope = StructuredTaskScope.open(Joiner.<Object>awaitAll())) {
            for (var part : parts) {
                var run = new Run<>(part, began, places);
                runs.add(run);
                scope.fork(run::call);
            }
            scope.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while its parts ran");
        }
        return runs.stream().map(Run::result).toList();
    }

    /** One part on its way. Written by the thread that runs it, read after the join. */
    private static final class Run<T> {

        private final Part<T> part;
        private final long began;
        private final @Nullable Semaphore places;
        private @Nullable Result<T> result;

        Run(Part<T> part, long began, @Nullable Semaphore places) {
            this.part = part;
            this.began = began;
            this.places = places;
        }

        Result<T> result() {
            // Interrupted before it could begin: only the end of everything does that.
            return result == null ? ended(Ending.LATE, null, null) : result;
        }

        @Nullable
        Void call() throws InterruptedException {
            if (places == null) {
                inTime();
            } else {
                // Until the deadline only: whoever waits for a turn has not begun, so its own limit has not either.
                var deadline = Deadline.current();
                if (!places.tryAcquire(deadline.remainingNanos(), TimeUnit.NANOSECONDS)) {
                    result = ended(Ending.LATE, null, null);
                    return null;
                }
                try {
                    inTime();
                } finally {
                    places.release();
                }
            }
            return null;
        }

        /** A scope of its own, because only a scope can interrupt at a limit. */
        private void inTime() throws InterruptedException {
            var deadline = Deadline.after(Duration.ofNanos(Deadline.current().limitNanos(part.limit())));
            if (deadline.isExpired()) {
                // A scope without time left may still run quick work to its end.
                result = ended(Ending.LATE, null, null);
                return;
            }
            Subtask<T> subtask;
            try (var scope = StructuredTaskScope.open(
                    Joiner.<T>awaitAll(),
                    its -> its.withTimeout(deadline.remaining()).withName(part.name()))) {
                subtask = scope.fork(() -> deadline.call(part.work()::call));
                scope.join();
            } catch (StructuredTaskScope.TimeoutException e) {
                // What it has thrown since is only the interruption.
                result = ended(Ending.LATE, null, null);
                return;
            }
            result = switch (subtask.state()) {
                case SUCCESS -> ended(Ending.DONE, subtask.get(), null);
                case FAILED -> failed(subtask.exception(), deadline);
                case UNAVAILABLE -> ended(Ending.LATE, null, null);
            };
        }

        /** What fails at its deadline has failed because of it: every wait inside honours the deadline by itself. */
        private Result<T> failed(Throwable cause, Deadline deadline) {
            return deadline.isExpired() ? ended(Ending.LATE, null, null) : ended(Ending.FAILED, null, cause);
        }

        private Result<T> ended(Ending ending, @Nullable T value, @Nullable Throwable cause) {
            return new Result<>(part.name(), ending, value, cause, Duration.ofNanos(System.nanoTime() - began));
        }
    }
}
