package dev.heddle.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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
