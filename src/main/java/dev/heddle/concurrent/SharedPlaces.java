package dev.heddle.concurrent;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Places for what lasts as long as its caller likes, such as a body that is being received: so many in all, and so many of
 * one caller, so that nobody can take them all. Nobody waits, because nobody can foresee when one becomes free. Safe for
 * any thread.
 */
public final class SharedPlaces {

    // Set once.
    private final String name;
    private final int places;
    private final int perCaller;

    // Under this object's lock.
    private final Map<String, Integer> inside = new HashMap<>();
    private int taken;

    /**
     * Makes them.
     *
     * @param name what they are for, for the message of a refusal
     * @param places of all callers together
     * @param perCaller of one caller
     */
    public SharedPlaces(String name, int places, int perCaller) {
        this.name = name;
        this.places = places;
        this.perCaller = perCaller;
    }

    /** A place of a caller's, until it is closed; closing it twice is closing it once. For any thread. */
    public final class Place implements AutoCloseable {

        private final String caller;
        private final AtomicBoolean isTaken = new AtomicBoolean(true);

        private Place(String caller) {
            this.caller = caller;
        }

        @Override
        public void close() {
            if (isTaken.compareAndSet(true, false)) {
                leave(caller);
            }
        }
    }

    /**
     * Takes a place.
     *
     * @throws BulkheadFullException when there is none, or the caller has its share
     */
    @SuppressWarnings("MustBeClosedChecker") // The caller closes it.
    public synchronized Place enter(String caller) {
        int its = inside.getOrDefault(caller, 0);
        if (taken >= places) {
            throw new BulkheadFullException(name + ": all " + places + " places are taken");
        }
        if (its >= perCaller) {
            throw new BulkheadFullException(name + ": one caller has " + perCaller + " places already");
        }
        inside.put(caller, its + 1);
        taken++;
        return new Place(caller);
    }

    private synchronized void leave(String caller) {
        inside.computeIfPresent(caller, (its, count) -> count == 1 ? null : count - 1);
        taken--;
    }

    /** How many are taken. */
    public synchronized int taken() {
        return taken;
    }
}
