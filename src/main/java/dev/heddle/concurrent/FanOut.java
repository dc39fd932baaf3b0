package dev.heddle.concurrent;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.StructuredTaskScope;
import java.util.concurrent.StructuredTaskScope.Joiner;
import java.util.concurrent.atomic.AtomicInteger;
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
        var run = new FanOutRun<>(parts);
        var next = new AtomicInteger();
        try (var scope = StructuredTaskScope.open(Joiner.<Object>awaitAll())) {
            // As many threads as there may be at once take one part after the other: a scope for each would cost as
            // much as a small part itself.
            for (int i = Math.min(width, parts.size()); i > 0; i--) {
                scope.fork(() -> {
                    for (int index = next.getAndIncrement(); index < parts.size(); index = next.getAndIncrement()) {
                        run.call(index);
                    }
                });
            }
            try {
                run.awaitEnd(() -> next.getAndSet(parts.size()));
            } finally {
                // Nothing more is begun; what runs when this thread is interrupted is interrupted by the scope.
                next.set(parts.size());
            }
            scope.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while its parts ran");
        }
        return run.results();
    }
}
