package dev.heddle.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class Uuid7Test {

    @Test
    void itHasTheVersionAndTheVariantOfTheStandard() {
        for (int i = 0; i < 1000; i++) {
            var id = Uuid7.next();
            assertEquals(7, id.version(), id::toString);
            assertEquals(2, id.variant(), id::toString);
        }
    }

    @Test
    void itBeginsWithTheTimeToTheMicrosecond() {
        for (int i = 0; i < 1000; i++) {
            var before = Instant.now().truncatedTo(ChronoUnit.MICROS);
            var id = Uuid7.next();
            var after = Instant.now();
            var time = time(id);
            // Twelve bits for a thousand microseconds: rounding down loses less than one.
            assertTrue(!time.plusNanos(1000).isBefore(before), () -> time + " is before " + before);
            assertTrue(!time.isAfter(after), () -> time + " is after " + after);
        }
    }

    @Test
    void theTimeCanBeReadBackToTheMicrosecond() {
        for (int i = 0; i < 1000; i++) {
            var before = Instant.now().truncatedTo(ChronoUnit.MICROS);
            var time = Uuid7.time(Uuid7.next());
            var after = Instant.now();
            assertFalse(time.isBefore(before), () -> time + " is before " + before);
            assertFalse(time.isAfter(after), () -> time + " is after " + after);
        }
    }

    /** Every microsecond of a millisecond, in ids as {@link Uuid7#next} makes them, with any random bits. */
    @Test
    void everyMicrosecondIsReadBackFromItsFraction() {
        for (long millis : new long[] {0, 1, 1_795_342_530_123L, (1L << 47) - 1}) {
            for (long micros = 0; micros < 1000; micros++) {
                long high = (millis << 16) | 0x7000 | (micros * 4096 / 1000);
                var expected = Instant.ofEpochMilli(millis).plus(micros, ChronoUnit.MICROS);
                assertEquals(expected, Uuid7.time(new UUID(high, 0x8000_0000_0000_0000L)));
                assertEquals(expected, Uuid7.time(new UUID(high, 0xBFFF_FFFF_FFFF_FFFFL)));
            }
        }
    }

    @Test
    void idsAndTheirTimesSortAlike() {
        var random = new Random(7);
        var ids = new ArrayList<UUID>();
        for (int i = 0; i < 2000; i++) {
            ids.add(new UUID((random.nextLong(1L << 20) << 16) | 0x7000 | random.nextInt(4096), random.nextLong()));
        }
        ids.sort(Comparator.comparing(UUID::toString));
        for (int i = 1; i < ids.size(); i++) {
            var earlier = Uuid7.time(ids.get(i - 1));
            var later = Uuid7.time(ids.get(i));
            assertFalse(later.isBefore(earlier), () -> earlier + " then " + later);
        }
    }

    @Test
    void aLaterOneIsGreaterInTheOrderOfPostgreSql() {
        // PostgreSQL compares the bytes, which is the order of the text and not that of UUID.compareTo.
        var earlier = Uuid7.next();
        for (int i = 0; i < 100; i++) {
            waitForNextMicrosecond();
            waitForNextMicrosecond();
            var later = Uuid7.next();
            assertTrue(earlier.toString().compareTo(later.toString()) < 0, earlier + " then " + later);
            earlier = later;
        }
    }

    @Test
    void noTwoAreEqualWhoeverMakesThem() {
        var makers = Stream.generate(
                        () -> CompletableFuture.supplyAsync(() -> many(20_000), Thread::startVirtualThread))
                .limit(8)
                .toList();
        var all = new HashSet<UUID>();
        makers.forEach(maker -> all.addAll(maker.join()));
        assertEquals(8 * 20_000, all.size());
    }

    private static List<UUID> many(int count) {
        var ids = new ArrayList<UUID>(count);
        for (int i = 0; i < count; i++) {
            ids.add(Uuid7.next());
        }
        return ids;
    }

    private static Instant time(UUID id) {
        long millis = id.getMostSignificantBits() >>> 16;
        long micros = (id.getMostSignificantBits() & 0xfff) * 1000 / 4096;
        return Instant.ofEpochMilli(millis).plus(micros, ChronoUnit.MICROS);
    }

    private static void waitForNextMicrosecond() {
        long now = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        while (ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()) == now) {
            Thread.onSpinWait();
        }
    }
}
