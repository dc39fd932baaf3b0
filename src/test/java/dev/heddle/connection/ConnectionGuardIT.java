package dev.heddle.connection;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Access;
import dev.heddle.http.AccessLog;
import dev.heddle.http.Answer;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.SmallServer;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where one request ends and the next begins, and when the connection ends, over real sockets. */
@InThisJvm
class ConnectionGuardIT {

    private static final String HOST = "Host: a\r\n";
    private static final String CLOSE = "Connection: close\r\n";

    /** What an attacker hides in a body. */
    private static final String INNER = "GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n";

    /** What an honest client sends next. */
    private static final String LATER = "GET /later HTTP/1.1\r\n" + HOST + "\r\n";

    private static final int MEGABYTE = 1 << 20;

    private static final AtomicInteger INNER_RUNS = new AtomicInteger();

    private static SmallServer server;

    @BeforeAll
    static void start() {
        server = SmallServer.of(new Routes()
                .add("GET", "/inner", Access.PUBLIC, request -> {
                    INNER_RUNS.incrementAndGet();
                    return text("inner");
                })
                .add("GET", "/later", Access.PUBLIC, request -> text("later"))
                .add("GET", "/n/{n}", Access.PUBLIC, request -> text(request.pathValue(0)))
                .add("GET", "/version", Access.PUBLIC, request -> text("seven").version(7))
                .add(
                        "GET",
                        "/stream",
                        Access.PUBLIC,
                        request -> Answer.stream(
                                "text/plain", out -> out.write("streamed".getBytes(StandardCharsets.US_ASCII))))
                .add("GET", "/says/{length}/sends/{bytes}", Access.PUBLIC, request -> saying(request))
                .add("GET", "/header", Access.PUBLIC, request -> text("x").header(HeaderNames.ETAG, "\u00e9"))
                .add(
                        "GET",
                        "/stream-header",
                        Access.PUBLIC,
                        request ->
                                Answer.stream("text/plain", out -> out.write(1)).header(HeaderNames.ETAG, "a\r\nb"))
                .add("GET", "/breaks", Access.PUBLIC, request -> broken())
                .addStreaming(
                        "POST",
                        "/breaks",
                        Access.PUBLIC,
                        request -> expected(request, MEGABYTE),
                        (request, max) -> broken())
                .add(
                        "POST",
                        "/refuse",
                        Access.PUBLIC,
                        request -> {
                            throw Problem.UNAUTHENTICATED.asException();
                        },
                        (request, none) -> text("never"))
                .add("POST", "/json", Access.PUBLIC, Request::json, (request, json) -> text("taken"))
                .addStreaming(
                        "POST",
                        "/small",
                        Access.PUBLIC,
                        request -> expected(request, 10),
                        (request, ten) -> taken(request))
                .addStreaming(
                        "POST",
                        "/echo",
                        Access.PUBLIC,
                        request -> expected(request, 4 * MEGABYTE),
                        (request, max) -> taken(request))
                .addStreaming(
                        "POST",
                        "/leave",
                        Access.PUBLIC,
                        request -> expected(request, 20 * MEGABYTE),
                        (request, max) -> leave(request)));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @AfterEach
    void noByteOfABodyWasRunAsARequest() {
        assertEquals(0, INNER_RUNS.getAndSet(0));
    }

    private static Answer text(String text) {
        return Answer.of(200, "text/plain", text.getBytes(StandardCharsets.UTF_8));
    }

    private static Answer broken() {
        return Answer.stream("text/plain", out -> {
            throw new IllegalStateException("broken before it began");
        });
    }

    /** Sends another number of bytes than it says, a thousand at a time. */
    private static Answer saying(Request request) {
        int bytes = Integer.parseInt(request.pathValue(1));
        return Answer.stream(200, Long.parseLong(request.pathValue(0)), out -> {
            for (int left = bytes; left > 0; left -= 1_000) {
                out.write("x".repeat(Math.min(left, 1_000)).getBytes(StandardCharsets.US_ASCII));
            }
        });
    }

    private static long expected(Request request, long max) {
        request.expectStream(max);
        return max;
    }

    private static Answer taken(Request request) {
        try (InputStream in = request.stream()) {
            return Answer.of(200, "text/plain", in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads a little and gives up. */
    private static Answer leave(Request request) {
        try (InputStream in = request.stream()) {
            return Answer.of(200, "text/plain", in.readNBytes(3));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static RawConnection connect() throws IOException {
        return RawConnection.to(server.port());
    }

    private static String sized(String body) {
        return "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String chunked(String body) {
        return "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(body.length()) + "\r\n" + body
                + "\r\n0\r\n\r\n";
    }

    // ---- Bodies that nobody reads ----

    /** A request whose body is not taken. */
    record Unread(String line, String headers, int status) {}

    static List<Unread> unread() {
        return List.of(
                new Unread("POST /refuse", "", 401),
                new Unread("POST /nope", "", 404),
                new Unread("PUT /later", "", 405),
                new Unread("POST /small", "", 413),
                new Unread("POST /json", "Content-Type: text/plain\r\n", 415),
                new Unread("GET /later", "", 400),
                new Unread("OPTIONS /later", "", 204),
                new Unread("POST /refuse", "Expect: 100-continue\r\n", 401),
                new Unread("POST /leave", "", 200));
    }

    static List<String> bodies() {
        // Short ones are skipped, long ones end the connection; in the second the inner request begins a packet of its
        // own.
        return List.of(INNER, INNER + "x".repeat(500), INNER + "x".repeat(70_000), INNER.repeat(3_000));
    }

    @ParameterizedTest
    @MethodSource("unread")
    void aBodyThatIsNotReadIsNeverARequest(Unread unread) throws IOException {
        for (var connection : List.of("", CLOSE)) {
            for (var body : bodies()) {
                for (var framed : List.of(sized(body), chunked(body))) {
                    var head = unread.line() + " HTTP/1.1\r\n" + HOST + unread.headers() + connection;
                    assertOneAnswerOrBoth(unread.status(), head + framed, "");
                    int behindTheHead = framed.indexOf("GET /inner");
                    assertOneAnswerOrBoth(
                            unread.status(),
                            head + framed.substring(0, behindTheHead),
                            framed.substring(behindTheHead));
                }
            }
        }
    }

    private static void assertOneAnswerOrBoth(int status, String first, String second) throws IOException {
        try (var connection = connect()) {
            connection.send(first);
            // Whether it is answered without it or not: the rest of the body comes afterwards.
            connection.send(second + LATER);
            var answer = connection.answer();
            assertEquals(status, answer.status(), first.substring(0, Math.min(100, first.length())));
            if (answer.saysClose()) {
                assertEquals("", connection.rest());
            } else {
                assertEquals("later", connection.answer().text());
            }
        }
    }

    @Test
    void theRestOfAShortBodyIsSkippedAndTheNextRequestAnswered() throws IOException {
        try (var connection = connect()) {
            for (int i = 0; i < 20; i++) {
                connection.send("POST /refuse HTTP/1.1\r\n" + HOST + "Content-Length: " + INNER.length() + "\r\n\r\n");
                var refused = connection.answer();
                assertEquals(401, refused.status());
                assertFalse(refused.saysClose());
                connection.send(INNER.substring(0, i)).send(INNER.substring(i)).send(LATER);
                assertEquals("later", connection.answer().text());
            }
        }
    }

    @Test
    void anAnswerThatBreaksBeforeItBeginsStillSaysThatTheConnectionEnds() throws IOException {
        for (var framed : List.of(sized(INNER + "x".repeat(70_000)), chunked(INNER))) {
            try (var connection = connect()) {
                connection.send("POST /breaks HTTP/1.1\r\n" + HOST + framed + LATER);
                var answer = connection.answer();
                assertEquals(500, answer.status());
                assertTrue(answer.saysClose(), answer.head());
                assertEquals("", connection.rest());
            }
        }
    }

    // ---- The end of the connection ----

    @Test
    void aConnectionThatIsToBeClosedIsClosedAtOnceAndAnswersNothingMore() throws IOException {
        long fastest = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            try (var connection = connect()) {
                connection.send("GET /later HTTP/1.1\r\n" + HOST + CLOSE + "\r\n" + LATER);
                var answer = connection.answer();
                assertEquals(200, answer.status());
                assertTrue(answer.saysClose());
                long start = System.nanoTime();
                assertEquals("", connection.rest());
                fastest = Math.min(fastest, System.nanoTime() - start);
            }
        }
        assertTrue(fastest < TimeUnit.MILLISECONDS.toNanos(100), "the end came after " + fastest + " ns");
    }

    @ParameterizedTest
    @ValueSource(strings = {"close", "Close", "CLOSE", "keep-alive, close", "close, x", "x,close"})
    void closeIsUnderstoodHoweverItIsWritten(String value) throws IOException {
        try (var connection = connect()) {
            connection.send("GET /later HTTP/1.1\r\n" + HOST + "Connection: " + value + "\r\n\r\n" + LATER);
            assertEquals("later", connection.answer().text());
            assertEquals("", connection.rest());
        }
    }

    @Test
    void aBodyIsStillTakenWhenTheConnectionEndsWithIt() throws IOException {
        for (var framed : List.of(sized("x".repeat(100_000)), chunked("x".repeat(100_000)))) {
            try (var connection = connect()) {
                connection.send("POST /echo HTTP/1.1\r\n" + HOST + CLOSE + framed + INNER);
                assertEquals("x".repeat(100_000), connection.answer().text());
                assertEquals("", connection.rest());
            }
        }
    }

    @Test
    void aStreamedAnswerEndsTheConnectionToo() throws IOException {
        try (var connection = connect()) {
            connection.send("GET /stream HTTP/1.1\r\n" + HOST + CLOSE + "\r\n" + LATER);
            assertEquals("streamed", connection.answer().text());
            assertEquals("", connection.rest());
        }
    }

    @Test
    void aClientThatEndsItsHalfStillGetsItsAnswer() throws IOException {
        try (var connection = connect()) {
            connection.send("POST /echo HTTP/1.1\r\n" + HOST + sized("abc")).finish();
            assertEquals("abc", connection.answer().text());
            assertEquals("", connection.rest());
        }
    }

    // ---- Clients that send for a long time what is refused ----

    static List<Unread> large() {
        return List.of(
                new Unread("POST /refuse", "", 401),
                new Unread("POST /small", "", 413),
                new Unread("POST /json", "Content-Type: application/json\r\n", 413),
                new Unread("POST /json", "Content-Encoding: gzip\r\n", 415),
                new Unread("POST /leave", "", 200));
    }

    @ParameterizedTest
    @MethodSource("large")
    void aClientThatKeepsSendingStillGetsItsAnswer(Unread unread) throws IOException {
        for (int i = 0; i < 5; i++) {
            try (var connection = connect()) {
                connection.send(unread.line() + " HTTP/1.1\r\n" + HOST + unread.headers() + "Content-Length: "
                        + 8 * MEGABYTE + "\r\n\r\n");
                sendMegabytes(connection, 8);
                assertEquals(unread.status(), connection.answer().status());
                assertEquals("", connection.rest());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("large")
    void aClientThatKeepsSendingChunksStillGetsItsAnswer(Unread unread) throws IOException {
        try (var connection = connect()) {
            connection.send(
                    unread.line() + " HTTP/1.1\r\n" + HOST + unread.headers() + "Transfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 8; i++) {
                connection.send("100000\r\n").send(new byte[MEGABYTE]).send("\r\n");
            }
            connection.send("0\r\n\r\n");
            assertEquals(unread.status(), connection.answer().status());
            assertEquals("", connection.rest());
        }
    }

    @Test
    void aBodyThatIsTooLongForAnyRouteIsRefusedWithAnAnswerToo() throws IOException {
        for (int i = 0; i < 5; i++) {
            try (var connection = connect()) {
                connection.send("POST /echo HTTP/1.1\r\n" + HOST + "Content-Length: " + (SmallServer.BODY_BYTES + 1)
                        + "\r\n\r\n");
                sendMegabytes(connection, 8);
                assertEquals(413, connection.answer().status());
                assertEquals("", connection.rest());
            }
        }
    }

    private static void sendMegabytes(RawConnection connection, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            connection.send(new byte[MEGABYTE]);
        }
    }

    @ParameterizedTest
    @MethodSource("large")
    void aClientOfTheJdkGetsItsAnswer(Unread unread) throws IOException, InterruptedException {
        try (var client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            for (var body : List.of(
                    BodyPublishers.ofByteArray(new byte[8 * MEGABYTE]),
                    BodyPublishers.ofInputStream(InputStream::nullInputStream),
                    BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(new byte[8 * MEGABYTE])))) {
                var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port()
                                + unread.line().substring(5)))
                        .timeout(Duration.ofSeconds(20))
                        .POST(body);
                unread.headers()
                        .lines()
                        .forEach(line -> request.header(
                                line.substring(0, line.indexOf(':')), line.substring(line.indexOf(':') + 2)));
                var answer = client.send(request.build(), BodyHandlers.ofString());
                if (body.contentLength() != -1 || unread.status() == 401) {
                    assertEquals(unread.status(), answer.statusCode());
                }
            }
        }
    }

    @Test
    void waitingForTheClientIsNoPartOfTheRequest() throws IOException {
        try (var connection = connect()) {
            connection.send("POST /refuse HTTP/1.1\r\n" + HOST + "X-Request-Id: lingers\r\n" + chunked("x"));
            assertEquals(401, connection.answer().status());
            // The client does not close: the server listens to it for a while.
            var entry = await().atMost(Duration.ofSeconds(10))
                    .until(
                            () -> server.accessLog().stream()
                                    .filter(line -> line.requestId().equals("lingers"))
                                    .findFirst(),
                            Optional::isPresent)
                    .orElseThrow();
            assertTrue(entry.nanos() < TimeUnit.MILLISECONDS.toNanos(900), "took " + entry.nanos());
        }
    }

    // ---- Where the bytes are split ----

    @Test
    void aHeadMayComeInTwoPiecesSplitAnywhere() throws IOException {
        var head = "GET /n/1 HTTP/1.1\r\n" + HOST + "Accept: */*\r\nX-Long: " + "x".repeat(20) + "\r\n\r\n";
        try (var connection = connect()) {
            for (int i = 1; i < head.length(); i++) {
                connection.send(head.substring(0, i)).send(head.substring(i));
                assertEquals("1", connection.answer().text());
            }
            for (int i = 1; i < head.length() - 1; i++) {
                connection
                        .send(head.substring(0, i))
                        .send(head.substring(i, i + 1))
                        .send(head.substring(i + 1));
                assertEquals("1", connection.answer().text());
            }
        }
    }

    @Test
    void requestsInOnePacketAreAnsweredInTheirOrder() throws IOException {
        try (var connection = connect()) {
            var all = new StringBuilder();
            for (int i = 0; i < 200; i++) {
                all.append("GET /n/")
                        .append(i)
                        .append(" HTTP/1.1\r\n")
                        .append(HOST)
                        .append("\r\n");
                all.append("POST /echo HTTP/1.1\r\n")
                        .append(HOST)
                        .append(i % 2 == 0 ? sized("b" + i) : chunked("b" + i));
            }
            connection.send(all.toString());
            for (int i = 0; i < 200; i++) {
                assertEquals(Integer.toString(i), connection.answer().text());
                assertEquals("b" + i, connection.answer().text());
            }
        }
    }

    @Test
    void aBodyMayBeginInThePacketOfItsHeadAndEndInThatOfTheNext() throws IOException {
        var content = "0123456789".repeat(20_000);
        for (var framed : List.of(sized(content), chunked(content))) {
            var all = "POST /echo HTTP/1.1\r\n" + HOST + framed + LATER;
            try (var connection = connect()) {
                for (int i = 1; i < 12; i++) {
                    int split = all.length() * i / 12;
                    connection.send(all.substring(0, split)).send(all.substring(split));
                    assertEquals(content, connection.answer().text());
                    assertEquals("later", connection.answer().text());
                }
            }
        }
    }

    /** Blanks around a value make a head long, but not too long; so much else comes with it as one piece does not take. */
    @Test
    void nothingIsLostBetweenALongHeadAndAShortBody() throws IOException {
        var head = "POST /echo HTTP/1.1\r\n" + HOST + "X:" + " ".repeat(32_712) + "y\r\n" + chunked("abc");
        int requests = 1_500;
        try (var connection = connect()) {
            connection.send(head + LATER.repeat(requests));
            assertEquals("abc", connection.answer().text());
            for (int i = 0; i < requests; i++) {
                assertEquals("later", connection.answer().text());
            }
        }
    }

    // ---- Chunks ----

    @Test
    void extensionsAndTrailersAreLeftAside() throws IOException {
        try (var connection = connect()) {
            connection.send("POST /echo HTTP/1.1\r\n" + HOST
                    + "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n00000000004 ; x\r\ndefg\r\n0;last\r\n"
                    + "Trailer: x\r\n\r\n" + LATER);
            assertEquals("abcdefg", connection.answer().text());
            assertEquals("later", connection.answer().text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"zz\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "-1\r\n", "3\nabc", "3\r\nabcXX0\r\n\r\n", "\r\n"})
    void aBrokenChunkIsRefusedAtOnceAndTheConnectionEnds(String chunks) throws IOException {
        try (var connection = connect()) {
            connection.send("POST /echo HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n" + chunks + INNER);
            var answer = connection.answer();
            assertEquals(400, answer.status());
            assertTrue(answer.saysClose());
            assertEquals("", connection.rest());
        }
    }

    @Test
    void aChunkThatAnnouncesTwoGigabytesIsRefusedBeforeItComes() throws IOException {
        for (var path : List.of("/echo", "/small")) {
            try (var connection = connect()) {
                connection.send(
                        "POST " + path + " HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n77359400\r\n");
                assertEquals(413, connection.answer().status());
                assertEquals("", connection.rest());
            }
        }
    }

    // ---- Expect: 100-continue ----

    @Test
    void whoWaitsForLeaveToSendGetsItWhenTheBodyIsTaken() throws IOException {
        try (var connection = connect()) {
            for (var framing : List.of("Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n")) {
                connection.send("POST /echo HTTP/1.1\r\n" + HOST + "Expect: 100-continue\r\n" + framing + "\r\n");
                assertEquals(100, connection.answer().status());
                connection.send(framing.startsWith("C") ? "abc" : "3\r\nabc\r\n0\r\n\r\n");
                assertEquals("abc", connection.answer().text());
            }
            connection.send(LATER);
            assertEquals("later", connection.answer().text());
        }
    }

    @Test
    void whoWaitsForLeaveToSendWhatIsRefusedHearsThatInstead() throws IOException {
        for (var line : List.of("POST /refuse", "POST /small", "POST /nope", "PUT /later")) {
            for (var framing : List.of("Content-Length: 300\r\n", "Transfer-Encoding: chunked\r\n")) {
                if (line.equals("POST /small") && framing.startsWith("T")) {
                    // How long it is cannot be known before it is asked for.
                    continue;
                }
                try (var connection = connect()) {
                    connection.send(line + " HTTP/1.1\r\n" + HOST + "Expect: 100-continue\r\n" + framing + "\r\n");
                    var answer = connection.answer();
                    assertTrue(answer.status() >= 400, answer.head());
                    assertTrue(answer.saysClose(), answer.head());
                    assertEquals("", connection.rest());
                }
            }
        }
    }

    // ---- How long an answer is ----

    /** RFC 9110 §8.6, RFC 9112 §6.3: they never have a body, and a length would be that of another answer. */
    @Test
    void whatNeverHasABodyNamesNoLength() throws IOException {
        try (var connection = connect()) {
            for (var request : List.of(
                    "OPTIONS /later HTTP/1.1\r\n" + HOST,
                    "GET /version HTTP/1.1\r\n" + HOST + "If-None-Match: \"7\"\r\n",
                    "HEAD /version HTTP/1.1\r\n" + HOST + "If-None-Match: \"7\"\r\n")) {
                var answer = connection.send(request + "\r\n" + LATER).answerToHead();
                assertTrue(List.of(204, 304).contains(answer.status()), answer.head());
                assertEquals(Optional.empty(), answer.header("Content-Length"));
                assertEquals(Optional.empty(), answer.header("Transfer-Encoding"));
                assertEquals("later", connection.answer().text());
            }
        }
    }

    /** RFC 9110 §9.3.2: whoever has asked so does not look for it, and would take it for another answer. */
    @ParameterizedTest
    @ValueSource(strings = {HOST + HOST, HOST + "Content-Length: x\r\n", HOST + "A B: c\r\n"})
    void theRefusalOfAHeadHasNoBodyEither(String fields) throws IOException {
        try (var connection = connect()) {
            connection.send("HEAD /later HTTP/1.1\r\n" + fields + "\r\n");
            var answer = connection.answerToHead();
            assertEquals(400, answer.status());
            assertTrue(answer.header("Content-Length").map(Integer::valueOf).orElse(0) > 0, answer.head());
            assertEquals("", connection.rest());
        }
    }

    @ParameterizedTest
    @CsvSource({"20000,19999", "20000,6000", "20000,20001", "20000,30000"})
    void aStreamOfAnotherLengthThanItsAnswerSaysIsCut(int says, int sends) throws IOException {
        try (var connection = connect()) {
            connection.send("GET /says/" + says + "/sends/" + sends + " HTTP/1.1\r\n" + HOST + "\r\n" + LATER);
            assertEquals(
                    Optional.of(Integer.toString(says)),
                    connection.answerToHead().header("Content-Length"));
            var body = connection.rest().replace("(reset)", "");
            assertTrue(body.matches("x*") && body.length() < says, () -> body.length() + " bytes");
        }
    }

    /** While nothing has left there is a better answer than a cut. */
    @ParameterizedTest
    @CsvSource({"10,9", "10,11", "10,0", "0,1", "3000,5000"})
    void aShortStreamOfAnotherLengthIsAnError(int says, int sends) throws IOException {
        try (var connection = connect()) {
            var answer = connection
                    .send("GET /says/" + says + "/sends/" + sends + " HTTP/1.1\r\n" + HOST + "\r\n" + LATER)
                    .answer();
            assertEquals(500, answer.status());
            assertEquals("later", connection.answer().text());
        }
    }

    /** A mistake of ours; nothing of the answer that was meant is sent, and the log has what the client is told. */
    @ParameterizedTest
    @ValueSource(strings = {"/header", "/stream-header"})
    void aHeaderThatCannotBeSentIsAnErrorLikeAnyOther(String path) throws IOException {
        try (var connection = connect()) {
            for (var method : List.of("GET", "HEAD")) {
                var id = "unsendable" + path.substring(1) + method;
                connection.send(method + " " + path + " HTTP/1.1\r\n" + HOST + "X-Request-Id: " + id + "\r\n\r\n");
                var answer = method.equals("GET") ? connection.answer() : connection.answerToHead();
                assertEquals(500, answer.status());
                assertEquals(Optional.empty(), answer.header("ETag"));
                assertEquals(Optional.of(id), answer.header("X-Request-Id"));
                connection.send(LATER);
                assertEquals("later", connection.answer().text());
                await().until(
                                () -> server.accessLog().stream()
                                        .filter(line -> line.requestId().equals(id))
                                        .map(AccessLog.Entry::status)
                                        .toList(),
                                List.of(500)::equals);
            }
        }
    }

    // ---- Everything else stays as it is ----

    @Test
    void answersWithoutABodyAndOthersShareAConnection() throws IOException {
        try (var connection = connect()) {
            for (int i = 0; i < 20; i++) {
                connection.send("HEAD /later HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(Optional.of("5"), connection.answerToHead().header("Content-Length"));
                connection.send("OPTIONS /later HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(204, connection.answer().status());
                connection.send("GET /version HTTP/1.1\r\n" + HOST + "If-None-Match: \"7\"\r\n\r\n");
                assertEquals(304, connection.answer().status());
                connection.send("HEAD /stream HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(Optional.of("8"), connection.answerToHead().header("Content-Length"));
                connection.send("GET /nope HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(404, connection.answer().status());
                connection.send("GET /breaks HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(500, connection.answer().status());
                connection.send("POST /echo HTTP/1.1\r\n" + HOST + sized(""));
                assertEquals("", connection.answer().text());
                connection.send("POST /echo HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
                assertEquals("", connection.answer().text());
                connection.send(LATER);
                assertEquals("later", connection.answer().text());
            }
        }
    }

    /** A server that closes without saying so makes the next request fail that a client has begun meanwhile. */
    @Test
    void aConnectionThatWasNotSaidToEndIsThereForTheNextRequest() throws IOException {
        var requests = new ArrayList<String>();
        for (var unread : unread()) {
            for (var body : List.of("", "{", "x".repeat(1_000), "x".repeat(60_000), "x".repeat(70_000))) {
                var head = unread.line() + " HTTP/1.1\r\n" + HOST + unread.headers();
                requests.add(head + sized(body));
                if (!body.isEmpty()) {
                    requests.add(head + chunked(body));
                }
            }
        }
        for (var request : requests) {
            try (var connection = connect()) {
                connection.send(request);
                var answer = connection.answer();
                if (answer.saysClose()) {
                    assertEquals("", connection.rest());
                } else {
                    connection.send(LATER);
                    assertEquals("later", connection.answer().text(), request.substring(0, 50));
                }
            }
        }
    }
}
