package dev.heddle.connection;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Routes;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.SmallServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clients that hang up, or do not, while their request is worked on, over real sockets. */
@InThisJvm
class HangUpsIT {

    private static final Duration LONG = Duration.ofSeconds(20);

    private SocketChannel client;
    private SocketChannel served;
    private HangUps hangUps;

    @BeforeEach
    void connect() throws IOException {
        try (var listener =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            client = SocketChannel.open(listener.getLocalAddress());
            served = listener.accept();
        }
        hangUps = new HangUps(new Wire(served, new Wait(), LONG));
    }

    @AfterEach
    void disconnect() throws IOException {
        client.close();
        served.close();
    }

    private void send(String text) throws IOException {
        client.write(ByteBuffer.wrap(text.getBytes(US_ASCII)));
    }

    private String read(int length) throws IOException {
        var bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining() && hangUps.read(bytes) >= 0) {
            // The rest follows.
        }
        return new String(bytes.array(), 0, bytes.position(), US_ASCII);
    }

    /** As if the work had taken long. */
    private void listen() {
        hangUps.listenIfLate(System.nanoTime() + LONG.toNanos());
        assertFalse(hangUps.awaitSilence(Duration.ZERO), "somebody listens");
    }

    private void awaitHeard() {
        // The first may end by the interruption that the second finds there.
        boolean isSilent = hangUps.awaitSilence(LONG);
        assertTrue(isSilent || hangUps.awaitSilence(LONG), "nobody listens any more");
    }

    @Test
    void whoHangsUpInterruptsTheWorkAndNothingThatFollows() throws IOException {
        hangUps.begin();
        listen();
        client.close();
        awaitHeard();
        assertTrue(Thread.currentThread().isInterrupted());
        assertTrue(hangUps.end(), "it has hung up");
        assertFalse(Thread.currentThread().isInterrupted());
        assertEquals("", read(1), "what follows is the end");
    }

    @Test
    void aConnectionThatIsResetIsHungUpToo() throws IOException {
        hangUps.begin();
        listen();
        client.socket().setSoLinger(true, 0);
        client.close();
        awaitHeard();
        assertTrue(hangUps.end());
    }

    @Test
    void workThatIsShortIsListenedToByNobody() throws IOException {
        hangUps.listenIfLate(System.nanoTime() + LONG.toNanos());
        assertTrue(hangUps.awaitSilence(Duration.ZERO), "nobody works");
        hangUps.begin();
        hangUps.listenIfLate(System.nanoTime());
        assertTrue(hangUps.awaitSilence(Duration.ZERO), "not yet");
        assertFalse(hangUps.end());
    }

    @Test
    void theNextRequestIsReadWholeWhoeverHearsItsBeginning() throws IOException {
        hangUps.begin();
        listen();
        send("during");
        awaitHeard();
        hangUps.listenIfLate(System.nanoTime() + LONG.toNanos());
        assertTrue(hangUps.awaitSilence(Duration.ZERO), "one byte is enough: the client is there");
        assertFalse(hangUps.end());
        assertFalse(Thread.currentThread().isInterrupted());
        assertEquals("during", read(6));
        send("later");
        assertEquals("later", read(5));
    }

    @Test
    void whoeverIsListenedToWhenTheWorkEndsIsReadAsBefore()
            throws IOException, InterruptedException, ExecutionException {
        hangUps.begin();
        listen();
        assertFalse(hangUps.end());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var next = threads.submit(() -> read(4));
            send("next");
            assertEquals("next", next.get());
            // The next work, on another thread as it happens, is interrupted as the first would have been.
            var isInterrupted = new CountDownLatch(1);
            var isBegun = new CountDownLatch(1);
            var hasHungUp = threads.submit(() -> {
                hangUps.begin();
                isBegun.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    isInterrupted.countDown();
                }
                return hangUps.end();
            });
            isBegun.await();
            listen();
            client.close();
            assertTrue(isInterrupted.await(LONG.toMillis(), TimeUnit.MILLISECONDS));
            assertTrue(hasHungUp.get());
        }
    }

    @Test
    void whoHangsUpAfterTheWorkInterruptsNobody() throws IOException {
        hangUps.begin();
        listen();
        assertFalse(hangUps.end());
        client.close();
        awaitHeard();
        assertFalse(Thread.currentThread().isInterrupted());
        assertEquals("", read(1));
    }

    @Test
    void aCutEndsTheWaitForWhatIsListenedTo() throws InterruptedException {
        hangUps.begin();
        listen();
        hangUps.end();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<String> waits = threads.submit(() -> read(1));
            new Wire(served, new Wait(), LONG).cut();
            assertThrows(ExecutionException.class, waits::get);
        }
    }

    @Test
    void anInterruptionEndsTheWaitAndTheConnection() {
        hangUps.begin();
        listen();
        hangUps.end();
        Thread.currentThread().interrupt();
        assertThrows(ClosedByInterruptException.class, () -> read(1));
        assertTrue(Thread.interrupted());
        assertFalse(served.isOpen());
        awaitHeard();
    }

    // ---- On a server ----

    /** Takes long enough for somebody to listen. */
    private static Answer work() {
        try {
            assertFalse(new CountDownLatch(1).await(1_500, TimeUnit.MILLISECONDS));
            return Answer.of(204);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted");
        }
    }

    @Test
    void theWorkOfAWaitingRouteIsInterruptedAndLoggedAsLeft() throws IOException {
        var worker = new AtomicReference<Thread>();
        var interrupted = new AtomicInteger();
        try (var server = SmallServer.of(new Routes().addWaiting("GET", "/waits", Access.PUBLIC, _ -> {
            worker.set(Thread.currentThread());
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.incrementAndGet();
                Thread.currentThread().interrupt();
                throw new CancellationException("interrupted");
            }
            return Answer.of(204);
        }))) {
            try (var raw = RawConnection.to(server.port())) {
                raw.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n");
                await().atMost(LONG).until(() -> worker.get() != null);
            }
            await().atMost(LONG).until(() -> interrupted.get() == 1);
            await().atMost(LONG).until(() -> !server.accessLog().isEmpty());
            assertEquals(499, server.accessLog().getFirst().status());
        }
    }

    @Test
    void whoStaysIsAnsweredHoweverLongItTakesAndHeardToTheEnd() throws IOException {
        try (var server = SmallServer.of(new Routes().addWaiting("GET", "/waits", Access.PUBLIC, _ -> work()))) {
            try (var raw = RawConnection.to(server.port())) {
                for (int i = 0; i < 2; i++) {
                    raw.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n");
                    assertEquals(204, raw.answer().status());
                }
                raw.send("GET /waits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                assertEquals(204, raw.answer().status());
                // What is still sent is read, or the answer could be lost with it.
                raw.send("x".repeat(100_000));
                raw.finish();
                assertEquals("", raw.rest());
            }
        }
    }

    @Test
    void whoNeitherSpeaksNorLeavesAfterTheLastAnswerIsClosed() throws IOException {
        try (var server = SmallServer.of(new Routes().addWaiting("GET", "/waits", Access.PUBLIC, _ -> work()));
                var raw = RawConnection.to(server.port())) {
            raw.send("GET /waits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            assertEquals(204, raw.answer().status());
            assertEquals("", raw.rest());
            await().atMost(LONG).until(() -> server.connections() == 0);
        }
    }
}
