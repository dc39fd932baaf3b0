package dev.heddle.notifications;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Something a user is told in the application.
 *
 * @param readAt when it was first read; null while it is unread
 */
record Notification(
        UUID id,
        String userId,
        UUID taskId,
        String message,
        Instant createdAt,
        @Nullable Instant readAt) {}
