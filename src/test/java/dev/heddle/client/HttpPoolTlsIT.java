package dev.heddle.client;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.client.HttpFailure.Kind;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.TestCertificate;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Exchanges with encryption. */
@InThisJvm
@Timeout(60)
class HttpPoolTlsIT {

    private static final Duration LONG = Duration.ofSeconds(50);
    private static final Duration SHORT = Duration.ofMillis(500);
    private static final Duration GENEROUS = Duration.ofSeconds(10);
    private static final String HOST = "upstream.test";
    private static final HttpPool.Limits PATIENT = new HttpPool.Limits(2, LONG, LONG, LONG, 100_000);

    private static TestCertificate ours;
    private static TestCertificate elsewhere;

    @BeforeAll
    static void makeCertificates(@TempDir Path directory)
            throws IOException, GeneralSecurityException, InterruptedException {
        ours = TestCertificate.of(directory, HOST);
        elsewhere = TestCertificate.of(directory, "elsewhere.example");
    }

    private static ServerSocket listener(SSLContext context, String... protocols) throws IOException {
        var listener = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 100, InetAddress.getLoopbackAddress());
        if (protocols.length > 0) {
            listener.setEnabledProtocols(protocols);
        }
        return listener;
    }

    private static HttpPool pool(int port, HttpPool.Limits limits, @Nullable SSLContext trust) {
        return new HttpPool(
                new Origin(true, HOST, port),
                (host, deadline) -> List.of(InetAddress.getLoopbackAddress()),
                limits,
                trust);
    }

    private static String get(HttpPool pool) throws HttpFailure {
        return new String(pool.get("/", List.of()).body(), StandardCharsets.UTF_8);
    }

    private static HttpFailure failed(HttpPool pool) {
        return assertThrows(HttpFailure.class, () -> get(pool));
    }

    private static void assertNothingLeft(HttpPool pool, FakeUpstream upstream) {
        assertEquals(0, pool.open());
        assertEquals(0, pool.idle());
        await().atMost(GENEROUS).until(() -> upstream.open() == 0);
    }

    private static void assertTook(long began, Duration least, Duration most) {
        var took = Duration.ofNanos(System.nanoTime() - began);
        assertTrue(took.compareTo(least) >= 0 && took.compareTo(most) < 0, "took " + took);
    }

    /** Bytes on their way; cutting it ends both sides without a word of TLS. */
    private static final class Line implements AutoCloseable {

        private final ServerSocket listener = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
        private final Set<Socket> ends = ConcurrentHashMap.newKeySet();
        private final int target;
        private final AtomicInteger cuts = new AtomicInteger();

        Line(int target) throws IOException {
            this.target = target;
            Thread.ofVirtual().start(this::accept);
        }

        int port() {
            return listener.getLocalPort();
        }

        private void accept() {
            try {
                while (true) {
                    var near = listener.accept();
                    var far = new Socket(InetAddress.getLoopbackAddress(), target);
                    ends.add(near);
                    ends.add(far);
                    Thread.ofVirtual().start(() -> copy(near, far));
                    Thread.ofVirtual().start(() -> copy(far, near));
                }
            } catch (IOException e) {
                cut();
            }
        }

        private void copy(Socket from, Socket to) {
            try (from;
                    to) {
                int before = cuts.get();
                var buffer = new byte[8192];
                // What is said because of the cut, a goodbye say, is not heard on the other side.
                for (int n; (n = from.getInputStream().read(buffer)) >= 0 && cuts.get() == before; ) {
                    to.getOutputStream().write(buffer, 0, n);
                }
            } catch (IOException e) {
                // Its other side is gone.
                var _ = e;
            }
        }

        void cut() {
            cuts.incrementAndGet();
            for (var end : ends) {
                try {
                    end.close();
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        @Override
        public void close() throws IOException {
            listener.close();
            cut();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void aServerThatIsTrustedIsCalledOverOneConnection(String protocol) throws IOException {
        try (var upstream = FakeUpstream.start(
                listener(ours.context(), protocol), (request, out) -> out.write(FakeUpstream.ok("1")))) {
            var pool = pool(upstream.port(), PATIENT, ours.context());
            for (int i = 0; i < 10; i++) {
                assertEquals("1", get(pool));
            }
            assertEquals(1, upstream.accepted());
            assertEquals(
                    HOST + ":" + upstream.port(),
                    upstream.requests().getFirst().header("Host").orElseThrow());
            pool.close();
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aServerThatTheJdkDoesNotTrustIsNotAsked() throws IOException {
        try (var upstream = FakeUpstream.start(
                        listener(ours.context()), (request, out) -> out.write(FakeUpstream.ok("1")));
                var pool = pool(upstream.port(), PATIENT, null)) {
            assertEquals(Kind.UNTRUSTED, failed(pool).kind());
            assertEquals(List.of(), upstream.requests());
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aCertificateForAnotherNameIsNotTrusted() throws IOException {
        try (var upstream = FakeUpstream.start(
                        listener(elsewhere.context()), (request, out) -> out.write(FakeUpstream.ok("1")));
                var pool = pool(upstream.port(), PATIENT, elsewhere.context())) {
            assertEquals(Kind.UNTRUSTED, failed(pool).kind());
            assertEquals(List.of(), upstream.requests());
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aServerThatSpeaksPlainTextIsLeftAtOnce() throws IOException {
        try (var upstream = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                var pool = pool(upstream.getLocalPort(), PATIENT, ours.context())) {
            var server = answering(upstream, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            long began = System.nanoTime();
            assertEquals(Kind.UNTRUSTED, failed(pool).kind());
            assertTook(began, Duration.ZERO, GENEROUS);
            assertEquals(0, pool.open());
            server.interrupt();
        }
    }

    @Test
    void aLineThatBreaksWhileItIsBeingEncryptedIsNoMatterOfTrust() throws IOException {
        try (var line = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                var pool = pool(line.getLocalPort(), PATIENT, ours.context())) {
            var closing = Thread.ofVirtual().start(() -> {
                try (var socket = line.accept()) {
                    assertTrue(socket.getInputStream().read() >= 0);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertEquals(Kind.UNREACHABLE, failed(pool).kind());
            assertEquals(0, pool.open());
            closing.interrupt();
        }
    }

    private static Thread answering(ServerSocket listener, String text) {
        return Thread.ofVirtual().start(() -> {
            try (var socket = listener.accept()) {
                socket.getOutputStream().write(FakeUpstream.bytes(text));
                socket.getInputStream().transferTo(OutputStream.nullOutputStream());
            } catch (IOException e) {
                // The client has gone.
                var _ = e;
            }
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void agreeingOnEncryptionEndsByTheLimitToConnect(boolean drips) throws IOException {
        try (var upstream = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                var pool = pool(
                        upstream.getLocalPort(), new HttpPool.Limits(2, SHORT, LONG, LONG, 100_000), ours.context())) {
            var ended = new CompletableFuture<Boolean>();
            Thread.ofVirtual().start(() -> hang(upstream, drips, ended));
            long began = System.nanoTime();
            assertEquals(Kind.TIMEOUT, failed(pool).kind());
            assertTook(began, SHORT, GENEROUS);
            assertEquals(0, pool.open());
            assertTrue(ended.orTimeout(GENEROUS.toSeconds(), TimeUnit.SECONDS).join());
        }
    }

    private static void hang(ServerSocket listener, boolean drips, CompletableFuture<Boolean> ended) {
        try (var socket = listener.accept()) {
            // A record of a handshake that is as long as it may be.
            for (int b : new int[] {22, 3, 3, 0x3f, 0}) {
                socket.getOutputStream().write(b);
            }
            while (drips) {
                LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                socket.getOutputStream().write(0);
            }
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            // The client has gone.
            var _ = e;
        } finally {
            ended.complete(true);
        }
    }

    @Test
    void aServerThatSaysNothingOverTlsIsLeftAfterTheReadTimeout() throws IOException {
        try (var upstream = FakeUpstream.start(listener(ours.context()), (request, out) -> request.awaitHangUp());
                var pool = pool(upstream.port(), new HttpPool.Limits(2, LONG, SHORT, LONG, 1000), ours.context())) {
            assertEquals(Kind.TIMEOUT, failed(pool).kind());
            assertNothingLeft(pool, upstream);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void anAnswerThatEndsWithAGoodbyeIsWhole(String protocol) throws IOException {
        try (var upstream = FakeUpstream.start(listener(ours.context(), protocol), (request, out) -> {
                    out.write(FakeUpstream.bytes("HTTP/1.1 200 OK\r\n\r\nall of it"));
                    out.flush();
                    request.socket().close();
                });
                var pool = pool(upstream.port(), PATIENT, ours.context())) {
            assertEquals("all of it", get(pool));
            assertNothingLeft(pool, upstream);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
    void anAnswerThatEndsWithoutAGoodbyeIsCut(String protocol) throws IOException {
        var isSent = new CountDownLatch(1);
        try (var upstream = FakeUpstream.start(listener(ours.context(), protocol), (request, out) -> {
                    out.write(FakeUpstream.bytes("HTTP/1.1 200 OK\r\n\r\nhalf of"));
                    out.flush();
                    isSent.countDown();
                    request.awaitHangUp();
                });
                var line = new Line(upstream.port());
                var pool = pool(line.port(), PATIENT, ours.context())) {
            var cutter = Thread.ofVirtual().start(() -> {
                try {
                    isSent.await();
                    // For what was sent to arrive; too early, it is cut just the same.
                    LockSupport.parkNanos(SHORT.toNanos());
                    line.cut();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            assertEquals(Kind.CUT, failed(pool).kind());
            cutter.interrupt();
            assertNothingLeft(pool, upstream);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRequestThatMeetsAServerThatIsLeavingIsSentOnceMore(boolean politely) throws IOException {
        try (var upstream = FakeUpstream.start(listener(ours.context()), (request, out) -> {
                    out.write(FakeUpstream.ok("1"));
                    out.flush();
                    if (politely) {
                        request.socket().close();
                    }
                });
                var line = new Line(upstream.port());
                var pool = pool(line.port(), PATIENT, ours.context())) {
            for (int i = 1; i <= 3; i++) {
                assertEquals("1", get(pool));
                if (!politely) {
                    line.cut();
                }
                await().atMost(GENEROUS).until(() -> upstream.open() == 0);
                assertEquals(i, upstream.accepted());
            }
            assertEquals(1, pool.open());
        }
    }

    @Test
    void anInterruptionEndsACallAtOnce()
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        try (var upstream = FakeUpstream.start(listener(ours.context()), (request, out) -> request.awaitHangUp());
                var pool = pool(upstream.port(), PATIENT, ours.context())) {
            assertCancelled(
                    pool,
                    () -> await().atMost(GENEROUS)
                            .until(() -> upstream.requests().size() == 1));
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void anInterruptionEndsAlsoTheAgreementOnEncryption()
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        var isAccepted = new CountDownLatch(1);
        try (var upstream = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                var pool = pool(upstream.getLocalPort(), PATIENT, ours.context())) {
            var ended = new CompletableFuture<Integer>();
            Thread.ofVirtual().start(() -> {
                try (var socket = upstream.accept()) {
                    isAccepted.countDown();
                    ended.complete(readAll(socket.getInputStream()));
                } catch (IOException e) {
                    ended.complete(0);
                }
            });
            assertCancelled(pool, () -> {
                try {
                    assertTrue(isAccepted.await(GENEROUS.toSeconds(), TimeUnit.SECONDS));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            assertEquals(0, pool.open());
            assertTrue(ended.get(GENEROUS.toSeconds(), TimeUnit.SECONDS) >= 0);
        }
    }

    private static int readAll(InputStream in) throws IOException {
        return in.readAllBytes().length;
    }

    private static void assertCancelled(HttpPool pool, Runnable whenSoFar)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        var ended = new CompletableFuture<Throwable>();
        var isFlagged = new AtomicBoolean();
        var caller = Thread.ofVirtual().start(() -> {
            try {
                get(pool);
                ended.complete(new AssertionError("it was answered"));
            } catch (HttpFailure | RuntimeException e) {
                isFlagged.set(Thread.currentThread().isInterrupted());
                ended.complete(e);
            }
        });
        whenSoFar.run();
        long began = System.nanoTime();
        caller.interrupt();
        assertInstanceOf(CancellationException.class, ended.get(GENEROUS.toMillis(), TimeUnit.MILLISECONDS));
        assertTook(began, Duration.ZERO, GENEROUS);
        assertTrue(isFlagged.get());
    }
}
