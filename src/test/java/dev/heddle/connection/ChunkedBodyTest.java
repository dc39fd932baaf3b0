package dev.heddle.connection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkedBodyTest {

    private static final long NO_LIMIT = Long.MAX_VALUE;

    private static final String END = "0\r\n\r\n";

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Reads a body as the connection does: piece by piece, and what is left of one before the next. */
    static final class Reading {
        private final ChunkedBody body = new ChunkedBody();
        private final ByteArrayOutputStream content = new ByteArrayOutputStream();
        private final long max;
        private int calls;
        private byte[] behind = {};

        Reading(long max) {
            this.max = max;
        }

        Reading feed(byte[] all) {
            var left = all;
            while (left.length > 0 && !body.isAtEnd()) {
                calls++;
                var piece = left.clone();
                content.write(piece, 0, body.decode(piece, 0, piece.length, max));
                left = Arrays.copyOfRange(left, body.taken(), left.length);
            }
            behind = left;
            return this;
        }

        Reading feed(String piece) {
            return feed(bytes(piece));
        }

        byte[] content() {
            return content.toByteArray();
        }

        boolean isAtEnd() {
            return body.isAtEnd();
        }

        /** What was not taken, when it was fed at once. */
        int left() {
            return behind.length;
        }

        String text() {
            return new String(content(), StandardCharsets.ISO_8859_1);
        }
    }

    private static Reading read(String all) {
        return new Reading(NO_LIMIT).feed(all);
    }

    private static RefusedException refusal(String all, long max) {
        return assertThrows(RefusedException.class, () -> new Reading(max).feed(all), all);
    }

    // ---- What is a body ----

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
        3CabcC0CC                            | abc
        0CC                                  | ""
        000CC                                | ""
        3CabcC4CdefgC0CC                     | abcdefg
        aC0123456789C0CC                     | 0123456789
        AC0123456789C0CC                     | 0123456789
        00000000000000AC0123456789C0CC       | 0123456789
        3;a=bCabcC0CC                        | abc
        3;aCabcC0CC                          | abc
        3 ; a = bCabcC0CC                    | abc
        "3;a=""x;y"";cCabcC0CC"              | abc
        3   CabcC0CC                         | abc
        3Cabc%C0;last=1CC                    | abc
        3CabcC0CTrailer: xCC                 | abc
        3CabcC0CTrailer: xCOther: yCC        | abc
        """)
    void takesChunksWithTheirExtensionsAndTrailersApart(String chunks, String content) {
        // C stands for the end of a line.
        var all = chunks.replace("%", "").replace("C", "\r\n");
        var reading = read(all + "GET");
        assertEquals(content, reading.text());
        assertTrue(reading.body.isAtEnd());
        assertEquals("GET", new String(reading.behind, StandardCharsets.US_ASCII), "the next request is left alone");
    }

    @Test
    void whereTheBytesAreSplitMakesNoDifference() {
        var all = "3;a=\"b\"\r\nabc\r\nA\r\n0123456789\r\n2\r\n\r\n\r\n0\r\nTrailer: x\r\n\r\nGET /next";
        for (int first = 0; first <= all.length(); first++) {
            for (int second = first; second <= all.length(); second++) {
                var reading = new Reading(NO_LIMIT);
                var pieces =
                        new String[] {all.substring(0, first), all.substring(first, second), all.substring(second)};
                var behind = new StringBuilder();
                for (var piece : pieces) {
                    reading.feed(piece);
                    behind.append(new String(reading.behind, StandardCharsets.ISO_8859_1));
                }
                assertEquals("abc0123456789\r\n", reading.text(), () -> String.join("|", pieces));
                assertEquals("GET /next", behind.toString());
            }
        }
    }

    @Test
    void everyContentComesOutOfEveryChunkingAsItWentIn() {
        var random = new Random(7);
        for (int round = 0; round < 500; round++) {
            var content = new byte[random.nextInt(3_000)];
            random.nextBytes(content);
            var encoded = new ByteArrayOutputStream();
            for (int at = 0; at < content.length; ) {
                int size = Math.min(content.length - at, 1 + random.nextInt(1 << random.nextInt(12)));
                var hex = Integer.toHexString(size);
                encoded.writeBytes(bytes((random.nextBoolean() ? hex.toUpperCase(Locale.ROOT) : hex)
                        + (random.nextInt(4) == 0 ? ";x=y" : "")
                        + "\r\n"));
                encoded.write(content, at, size);
                encoded.writeBytes(bytes("\r\n"));
                at += size;
            }
            encoded.writeBytes(bytes(END));
            var all = encoded.toByteArray();
            var reading = new Reading(content.length);
            for (int at = 0; at < all.length; ) {
                int length = Math.min(all.length - at, 1 + random.nextInt(1 << random.nextInt(13)));
                reading.feed(Arrays.copyOfRange(all, at, at + length));
                at += length;
            }
            assertArrayEquals(content, reading.content());
            assertTrue(reading.body.isAtEnd());
        }
    }

    // ---- What is none ----

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n",
                "x\r\n",
                "0x3\r\nabc\r\n",
                "-1\r\n",
                "+3\r\nabc\r\n",
                " 3\r\nabc\r\n",
                ";a=b\r\n",
                "3 4\r\nabc\r\n",
                "3 x\r\nabc\r\n",
                "3_0\r\n",
                "3,\r\nabc",
                "3\nabc\r\n",
                "3\rabc\r\n",
                "3\0\r\nabc\r\n",
                "3;a\0\r\nabc\r\n",
                "3;a\nb\r\nabc\r\n",
                "3;a\r\r\nabc\r\n",
                "3\u0663\r\n",
                "3\r\nabcd\r\n",
                "3\r\nabc0\r\n",
                "3\r\nabc\n0\r\n",
                "3\r\nabcXX0\r\n",
                "3\r\nabc\r\r\n",
                "3\r\nabc\r\n\r\n",
                "0\r\nTrailer: x\n\r\n",
                "0\r\nTrailer: \0x\r\n\r\n",
                "0\r\n\r\r\n",
                "0\r\n\n",
                "1000000000000000\r\n",
                "FFFFFFFFFFFFFFFF\r\n",
                "10000000000000001\r\n",
            })
    void whatIsNoChunkIsRefusedWithItsFirstWrongByte(String broken) {
        assertEquals(400, refusal(broken, NO_LIMIT).status());
        for (int split = 1; split < broken.length(); split++) {
            var reading = new Reading(NO_LIMIT);
            var pieces = new String[] {broken.substring(0, split), broken.substring(split)};
            assertThrows(
                    RefusedException.class,
                    () -> reading.feed(pieces[0]).feed(pieces[1]),
                    () -> String.join("|", pieces));
        }
    }

    @Test
    void whatFollowsTheBreakIsNotWaitedFor() {
        refusal("g", NO_LIMIT);
        refusal("3\r\nabcX", NO_LIMIT);
        refusal("3\n", NO_LIMIT);
    }

    // ---- Limits ----

    @Test
    void aLineWithoutAnEndIsNotReadForEver() {
        assertEquals("abc", read("3;" + "x".repeat(500) + "\r\nabc\r\n" + END).text());
        assertEquals(400, refusal("3;" + "x".repeat(600), NO_LIMIT).status());
        assertEquals(400, refusal("0".repeat(600), NO_LIMIT).status());
        assertEquals(400, refusal("3" + " ".repeat(600), NO_LIMIT).status());
    }

    @Test
    void theLimitOfALineIsThatOfEachLine() {
        var chunk = "3;" + "x".repeat(400) + "\r\nabc\r\n";
        assertEquals("abc".repeat(100), read(chunk.repeat(100) + END).text());
    }

    @Test
    void trailersWithoutAnEndAreNotReadForEver() {
        assertEquals("", read("0\r\n" + "A: b\r\n".repeat(1_000) + "\r\n").text());
        assertEquals(400, refusal("0\r\nA: " + "x".repeat(9_000), NO_LIMIT).status());
        assertEquals(400, refusal("0\r\n" + "A: b\r\n".repeat(3_000), NO_LIMIT).status());
    }

    @ParameterizedTest
    @CsvSource({
        "5, true",
        "6, false",
        "7d000000, false",
        "7fffffffffffff, false",
        "FFFFFFFFFFFFFFF, false",
    })
    void aChunkThatWouldBeTooMuchIsRefusedByItsSize(String size, boolean fits) {
        if (fits) {
            assertFalse(new Reading(5).feed(size + "\r\n").body.isAtEnd());
        } else {
            assertEquals(413, refusal(size + "\r\n", 5).status());
        }
    }

    @Test
    void theChunksCountTogether() {
        assertEquals(
                "aaabb", new Reading(5).feed("3\r\naaa\r\n2\r\nbb\r\n" + END).text());
        assertEquals(413, refusal("3\r\naaa\r\n3\r\n", 5).status());
        assertEquals(413, refusal("1\r\na\r\n".repeat(6), 5).status());
    }

    // ---- Memory and time ----

    @Test
    void aChunkOfTwoGigabytesIsHandedOnInPieces() {
        var body = new ChunkedBody();
        assertEquals(0, decode(body, bytes("80000000\r\n")));
        var piece = new byte[64 * 1024];
        long handedOn = 0;
        while (handedOn < 0x80000000L) {
            assertEquals(piece.length, decode(body, piece), "what has come");
            assertEquals(piece.length, body.taken());
            handedOn += piece.length;
        }
        assertEquals(0, decode(body, bytes("\r\n" + END)));
        assertTrue(body.isAtEnd());
    }

    private static int decode(ChunkedBody body, byte[] piece) {
        return body.decode(piece, 0, piece.length, NO_LIMIT);
    }

    @Test
    void manySmallChunksAreHandedOnTogether() {
        var reading = new Reading(NO_LIMIT);
        reading.feed("1\r\na\r\n".repeat(10_000));
        assertEquals(1, reading.calls, "each more would copy what is left of the piece");
        reading.feed(END);
        assertEquals("a".repeat(10_000), reading.text());
    }
}
