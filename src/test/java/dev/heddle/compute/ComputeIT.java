package dev.heddle.compute;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.testing.RawHttp;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Work for processors over HTTP: right, bounded, and over when nobody waits for it. */
class ComputeIT {

    /** A minute's work or more: it ends because somebody ends it. */
    private static final String ENDLESS = "/compute?data=warp&rounds=1000000000";

    private static TestServer server;
    private static String token;

    @BeforeAll
    static void start() {
        server = TestServer.start(Map.of(
                "COMPUTE_MAX_ROUNDS", "1000000000",
                "COMPUTE_QUEUE", "1",
                "COMPUTE_QUEUE_WAIT", "30s",
                "COMPUTE_MAX_BODY_SIZE", "8MiB"));
        token = server.token(server.person().id(), "read");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String hash(byte[] data) {
        return HexFormat.of().formatHex(sha256().digest(data));
    }

    private static void awaitIdle() {
        awaitIdle(Duration.ofSeconds(5));
    }

    private static void awaitIdle(Duration limit) {
        await().pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .atMost(limit)
                .until(() -> busy() == 0);
    }

    private static double busy() {
        return server.metric("heddle_compute_busy");
    }

    private static void awaitUsage(double busy, double waiting) {
        await().pollInterval(Duration.ofMillis(10))
                .until(() -> busy() == busy && server.metric("heddle_compute_waiting") == waiting);
    }

    // Right

    @ParameterizedTest
    @ValueSource(strings = {"", "warp", "a b&c=d+e%", "ä 🧵 \uFFFD", "\u0001\n"})
    void aTextIsHashedAsUtf8(String data) {
        var query = "?data=" + URLEncoder.encode(data, StandardCharsets.UTF_8);
        var expected = hash(data.getBytes(StandardCharsets.UTF_8));
        var hash = server.get("/hash" + query, token);
        assertEquals("{\"hash\":\"" + expected + "\"}", hash.text());
        var computed = server.get("/compute" + query, token);
        assertEquals("{\"hash\":\"" + expected + "\",\"rounds\":1}", computed.text());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 16_383, 16_384, 16_385, 147_456, 147_457, 3_000_000, 8 << 20})
    void aBodyIsHashedByteForByteWithAndWithoutItsLength(int size) throws IOException, InterruptedException {
        var body = new byte[size];
        new Random(size).nextBytes(body);
        try (var client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            for (var publisher : new HttpRequest.BodyPublisher[] {
                BodyPublishers.ofByteArray(body), BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))
            }) {
                var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/hash"))
                        .header("Authorization", "Bearer " + token)
                        .POST(publisher)
                        .build();
                var reply = client.send(request, BodyHandlers.ofString());
                assertEquals("{\"hash\":\"" + hash(body) + "\"}", reply.body());
            }
        }
        awaitIdle();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4095, 4096, 4097, 10_000})
    void everyRoundDigestsTheDigestOfTheOneBefore(int rounds) {
        var expected = "warp".getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < rounds; i++) {
            expected = sha256().digest(expected);
        }
        var reply = server.get("/compute?data=warp&rounds=" + rounds, token).json();
        assertEquals(HexFormat.of().formatHex(expected), reply.get("hash").asText());
        assertEquals(rounds, reply.get("rounds").asInt());
    }

    @Test
    void theLargestNumberOfRoundsThatMayBeSetIsTakenAndOneMoreRefused() {
        var taken = server.send("GET", ENDLESS, token, null, "Request-Timeout", "0.05");
        assertEquals(503, taken.status());
        assertEquals(
                422, server.get("/compute?data=warp&rounds=1000000001", token).status());
        awaitIdle();
    }

    @Test
    void headHasTheHeadersOfGet() {
        for (var path : new String[] {"/hash?data=warp", "/compute?data=warp&rounds=9"}) {
            var get = server.get(path, token);
            var head = server.send("HEAD", path, token, null);
            assertEquals(200, head.status());
            assertEquals("", head.text());
            assertEquals(get.header("Content-Length"), head.header("Content-Length"));
        }
    }

    // Bounded

    @Test
    void aBodyThatIsTooLongIsRefusedWhetherOrNotItSaysSo() throws IOException {
        var head = "POST /hash HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\n";
        var announced = RawHttp.exchange(server.port(), head + "Content-Length: 8388609\r\n\r\n");
        assertEquals(413, announced.status());
        var chunks = ("100000\r\n" + "x".repeat(1 << 20) + "\r\n").repeat(9) + "0\r\n\r\n";
        var found = RawHttp.exchange(server.port(), head + "Transfer-Encoding: chunked\r\n\r\n" + chunks);
        assertEquals(413, found.status());
        assertTrue(found.closed());
        awaitIdle();
    }

    @Test
    void whenThreadAndQueueAreFullTheAnswerIsPromptAndTheRestOfTheServerUntouched()
            throws InterruptedException, ExecutionException {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var long1 = threads.submit(() -> endless("3"));
            awaitUsage(1, 0);
            var long2 = threads.submit(() -> endless("3"));
            awaitUsage(1, 1);

            long began = System.nanoTime();
            var refused = server.get("/compute?data=warp", token);
            assertEquals(503, refused.status());
            assertEquals("overloaded", refused.json().get("code").asText());
            assertTrue(refused.header("Retry-After").isPresent());
            assertEquals(
                    503,
                    server.send("POST", "/hash", token, "x".repeat(100_000)).status());
            // What needs no thread of the pool goes on.
            assertEquals(200, server.get("/hash?data=warp", token).status());
            assertEquals(200, server.send("POST", "/hash", token, "warp").status());
            assertEquals(200, server.get("/tasks", token).status());
            assertTrue(System.nanoTime() - began < Duration.ofSeconds(2).toNanos(), "prompt");

            assertEquals(503, long1.get().status());
            assertEquals(503, long2.get().status());
        }
        assertTrue(server.metric("heddle_compute_refused_total") >= 2);
        awaitIdle();
    }

    private static TestServer.Reply endless(String seconds) {
        return server.send("GET", ENDLESS, token, null, "Request-Timeout", seconds);
    }

    @Test
    void aSlowClientHoldsNoThreadWhileItSends() throws IOException {
        var sockets = new ArrayList<Socket>();
        try {
            for (int i = 0; i < 20; i++) {
                var socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
                sockets.add(socket);
                var head = "POST /hash HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token
                        + "\r\nContent-Length: 1000000\r\n\r\n";
                socket.getOutputStream().write((head + "x".repeat(500_000)).getBytes(StandardCharsets.US_ASCII));
                socket.getOutputStream().flush();
            }
            awaitUsage(0, 0);
            assertEquals(200, server.get("/compute?data=warp", token).status());
        } finally {
            for (var socket : sockets) {
                socket.close();
            }
        }
        awaitIdle();
    }

    // Over

    @Test
    void theDeadlineEndsTheLoop() {
        var reply = endless("0.2");
        assertEquals(503, reply.status());
        assertEquals("deadline-exceeded", reply.json().get("code").asText());
        assertTrue(reply.header("Retry-After").isPresent());
        awaitIdle();
    }

    @Test
    void closingTheServerEndsTheLoop() throws InterruptedException, ExecutionException {
        Future<Integer> running;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            long began;
            try (var other =
                    TestServer.start(Map.of("COMPUTE_MAX_ROUNDS", "1000000000", "SERVER_SHUTDOWN_GRACE", "1s"))) {
                running = threads.submit(() -> statusOf(other));
                await().until(() -> other.metric("heddle_compute_busy") == 1);
                began = System.nanoTime();
            }
            assertTrue(System.nanoTime() - began < Duration.ofSeconds(10).toNanos());
            assertTrue(running.get() != 200);
        }
    }

    private static int statusOf(TestServer other) {
        try {
            return other.get(ENDLESS, other.adminToken()).status();
        } catch (RuntimeException e) {
            // Cut off.
            return 0;
        }
    }
}
