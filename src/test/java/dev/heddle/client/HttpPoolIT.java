package dev.heddle.client;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.client.HttpFailure.Kind;
import dev.heddle.concurrent.Deadline;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.Race;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Exchanges over real sockets, with servers that behave and with servers that do not. */
@InThisJvm
@Timeout(60)
class HttpPoolIT {

    /** Longer than any test. */
    private static final Duration LONG = Duration.ofSeconds(50);

    private static final Duration SHORT = Duration.ofMillis(300);

    /** What a machine that is busy with something else may add to a limit. */
    private static final Duration GENEROUS = Duration.ofSeconds(10);

    private static final int MAX = 100_000;
    private static final Resolver LOOPBACK = (host, deadline) -> List.of(InetAddress.getLoopbackAddress());
    private static final HttpPool.Limits PATIENT = new HttpPool.Limits(2, LONG, LONG, LONG, MAX);

    private static HttpPool pool(int port, Resolver resolver, HttpPool.Limits limits) {
        return new HttpPool(new Origin(false, "upstream.test", port), resolver, limits, null);
    }

    private static HttpPool pool(FakeUpstream upstream) {
        return pool(upstream, PATIENT);
    }

    private static HttpPool pool(FakeUpstream upstream, HttpPool.Limits limits) {
        return pool(upstream.port(), LOOPBACK, limits);
    }

    private static String get(HttpPool pool) throws HttpFailure {
        return new String(pool.get("/", List.of()).body(), StandardCharsets.UTF_8);
    }

    private static Kind failed(HttpPool pool) {
        return assertThrows(HttpFailure.class, () -> get(pool)).kind();
    }

    /** Nothing is left on either side. */
    private static void assertNothingLeft(HttpPool pool, FakeUpstream upstream) {
        assertEquals(0, pool.open());
        assertEquals(0, pool.idle());
        await().atMost(GENEROUS).until(() -> upstream.open() == 0);
    }

    private static void assertTook(long began, Duration least, Duration most) {
        var took = Duration.ofNanos(System.nanoTime() - began);
        assertTrue(took.compareTo(least) >= 0 && took.compareTo(most) < 0, "took " + took);
    }

    /** Ends the connection after answering, without having said that it would. */
    private static void answerAndLeave(FakeUpstream.Request request, OutputStream out) throws IOException {
        out.write(FakeUpstream.ok("1"));
        out.flush();
        request.socket().close();
    }

