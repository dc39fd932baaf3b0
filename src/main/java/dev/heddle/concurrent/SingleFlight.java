package dev.heddle.concurrent;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets those who want the same at the same time have it done once: the first does it, the others wait for its outcome,
 * each by its own deadline. What is the first one's alone is nobody else's: an answer that is for nobody else, and
 * those who waited do the work themselves; or the end of its time or an interruption, and one of them does it for the
 * others. Safe for any thread.
 *
 * @param <V> what the work comes to; a failure that others can share is a value too
 */
public final class SingleFlight<K, V> {

    /**
     * After how many who gave up somebody does the work beside all others: one after the other, the last would wait for
     * everybody.
     */
    private static final int WAITS_MAX = 2;

    private final ConcurrentHashMap<K, CompletableFuture<End<V>>> flights = new ConcurrentHashMap<>();

    /**
     * What the work came to.
     *
     * @param sharing for whom that holds
     */
    public record Outcome<V>(V value, Sharing sharing) {}

    /** For whom an outcome holds. */
    public enum Sharing {
        /** For all who wanted the same. */
        ALL,
        /** For nobody else, and others will find the same. */
        NONE,
        /**
         * For nobody else, because of who did the work: another one may come to something. So it is when the work
         * throws, too.
         */
        GAVE_UP
    }

    /**
     * The end of somebody's work, for those who waited for it.
     *
     * @param value null unless it is for all
     */
    private record End<V>(@Nullable V value, Sharing sharing) {}

    /**
     * What somebody gets.
     *
     * @param isOthers whether somebody else did the work
     */
    public record Landed<V>(V value, boolean isOthers) {}

    /**
     * Does the work, or waits for whoever is doing it.
     *
     * @throws CancellationException when this thread is interrupted while it waits; the flag stays set
     * @throws TimeoutException when the deadline passes while it waits
     */
    public Landed<V> get(K key, Supplier<Outcome<V>> work) throws TimeoutException {
        for (int waits = 0; waits < WAITS_MAX; waits++) {
            var mine = new CompletableFuture<End<V>>();
            var running = flights.putIfAbsent(key, mine);
            if (running == null) {
                return lead(key, mine, work);
            }
            var end = await(running);
            var value = end.value();
            if (value != null) {
                return new Landed<>(value, true);
            }
            if (end.sharing() == Sharing.NONE) {
                break;
            }
        }
        return new Landed<>(work.get().value(), false);
    }

    private Landed<V> lead(K key, CompletableFuture<End<V>> mine, Supplier<Outcome<V>> work) {
        var end = new End<V>(null, Sharing.GAVE_UP);
        try {
            var outcome = work.get();
            end = new End<>(outcome.sharing() == Sharing.ALL ? outcome.value() : null, outcome.sharing());
            return new Landed<>(outcome.value(), false);
        } finally {
            // In this order: whoever comes in between starts anew, and nobody waits for what is over.
            flights.remove(key, mine);
            mine.complete(end);
        }
    }

    private static <V> End<V> await(CompletableFuture<End<V>> running) throws TimeoutException {
        var waiter = Thread.currentThread();
        var _ = running.thenRun(() -> LockSupport.unpark(waiter));
        try {
            if (!Timekeeper.await(running::isDone, Deadline.current().remainingNanos())) {
                throw new TimeoutException();
            }
            return running.resultNow();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException)
                    new CancellationException("interrupted while waiting for the same").initCause(e);
        }
    }

    /** How many wait for that. */
    int waiting(K key) {
        var running = flights.get(key);
        return running == null ? 0 : running.getNumberOfDependents();
    }
}
