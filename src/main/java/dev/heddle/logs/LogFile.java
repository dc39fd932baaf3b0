package dev.heddle.logs;

import dev.heddle.content.FileName;
import dev.heddle.http.Keyset;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;

/**
 * A file of the log, as it was when somebody looked.
 *
 * @param size in bytes
 * @param modifiedAt to the microsecond
 */
record LogFile(FileName name, long size, Instant modifiedAt) {

    /** The order of lists, as positions in them. */
    static final Comparator<Keyset> NEWEST_FIRST =
            Comparator.comparing(Keyset::createdAt).thenComparing(Keyset::id).reversed();

    LogFile {
        modifiedAt = modifiedAt.truncatedTo(ChronoUnit.MICROS);
    }

    /** Where it stands in a list. */
    Keyset position() {
        return new Keyset(modifiedAt, name.percentEncoded());
    }
}
