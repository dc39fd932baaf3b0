package dev.heddle.notifications;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Something a user has done.
 *
 * @param taskId the task may be gone since; null for what was done to many at once
 */
record Activity(UUID id, String userId, @Nullable UUID taskId, String action, Instant createdAt) {}
