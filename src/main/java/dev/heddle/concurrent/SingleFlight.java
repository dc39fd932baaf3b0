package dev.heddle.concurrent;

import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Lets those who want the same at the same time have it done once: the first does it, the others wait for its outcome, each
 * by its own deadline. An outcome that is the first one's alone, such as the end of its time, is nobody else's: those who
 * waited do the work themselves. Safe for any thread.
 *
 * @param <V> what the work comes to; a failure that others can share is a value too
 */
public final class SingleFlight<K, V> {

    /** Empty when there is nothing to share. */
    private final ConcurrentHashMap<K, CompletableFuture<Optional<V>>> flights = new ConcurrentHashMap<>();

    /**
     * What the work came to.
     *
     * @param isShared whether it holds for others who wanted the same
     */
    public record Outcome<V>(V value, boolean isShared) {}

    /**
     * What somebody gets.
     *
     * @param isOthers whether somebody else did the work
     */
    public record Landed<V>(V value, boolean isOthers) {}

    /**
     * Does the work, or waits for whoever is doing it. When that comes to nothing that can be shared, the work is done
     * here, beside all others who waited for it: one after the other, the last would wait for everybody.
     *
     * @throws CancellationException when this thread is interrupted while it waits; the flag stays set
     * @throws TimeoutException when the deadline passes while it waits
     */
    public Landed<V> get(K key, Supplier<Outcome<V>> work) throws TimeoutException {
        var mine = new CompletableFuture<Optional<V>>();
        var running = flights.putIfAbsent(key, mine);
        if (running != null) {
            var shared = await(running);
            return shared.isPresent()
                    ? new Landed<>(shared.get(), true)
                    : new Landed<>(work.get().value(), false);
        }
        Optional<V> shared = Optional.empty();
        try {
            var outcome = work.get();
            shared = outcome.isShared() ? Optional.of(outcome.value()) : Optional.empty();
            return new Landed<>(outcome.value(), false);
        } finally {
            // In this order: whoever comes in between starts anew, and nobody waits for what is over.
            flights.remove(key, mine);
            mine.complete(shared);
        }
    }

    private static <V> Optional<V> await(CompletableFuture<Optional<V>> running) throws TimeoutException {
        try {
            return running.get(Deadline.current().remainingNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException)
                    new CancellationException("interrupted while waiting for the same").initCause(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("it is never completed so", e);
        }
    }
}
