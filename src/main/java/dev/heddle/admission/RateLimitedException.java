package dev.heddle.admission;

import java.time.Duration;

/** Somebody has asked for more than a {@link RateLimit} allows. */
public final class RateLimitedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient RateLimit.State state;
    private final Duration wait;

    RateLimitedException(RateLimit.State state, Duration wait) {
        // Hundreds of them a second tell nothing by where they were thrown.
        super(state.limit() + " is used up", null, false, false);
        this.state = state;
        this.wait = wait;
    }

    /** What is left: nothing. */
    public RateLimit.State state() {
        return state;
    }

    /** How long it takes until there is something again. */
    public Duration untilNext() {
        return wait;
    }
}
