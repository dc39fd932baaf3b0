package dev.heddle.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.heddle.client.HttpFailure.Kind;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers as bytes, whole and one at a time. In the tables, {@code |} is a line end and {@code ~} a blank. */
class AnswerReaderTest {

    private static final int MAX = 1000;

    /** Generous: a cold JVM that shares its cores. */
    private static final Duration BOUND = Duration.ofSeconds(20);

    /** What a socket gives when its bytes come slowly. */
    private static final class OneByOne extends InputStream {

        private final InputStream all;

        OneByOne(byte[] all) {
            this.all = new ByteArrayInputStream(all);
        }

        @Override
        public int read() throws IOException {
            return all.read();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            return all.read(buffer, offset, Math.min(1, length));
        }
    }

    private record Read(HttpAnswer answer, boolean isReusable) {
        String text() {
            return new String(answer.body(), StandardCharsets.ISO_8859_1);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String written(String row) {
        return row.replace("|", "\r\n").replace('~', ' ');
    }

    private static AnswerReader whole(byte[] sent) {
        return new AnswerReader(new ByteArrayInputStream(sent));
    }

    private static AnswerReader slow(byte[] sent) {
        return new AnswerReader(new OneByOne(sent));
    }

    /** The same either way. */
    private static Read read(String sent) throws IOException {
        var reader = whole(bytes(sent));
        var answer = reader.read(MAX);
        var slow = slow(bytes(sent)).read(MAX);
        assertEquals(answer.status(), slow.status());
        assertArrayEquals(answer.body(), slow.body());
        return new Read(answer, reader.isReusable());
    }

    private static Kind refused(String sent) {
        return refused(bytes(sent));
    }

    private static Kind refused(byte[] sent) {
        var kind = assertThrows(HttpFailure.class, () -> whole(sent).read(MAX)).kind();
        assertEquals(
                kind,
                assertThrows(HttpFailure.class, () -> slow(sent).read(MAX)).kind());
        return kind;
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', textBlock = """
        HTTP/1.1 200 OK|Content-Length: 5||hello, hello, true
        HTTP/1.1 200 OK|content-length:5||hello, hello, true
        HTTP/1.1 200 OK|Content-Length:~~5~~||hello, hello, true
        HTTP/1.1 200 OK|Content-Length: 0||, ``, true
        HTTP/1.1 200|Content-Length: 1||a, a, true
        HTTP/1.1 200 |Content-Length: 1||a, a, true
        HTTP/1.1 204 No Content||, ``, true
        HTTP/1.1 304 Not Modified||, ``, true
        HTTP/1.1 304 Not Modified|Content-Length: 500||, ``, true
        HTTP/1.1 304 Not Modified|Transfer-Encoding: chunked||, ``, true
        `HTTP/1.1 200 OK|Content-Length: 5, 5||hello`, hello, true
        HTTP/1.1 200 OK|Content-Length: 5|Content-Length: 5||hello, hello, true
        HTTP/1.1 200 OK|Content-Length: 5|Connection: close||hello, hello, false
        `HTTP/1.1 200 OK|Content-Length: 5|Connection: x, CLOSE||hello`, hello, false
        HTTP/1.1 200 OK|Content-Length: 5|Connection: x|Connection: close||hello, hello, false
        HTTP/1.1 200 OK|Content-Length: 5|Connection: closed||hello, hello, true
        HTTP/1.0 200 OK|Content-Length: 5||hello, hello, false
        HTTP/1.0 200 OK|Content-Length: 5|Connection: Keep-Alive||hello, hello, true
        `HTTP/1.0 200 OK|Content-Length: 5|Connection: keep-alive, close||hello`, hello, false
        HTTP/1.1 200 OK||to the end, to the end, false
        HTTP/1.1 200 OK||, ``, false
        HTTP/1.0 200 OK||to the end, to the end, false
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello|0||, hello, true
        HTTP/1.1 200 OK|transfer-encoding: Chunked||5|hello|0||, hello, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||0||, ``, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|he|3|llo|0||, hello, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||a|0123456789|A|0123456789|0||, 01234567890123456789, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||00000005|hello|000||, hello, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||5;a=b;c="d"|hello|0;x||, hello, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||5~;a|hello|0~||, hello, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello|0|X-Sum: 1|X-Other: 2||, hello, true
        HTTP/1.1 200 OK|Transfer-Encoding: chunked|Connection: close||5|hello|0||, hello, false
        HTTP/1.1 100 Continue||HTTP/1.1 103 Early Hints|Link: x||HTTP/1.1 200 OK|Content-Length: 5||hello, hello, true
        HTTP/1.1 599 Own|Content-Length: 5||hello, hello, true
        HTTP/1.1 200 OK|Content-Length: 5||helloHTTP/1.1 200 OK|, hello, false
        HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello|0||x, hello, false
        HTTP/1.1 204 No Content|Content-Length: 5||, ``, false
        HTTP/1.1 204 No Content|Transfer-Encoding: chunked||, ``, false
        """)
    void readsAnswersAndKnowsWhetherTheConnectionCanBeUsedAgain(String row, String body, boolean isReusable)
            throws IOException {
        var read = read(written(row));
        assertEquals(body, read.text());
        assertEquals(isReusable, read.isReusable());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK|Content-Length: 5|Content-Length: 6||hello!",
                "HTTP/1.1 200 OK|Content-Length: 5, 6||hello!",
                "HTTP/1.1 200 OK|Content-Length: 5,||hello",
                "HTTP/1.1 200 OK|Content-Length: +5||hello",
                "HTTP/1.1 200 OK|Content-Length: -5||hello",
                "HTTP/1.1 200 OK|Content-Length: 0x5||hello",
                "HTTP/1.1 200 OK|Content-Length: 5 5||hello",
                "HTTP/1.1 200 OK|Content-Length: 5;||hello",
                "HTTP/1.1 200 OK|Content-Length: five||hello",
                "HTTP/1.1 200 OK|Content-Length: \u00b2||hello",
                "HTTP/1.1 200 OK|Content-Length: 18446744073709551621||hello",
                "HTTP/1.1 200 OK|Content-Length:||hello",
                "HTTP/1.1 200 OK|Content-Length: |Content-Length: ||hello",
                "HTTP/1.1 200 OK|Content-Length: 5\r|Connection: x||hello",
                "HTTP/1.1 200 OK|Content-Length: 5\u000b||hello",
                "HTTP/1.1 200 OK|Content-Length: \u001f5||hello",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Content-Length: 5||5|hello|0||",
                "HTTP/1.1 200 OK|Content-Length: 5|Transfer-Encoding: chunked||5|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: |Content-Length: 5||hello",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Content-Length: ||0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: gzip, chunked||0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked, gzip||0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Transfer-Encoding: chunked||0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: identity||hello",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked;q=1||0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: \u000bchunked||0||",
                "HTTP/1.0 200 OK|Transfer-Encoding: chunked||5|hello|0||",
                "HTTP/1.1 101 Switching Protocols|Upgrade: x||",
                "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
                "HTTP/1.1 200 OK|Content-Length: 5\n|hello",
                "HTTP/1.1 200 OK|Content-Length: 5|\nhello",
                "HTTP/1.1 200 OK|X: a|~b|Content-Length: 0||",
                "HTTP/1.1 200 OK|X: a|\tb|Content-Length: 0||",
                "HTTP/1.1 200 OK|~X: a|Content-Length: 0||",
                "HTTP/1.1 200 OK|Content-Length : 5||hello",
                "HTTP/1.1 200 OK|Content-Length\t: 5||hello",
                "HTTP/1.1 200 OK|: 5||hello",
                "HTTP/1.1 200 OK|Content-Length||hello",
                "HTTP/1.1 200 OK|X\u00e9: a|Content-Length: 0||",
                "HTTP/1.1 200 OK|X(y): a|Content-Length: 0||",
                "HTTP/1.1 200 OK|X: a\u0000b|Content-Length: 0||",
                "HTTP/1.1 200 OK|X: a\rb|Content-Length: 0||",
                "HTTP/1.1 200 OK|X: a\u007f|Content-Length: 0||",
                "HTTP/1.1 200 OK|X\u0000: a|Content-Length: 0||",
                "HTTP/1.1 200 O\u0000K|Content-Length: 0||",
                "HTTP/1.1 200 O\rK|Content-Length: 0||",
                "HTTP/1.1 200OK|Content-Length: 0||",
                "HTTP/1.1 20 OK|Content-Length: 0||",
                "HTTP/1.1 2000 OK|Content-Length: 0||",
                "HTTP/1.1 600 OK|Content-Length: 0||",
                "HTTP/1.1 099 OK|Content-Length: 0||",
                "HTTP/1.1  200 OK|Content-Length: 0||",
                "HTTP/1.2 200 OK|Content-Length: 0||",
                "HTTP/2.0 200 OK|Content-Length: 0||",
                "HTTP/2 200 OK|Content-Length: 0||",
                "http/1.1 200 OK|Content-Length: 0||",
                "ICY 200 OK|Content-Length: 0||",
                "|HTTP/1.1 200 OK|Content-Length: 0||",
                " HTTP/1.1 200 OK|Content-Length: 0||",
                "<html>|",
                "GET / HTTP/1.1|Host: a||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||g|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||-5|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||+5|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||0x5|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||~5|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5 5|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5,|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5;\u0000|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||||0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||10000000000000000|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||ffffffffffffffffffff|hello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5\nhello|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello!|0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello\n0||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello|0|no field||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello|0|~a: b||"
            })
    void refusesWhatTwoReadersCouldReadDifferently(String row) {
        assertEquals(Kind.MALFORMED, refused(written(row)));
    }

    @Test
    void takesWhatIsNotAsciiInAReasonAndAValue() throws IOException {
        for (int c = 0x80; c <= 0xFF; c++) {
            var odd = String.valueOf((char) c);
            var read = read("HTTP/1.1 200 " + odd + "\r\nX: " + odd + "\r\nContent-Length: 2\r\n\r\nok");
            assertEquals("ok", read.text());
            assertEquals(odd, read.answer().header("x"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK|Content-Length: 1001||",
                "HTTP/1.1 200 OK|Content-Length: 2147483648||",
                "HTTP/1.1 200 OK|Content-Length: 999999999999999999||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||3e9|",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||7fffffff|",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||ffffffff|",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||fffffffffffffff|",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||1|a|3e8|"
            })
    void refusesABodyThatIsTooLargeBeforeItComes(String row) {
        assertEquals(Kind.TOO_LARGE, refused(written(row)));
    }

    @Test
    void aBodyToTheLastByteOfItsLimitIsTakenHoweverItIsFramed() throws IOException {
        var body = "x".repeat(MAX);
        assertEquals(
                body,
                read("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body).text());
        assertEquals(body, read("HTTP/1.1 200 OK\r\n\r\n" + body).text());
        var chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assertEquals(body, read(chunked + "3e8\r\n" + body + "\r\n0\r\n\r\n").text());
        assertEquals(Kind.TOO_LARGE, refused("HTTP/1.1 200 OK\r\n\r\n" + body + "x"));
        assertEquals(Kind.TOO_LARGE, refused(chunked + "3e8\r\n" + body + "\r\n1\r\nx\r\n0\r\n\r\n"));
    }

    @Test
    void theLargestLimitThatThereIsCausesNoTrouble() throws IOException {
        for (var head : List.of("Content-Length: 2", "X: y")) {
            var reader = whole(bytes("HTTP/1.1 200 OK\r\n" + head + "\r\n\r\nok"));
            assertArrayEquals(bytes("ok"), reader.read(Integer.MAX_VALUE).body());
        }
    }

    @Test
    void aLengthThatIsOnlyAPromiseCostsNoMemory() {
        for (var lie :
                List.of("Content-Length: 2000000000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n70000000\r\nabc")) {
            long before = allocated();
            var sent = bytes("HTTP/1.1 200 OK\r\n" + lie);
            assertEquals(
                    Kind.CUT,
                    assertThrows(HttpFailure.class, () -> whole(sent).read(Integer.MAX_VALUE))
                            .kind());
            assertTrue(allocated() - before < 10_000_000, "allocated " + (allocated() - before));
        }
    }

    private static long allocated() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getCurrentThreadAllocatedBytes();
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', textBlock = """
        `HTTP/1.1 200 `
        `HTTP/1.1 200 OK|X: `
        `HTTP/1.1 200 OK|`
        ``
        `HTTP/1.1 200 OK|Transfer-Encoding: chunked||5;`
        `HTTP/1.1 200 OK|Transfer-Encoding: chunked||0|X: `
        `HTTP/1.1 200 OK|Transfer-Encoding: chunked||00000000000000000000`
        """)
    void aLineWithoutEndIsCutShort(String begin) {
        assertTimeoutPreemptively(
                BOUND,
                () -> assertEquals(
                        Kind.TOO_LARGE, refused(written(begin) + "a".repeat(AnswerReader.HEAD_BYTES_MAX + 10_000))));
    }

    @ParameterizedTest
    @CsvSource({
        "HTTP/1.1 200 OK|, X: y|",
        "HTTP/1.1 200 OK|, a:|",
        "HTTP/1.1 100 Continue||, HTTP/1.1 100 Continue||",
        "HTTP/1.1 200 OK|Transfer-Encoding: chunked||0|, X: y|"
    })
    void aFloodOfFieldsIsCutShort(String begin, String again) {
        var flood = written(begin) + written(again).repeat(AnswerReader.HEAD_BYTES_MAX);
        assertTimeoutPreemptively(BOUND, () -> assertEquals(Kind.TOO_LARGE, refused(flood)));
    }

    @Test
    void aHeadToTheLastByteOfItsLimitIsTaken() throws IOException {
        var begin = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ";
        var fill = "a".repeat(AnswerReader.HEAD_BYTES_MAX - begin.length() - 4);
        assertEquals(fill, read(begin + fill + "\r\n\r\nok").answer().header("X"));
        assertEquals(Kind.TOO_LARGE, refused(begin + fill + "a\r\n\r\nok"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK|X: y|Content-Length: 5||hello",
                "HTTP/1.1 100 Continue||HTTP/1.1 200 OK|Transfer-Encoding: chunked||5;a|hello|1|x|0|A: b||",
                "HTTP/1.1 204 No Content|X: y||",
                "HTTP/1.1 200 OK|X: y||to the end"
            })
    void anAnswerThatIsCutAnywhereIsNoAnswer(String row) throws IOException {
        var all = bytes(written(row));
        int end = row.endsWith("end") ? written(row).indexOf("\r\n\r\n") + 4 : all.length;
        for (int cut = 0; cut < end; cut++) {
            assertEquals(Kind.CUT, refused(Arrays.copyOf(all, cut)), "cut at " + cut);
        }
        for (int cut = end; cut <= all.length; cut++) {
            assertEquals(
                    cut - end,
                    end < all.length ? whole(Arrays.copyOf(all, cut)).read(MAX).body().length : 0);
        }
    }

    @Test
    void readsOneAnswerAfterTheOtherFromOneConnection() throws IOException {
        var one = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
        var two = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n";
        var reader = slow(bytes(one + two + one));
        for (var body : List.of("a", "b", "a")) {
            assertTrue(reader.isUntouched());
            assertArrayEquals(bytes(body), reader.read(MAX).body());
            assertTrue(reader.isReusable());
        }
        assertTrue(reader.isUntouched());
        assertThrows(HttpFailure.class, () -> reader.read(MAX));
        assertTrue(reader.isUntouched());
        assertFalse(reader.isReusable());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "H",
                "HTTP/1.1 200 OK|",
                "HTTP/1.1 100 Continue||",
                "HTTP/1.1 200 OK|Content-Length: 5||hell",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked||5|hello|"
            })
    void whatHasBegunIsNotUntouchedWhereverItEnds(String row) {
        for (var reader : List.of(whole(bytes(written(row))), slow(bytes(written(row))))) {
            assertThrows(HttpFailure.class, () -> reader.read(MAX));
            assertFalse(reader.isUntouched());
            assertFalse(reader.isReusable());
        }
    }

    @Test
    void nothingThatChanceComesUpWithHangsOrBreaksIt() {
        var seeds = List.of(
                "HTTP/1.1 200 OK|Content-Length: 5||hello",
                "HTTP/1.1 200 OK|Transfer-Encoding: chunked|Connection: close||5;a=b|hello|1|x|0|A: b||",
                "HTTP/1.1 103 Early Hints||HTTP/1.0 200 OK|X: y||to the end");
        var random = new Random(20261123);
        long before = allocated();
        int read = 0;
        int rounds = 20_000;
        for (int round = 0; round < rounds; round++) {
            var sent = mutated(bytes(written(seeds.get(round % seeds.size()))), random);
            try (var in = round % 2 == 0 ? new ByteArrayInputStream(sent) : new OneByOne(sent)) {
                read += new AnswerReader(in).read(MAX).body().length <= MAX ? 1 : 0;
            } catch (HttpFailure _) {
                // What it is for.
            } catch (IOException | RuntimeException e) {
                throw new AssertionError("at " + new String(sent, StandardCharsets.ISO_8859_1), e);
            }
        }
        assertTrue(read > rounds / 20 && read < rounds, "read " + read);
        // Its own buffer, and little more.
        assertTrue((allocated() - before) / rounds < 50_000, "allocated " + (allocated() - before) / rounds);
    }

    private static byte[] mutated(byte[] original, Random random) {
        var odd = "\r\n\t :;,0f\u0000\u007f\u00ff";
        var bytes = new ArrayList<Byte>();
        for (byte b : original) {
            bytes.add(b);
        }
        for (int i = random.nextInt(4); i >= 0; i--) {
            int at = random.nextInt(bytes.size());
            byte b = random.nextBoolean() ? (byte) random.nextInt() : (byte) odd.charAt(random.nextInt(odd.length()));
            switch (random.nextInt(4)) {
                case 0 -> bytes.set(at, b);
                case 1 -> bytes.add(at, b);
                case 2 -> bytes.remove(at);
                default -> bytes.addAll(at, List.copyOf(bytes.subList(0, Math.min(bytes.size(), at + 9))));
            }
        }
        var sent = new byte[bytes.size()];
        for (int i = 0; i < sent.length; i++) {
            sent[i] = bytes.get(i);
        }
        return sent;
    }
}
