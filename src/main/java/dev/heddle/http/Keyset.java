package dev.heddle.http;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * A position in a list that is sorted newest first, with the id as the tie-breaker.
 *
 * @param createdAt when the row before it was made, to the microsecond
 * @param id that row's id
 */
public record Keyset(Instant createdAt, String id) {

    /** As a cursor carries it. */
    public String position() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, createdAt) + " " + id;
    }

    /** The position a page begins after, if it does not begin at the top. */
    public static Optional<Keyset> of(Page page) {
        // A cursor reads only when we have written it, so its position has this form.
        return page.after().map(position -> {
            int blank = position.indexOf(' ');
            var createdAt = Instant.EPOCH.plus(Long.parseLong(position, 0, blank, 10), ChronoUnit.MICROS);
            return new Keyset(createdAt, position.substring(blank + 1));
        });
    }
}
