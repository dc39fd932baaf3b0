package dev.heddle.notifications;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How many tasks a user has.
 *
 * @param updatedAt when a job last counted something; null when none ever has
 */
record Stats(long total, long completed, @Nullable Instant updatedAt) {

    static final Stats NONE = new Stats(0, 0, null);
}
