package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.content.Ranges.Parts;
import dev.heddle.content.Ranges.Unsatisfiable;
import dev.heddle.content.Ranges.Whole;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RangesTest {

    /** {@code 0-4 8-9}, {@code whole} or {@code none}. */
    private static String read(String header, long size) {
        return switch (Ranges.of(header, size)) {
            case Whole _ -> "whole";
            case Unsatisfiable _ -> "none";
            case Parts(var spans) ->
                spans.stream().map(span -> span.first() + "-" + span.last()).collect(Collectors.joining(" "));
        };
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        bytes=0-4                            | 0-4
        bytes=0-0                            | 0-0
        bytes=9-9                            | 9-9
        bytes=0-9                            | 0-9
        bytes=0-10                           | 0-9
        bytes=5-                             | 5-9
        bytes=0-                             | 0-9
        bytes=-1                             | 9-9
        bytes=-10                            | 0-9
        bytes=-11                            | 0-9
        bytes=00-004                         | 0-4
        BYTES=0-4                            | 0-4
        Bytes=0-4                            | 0-4
        bytes= 0-4                           | 0-4
        bytes=0-4 , 6-7                      | 0-4 6-7
        bytes=0-1,4-5,8-                     | 0-1 4-5 8-9
        bytes=8-9,0-1                        | 8-9 0-1
        bytes=,0-4,,                         | 0-4
        bytes=0-1, ,4-5                      | 0-1 4-5
        """)
    void readsWhatIsAskedForInItsOrder(String header, String spans) {
        assertEquals(spans, read(header, 10));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        bytes=0-4,2-6                        | 0-6
        bytes=2-6,0-4                        | 0-6
        bytes=0-4,5-6                        | 0-6
        bytes=5-6,0-4                        | 0-6
        bytes=0-4,6-7                        | 0-4 6-7
        bytes=0-4,0-4                        | 0-4
        bytes=0-9,3-4                        | 0-9
        bytes=3-4,0-9                        | 0-9
        bytes=0-1,4-5,2-3                    | 0-5
        bytes=8-9,0-1,4-5,2-3                | 8-9 0-5
        bytes=4-5,8-9,0-1,2-3                | 0-5 8-9
        bytes=0-1,8-9,1-8                    | 0-9
        bytes=-2,0-                          | 0-9
        """)
    void whatMeetsIsOnePart(String header, String spans) {
        assertEquals(spans, read(header, 10));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        bytes=10-                            | none
        bytes=10-20                          | none
        bytes=-0                             | none
        bytes=-0,10-                         | none
        bytes=99999999999999999999-          | none
        bytes=9223372036854775807-           | none
        bytes=0-4,10-                        | 0-4
        bytes=-0,0-4                         | 0-4
        bytes=0-99999999999999999999         | 0-9
        bytes=-99999999999999999999          | 0-9
        bytes=0-9223372036854775807          | 0-9
        """)
    void whatIsNotThereIsLeftOutUnlessItIsAll(String header, String spans) {
        assertEquals(spans, read(header, 10));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
        ""
        bytes
        bytes=
        bytes=,
        bytes=-
        bytes=--1
        bytes=9-1
        bytes=0-4,9-1
        bytes=0-4,x
        bytes=a-b
        bytes=0x0-4
        bytes=+0-4
        bytes=0-+4
        bytes=0
        bytes=0-4-5
        bytes=0 - 4
        bytes=0-4;5-6
        bytes=٠-٤
        bytes=1.0-2
        bytes=0-4,bytes=6-7
        bytes:0-4
        byte=0-4
        items=0-4
        "=0-4"
        0-4
        """)
    void whatCannotBeUnderstoodIsNotAsked(String header) {
        assertEquals("whole", read(header, 10));
    }

    @Test
    void moreThanEightPartsAreTheWhole() {
        assertInstanceOf(Parts.class, Ranges.of(many(8), 10_000));
        assertInstanceOf(Whole.class, Ranges.of(many(9), 10_000));
        assertInstanceOf(Whole.class, Ranges.of(many(1_000), 10_000));
        assertInstanceOf(Whole.class, Ranges.of("bytes=" + "0-0,".repeat(1_000) + "1-1", 10_000), "though they meet");
        assertInstanceOf(Parts.class, Ranges.of("bytes=" + ",".repeat(1_000) + "1-1", 10_000));
    }

    private static String many(int parts) {
        return IntStream.range(0, parts)
                .mapToObj(i -> 5 * i + "-" + (5 * i + 1))
                .collect(Collectors.joining(",", "bytes=", ""));
    }

    @ParameterizedTest
    @CsvSource({"bytes=0-, none", "bytes=0-0, none", "bytes=-0, none", "bytes=-1, whole", "'bytes=0-,-5', whole"})
    void nothingHasNoParts(String header, String spans) {
        assertEquals(spans, read(header, 0));
    }

    @Test
    void partsOfTheLargestFileDoNotOverflow() {
        long size = Long.MAX_VALUE;
        assertEquals("0-9223372036854775806", read("bytes=0-", size));
        assertEquals("9223372036854775806-9223372036854775806", read("bytes=-1", size));
        assertEquals("0-9223372036854775806", read("bytes=5-,0-4", size));
    }

    /** Whatever is asked: every byte that was asked for is in one part, and no other byte is in any. */
    @Test
    void partsAreWhatWasAskedForAndNeverMeet() {
        var random = new Random(11);
        for (int round = 0; round < 2_000; round++) {
            var asked = new boolean[40];
            var specs = IntStream.range(0, 1 + random.nextInt(8))
                    .mapToObj(i -> {
                        int first = random.nextInt(40);
                        int last = first + random.nextInt(6);
                        Arrays.fill(asked, first, Math.min(40, last + 1), true);
                        return first + "-" + last;
                    })
                    .collect(Collectors.joining(","));
            var spans = assertInstanceOf(Parts.class, Ranges.of("bytes=" + specs, 40))
                    .spans();
            var got = new boolean[40];
            for (var span : spans) {
                assertTrue(span.first() == 0 || !got[(int) span.first() - 1], specs);
                assertTrue(span.last() == 39 || !got[(int) span.last() + 1], specs);
                for (long at = span.first(); at <= span.last(); at++) {
                    assertTrue(!got[(int) at], specs);
                    got[(int) at] = true;
                }
            }
            assertArrayEquals(asked, got, specs);
        }
    }
}
