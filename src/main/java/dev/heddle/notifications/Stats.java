package dev.heddle.notifications;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How many tasks a user has.
 *
 * @param updatedAt when the counts last changed; null when nothing was ever counted
 */
record Stats(long total, long completed, @Nullable Instant updatedAt) {

    static final Stats NONE = new Stats(0, 0, null);
}
