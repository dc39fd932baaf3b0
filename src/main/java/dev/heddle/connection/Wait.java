package dev.heddle.connection;

import java.util.Optional;

/** That for which a connection waits for its client, if it does. The connection's thread sets it, the watch reads it. */
final class Wait {

    /** Why a connection was ended. */
    enum Reason {
        /** No request came. */
        IDLE,
        /** A head did not come to its end. */
        HEAD,
        /** A body did not go on. */
        STALL,
        /** A body came too slowly. */
        SLOW_BODY,
        /** A body had not come at the deadline of its request, which is answered so. */
        DEADLINE,
        /** An answer was not read. */
        WRITE,
        /** There were too many connections of one address. */
        ADDRESS,
        /** There were too many connections. */
        TOTAL
    }

    private static final long NONE = 0;

    // Written before until: whoever sees the one sees the other.
    private Reason reason = Reason.IDLE;
    private volatile long until = NONE;

    /** Waits for that, at most so long. */
    void begin(Reason what, long nanos) {
        reason = what;
        long at = System.nanoTime() + nanos;
        until = at == NONE ? 1 : at;
    }

    /** Waits no longer. */
    void end() {
        until = NONE;
    }

    /** What it has waited for too long at that time, if it has. */
    Optional<Reason> overdue(long now) {
        long at = until;
        return at != NONE && at - now < 0 ? Optional.of(reason) : Optional.empty();
    }
}
