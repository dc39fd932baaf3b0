package dev.heddle.notifications;

import java.time.Instant;
import java.util.UUID;

/** Something a user has done. The task may be gone since. */
record Activity(UUID id, String userId, UUID taskId, String action, Instant createdAt) {}
