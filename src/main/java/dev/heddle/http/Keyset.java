package dev.heddle.http;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * A position in a list that is sorted newest first, with the id as the tie-breaker.
 *
 * @param createdAt when the row before it was made, to the microsecond
 * @param id that row's id
 */
public record Keyset(Instant createdAt, String id) {

    /** Eighteen digits reach beyond the year 9999, the last that is taken, and less far than PostgreSQL. */
    private static final Pattern POSITION = Pattern.compile("(-?[0-9]{1,18}) ([\\x21-\\x7e]+)");

    /** The position of a row whose id is a UUID. */
    public Keyset(Instant createdAt, UUID id) {
        this(createdAt, id.toString());
    }

    /** As a cursor carries it. */
    public String position() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, createdAt) + " " + id;
    }

    /** The position a page begins after, if it does not begin at the top. */
    public static Optional<Keyset> of(Page page) {
        return page.after().map(text -> {
            var position = POSITION.matcher(text);
            if (!position.matches()) {
                // Not one of ours, though its check value is right: somebody has computed it.
                throw notOurs();
            }
            return new Keyset(
                    Instant.EPOCH.plus(Long.parseLong(position.group(1)), ChronoUnit.MICROS), position.group(2));
        });
    }

    /** The id, where ids are UUIDs. */
    public UUID uuid() {
        try {
            return UUID.fromString(id);
        } catch (IllegalArgumentException e) {
            throw notOurs();
        }
    }

    private static ProblemException notOurs() {
        return Problem.BAD_REQUEST.because("The cursor is not one that this list has given.");
    }
}
