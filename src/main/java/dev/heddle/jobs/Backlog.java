package dev.heddle.jobs;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How much there is of a kind, on all servers.
 *
 * @param dead how many have failed for good
 * @param oldest when the oldest that is not dead was enqueued; null when there is none
 */
public record Backlog(
        String kind,
        long waiting,
        long running,
        long dead,
        @Nullable Instant oldest) {

    static Backlog none(String kind) {
        return new Backlog(kind, 0, 0, 0, null);
    }
}
