package dev.heddle.upstream;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Leaves an upstream alone that fails: when half of its last calls have, it is open and lets nobody through for a while;
 * then one call tries, and decides. It is closed while all is well. Safe for any thread.
 */
final class Breaker {

    /** How many of the last calls are looked at: few enough to notice quickly, enough not to open by accident. */
    private static final int WINDOW = 20;

    /** Fewer calls say nothing. */
    private static final int CALLS_MIN = 10;

    private static final double FAILED_SHARE = 0.5;

    /** No call may be made. */
    static final long REFUSED = -1;

    private final long pauseNanos;
    private final LongSupplier nanoTime;

    // Under the lock.
    private final ReentrantLock lock = new ReentrantLock();
    private final boolean[] failed = new boolean[WINDOW];
    private int calls;
    private int next;
    private int failures;
    private State state = State.CLOSED;
    private long openedAt;
    private long era;
    private boolean isTrying;
    private boolean isTryingBriefly;

    /** Whether calls are made. */
    enum State {
        /** All of them. */
        CLOSED,
        /** One at a time that has the time to find out, and one at a time that has not, to see whether it is well again. */
        HALF_OPEN,
        /** None. */
        OPEN;

        /** As callers and operators see it. */
        String written() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** How a call ended, as far as it says something about the upstream. */
    enum Outcome {
        SUCCESS,
        FAILURE,
        /** Nothing: its caller did not wait, for example. */
        UNKNOWN
    }

    /**
     * Closed at first.
     *
     * @param pause between opening and the first try
     */
    Breaker(Duration pause, LongSupplier nanoTime) {
        this.pauseNanos = pause.toNanos();
        this.nanoTime = nanoTime;
    }

    /**
     * Whether a call may be made now.
     *
     * @param isPatient whether it waits until the upstream's own limit; those that do not have a place of their own to try
     *     in, or one after the other they could take the only one for ever and find out nothing
     * @return what {@link #ended} must be told at its end; {@link #REFUSED} when it may not
     */
    long admit(boolean isPatient) {
        lock.lock();
        try {
            return switch (now()) {
                case CLOSED -> admitted(isPatient);
                case OPEN -> REFUSED;
                case HALF_OPEN -> tries(isPatient);
            };
        } finally {
            lock.unlock();
        }
    }

    private long tries(boolean isPatient) {
        if (isPatient ? isTrying : isTryingBriefly) {
            return REFUSED;
        }
        isTrying |= isPatient;
        isTryingBriefly |= !isPatient;
        return admitted(isPatient);
    }

    /** The era, and whose place it has. */
    private long admitted(boolean isPatient) {
        return era * 2 + (isPatient ? 1 : 0);
    }

    /** Notes how a call ended that was admitted; says whether that has opened or closed it. */
    boolean ended(long admitted, Outcome outcome) {
        lock.lock();
        try {
            boolean isPatient = admitted == admitted(true);
            if (!isPatient && admitted != admitted(false)) {
                // It began before the state changed: what it says is known.
                return false;
            }
            var before = state;
            if (state == State.CLOSED) {
                count(outcome);
            } else {
                tried(isPatient, outcome);
            }
            return state != before;
        } finally {
            lock.unlock();
        }
    }

    private void count(Outcome outcome) {
        if (outcome == Outcome.UNKNOWN) {
            return;
        }
        boolean isFailure = outcome == Outcome.FAILURE;
        if (calls == WINDOW) {
            failures -= failed[next] ? 1 : 0;
        } else {
            calls++;
        }
        failed[next] = isFailure;
        failures += isFailure ? 1 : 0;
        next = (next + 1) % WINDOW;
        if (isFailure && calls >= CALLS_MIN && failures >= calls * FAILED_SHARE) {
            open();
        }
    }

    private void tried(boolean isPatient, Outcome outcome) {
        isTrying &= !isPatient;
        isTryingBriefly &= isPatient;
        switch (outcome) {
            case SUCCESS -> change(State.CLOSED);
            case FAILURE -> open();
            case UNKNOWN -> {}
        }
    }

    private void open() {
        openedAt = nanoTime.getAsLong();
        change(State.OPEN);
    }

    private void change(State to) {
        state = to;
        era++;
        isTrying = false;
        isTryingBriefly = false;
        calls = 0;
        next = 0;
        failures = 0;
    }

    /** The state, after the pause half open. */
    private State now() {
        if (state == State.OPEN && nanoTime.getAsLong() - openedAt >= pauseNanos) {
            change(State.HALF_OPEN);
        }
        return state;
    }

    /** Whether calls are made. */
    State state() {
        lock.lock();
        try {
            return now();
        } finally {
            lock.unlock();
        }
    }

    /** How long it will still be open; zero when it is not. */
    Duration remaining() {
        lock.lock();
        try {
            // Time goes on between one look at it and the next.
            return now() == State.OPEN
                    ? Duration.ofNanos(Math.max(0, pauseNanos - (nanoTime.getAsLong() - openedAt)))
                    : Duration.ZERO;
        } finally {
            lock.unlock();
        }
    }
}
