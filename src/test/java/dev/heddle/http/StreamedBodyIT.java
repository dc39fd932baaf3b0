package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.SmallServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that a route takes as they come: their limit, and writes of them that are repeated. */
@InThisJvm
class StreamedBodyIT {

    private static final int LIMIT = 100_000;

    private static final AtomicInteger RUNS = new AtomicInteger();

    /** The fingerprint and the answer of each key. */
    private static final Map<String, Map.Entry<String, Answer>> KEPT = new ConcurrentHashMap<>();

    private static final Idempotency IDEMPOTENCY = new Idempotency((use, work) -> {
        var kept = KEPT.computeIfAbsent(use.callerId() + use.key(), key -> Map.entry(use.fingerprint(), work.get()));
        if (!kept.getKey().equals(use.fingerprint())) {
            throw Problem.IDEMPOTENCY_KEY_REUSED.asException();
        }
        return kept.getValue();
    });

    private static SmallServer server;

    @BeforeAll
    static void start() {
        server = SmallServer.of(new Routes()
                .addStreaming("POST", "/store", Access.PUBLIC, StreamedBodyIT::parse, (request, none) -> store(request))
                .add("GET", "/broken", Access.PUBLIC, request -> broken(0))
                .add("GET", "/broken-later", Access.PUBLIC, request -> broken(50_000)));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Request parse(Request request) {
        Idempotency.requireValidKey(request);
        request.expectStream(LIMIT);
        return request;
    }

    /** A source of ours that fails after so many bytes. */
    private static Answer broken(int after) {
        return Answer.stream(200, 100_000, out -> {
            out.write(new byte[after]);
            throw new IOException("a disk that cannot be read");
        });
    }

    @Test
    void aSourceThatFailsBeforeAnythingWasSentIsAnAnswerLikeAnyOther() throws IOException {
        var answer = RawHttp.exchange(server.port(), "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
        assertEquals(500, answer.status(), answer::text);
        assertTrue(answer.body().contains("internal-error"), answer::text);
    }

    @Test
    void aSourceThatFailsLaterCutsTheConnectionAndIsLoggedAsAFailure() throws IOException {
        var answer = RawHttp.send(server.port(), "GET /broken-later HTTP/1.1\r\nHost: a\r\n\r\n", 5_000);
        assertEquals(200, answer.status());
        assertTrue(answer.closed());
        assertTrue(answer.body().length() < 100_000);
        assertEquals(500, server.accessLog().getLast().status());
    }

    private static Answer store(Request request) {
        try {
            var content = request.stream().readAllBytes();
            return IDEMPOTENCY.onceStreamed(request, "somebody", Digests.sha256(content), () -> {
                RUNS.incrementAndGet();
                return Answer.of(201, "text/plain", (content.length + "").getBytes(StandardCharsets.US_ASCII));
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static RawConnection.Answer post(String headers, String framed) throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            return connection
                    .send("POST /store HTTP/1.1\r\nHost: a\r\n" + headers + framed)
                    .answer();
        }
    }

    private static String sized(String body) {
        return "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String chunked(String body) {
        var head = "Transfer-Encoding: chunked\r\n\r\n";
        return body.isEmpty()
                ? head + "0\r\n\r\n"
                : head + Integer.toHexString(body.length()) + "\r\n" + body + "\r\n0\r\n\r\n";
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8_192, 65_535, 65_536, 65_537, LIMIT - 1, LIMIT})
    void aBodyUpToTheLimitIsTakenWhole(int length) throws IOException {
        assertEquals(
                Integer.toString(length), post("", sized("x".repeat(length))).text());
        assertEquals(
                Integer.toString(length), post("", chunked("x".repeat(length))).text());
    }

    @Test
    void oneByteMoreIsTooMuchHoweverItComes() throws IOException {
        var body = "x".repeat(LIMIT + 1);
        assertEquals(413, post("", sized(body)).status());
        assertEquals(413, post("", chunked(body)).status());
        assertEquals(
                413,
                post("", "Transfer-Encoding: chunked\r\n\r\n" + "1\r\nx\r\n".repeat(LIMIT + 1) + "0\r\n\r\n")
                        .status());
    }

    @Test
    void aRepeatOfTheSameBodyIsDoneOnceHoweverItIsFramed() throws IOException {
        int before = RUNS.get();
        var key = "Idempotency-Key: same\r\n";
        assertEquals("3", post(key, sized("abc")).text());
        assertEquals("3", post(key, sized("abc")).text());
        assertEquals("3", post(key, chunked("abc")).text());
        assertEquals(before + 1, RUNS.get());
    }

    @Test
    void anotherBodyUnderTheSameKeyIsRefused() throws IOException {
        int before = RUNS.get();
        var key = "Idempotency-Key: other\r\n";
        assertEquals(201, post(key, sized("abc")).status());
        assertEquals(422, post(key, sized("abd")).status());
        assertEquals(before + 1, RUNS.get());
    }

    @Test
    void withoutAKeyEveryBodyIsDone() throws IOException {
        int before = RUNS.get();
        assertEquals(201, post("", sized("abc")).status());
        assertEquals(201, post("", sized("abc")).status());
        assertEquals(before + 2, RUNS.get());
    }

    @Test
    void aKeyThatIsNoneIsRefusedBeforeTheBodyComes() throws IOException {
        assertEquals(
                400,
                post("Idempotency-Key: a b\r\nExpect: 100-continue\r\n", "Content-Length: 3\r\n\r\n")
                        .status());
        assertEquals(400, post("Idempotency-Key:\r\n", sized("abc")).status());
    }
}
