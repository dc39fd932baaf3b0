package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.RawAnswers;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with a heap of 96 MB, in a process of its own, and clients who mean to fill it or to hide requests in it. */
class HostileProcessIT {

    private static final String HOST = "Host: a\r\n";
    private static final int MEGABYTE = 1 << 20;

    @TempDir
    private static Path data;

    private static HeddleProcess heddle;
    private static String token;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        var schema = TestPostgres.newSchema();
        var settings = new HashMap<>(TestServer.NO_RATE_LIMITS);
        settings.putAll(Map.of(
                "DATABASE_MODE", "external",
                "DATABASE_URL", TestPostgres.url(schema),
                "DATABASE_USERNAME", TestPostgres.username(),
                "DATABASE_PASSWORD", TestPostgres.password(),
                "DATABASE_POOL_SIZE", "4"));
        heddle = HeddleProcess.start(data, settings, List.of("-Xmx96m", "-XX:+ExitOnOutOfMemoryError"))
                .awaitReady();
        token = Files.readString(data.resolve("admin-token")).strip();
    }

    @AfterAll
    static void stop() {
        heddle.close();
    }

    @AfterEach
    void itLivesAndAnswers() throws IOException {
        var answer = RawHttp.exchange(heddle.port(), "GET /tasks/count HTTP/1.1\r\n" + authorized() + "\r\n");
        assertEquals(200, answer.status(), heddle.output());
        assertFalse(heddle.output().contains("OutOfMemory"), heddle.output());
    }

    private static String authorized() {
        return HOST + "Authorization: Bearer " + token + "\r\n";
    }

    private static String post(String type) {
        return "POST /tasks HTTP/1.1\r\n" + authorized() + "Content-Type: " + type + "\r\n";
    }

    private static RawConnection connect() throws IOException {
        return RawConnection.to(heddle.port());
    }

    /** Sends until there is nobody to hear it; how many megabytes that took. */
    private static int flood(RawConnection connection, byte[] megabyte, int most) {
        for (int i = 0; i < most; i++) {
            try {
                connection.send(megabyte);
            } catch (SocketException e) {
                return i;
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
        return most;
    }

    private static byte[] megabyteOf(String text) {
        return text.repeat(MEGABYTE / text.length()).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** What is refused in the middle of a flood: one answer or, when the client did not stop to hear it, none. */
    private static void assertRefused(RawConnection connection, int status) throws IOException {
        var rest = connection.rest();
        if (!rest.endsWith("(reset)")) {
            assertEquals(status, RawAnswers.only(rest).status());
        }
    }

    @Test
    void hundredMegabytesThatNeverBecomeALineAreCut() throws IOException {
        var json = "application/json";
        for (var what : List.of(
                post(json) + "Transfer-Encoding: chunked\r\n\r\n\t3",
                post(json) + "Transfer-Encoding: chunked\r\n\r\n3;a=",
                post(json) + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ",
                post(json) + "Transfer-Encoding: chunked\r\n\r\n0",
                post(json) + "X: ",
                "POST /",
                "")) {
            try (var connection = connect()) {
                connection.send(what);
                assertTrue(flood(connection, megabyteOf("3"), 100) < 100, what);
            }
        }
    }

    @Test
    void aChunkOfTwoGigabytesIsRefusedBeforeItComes() throws IOException {
        for (var type : List.of("application/json", "text/csv")) {
            try (var connection = connect()) {
                connection.send(post(type).replace("/tasks", type.equals("text/csv") ? "/process" : "/tasks")
                        + "Transfer-Encoding: chunked\r\n\r\n7d000000\r\n");
                flood(connection, new byte[MEGABYTE], 200);
                assertRefused(connection, 413);
            }
        }
    }

    @Test
    void manyLargeHeadsAtOnceAreRefusedOneByOne() throws InterruptedException, ExecutionException {
        var head = "GET /problems HTTP/1.1\r\n" + HOST + "X: " + "a".repeat(60_000) + "\r\n\r\n";
        var answers = atOnce(200, () -> RawHttp.exchange(heddle.port(), head).status());
        assertTrue(answers.stream().allMatch(status -> status == 431), answers.toString());
    }

    @Test
    void manyLargeDocumentsAtOnceAreAnsweredOneByOne() throws InterruptedException, ExecutionException {
        var members = new StringBuilder("{\"title\": \"x\"");
        for (int i = 0; i < 40_000; i++) {
            members.append(",\"m").append(i).append("\":0");
        }
        var body = members.append('}').toString();
        var request = post("application/json") + "Content-Length: " + body.length() + "\r\n\r\n" + body;
        var answers = atOnce(100, () -> RawHttp.exchange(heddle.port(), request).status());
        assertTrue(answers.stream().allMatch(status -> status == 422 || status == 503), answers.toString());
    }

    @Test
    void millionsOfMembersAndBracketsCostNothing() throws IOException {
        for (var unit : List.of("\"a\":0,", "[", "{\"a\":", "9", "\"\\u0061\",")) {
            var body = "{" + unit.repeat(1_000_000);
            try (var connection = connect()) {
                connection.send(post("application/json") + "Transfer-Encoding: chunked\r\n\r\n"
                        + Integer.toHexString(body.length()) + "\r\n");
                flood(connection, body.getBytes(StandardCharsets.ISO_8859_1), 1);
                assertRefused(connection, 413);
            }
            var small = "{" + unit.repeat(500_000 / unit.length());
            var answer = RawHttp.exchange(
                    heddle.port(), post("application/json") + "Content-Length: " + small.length() + "\r\n\r\n" + small);
            assertEquals(400, answer.status(), answer.text());
        }
    }

    @Test
    void aMillionTinyChunksAreABody() throws IOException {
        try (var connection = connect()) {
            connection.send("POST /hash HTTP/1.1\r\n" + authorized() + "Transfer-Encoding: chunked\r\n\r\n");
            var chunks = "1;a=b\r\nx\r\n".repeat(100_000).getBytes(StandardCharsets.ISO_8859_1);
            for (int i = 0; i < 10; i++) {
                connection.send(chunks);
            }
            assertEquals(200, connection.send("0\r\n\r\n").answer().status());
        }
    }

    @Test
    void manyConnectionsThatSayNothingHoldNothing() throws IOException {
        var silent = new ArrayList<RawConnection>();
        try {
            for (int i = 0; i < 500; i++) {
                silent.add(connect().send(i % 2 == 0 ? "" : "GET /problems HTTP/1.1\r\nX: " + "a".repeat(10_000)));
            }
            itLivesAndAnswers();
        } finally {
            for (var one : silent) {
                one.close();
            }
        }
    }

    @Test
    void noRequestIsHiddenInAnother() throws IOException {
        var inner = "GET /users HTTP/1.1\r\n" + authorized() + "\r\n";
        var frames = List.of(
                "Content-Length: %1$d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%2$s",
                "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n%3$x\r\n%2$s\r\n0\r\n\r\n",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n%2$s",
                "Transfer-Encoding : chunked\r\nContent-Length: %1$d\r\n\r\n0\r\n\r\n%2$s",
                "Content-Length: 0\r\nContent-Length: %3$d\r\n\r\n%2$s",
                "Content-Length: +%3$d\r\n\r\n%2$s",
                "Content-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n%2$s",
                "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n%2$s",
                "Transfer-Encoding: chunked\r\n\r\n0\r\n\n%2$s",
                "Transfer-Encoding: chunked\r\n\r\n0\n\r\n\r\n%2$s",
                "Transfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n%2$s",
                "Transfer-Encoding: chunked\r\n\r\n1\r\nxXX0\r\n\r\n%2$s",
                "Transfer-Encoding: chunked\r\n\r\n-1\r\n%2$s");
        for (var path : List.of("/tasks", "/hash", "/nope", "/process", "/upload")) {
            for (var frame : frames) {
                try (var connection = connect()) {
                    connection.send("POST " + path + " HTTP/1.1\r\n" + authorized()
                            + frame.formatted(inner.length() + 5, inner, inner.length()));
                    connection.finish();
                    var answer = RawAnswers.only(connection.rest());
                    assertTrue(answer.status() >= 400 && answer.saysClose(), frame + answer.text());
                }
            }
        }
    }

    /** Neither from a path, nor from a header, nor from what is kept. */
    @Test
    void noTextOfAClientMakesALineOfTheLog() throws IOException {
        var fake = "2026-01-01 ERROR fake";
        for (var request : List.of(
                "GET /tasks/%0a" + fake.replace(" ", "%20") + "%1b%5b31m HTTP/1.1\r\n" + authorized() + "\r\n",
                "GET /problems?%0d%0a" + fake.replace(" ", "%20") + " HTTP/1.1\r\n" + authorized() + "\r\n",
                "GET /problems HTTP/1.1\r\n" + authorized() + "User-Agent: x\u001b[2J\n" + fake + "\r\n\r\n",
                "GET /problems HTTP/1.1\r\n" + authorized() + "X-Request-Id: x\u0085" + fake + "\r\n\r\n",
                "GET /problems HTTP/1.1\r\n" + authorized() + "traceparent: \t" + fake + "\r\n\r\n",
                "G\u001b[31mT / HTTP/1.1\r\n" + authorized() + "\r\n",
                "GET /\u009b31m HTTP/1.1\r\n" + authorized() + "\r\n")) {
            RawHttp.exchange(heddle.port(), request);
        }
        itLivesAndAnswers();
        for (var line : heddle.output().split("\n", -1)) {
            assertFalse(line.startsWith(fake), line);
            assertTrue(line.chars().noneMatch(c -> (c < ' ' && c != '\t') || (c >= 0x7f && c <= 0x9f)), line);
        }
    }

    private static List<Integer> atOnce(int count, Callable<Integer> request)
            throws InterruptedException, ExecutionException {
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            var running = new ArrayList<Future<Integer>>();
            for (int i = 0; i < count; i++) {
                running.add(clients.submit(request));
            }
            var statuses = new ArrayList<Integer>();
            for (var one : running) {
                statuses.add(one.get());
            }
            return statuses;
        }
    }
}
