package dev.heddle.tasks;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A task, as it is stored and as it is answered.
 *
 * @param priority 0 (none) to 4 (highest)
 * @param version grows with every change; its entity tag
 */
record Task(
        UUID id,
        String userId,
        String title,
        @Nullable String description,
        boolean completed,
        @Nullable Instant completedAt,
        int priority,
        List<String> labels,
        @Nullable Instant dueAt,
        Instant createdAt,
        Instant updatedAt,
        long version) {

    static final int TITLE_MAX = 200;
    static final int DESCRIPTION_MAX = 20_000;
    static final int PRIORITY_MAX = 4;
    static final int LABELS_MAX = 20;
    static final int LABEL_MAX = 50;
}
