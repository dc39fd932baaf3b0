package dev.heddle.jobs;

import java.time.Duration;

/** Hears of each attempt, on the thread of the worker; it is quick and does not throw. */
public interface JobObserver {

    /** How an attempt ended. */
    enum Outcome {
        DONE,
        /** It will be tried again. */
        FAILED,
        /** It was the last attempt. */
        DEAD,
        /** The server stops; the attempt does not count. */
        INTERRUPTED,
        /** Another server had taken the job over; nothing was done. */
        LOST
    }

    /** An attempt has ended. */
    void ended(JobKind kind, Outcome outcome, Duration took);

    /** Many of that kind could not be done together; each will have an attempt of its own. */
    default void failedTogether(JobKind kind) {}
}