    @Test
    void oneConnectionIsUsedForOneExchangeAfterTheOther() throws HttpFailure {
        try (var upstream = FakeUpstream.json("{}")) {
            var pool = pool(upstream);
            for (int i = 0; i < 20; i++) {
                assertEquals("{}", get(pool));
                assertEquals(1, pool.open());
                assertEquals(1, pool.idle());
            }
            assertEquals(1, upstream.accepted());
            pool.close();
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void noMoreConnectionsAreKeptThanAllowedWhenTheBurstIsOver() throws InterruptedException {
        var all = new CountDownLatch(5);
        try (var upstream = FakeUpstream.start((request, out) -> {
                    all.countDown();
                    awaitQuietly(all);
                    out.write(FakeUpstream.ok("1"));
                });
                var pool = pool(upstream)) {
            Race.between(Collections.nCopies(5, (Callable<String>) () -> get(pool)));
            assertEquals(5, upstream.accepted());
            pool.closeExpired();
            assertEquals(5, pool.idle());
            await().atMost(GENEROUS).until(() -> {
                pool.closeExpired();
                return pool.idle() == 2;
            });
            assertEquals(2, pool.open());
            await().atMost(GENEROUS).until(() -> upstream.open() == 2);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) throws IOException {
        try {
            assertTrue(latch.await(GENEROUS.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Test
    void withoutAnythingToKeepTheServerIsTold() throws HttpFailure {
        try (var upstream = FakeUpstream.json("1");
                var pool = pool(upstream, new HttpPool.Limits(0, LONG, LONG, LONG, MAX))) {
            get(pool);
            assertEquals(
                    "close", upstream.requests().getFirst().header("Connection").orElseThrow());
            assertNothingLeft(pool, upstream);
        }
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
        Keep-Alive: timeout=1, 0
        Keep-Alive: timeout=0, 0
        'Keep-Alive: timeout=1, max=5', 0
        'Keep-Alive: max=5, Timeout = 1', 0
        Keep-Alive: timeout=2, 1
        Keep-Alive: timeout=9999999999, 1
        Keep-Alive: timeout=soon, 1
        Keep-Alive: max=1, 1
        Connection: close, 0
        Connection: keep-alive, 1
        """)
    void aConnectionIsKeptForAsLongAsTheServerSays(String field, int kept) throws HttpFailure {
        try (var upstream = FakeUpstream.start((request, out) -> out.write(FakeUpstream.ok("1", field + "\r\n")));
                var pool = pool(upstream)) {
            get(pool);
            assertEquals(kept, pool.idle());
            assertEquals(kept, pool.open());
            await().atMost(GENEROUS).until(() -> upstream.open() == kept);
        }
    }

    @Test
    void whatHasBeenIdleForTooLongIsClosedAlsoBehindWhatMayStay() throws InterruptedException {
        var both = new CountDownLatch(2);
        try (var upstream = FakeUpstream.start((request, out) -> {
                    both.countDown();
                    awaitQuietly(both);
                    out.write(
                            FakeUpstream.ok("1", request.target().equals("/brief") ? "Keep-Alive: timeout=2\r\n" : ""));
                });
                var pool = pool(upstream)) {
            Race.between(List.<Callable<HttpAnswer>>of(
                    () -> pool.get("/brief", List.of()), () -> pool.get("/long", List.of())));
            assertEquals(2, pool.idle());
            await().atMost(GENEROUS).until(() -> {
                pool.closeExpired();
                return pool.idle() == 1;
            });
            assertEquals(1, pool.open());
            await().atMost(GENEROUS).until(() -> upstream.open() == 1);
        }
    }

    @Test
    void whatIsIdleForTooLongIsNotUsedEvenWhenNobodySweeps() throws HttpFailure {
        try (var upstream = FakeUpstream.start(
                        (request, out) -> out.write(FakeUpstream.ok("1", "Keep-Alive: timeout=2\r\n")));
                var pool = pool(upstream)) {
            get(pool);
            LockSupport.parkNanos(Duration.ofMillis(1100).toNanos());
            get(pool);
            assertEquals(2, upstream.accepted());
            assertEquals(1, pool.open());
        }
    }

    @Test
    void thePoolsSweepWhatIsIdle() throws HttpFailure {
        try (var upstream = FakeUpstream.start(
                        (request, out) -> out.write(FakeUpstream.ok("1", "Keep-Alive: timeout=2\r\n")));
                var pools = new HttpPools(LOOPBACK, null)) {
            var pool = pools.open(new Origin(false, "upstream.test", upstream.port()), PATIENT);
            get(pool);
            await().atMost(Duration.ofSeconds(20)).until(() -> upstream.open() == 0);
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aPoolThatWasClosedKeepsNothing() throws IOException, InterruptedException, ExecutionException {
        var asked = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        try (var upstream = FakeUpstream.start((request, out) -> {
                    asked.countDown();
                    awaitQuietly(go);
                    out.write(FakeUpstream.ok("1"));
                });
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var pool = pool(upstream);
            var late = threads.submit(() -> get(pool));
            awaitQuietly(asked);
            pool.close();
            go.countDown();
            assertEquals("1", late.get());
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aRequestThatMeetsAServerThatIsLeavingIsSentOnceMore() throws HttpFailure {
        try (var upstream = FakeUpstream.start(HttpPoolIT::answerAndLeave);
                var pool = pool(upstream)) {
            for (int i = 1; i <= 5; i++) {
                assertEquals("1", get(pool));
                await().atMost(GENEROUS).until(() -> upstream.open() == 0);
                assertEquals(i, upstream.accepted());
            }
            assertEquals(1, pool.open());
        }
    }

    /** Then not even the request can be written. */
    @Test
    void aRequestThatMeetsAConnectionThatWasResetIsSentOnceMore() throws HttpFailure {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    request.socket().setSoLinger(true, 0);
                    answerAndLeave(request, out);
                });
                var pool = pool(upstream)) {
            assertEquals("1", get(pool));
            await().atMost(GENEROUS).until(() -> upstream.open() == 0);
            assertEquals("1", get(pool));
            assertEquals(2, upstream.accepted());
        }
    }

    @Test
    void whatAServerSaysUnaskedIsNobodysAnswer() throws HttpFailure {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    out.write(FakeUpstream.ok("1"));
                    out.flush();
                    if (request.target().equals("/first")) {
                        LockSupport.parkNanos(SHORT.toNanos());
                        out.write(FakeUpstream.answer("408 Request Timeout", "2", ""));
                    }
                });
                var pool = pool(upstream)) {
            assertEquals(200, pool.get("/first", List.of()).status());
            LockSupport.parkNanos(SHORT.multipliedBy(3).toNanos());
            assertEquals(200, pool.get("/second", List.of()).status());
            assertEquals(2, upstream.accepted());
            assertEquals(1, pool.open());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "H",
                "HTTP/1.1 100 Continue\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1"
            })
    void aRequestThatWasBegunToBeAnsweredIsNotSentAgain(String begun) throws HttpFailure {
        var isSecond = new AtomicBoolean();
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (!isSecond.getAndSet(true)) {
                        out.write(FakeUpstream.ok("1"));
                        return;
                    }
                    out.write(FakeUpstream.bytes(begun));
                    out.flush();
                    request.socket().close();
                });
                var pool = pool(upstream)) {
            get(pool);
            assertEquals(Kind.CUT, failed(pool));
            assertEquals(2, upstream.requests().size());
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aRequestIsNotSentAThirdTime() throws HttpFailure {
        var isSecond = new AtomicBoolean();
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (isSecond.getAndSet(true)) {
                        request.socket().close();
                    } else {
                        out.write(FakeUpstream.ok("1"));
                    }
                });
                var pool = pool(upstream)) {
            get(pool);
            assertEquals(Kind.CUT, failed(pool));
            assertEquals(3, upstream.requests().size());
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aRequestOnANewConnectionIsNotSentAgain() {
        try (var upstream =
                        FakeUpstream.start((request, out) -> request.socket().close());
                var pool = pool(upstream)) {
            assertEquals(Kind.CUT, failed(pool));
            assertEquals(1, upstream.requests().size());
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void aRequestThatTookTooLongIsNotSentAgain() throws HttpFailure {
        var isSecond = new AtomicBoolean();
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (isSecond.getAndSet(true)) {
                        request.awaitHangUp();
                    } else {
                        out.write(FakeUpstream.ok("1"));
                    }
                });
                var pool = pool(upstream, new HttpPool.Limits(2, LONG, SHORT, LONG, MAX))) {
            get(pool);
            assertEquals(Kind.TIMEOUT, failed(pool));
            assertEquals(2, upstream.requests().size());
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void connectionRefusedIsUnreachable() throws IOException {
        int port;
        try (var nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = nobody.getLocalPort();
        }
        try (var pool = pool(port, LOOPBACK, PATIENT)) {
            assertEquals(Kind.UNREACHABLE, failed(pool));
            assertEquals(0, pool.open());
        }
    }

    @Test
    void theNextAddressIsTriedWhenOneRefuses() throws HttpFailure {
        var nobody = InetAddress.ofLiteral("127.0.0.2");
        try (var upstream = FakeUpstream.json("1");
                var pool = pool(
                        upstream.port(),
                        (host, deadline) -> List.of(nobody, InetAddress.getLoopbackAddress(), nobody),
                        PATIENT)) {
            assertEquals("1", get(pool));
            assertEquals(1, upstream.accepted());
        }
    }

    @Test
    void aNameWithoutAddressIsUnresolved() {
        try (var pool = pool(1, (host, deadline) -> List.of(), PATIENT)) {
            assertEquals(Kind.UNRESOLVED, failed(pool));
        }
        try (var resolver = new SystemResolver();
                var pool = new HttpPool(new Origin(false, "nonexistent.invalid", 80), resolver, PATIENT, null)) {
            assertEquals(Kind.UNRESOLVED, failed(pool));
            assertEquals(0, pool.open());
        }
    }

    @Test
    void whatTheResolverRefusesIsNotConnectedTo() {
        var refusal = new HttpFailure(Kind.FORBIDDEN, "not there", null);
        try (var upstream = FakeUpstream.json("1");
                var pool = pool(
                        upstream.port(),
                        (host, deadline) -> {
                            throw refusal;
                        },
                        PATIENT)) {
            assertEquals(refusal, assertThrows(HttpFailure.class, () -> get(pool)));
            assertEquals(0, upstream.accepted());
        }
    }

    @Test
    void aResolverThatHangsIsLeftAtTheLimitToConnect() {
        var never = new CountDownLatch(1);
        try (var resolver = new SystemResolver(host -> {
                    assertThrows(InterruptedException.class, never::await);
                    return new InetAddress[0];
                });
                var pool = pool(1, resolver, new HttpPool.Limits(2, SHORT, LONG, LONG, MAX))) {
            long began = System.nanoTime();
            assertEquals(Kind.TIMEOUT, failed(pool));
            assertTook(began, SHORT, GENEROUS);
        }
    }

    @Test
    void lookUpsThatNobodyWaitsForAnyMoreTakeNobodysPlace()
            throws IOException, InterruptedException, ExecutionException {
        var go = new CountDownLatch(1);
        try (var resolver = new SystemResolver(host -> {
                    awaitLatch(go);
                    return new InetAddress[] {InetAddress.getLoopbackAddress()};
                });
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 600; i++) {
                var expired = Deadline.after(Duration.ZERO);
                var name = "slow-" + i + ".test";
                var late = assertThrows(HttpFailure.class, () -> resolver.resolve(name, expired));
                assertEquals(Kind.TIMEOUT, late.kind());
            }
            var patient = threads.submit(() -> resolver.resolve("slow.test", Deadline.after(LONG)));
            go.countDown();
            assertEquals(List.of(InetAddress.getLoopbackAddress()), patient.get());
        }
    }

    @Test
    void aNameThatTheSystemDoesNotReturnFromTakesOneThreadHoweverOftenItIsAskedFor() throws HttpFailure {
        var go = new CountDownLatch(1);
        var lookups = new AtomicInteger();
        try (var resolver = new SystemResolver(host -> {
            if (host.equals("dead.test")) {
                lookups.incrementAndGet();
                awaitLatch(go);
            }
            return new InetAddress[] {InetAddress.getLoopbackAddress()};
        })) {
            for (int i = 0; i < 20; i++) {
                var soon = Deadline.after(Duration.ofMillis(50));
                var late = assertThrows(HttpFailure.class, () -> resolver.resolve("dead.test", soon));
                assertEquals(Kind.TIMEOUT, late.kind());
            }
            assertEquals(1, resolver.resolve("well.test", Deadline.after(LONG)).size());
            assertEquals(1, lookups.get());
        } finally {
            go.countDown();
        }
    }

    @Test
    void whoWantsTheSameNameSharesTheLookUpAndLeavesAtTheirOwnDeadline()
            throws HttpFailure, InterruptedException, ExecutionException {
        var begun = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var lookups = new AtomicInteger();
        try (var resolver = new SystemResolver(host -> {
                    lookups.incrementAndGet();
                    begun.countDown();
                    awaitLatch(go);
                    throw new UnknownHostException(host);
                });
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var patient = threads.submit(
                    () -> assertThrows(HttpFailure.class, () -> resolver.resolve("slow.test", Deadline.after(LONG))));
            begun.await();
            var expired = Deadline.after(Duration.ZERO);
            var late = assertThrows(HttpFailure.class, () -> resolver.resolve("slow.test", expired));
            assertEquals(Kind.TIMEOUT, late.kind());
            go.countDown();
            assertEquals(Kind.UNRESOLVED, patient.get().kind());
            assertEquals(1, lookups.get());
        }
    }

    @Test
    void aLookUpThatHasReturnedStandsInForNoLaterOne() {
        var lookups = new AtomicInteger();
        try (var resolver = new SystemResolver(host -> {
            lookups.incrementAndGet();
            throw new UnknownHostException(host);
        })) {
            for (int i = 1; i <= 3; i++) {
                var deadline = Deadline.after(LONG);
                assertThrows(HttpFailure.class, () -> resolver.resolve("gone.test", deadline));
                assertEquals(i, lookups.get());
            }
        }
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aServerThatSaysNothingIsLeftAfterTheReadTimeout() {
        try (var upstream = FakeUpstream.silent();
                var pool = pool(upstream, new HttpPool.Limits(2, LONG, SHORT, LONG, MAX))) {
            long began = System.nanoTime();
            assertEquals(Kind.TIMEOUT, failed(pool));
            assertTook(began, SHORT, GENEROUS);
            assertNothingLeft(pool, upstream);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "HTTP/1.1 200 OK\r\nX: ",
                "HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff;",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n",
                "HTTP/1.1 200 OK\r\n\r\n"
            })
    void aServerThatDripsIsLeftAtTheLimitForTheWhole(String begin) {
        var whole = SHORT.multipliedBy(2);
        try (var upstream = FakeUpstream.start((request, out) -> {
                    out.write(FakeUpstream.bytes(begin));
                    for (var endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100); !endless.isEmpty(); ) {
                        out.write(endless.charAt(0));
                        endless = endless.substring(1);
                        LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                    }
                });
                var pool = pool(upstream, new HttpPool.Limits(2, LONG, LONG, whole, MAX))) {
            long began = System.nanoTime();
            assertEquals(Kind.TIMEOUT, failed(pool));
            assertTook(began, whole, GENEROUS);
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void theCallersDeadlineIsShorterThanEverything() {
        try (var upstream = FakeUpstream.silent();
                var pool = pool(upstream)) {
            long began = System.nanoTime();
            assertEquals(Kind.TIMEOUT, Deadline.after(SHORT).call(() -> failed(pool)));
            assertTook(began, SHORT, GENEROUS);
            assertEquals(Kind.TIMEOUT, Deadline.after(Duration.ZERO).call(() -> failed(pool)));
            assertNothingLeft(pool, upstream);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1"})
    void anInterruptionEndsACallAtOnce(String begin)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    out.write(FakeUpstream.bytes(begin));
                    out.flush();
                    request.awaitHangUp();
                });
                var pool = pool(upstream)) {
            var ended = interrupted(
                    pool,
                    () -> await().atMost(GENEROUS)
                            .until(() -> upstream.requests().size() == 1));
            assertInstanceOf(CancellationException.class, ended);
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void anInterruptionOnAKeptConnectionIsNotTakenForItsEnd()
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        var isSecond = new AtomicBoolean();
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (isSecond.getAndSet(true)) {
                        request.awaitHangUp();
                    } else {
                        out.write(FakeUpstream.ok("1"));
                    }
                });
                var pool = pool(upstream)) {
            get(pool);
            var ended = interrupted(
                    pool,
                    () -> await().atMost(GENEROUS)
                            .until(() -> upstream.requests().size() == 2));
            assertInstanceOf(CancellationException.class, ended);
            assertEquals(2, upstream.requests().size());
            assertEquals(1, upstream.accepted());
            assertNothingLeft(pool, upstream);
        }
    }

    /** What a call throws that is interrupted when it has come so far; its flag is still set then. */
    private static Throwable interrupted(HttpPool pool, Runnable whenSoFar)
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
        var thrown = ended.get(GENEROUS.toMillis(), TimeUnit.MILLISECONDS);
        assertTook(began, Duration.ZERO, GENEROUS);
        assertTrue(isFlagged.get());
        return thrown;
    }

    @Test
    void whoIsInterruptedAlreadyCallsNobody() {
        try (var upstream = FakeUpstream.json("1");
                var pool = pool(upstream)) {
            Thread.currentThread().interrupt();
            try {
                assertThrows(CancellationException.class, () -> get(pool));
            } finally {
                assertTrue(Thread.interrupted());
            }
            assertEquals(0, upstream.accepted());
        }
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
        '', CUT
        'HTTP/1.1 200 OK', CUT
        '<html>|', MALFORMED
        'HTTP/1.1 200 OK|Content-Length: 1|Content-Length: 2||12', MALFORMED
        'HTTP/1.1 101 Switching Protocols||', MALFORMED
        'HTTP/1.1 200 OK|Content-Length: 100001||', TOO_LARGE
        'HTTP/1.1 200 OK|Content-Length: 5||1', CUT
        'HTTP/1.1 200 OK|Transfer-Encoding: chunked||1|1|', CUT
        """)
    void aFailureLeavesNothingOpen(String answer, Kind kind) {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    out.write(FakeUpstream.bytes(answer.replace("|", "\r\n")));
                    out.flush();
                    request.socket().shutdownOutput();
                });
                var pool = pool(upstream)) {
            assertEquals(kind, failed(pool));
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void anAnswerThatEndsWithItsConnectionIsWhole() throws HttpFailure {
        var body = "x".repeat(50_000);
        try (var upstream = FakeUpstream.start((request, out) -> {
                    out.write(FakeUpstream.bytes("HTTP/1.1 200 OK\r\n\r\n" + body));
                    out.flush();
                    request.socket().close();
                });
                var pool = pool(upstream)) {
            assertEquals(body, get(pool));
            assertNothingLeft(pool, upstream);
        }
    }

    @ParameterizedTest
    @CsvSource({"a.test, 80, a.test", "a.test, 8080, a.test:8080", "2001:db8::1, 80, [2001:db8::1]", "::1, 1, [::1]:1"})
    void theHostHasAPortOnlyWhenItIsAnUnusualOne(String host, int port, String written) {
        assertEquals(written, new Origin(false, host, port).authority());
    }

    @Test
    void aRequestIsExactlyThis() throws IOException {
        try (var upstream = FakeUpstream.json("1");
                var pool = pool(upstream)) {
            pool.get(
                    "/a%20b?c=d&e",
                    List.of(new HttpHeader("Accept", "application/json"), new HttpHeader("X-Odd", "~ !\"")));
            var expected = "GET /a%20b?c=d&e HTTP/1.1\r\nHost: upstream.test:" + upstream.port()
                    + "\r\n"
                    + "Accept-Encoding: identity\r\n"
                    + "User-Agent: heddle\r\n"
                    + "Accept: application/json\r\n"
                    + "X-Odd: ~ !\"\r\n\r\n";
            assertEquals(expected, upstream.requests().getFirst().head());
        }
    }

    @Test
    void anIpv6AddressIsInBrackets() throws IOException {
        try (var upstream = FakeUpstream.json("1");
                var pool = new HttpPool(new Origin(false, "2001:db8::1", upstream.port()), LOOPBACK, PATIENT, null)) {
            get(pool);
            assertEquals(
                    "[2001:db8::1]:" + upstream.port(),
                    upstream.requests().getFirst().header("Host").orElseThrow());
        }
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
        /, X, 'a|Y: b'
        /, X, 'a\\0'
        /, X, é
        /, 'X: a|Y', b
        /, 'X Y', b
        /, X:, b
        /, '', b
        '/ HTTP/1.1|Y: b|', X, a
        '/a b', X, a
        '', X, a
        a, X, a
        /é, X, a
        """)
    void whatWouldBeMoreThanOneFieldIsRefused(String target, String name, String value) {
        try (var upstream = FakeUpstream.json("1");
                var pool = pool(upstream)) {
            var header = new HttpHeader(lines(name), lines(value));
            assertThrows(IllegalArgumentException.class, () -> pool.get(lines(target), List.of(header)));
            assertEquals(0, upstream.accepted());
            assertEquals(0, pool.open());
        }
    }

    private static String lines(String row) {
        return row.replace("|", "\r\n").replace("\\0", "\u0000");
    }

    @Test
    void aContextForOthersDoesNotEncryptWhatIsPlain() throws IOException, NoSuchAlgorithmException {
        try (var upstream = FakeUpstream.json("1");
                var pool = new HttpPool(
                        new Origin(false, "upstream.test", upstream.port()),
                        LOOPBACK,
                        PATIENT,
                        SSLContext.getDefault())) {
            assertEquals("1", get(pool));
        }
    }

    @Test
    void manyAtOnceEachGetTheirOwnAnswer() throws IOException, InterruptedException, ExecutionException {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    out.write(FakeUpstream.ok(request.target()));
                    if (request.target().endsWith("7")) {
                        out.flush();
                        request.socket().close();
                    }
                });
                var pool = pool(upstream, new HttpPool.Limits(8, LONG, LONG, LONG, MAX));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var wrong = new AtomicReference<String>();
            var all = IntStream.range(0, 16)
                    .mapToObj(thread -> threads.submit(() -> {
                        for (int i = 0; i < 200; i++) {
                            var target = "/" + thread + "/" + i;
                            var answer = pool.get(target, List.of()).body();
                            if (!target.equals(new String(answer, StandardCharsets.UTF_8))) {
                                wrong.set(target);
                            }
                        }
                        return 0;
                    }))
                    .toList();
            for (var one : all) {
                one.get();
            }
            assertArrayEquals(new String[] {null}, new String[] {wrong.get()});
            assertTrue(pool.idle() <= 16);
            assertEquals(pool.idle(), pool.open());
        }
    }

    @Test
    void fiveThousandTimeOutsLeaveNothing() throws IOException, InterruptedException, ExecutionException {
        try (var upstream = FakeUpstream.silent();
                var pool = pool(upstream, new HttpPool.Limits(2, LONG, Duration.ofMillis(20), LONG, MAX));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = IntStream.range(0, 50)
                    .mapToObj(_ -> threads.submit(() -> {
                        for (int i = 0; i < 100; i++) {
                            assertEquals(Kind.TIMEOUT, failed(pool));
                        }
                        return 0;
                    }))
                    .toList();
            for (var one : all) {
                one.get();
            }
            // The last may have given up before it was looked at.
            await().atMost(GENEROUS).until(() -> upstream.accepted() == 5000);
            assertNothingLeft(pool, upstream);
        }
    }

    @Test
    void anAddressThatSwallowsEverythingLeavesTheNextItsShareOfTheTime() throws IOException {
        try (var upstream = FakeUpstream.json("1");
                var full = new ServerSocket(upstream.port(), 1, InetAddress.ofLiteral("127.0.0.2"))) {
            var fillers = new ArrayList<Socket>();
            try {
                fill(full, fillers);
                var addresses = List.of(InetAddress.ofLiteral("127.0.0.2"), InetAddress.ofLiteral("127.0.0.1"));
                var origin = Origin.of("http://two.example:" + upstream.port()).orElseThrow();
                var limits = new HttpPool.Limits(2, Duration.ofSeconds(2), LONG, LONG, MAX);
                try (var pool = new HttpPool(origin, (host, deadline) -> addresses, limits, null)) {
                    assertEquals("1", get(pool));
                }
            } finally {
                for (var filler : fillers) {
                    filler.close();
                }
            }
        }
    }

    /** Connects until the listener, which accepts nobody, takes no more. */
    private static void fill(ServerSocket full, List<Socket> fillers) throws IOException {
        try {
            while (true) {
                var filler = new Socket();
                fillers.add(filler);
                filler.connect(full.getLocalSocketAddress(), 200);
            }
        } catch (SocketTimeoutException e) {
            // Full.
        }
    }
}
