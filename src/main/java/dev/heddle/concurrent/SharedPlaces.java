package dev.heddle.concurrent;

import java.util.HashMap;
import java.util.Map;

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

    /**
     * Takes a place; every return must be followed by one {@link #leave}.
     *
     * @throws BulkheadFullException when there is none, or the caller has its share
     */
    public synchronized void enter(String caller) {
        int its = inside.getOrDefault(caller, 0);
        if (taken >= places) {
            throw new BulkheadFullException(name + ": all " + places + " places are taken");
        }
        if (its >= perCaller) {
            throw new BulkheadFullException(name + ": one caller has " + perCaller + " places already");
        }
        inside.put(caller, its + 1);
        taken++;
    }

    /** Gives a place of that caller back. */
    public synchronized void leave(String caller) {
        int its = inside.getOrDefault(caller, 0);
        if (its == 0) {
            throw new IllegalStateException(name + ": left without having entered");
        }
        if (its == 1) {
            inside.remove(caller);
        } else {
            inside.put(caller, its - 1);
        }
        taken--;
    }

    /** How many are taken. */
    public synchronized int taken() {
        return taken;
    }
}
