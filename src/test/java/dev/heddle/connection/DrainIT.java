package dev.heddle.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.SmallServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of connections when a server stops, over real sockets. Its grace is two seconds. */
@InThisJvm
class DrainIT {

    private static final String HOST = "Host: a\r\n";
    private static final String ASK = "GET /text HTTP/1.1\r\n" + HOST + "\r\n";

    /** What a request is long that comes in several packets, and that the guard reads in several pieces. */
    private static final int BODY_BYTES = 200_000;

    private final CountDownLatch running = new CountDownLatch(1);
    private final AtomicBoolean hasCleanedUp = new AtomicBoolean();

    private SmallServer server;

    /** Longer than any of these tests may take: whoever waits for it fails. */
    private static final Duration LONG_GRACE = Duration.ofSeconds(30);

    @BeforeEach
    void start() {
        server = SmallServer.of(routes());
    }

    private void startPatiently() {
        server.close();
        server = SmallServer.of(routes(), LONG_GRACE);
    }

    private Routes routes() {
        return new Routes()
                .add("GET", "/text", Access.PUBLIC, request -> text("text"))
                .add(
                        "GET",
                        "/stream",
                        Access.PUBLIC,
                        request -> Answer.stream(
                                "text/plain", out -> out.write("streamed".getBytes(StandardCharsets.US_ASCII))))
                .add("GET", "/endless", Access.PUBLIC, request -> endless())
                .addStreaming("POST", "/size", Access.PUBLIC, DrainIT::expected, (request, max) -> size(request));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static Answer text(String text) {
        return Answer.of(200, "text/plain", text.getBytes(StandardCharsets.UTF_8));
    }

    private static long expected(Request request) {
        request.expectStream(SmallServer.BODY_BYTES);
        return SmallServer.BODY_BYTES;
    }

    private static Answer size(Request request) {
        try (InputStream in = request.stream()) {
            return text(String.valueOf(in.readAllBytes().length));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Until it is interrupted; then it has something to put in order, which takes a moment. */
    private Answer endless() {
        running.countDown();
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            long end = System.nanoTime() + Duration.ofMillis(300).toNanos();
            while (System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            hasCleanedUp.set(true);
            Thread.currentThread().interrupt();
        }
        return text("cut");
    }

    private RawConnection connect() throws IOException {
        return RawConnection.to(server.port());
    }

    private static void assertLast(RawConnection connection, String request, int status) throws IOException {
        var answer = connection.send(request).answer();
        assertEquals(status, answer.status(), answer.head());
        assertTrue(answer.saysClose(), answer.head());
    }

    private CompletableFuture<Void> closing() {
        return CompletableFuture.runAsync(server::close, Thread::startVirtualThread);
    }

    private static void awaitRefusing(int port) {
        Awaitility.await()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> {
                    try (var _ = RawConnection.to(port)) {
                        return false;
                    } catch (ConnectException e) {
                        return true;
                    }
                });
    }

    @Test
    void whileItDrainsEveryAnswerIsTheLastOfItsConnection() throws IOException {
        try (var kept = connect();
                var another = connect()) {
            assertFalse(kept.send(ASK).answer().saysClose());
            assertFalse(another.send(ASK).answer().saysClose());
            server.drain();
            assertLast(kept, ASK, 200);
            assertEquals("", kept.rest());
            assertLast(another, "GET /nope HTTP/1.1\r\n" + HOST + "\r\n", 404);
            assertEquals("", another.rest());
        }
        for (var method : List.of("GET", "OPTIONS")) {
            for (var path : List.of("/text", "/stream")) {
                try (var fresh = connect()) {
                    var head = fresh.send(method + " " + path + " HTTP/1.1\r\n" + HOST + "\r\n")
                            .answerToHead();
                    assertTrue(head.status() < 300 && head.saysClose(), head.head());
                }
            }
        }
    }

    @Test
    void idleConnectionsEndInOrderAndKeepNobodyWaiting() throws IOException {
        startPatiently();
        var idle = new ArrayList<RawConnection>();
        try {
            for (int i = 0; i < 30; i++) {
                idle.add(connect());
                assertEquals(200, idle.getLast().send(ASK).answer().status());
            }
            long from = System.nanoTime();
            server.close();
            assertTrue(System.nanoTime() - from < Duration.ofSeconds(10).toNanos(), "it waited for idle connections");
            for (var connection : idle) {
                assertEquals("", connection.rest());
            }
        } finally {
            for (var connection : idle) {
                connection.close();
            }
        }
    }

    @Test
    void whoSaysNothingKeepsNobodyWaitingForLong() throws IOException {
        startPatiently();
        try (var silent = connect();
                var other = connect()) {
            // Accepted in their order: when this one is answered, the other was accepted.
            assertEquals(200, other.send(ASK).answer().status());
            long from = System.nanoTime();
            server.close();
            assertTrue(System.nanoTime() - from < Duration.ofSeconds(10).toNanos(), "it waited for the grace");
            assertEquals("", silent.rest());
        }
    }

    @Test
    void whoHasJustConnectedIsHeard() throws IOException {
        try (var fresh = connect();
                var other = connect()) {
            assertEquals(200, other.send(ASK).answer().status());
            int port = server.port();
            var closed = closing();
            awaitRefusing(port);
            assertLast(fresh, ASK, 200);
            closed.join();
        }
    }

    @Test
    void aRequestThatWasSentBeforeIsAlwaysAnswered() throws IOException {
        var upload = "POST /size HTTP/1.1\r\n" + HOST + "Content-Length: " + BODY_BYTES + "\r\n\r\n"
                + "b".repeat(BODY_BYTES);
        for (int round = 0; round < 20; round++) {
            var kept = new ArrayList<RawConnection>();
            for (int i = 0; i < 10; i++) {
                kept.add(connect());
                assertEquals(200, kept.getLast().send(ASK).answer().status());
            }
            for (int i = 0; i < kept.size(); i++) {
                kept.get(i).send(i % 2 == 0 ? ASK : upload);
            }
            var closed = closing();
            for (int i = 0; i < kept.size(); i++) {
                var answer = kept.get(i).answer();
                assertEquals(i % 2 == 0 ? "text" : String.valueOf(BODY_BYTES), answer.text(), "round " + round);
                assertEquals("", kept.get(i).rest());
                kept.get(i).close();
            }
            closed.join();
            start();
        }
    }

    @Test
    void aHeadThatIsHalfThereIsWaitedForAndAnswered() throws IOException {
        try (var kept = connect();
                var fresh = connect();
                var slow = connect()) {
            assertEquals(200, kept.send(ASK).answer().status());
            kept.send("GET /te");
            fresh.send("GET /text HTTP/1.1\r\nHo");
            slow.send("POST /size HTTP/1.1\r\n" + HOST + "Content-Length: 10\r\n\r\n12345");
            // All of them were read: this one came later.
            try (var other = connect()) {
                assertEquals(200, other.send(ASK).answer().status());
            }
            int port = server.port();
            var closed = closing();
            awaitRefusing(port);
            assertLast(kept, "xt HTTP/1.1\r\n" + HOST + "\r\n", 200);
            assertLast(fresh, "st: a\r\n\r\n", 200);
            assertLast(slow, "67890", 200);
            assertEquals("", kept.rest() + fresh.rest() + slow.rest());
            closed.join();
        }
    }

    @Test
    void whatIsCutAfterTheGraceHasCleanedUpWhenTheServerHasStopped() throws IOException, InterruptedException {
        try (var cut = connect()) {
            cut.send("GET /endless HTTP/1.1\r\n" + HOST + "\r\n");
            running.await();
            server.close();
            assertTrue(hasCleanedUp.get(), "the server stopped before its requests");
            assertThrows(IOException.class, cut::answer);
        }
    }
}
