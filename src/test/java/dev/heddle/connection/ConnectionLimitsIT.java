package dev.heddle.connection;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How long a client may keep a connection waiting, and how many it may have. */
@InThisJvm
class ConnectionLimitsIT {

    private static final ConnectionLimits SHORT = new ConnectionLimits(
            Duration.ofMillis(2000),
            Duration.ofMillis(600),
            Duration.ofMillis(1500),
            1000,
            Duration.ofMillis(2300),
            40,
            List.of());

    private static final Duration LONG = Duration.ofSeconds(30);

    /** Many times what fits between a server and a client that does not read. */
    private static final int LARGE_BYTES = 64 << 20;

    private static final String HOST = "Host: a\r\n";

    @TempDir
    private static Path directory;

    private static Path file;
    private static SmallServer server;

    @BeforeAll
    static void start() throws IOException {
        file = directory.resolve("large");
        try (var out = Files.newOutputStream(file)) {
            for (int i = 0; i < 64; i++) {
                out.write(new byte[1 << 20]);
            }
        }
        server = SmallServer.of(
                new Routes()
                        .addStreaming(
                                "POST",
                                "/sink",
                                Access.PUBLIC,
                                request -> {
                                    request.expectStream(10_000_000);
                                    return request;
                                },
                                (request, same) -> sunk(request.stream()))
                        .add("GET", "/file", Access.PUBLIC, request -> file())
                        .add(
                                "GET",
                                "/heap",
                                Access.PUBLIC,
                                request -> Answer.of(200, "text/plain", new byte[LARGE_BYTES]))
                        .add("GET", "/slow", Access.PUBLIC, request -> slow())
                        .add("GET", "/quick", Access.PUBLIC, request -> Answer.of(204)),
                SHORT);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Answer sunk(InputStream body) {
        try {
            long count = body.transferTo(OutputStream.nullOutputStream());
            return Answer.of(200, "text/plain", String.valueOf(count).getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Answer file() {
        try {
            var channel = FileChannel.open(file);
            return Answer.stream(200, LARGE_BYTES, out -> out.write(channel, 0, LARGE_BYTES))
                    .owning(channel);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Longer than every limit there is. */
    private static Answer slow() {
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(3000);
        while (System.nanoTime() < until) {
            LockSupport.parkNanos(until - System.nanoTime());
        }
        return Answer.of(200, "text/plain", "at last".getBytes(StandardCharsets.US_ASCII));
    }

    private static Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), server.port());
    }

    /** Sends a byte every so many milliseconds; after how many of them the server ended it. */
    private static long drip(Socket socket, String head, int everyMillis) throws IOException {
        long began = System.nanoTime();
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        socket.setSoTimeout(everyMillis);
        while (isOpen(socket)) {
            if (System.nanoTime() - began > Duration.ofSeconds(15).toNanos()) {
                throw new AssertionError("nobody has ended it");
            }
        }
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    }

    private static boolean isOpen(Socket socket) throws IOException {
        try {
            socket.getOutputStream().write('a');
            return socket.getInputStream().read() >= 0;
        } catch (SocketTimeoutException e) {
            return true;
        } catch (SocketException e) {
            return false;
        }
    }

    private static void assertAbout(Duration limit, long millis) {
        assertTrue(millis >= limit.toMillis() - 50, millis + " ms is before " + limit);
        // Not a measure of speed: the machine may be busy. It is not for ever.
        assertTrue(millis < limit.toMillis() + 5000, millis + " ms is long after " + limit);
    }

    private static long millisUntilTheEnd(RawConnection connection, long began) throws IOException {
        assertEquals("", connection.rest().replace("(reset)", ""));
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    }

    @Test
    void aConnectionOnWhichNoRequestComesIsEnded() throws IOException {
        long began = System.nanoTime();
        try (var connection = RawConnection.to(server.port())) {
            assertAbout(SHORT.idle(), millisUntilTheEnd(connection, began));
        }
    }

    @Test
    void aConnectionOnWhichNoFurtherRequestComesIsEnded() throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            long began = 0;
            for (int i = 0; i < 3; i++) {
                began = System.nanoTime();
                connection.send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(204, connection.answer().status());
            }
            assertAbout(SHORT.idle(), millisUntilTheEnd(connection, began));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"G", "GET /quick HTTP/1.1\r\n", "GET /quick HTTP/1.1\r\nHost: a\r\nX: "})
    void aHeadThatDripsHasItsTimeAndNoMore(String head) throws IOException {
        try (var socket = connect()) {
            assertAbout(SHORT.head(), drip(socket, head, 20));
        }
    }

    @Test
    void aHeadThatStopsIsEnded() throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            long began = System.nanoTime();
            connection.send("GET /quick HTTP/1.1\r\nHo");
            assertAbout(SHORT.head(), millisUntilTheEnd(connection, began));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 1000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3e8\r\nabc"})
    void aBodyThatStopsIsEnded(String rest) throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            long began = System.nanoTime();
            connection.send("POST /sink HTTP/1.1\r\n" + HOST + "X-Request-Id: stops-" + rest.length() + "\r\n" + rest);
            assertAbout(SHORT.stall(), millisUntilTheEnd(connection, began));
        }
        await().until(() -> server.accessLog().stream()
                .anyMatch(entry -> entry.requestId().equals("stops-" + rest.length()) && entry.status() == 499));
    }

    @Test
    void aBodyThatDripsIsEndedWhenItIsTooSlowOnTheWhole() throws IOException {
        try (var socket = connect()) {
            var head = "POST /sink HTTP/1.1\r\n" + HOST + "Content-Length: 1000000\r\n\r\n";
            assertAbout(SHORT.grace(), drip(socket, head, 20));
        }
    }

    @Test
    void aBodyThatPausesButIsFastOnTheWholeArrives() throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            connection.send("POST /sink HTTP/1.1\r\n" + HOST + "Content-Length: 24006\r\n\r\n");
            // Longer than any limit, in pauses that are shorter.
            for (int i = 0; i < 6; i++) {
                connection.send("x".repeat(4001));
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500));
            }
            assertEquals("24006", connection.answer().text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/file", "/heap"})
    void anAnswerThatNobodyReadsIsEnded(String path) throws IOException {
        var id = "unread-" + path.substring(1);
        try (var connection = RawConnection.to(server.port(), 4096)) {
            connection.send("GET " + path + " HTTP/1.1\r\n" + HOST + "X-Request-Id: " + id + "\r\n\r\n");
            await().until(() -> server.accessLog().stream()
                    .anyMatch(entry -> entry.requestId().equals(id)));
            // It never passes for whole.
            var received = connection.rest().replace("(reset)", "");
            assertTrue(received.length() < LARGE_BYTES, received.length() + " bytes");
        }
    }

    @Test
    void anAnswerThatIsReadSlowlyButSteadilyArrives() throws IOException {
        try (var connection = RawConnection.to(server.port(), 64 * 1024)) {
            connection.send("GET /file HTTP/1.1\r\n" + HOST + "\r\n");
            long read = 0;
            // Longer than every limit, in steps that are shorter.
            for (int i = 0; i < 8; i++) {
                read += connection.read(1 << 20).length;
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
            }
            read += connection.read(LARGE_BYTES - (int) read).length;
            assertTrue(read > LARGE_BYTES - 1000, read + " bytes, of which the head has some");
        }
    }

    @Test
    void aServerThatIsSlowCutsNobody() throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            connection.send("GET /slow HTTP/1.1\r\n" + HOST + "\r\n");
            assertEquals("at last", connection.answer().text());
            connection.send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
            assertEquals(204, connection.answer().status());
        }
    }

    @Test
    void anAddressHasSoManyConnectionsAndNoMore() throws IOException {
        try (var few = SmallServer.of(
                new Routes().add("GET", "/quick", Access.PUBLIC, request -> Answer.of(204)),
                new ConnectionLimits(SHORT.idle(), SHORT.head(), SHORT.stall(), 0, SHORT.grace(), 3, List.of()))) {
            var open = new ArrayList<RawConnection>();
            // The server looks after its listener by connecting from there, and one of them may meet that.
            await().until(() -> {
                var one = RawConnection.to(few.port()).send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
                if (one.answer().status() == 204) {
                    open.add(one);
                } else {
                    one.close();
                }
                return open.size() == 3;
            });
            try (var more = RawConnection.to(few.port())) {
                var refused = more.answer();
                assertEquals(503, refused.status());
                assertEquals(Optional.of("1"), refused.header("Retry-After"));
                assertEquals(Optional.of("nosniff"), refused.header("X-Content-Type-Options"));
                assertTrue(refused.saysClose());
                assertTrue(refused.text().contains("too many connections"), refused::text);
                more.send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals("", more.rest().replace("(reset)", ""));
            }
            open.removeFirst().close();
            await().untilAsserted(() -> {
                try (var again = RawConnection.to(few.port())) {
                    again.send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
                    assertEquals(204, again.answer().status());
                }
            });
            for (var one : open) {
                one.close();
            }
        }
    }

    @Test
    void whoIsRefusedTakesNoPlaceFromWhoComesAfterwards() throws IOException {
        var uncounted = List.of(Network.of("127.0.0.0/8").orElseThrow());
        try (var small = SmallServer.of(
                new Routes().add("GET", "/quick", Access.PUBLIC, request -> Answer.of(204)),
                new ConnectionLimits(LONG, LONG, LONG, 0, SHORT.grace(), 1, uncounted))) {
            var admitted = new ArrayList<RawConnection>();
            var refused = new ArrayList<RawConnection>();
            // The server looks after itself over one of its own, so the last place may come late.
            while (admitted.size() < SmallServer.CONNECTIONS || refused.size() < 30) {
                var one = RawConnection.to(small.port()).send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
                var itsAnswer = one.answer().status();
                (itsAnswer == 204 ? admitted : refused).add(one);
            }
            assertEquals(SmallServer.CONNECTIONS, admitted.size());
            admitted.removeFirst().close();
            admitted.removeFirst().close();
            await().until(() -> small.connections() <= SmallServer.CONNECTIONS - 2);
            // The refused are still listened to, for a second, so that they hear why.
            try (var next = RawConnection.to(small.port())) {
                next.send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
                assertEquals(204, next.answer().status());
            }
            for (var one : admitted) {
                one.close();
            }
            for (var one : refused) {
                one.close();
            }
        }
    }

    private static SmallServer quick(Duration head, int perAddress) {
        return SmallServer.of(
                new Routes()
                        .add("GET", "/quick", Access.PUBLIC, request -> Answer.of(204))
                        .add("POST", "/json", Access.PUBLIC, Request::json, (request, json) -> Answer.of(204)),
                new ConnectionLimits(LONG, head, LONG, 0, SHORT.grace(), perAddress, List.of()));
    }

    @Test
    void whoIsRefusedForItsAddressHoldsUpNoOtherAddress() throws IOException {
        try (var small = quick(LONG, 4)) {
            var fastest = Duration.ofDays(1);
            // Only the fastest counts: whatever else this machine does makes it slower.
            for (int i = 0; i < 5 && fastest.compareTo(Wire.LINGER.dividedBy(2)) > 0; i++) {
                var greedy = new ArrayList<RawConnection>();
                for (int j = 0; j < 200; j++) {
                    greedy.add(RawConnection.to(small.port()));
                }
                long began = System.nanoTime();
                try (var other = new Socket()) {
                    other.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.2"), 0));
                    other.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), small.port()));
                    other.getOutputStream()
                            .write(("GET /quick HTTP/1.1\r\n" + HOST + "\r\n").getBytes(StandardCharsets.US_ASCII));
                    assertEquals(
                            "HTTP/1.1 204",
                            new String(other.getInputStream().readNBytes(12), StandardCharsets.US_ASCII));
                }
                var took = Duration.ofNanos(System.nanoTime() - began);
                fastest = took.compareTo(fastest) < 0 ? took : fastest;
                for (var one : greedy) {
                    one.close();
                }
            }
            assertTrue(fastest.compareTo(Wire.LINGER.dividedBy(2)) <= 0, fastest + ", with 60 of 64 places free");
        }
    }

    @Test
    void aServerThatHadNoTimeForWhatHadComeCutsNobody() throws IOException, InterruptedException {
        try (var small = quick(Duration.ofSeconds(2), 64)) {
            var all = new ArrayList<RawConnection>();
            for (int i = 0; i < 20; i++) {
                all.add(RawConnection.to(small.port()).send("GET /quick HTTP/1.1\r\n"));
            }
            await().until(() -> small.connections() >= 20);
            int busy = Runtime.getRuntime().availableProcessors() + 1;
            var begun = new CountDownLatch(1);
            var done = new CountDownLatch(busy);
            for (int i = 0; i < busy; i++) {
                Thread.ofVirtual().start(() -> {
                    begun.countDown();
                    for (long end = System.nanoTime() + 3_500_000_000L; System.nanoTime() < end; ) {
                        Thread.onSpinWait();
                    }
                    done.countDown();
                });
            }
            begun.await();
            for (var one : all) {
                one.send(HOST + "\r\n");
            }
            done.await();
            for (var one : all) {
                assertEquals(204, one.answer().status());
                one.close();
            }
        }
    }

    @Test
    void anEmptyLineBehindARequestBeginsNoHead() throws IOException {
        try (var small = quick(Duration.ofMillis(400), 64);
                var one = RawConnection.to(small.port())) {
            one.send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n\r\n");
            assertEquals(204, one.answer().status());
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1000));
            one.send("GET /quick HTTP/1.1\r\n" + HOST + "\r\n");
            assertEquals(204, one.answer().status());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 9\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n9\r\n{"})
    void theDeadlineThatAClientNamesEndsTheWaitForItsBodyToo(String body) throws IOException {
        try (var small = quick(LONG, 64);
                var one = RawConnection.to(small.port())) {
            one.send("POST /json HTTP/1.1\r\n" + HOST + "Content-Type: application/json\r\nRequest-Timeout: 0.5\r\n"
                    + body);
            var late = one.answer();
            assertEquals(503, late.status());
            assertTrue(late.text().contains("deadline"), late::text);
            assertTrue(late.saysClose());
            assertEquals("", one.rest());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 500000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n9\r\n{"})
    void aBodyWhereNoneIsTakenIsNotWaitedFor(String body) throws IOException {
        try (var small = quick(LONG, 64);
                var one = RawConnection.to(small.port())) {
            one.send("GET /quick HTTP/1.1\r\n" + HOST + body);
            assertEquals(400, one.answer().status());
        }
    }

    @Test
    void moreHeaderFieldsThanAnybodySendsAreNotHeld() throws IOException {
        try (var small = quick(LONG, 64)) {
            try (var one = RawConnection.to(small.port())) {
                one.send("GET /quick HTTP/1.1\r\n" + HOST + "a:\r\n".repeat(99) + "\r\n");
                assertEquals(204, one.answer().status());
            }
            try (var one = RawConnection.to(small.port())) {
                one.send("GET /quick HTTP/1.1\r\n" + HOST + "a:\r\n".repeat(100));
                assertEquals(431, one.answer().status());
            }
        }
    }

    @Test
    void whatIsRefusedAtOnceIsInTheAccessLogToo() throws IOException {
        try (var small = quick(LONG, 64);
                var one = RawConnection.to(small.port())) {
            one.send("GET /quick HTTP/1.1\r\n" + HOST + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx");
            assertEquals(415, one.answer().status());
            assertEquals(
                    List.of("127.0.0.1 GET /quick 415"),
                    small.accessLog().stream()
                            .map(it -> it.client() + " " + it.method() + " " + it.path() + " " + it.status())
                            .toList());
        }
    }
}
