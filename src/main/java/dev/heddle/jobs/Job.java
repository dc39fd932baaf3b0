package dev.heddle.jobs;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A job as operators see it.
 *
 * @param attempts how often it has failed
 * @param lastError how the last attempt failed, if one did
 * @param data what it is about, a JSON object
 * @param createdAt when it was enqueued
 * @param runAt when it is due, or was when it began; null for a failed one, which waits for nobody
 */
record Job(
        UUID id,
        String kind,
        State state,
        int attempts,
        @Nullable String lastError,
        String data,
        Instant createdAt,
        @Nullable Instant runAt) {

    /** Where it is. */
    enum State {
        /** Due, or to be tried again later. */
        WAITING,
        /** A worker has it. */
        RUNNING,
        /** Among the dead letters: it has used up its attempts. */
        FAILED
    }
}
