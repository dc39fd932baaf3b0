package dev.heddle.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.connection.ChunkedBodyTest.Reading;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Chunks against another reading of RFC 9112 §7.1, which sees the whole body at once. */
public final class ChunkedBodyFuzz {

    private static final String TEXT = "[\\t\\x20-\\x7e\\x80-\\xff]";

    private static final Pattern SIZE_LINE = Pattern.compile("\\G([0-9a-fA-F]{1,15})[ \\t]*(?:;" + TEXT + "*+)?\\r\\n");

    private static final Pattern TRAILERS = Pattern.compile("\\G(?:" + TEXT + "++\\r\\n)*+\\r\\n");

    private static final int LINE_BYTES_MAX = 512;

    private static final int TRAILER_BYTES_MAX = 8 * 1024;

    private ChunkedBodyFuzz() {}

    /** Where it begins, and what was found. */
    public static Stream<byte[]> seeds() {
        return Stream.of(
                        "\u00010\r\n\r\n",
                        "\u00013\r\nabc\r\n0\r\n\r\nGET",
                        "\u00023;a=b\r\nabc\r\n00A ; c=\"d\"\r\n0123456789\r\n0;x\r\nTrailer: y\r\nZ: z\r\n\r\n",
                        "\u00030x3\r\nabc\r\n0\r\n\r\n",
                        "\u0004fffffffffffffff\r\n",
                        "\u0005-1\r\n")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** What a body comes to: how it ends, and with which content; -1 for what is refused or not at its end. */
    private record Outcome(boolean isRefused, int taken, String content) {

        private static final Outcome REFUSED = new Outcome(true, -1, "");

        static Outcome of(byte[] all, int pieceBytes) {
            var reading = new Reading(Long.MAX_VALUE);
            int fed = 0;
            try {
                while (fed < all.length && !reading.isAtEnd()) {
                    var piece = Arrays.copyOfRange(all, fed, Math.min(all.length, fed + pieceBytes));
                    reading.feed(piece);
                    fed += piece.length;
                }
            } catch (RefusedException e) {
                assertEquals(true, List.of(400, 413).contains(e.status()));
                return REFUSED;
            }
            return new Outcome(false, reading.isAtEnd() ? fed - reading.left() : -1, reading.text());
        }
    }

    /** Every body is read alike, however it is split and whoever reads it. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length == 0) {
            return;
        }
        var all = Arrays.copyOfRange(data, 1, data.length);
        var whole = Outcome.of(all, all.length);
        assertEquals(whole, Outcome.of(all, 1));
        assertEquals(whole, Outcome.of(all, 1 + (data[0] & 0xff)));
        var expected = reference(new String(all, StandardCharsets.ISO_8859_1));
        assertEquals(expected.taken(), whole.taken());
        if (expected.taken() >= 0) {
            assertEquals(expected, whole);
        }
    }

    private static Outcome reference(String all) {
        var content = new StringBuilder();
        var line = SIZE_LINE.matcher(all);
        int at = 0;
        while (line.find(at)) {
            long size = Long.parseLong(line.group(1), 16);
            int begin = line.end();
            if (begin - at - 2 > LINE_BYTES_MAX) {
                return Outcome.REFUSED;
            }
            if (size == 0) {
                var trailers = TRAILERS.matcher(all);
                boolean isWhole = trailers.find(begin) && bytesOf(trailers.group()) <= TRAILER_BYTES_MAX;
                return isWhole ? new Outcome(false, trailers.end(), content.toString()) : Outcome.REFUSED;
            }
            if (size > all.length() - begin || !all.startsWith("\r\n", begin + (int) size)) {
                return Outcome.REFUSED;
            }
            content.append(all, begin, begin + (int) size);
            at = begin + (int) size + 2;
        }
        return Outcome.REFUSED;
    }

    private static int bytesOf(String trailers) {
        return trailers.replace("\r\n", "").length();
    }
}
