package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Access;
import dev.heddle.http.BodyOutput;
import dev.heddle.http.Routes;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawConnection.Answer;
import dev.heddle.testing.SmallServer;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Conditions and ranges over real sockets: the table of RFC 9110 §13.2.2, and what the parts look like. */
@InThisJvm
class RepresentationIT {

    private static final String CONTENT = "0123456789abcdefghij";
    private static final String TAG = "\"v1\"";

    private static final String BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT";
    private static final String MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT";
    private static final String AFTER = "Sun, 06 Nov 1994 08:49:38 GMT";

    private static final AtomicInteger OPEN = new AtomicInteger();

    private static SmallServer server;
    private static RawConnection connection;

    @BeforeAll
    static void start() throws IOException {
        server = SmallServer.of(new Routes()
                .add(
                        "GET",
                        "/file",
                        Access.PUBLIC,
                        request -> representation(CONTENT, Instant.parse("1994-11-06T08:49:37.5Z"))
                                .answer(request, () -> source(CONTENT)))
                .add(
                        "GET",
                        "/new",
                        Access.PUBLIC,
                        request -> representation(CONTENT, Instant.now()).answer(request, () -> source(CONTENT)))
                .add(
                        "GET",
                        "/future",
                        Access.PUBLIC,
                        request -> representation(CONTENT, Instant.now().plusSeconds(100))
                                .answer(request, () -> source(CONTENT)))
                .add(
                        "GET",
                        "/empty",
                        Access.PUBLIC,
                        request -> representation("", Instant.parse("1994-11-06T08:49:37Z"))
                                .answer(request, () -> source(""))));
        connection = RawConnection.to(server.port());
    }

    @Test
    void nothingWasModifiedAfterItsAnswerWasMade() throws IOException {
        var answer = get("/future", "");
        var modified = HttpDate.read(answer.header("Last-Modified").orElseThrow());
        var date = HttpDate.read(answer.header("Date").orElseThrow());
        assertTrue(!modified.orElseThrow().isAfter(date.orElseThrow()), answer.head());
    }

    @AfterAll
    static void stop() throws IOException {
        connection.close();
        server.close();
        assertEquals(0, OPEN.get(), "every source is closed");
    }

    private static Representation representation(String content, Instant modified) {
        return new Representation(
                "v1",
                modified,
                content.length(),
                "text/x-test",
                Map.of(HeaderNames.create("X-Own"), "yes", HeaderNames.VARY, "Accept"));
    }

    private static Representation.Source source(String content) {
        OPEN.incrementAndGet();
        return new Representation.Source() {
            @Override
            public void write(long position, long count, BodyOutput out) throws IOException {
                out.write(content.getBytes(StandardCharsets.US_ASCII), (int) position, (int) count);
            }

            @Override
            public void close() {
                OPEN.decrementAndGet();
            }
        };
    }

    /** Headers are parted by a semicolon. */
    private static Answer get(String path, String headers) throws IOException {
        connection.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n" + lines(headers) + "\r\n");
        return connection.answer();
    }

    private static String lines(String headers) {
        return headers.isEmpty() ? "" : headers.replace("; ", "\r\n") + "\r\n";
    }

    private static String dated(String text) {
        return text.replace("BEFORE", BEFORE).replace("MODIFIED", MODIFIED).replace("AFTER", AFTER);
    }

    /** An answer that is longer or shorter than it says would be taken for the next one. */
    @AfterEach
    void theConnectionIsStillInStep() throws IOException {
        assertEquals(CONTENT, get("/file", "").text());
    }

