package dev.heddle.jobs;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * A job in the hands of an {@link JobHandler.Action}.
 *
 * @param id the same in every attempt: the key by which the outside can tell a repetition
 * @param createdAt when it was enqueued
 * @param data what it is about
 */
public record Work(UUID id, Instant createdAt, Map<String, String> data) {

    /** A member of the data; numbers and truth values as they are written. */
    public Optional<String> text(String member) {
        return Optional.ofNullable(data.get(member));
    }
}
