package dev.heddle.upstream;

import java.time.Duration;

/** Is told what becomes of requests to upstreams, by their names. Safe for any thread. */
public interface UpstreamObserver {

    /** How a call to the remote ended. */
    enum Call {
        /** With a document. */
        OK,
        /** With a status that is none of success. */
        STATUS,
        /** With something that cannot be used. */
        INVALID,
        /** There was no connection. */
        UNREACHABLE,
        /** It took too long. */
        TIMEOUT,
        /** No call was made: too many wait for one. */
        FULL,
        /** No call was made: the breaker is open. */
        OPEN
    }

    /** Where an answer came from that took no call of its own. */
    enum Saved {
        /** It was kept and is good. */
        FRESH,
        /** It was kept and stands in for one that could not be had. */
        STALE,
        /** Somebody else asked for the same. */
        SHARED
    }

    /** A call ended so. */
    void called(String upstream, Call call, Duration took);

    /** An answer was saved. */
    void saved(String upstream, Saved saved);
}
