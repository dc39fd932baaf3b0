package dev.heddle.db;

import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

/**
 * Ids of rows: UUID version 7 (RFC 9562 §5.7), whose first bits are the time, so that new rows land together at the end
 * of an index. The twelve bits after the milliseconds are the fraction of the millisecond (§6.2, method 3).
 */
public final class Uuid7 {

    private static final SecureRandom RANDOM = new SecureRandom();

    private Uuid7() {}

    /** A new one, of now. */
    public static UUID next() {
        var now = Instant.now();
        long micros = ChronoUnit.MICROS.between(Instant.EPOCH, now);
        long fraction = micros % 1000 * 4096 / 1000;
        long high = ((micros / 1000) << 16) | 0x7000 | fraction;
        long low = (RANDOM.nextLong() >>> 2) | 0x8000_0000_0000_0000L;
        return new UUID(high, low);
    }

    /** When {@link #next} made that one, to the microsecond: ids and their times sort alike. */
    public static Instant time(UUID id) {
        long high = id.getMostSignificantBits();
        long fraction = high & 0xFFF;
        long micros = (high >>> 16) * 1000 + (fraction * 1000 + 4095) / 4096;
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    }
}