    // ---- Conditions ----

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
        ''                                                                             | 200
        If-Match: "v1"                                                                 | 200
        If-Match: "x", "v1"                                                            | 200
        If-Match: *                                                                    | 200
        If-Match: "x"                                                                  | 412
        If-Match: W/"v1"                                                               | 412
        If-Match: v1                                                                   | 412
        If-Unmodified-Since: BEFORE                                                    | 412
        If-Unmodified-Since: MODIFIED                                                  | 200
        If-Unmodified-Since: AFTER                                                     | 200
        If-Unmodified-Since: soon                                                      | 200
        If-None-Match: "v1"                                                            | 304
        If-None-Match: W/"v1"                                                          | 304
        If-None-Match: "x", W/"v1"                                                     | 304
        If-None-Match: *                                                               | 304
        If-None-Match: "x"                                                             | 200
        If-None-Match: v1                                                              | 200
        If-Modified-Since: BEFORE                                                      | 200
        If-Modified-Since: MODIFIED                                                    | 304
        If-Modified-Since: AFTER                                                       | 304
        If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT                              | 304
        If-Modified-Since: Sun Nov  6 08:49:37 1994                                    | 304
        If-Modified-Since: soon                                                        | 200
        If-Match: "v1"; If-Unmodified-Since: BEFORE                                    | 200
        If-Match: "x"; If-Unmodified-Since: AFTER                                      | 412
        If-None-Match: "x"; If-Modified-Since: AFTER                                   | 200
        If-None-Match: "v1"; If-Modified-Since: BEFORE                                 | 304
        If-Match: "x"; If-None-Match: "v1"                                             | 412
        If-Match: "v1"; If-None-Match: "v1"                                            | 304
        If-Unmodified-Since: BEFORE; If-None-Match: "v1"                               | 412
        If-Unmodified-Since: AFTER; If-Modified-Since: AFTER                           | 304
        If-Match: "x"; Range: bytes=0-1                                                | 412
        If-None-Match: "v1"; Range: bytes=0-1                                          | 304
        If-None-Match: "v1"; Range: bytes=99-                                          | 304
        If-None-Match: "x"; Range: bytes=0-1                                           | 206
        If-Match: "v1"; Range: bytes=0-1                                               | 206
        """)
    void conditionsAreDecidedInTheirOrder(String headers, int status) throws IOException {
        assertEquals(status, get("/file", dated(headers)).status());
        connection.send("HEAD /file HTTP/1.1\r\nHost: a\r\n" + lines(dated(headers)) + "\r\n");
        assertEquals(status == 206 ? 200 : status, connection.answerToHead().status());
    }

    @Test
    void aClientThatHasItIsToldWhatItNeedsToKeepIt() throws IOException {
        var answer = get("/file", "If-None-Match: " + TAG);
        assertEquals("", answer.text());
        assertEquals(Optional.of(TAG), answer.header("ETag"));
        assertEquals(Optional.of(MODIFIED), answer.header("Last-Modified"));
        assertEquals(Optional.of("private, no-cache"), answer.header("Cache-Control"));
        assertEquals(Optional.of("Accept"), answer.header("Vary"), "as with the 200 (RFC 9110 §15.4.5)");
        assertEquals(Optional.empty(), answer.header("Content-Type"));
        assertEquals(Optional.empty(), answer.header("Content-Range"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
        If-Range: "v1"                                      | 206
        If-Range: W/"v1"                                    | 200
        If-Range: "x"                                       | 200
        If-Range: "v1", "x"                                 | 200
        If-Range: *                                         | 200
        If-Range: v1                                        | 200
        If-Range: MODIFIED                                  | 206
        If-Range: Sunday, 06-Nov-94 08:49:37 GMT            | 206
        If-Range: BEFORE                                    | 200
        If-Range: AFTER                                     | 200
        """)
    void aPartIsOnlySentToWhoHasTheRestOfTheSameVersion(String header, int status) throws IOException {
        assertEquals(status, get("/file", dated(header) + "; Range: bytes=0-1").status());
        assertEquals(
                status == 206 ? 416 : 200,
                get("/file", dated(header) + "; Range: bytes=99-").status());
        assertEquals(200, get("/file", dated(header)).status(), "without a range it asks nothing");
    }

    @Test
    void aDateOfThisSecondTellsNoTwoVersionsApart() throws IOException {
        var modified = get("/new", "").header("Last-Modified").orElseThrow();
        // Each answer has the time of its own making: where the second has changed since, the date is another one.
        assertEquals(
                200, get("/new", "If-Range: " + modified + "; Range: bytes=0-1").status());
    }

    // ---- The whole and its parts ----

    @Test
    void theWholeSaysWhatItIsAndThatPartsCanBeHad() throws IOException {
        var answer = get("/file", "");
        assertEquals(200, answer.status());
        assertEquals(CONTENT, answer.text());
        assertDescribed(answer, "text/x-test");
        assertEquals(Optional.of("20"), answer.header("Content-Length"));
        assertEquals(Optional.empty(), answer.header("Content-Range"));
    }

    private static void assertDescribed(Answer answer, String type) {
        assertEquals(Optional.of(type), answer.header("Content-Type"));
        assertEquals(Optional.of("bytes"), answer.header("Accept-Ranges"));
        assertEquals(Optional.of(TAG), answer.header("ETag"));
        assertEquals(Optional.of(MODIFIED), answer.header("Last-Modified"));
        assertEquals(Optional.of("private, no-cache"), answer.header("Cache-Control"));
        assertEquals(Optional.of("yes"), answer.header("X-Own"));
    }

    @ParameterizedTest
    @CsvSource({
        "0-0, 0-0",
        "0-4, 0-4",
        "15-, 15-19",
        "-3, 17-19",
        "0-99, 0-19",
        "'0-4,3-8', 0-8",
        "'0-4,99-', 0-4",
    })
    void onePartIsSentAsItIs(String asked, String sent) throws IOException {
        var answer = get("/file", "Range: bytes=" + asked);
        int first = Integer.parseInt(sent.substring(0, sent.indexOf('-')));
        int last = Integer.parseInt(sent.substring(sent.indexOf('-') + 1));
        assertEquals(206, answer.status());
        assertEquals(CONTENT.substring(first, last + 1), answer.text());
        assertEquals(Optional.of("bytes " + sent + "/20"), answer.header("Content-Range"));
        assertEquals(Optional.of(Integer.toString(last - first + 1)), answer.header("Content-Length"));
        assertDescribed(answer, "text/x-test");
    }

    @Test
    void severalPartsAreSentByteForByteAsTheRfcHasThem() throws IOException {
        var answer = get("/file", "Range: bytes=-2,0-1,5-5");
        assertEquals(206, answer.status());
        var type = answer.header("Content-Type").orElseThrow();
        assertTrue(type.startsWith("multipart/byteranges; boundary="), type);
        var boundary = type.substring(type.indexOf('=') + 1);
        assertTrue(boundary.matches("[0-9a-zA-Z'()+_,./:=?-]{1,70}"), boundary);
        var part = "\r\n--" + boundary + "\r\nContent-Type: text/x-test\r\nContent-Range: bytes %s/20\r\n\r\n%s";
        var expected = part.formatted("18-19", "ij") + part.formatted("0-1", "01") + part.formatted("5-5", "5")
                + "\r\n--" + boundary + "--\r\n";
        assertEquals(expected, answer.text());
        assertEquals(Optional.of(Integer.toString(expected.length())), answer.header("Content-Length"));
        assertEquals(Optional.empty(), answer.header("Content-Range"), "each part has its own");
        assertDescribed(answer, type);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=20-", "bytes=99-100", "bytes=-0", "bytes=20-,30-"})
    void partsThatAreNotThereAreRefusedWithTheSize(String range) throws IOException {
        var answer = get("/file", "Range: " + range);
        assertEquals(416, answer.status());
        assertEquals(Optional.of("bytes */20"), answer.header("Content-Range"));
        assertEquals(Optional.of("application/problem+json"), answer.header("Content-Type"));
        assertTrue(answer.text().contains("range-not-satisfiable"), answer.text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=9-1", "lines=0-1", "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", "x"})
    void aRangeThatIsNoneIsTheWhole(String range) throws IOException {
        var answer = get("/file", "Range: " + range);
        assertEquals(200, answer.status());
        assertEquals(CONTENT, answer.text());
    }

    @Test
    void headIsAboutTheWholeWhateverRangeItNames() throws IOException {
        for (var range : new String[] {"", "Range: bytes=0-1", "Range: bytes=0-1,5-6", "Range: bytes=99-"}) {
            connection.send("HEAD /file HTTP/1.1\r\nHost: a\r\n" + lines(range) + "\r\n");
            var answer = connection.answerToHead();
            assertEquals(200, answer.status());
            assertEquals(Optional.of("20"), answer.header("Content-Length"));
            assertDescribed(answer, "text/x-test");
        }
    }

    @Test
    void nothingIsSentAsNothing() throws IOException {
        var whole = get("/empty", "");
        assertEquals(200, whole.status());
        assertEquals(Optional.of("0"), whole.header("Content-Length"));
        assertEquals(416, get("/empty", "Range: bytes=0-").status());
        assertEquals(Optional.of("bytes */0"), get("/empty", "Range: bytes=0-").header("Content-Range"));
        assertEquals(200, get("/empty", "Range: bytes=-5").status());
    }
}
