package dev.heddle.upstream;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.FakeUpstream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Servers elsewhere, well and unwell, asked through a whole Heddle. */
class UpstreamIT {

    private static final Duration LONG = Duration.ofSeconds(20);

    private static final String KEY = "key-that-nobody-may-see";

    private static final String RESOURCES = """
        resources:
          weather: /current/{city}?of={city}
          thing: /{kind}
          slow-external: /slow
          plain: /plain
          mine: /users/{user_id}
        """.indent(4);

    private static TestServer server(FakeUpstream upstream, String... options) {
        return TestServer.with(yaml(upstream, options));
    }

    /** One that logs all it can. */
    private static TestServer talkative(FakeUpstream upstream) {
        return TestServer.with(yaml(upstream), Map.of("LOG_LEVEL", "debug"));
    }

    private static String yaml(FakeUpstream upstream, String... options) {
        return "upstreams:\n  its:\n    url: " + upstream.url() + "\n    api-key: " + KEY + "\n"
                + String.join(
                        "",
                        List.of(options).stream().map(it -> "    " + it + "\n").toList())
                + RESOURCES;
    }

    private static String plain(Reply reply, int status, String code) {
        assertEquals(status, reply.status(), reply.text());
        assertEquals(code, reply.json().get("code").asText());
        return reply.json().get("detail").asText();
    }

    private static void assertMetric(TestServer server, String line) {
        await().atMost(LONG)
                .untilAsserted(() -> assertTrue(
                        server.operations("/metrics").text().contains(line + "\n"),
                        () -> line + " in\n" + server.operations("/metrics").text()));
    }

    private static List<String> targets(FakeUpstream upstream) {
        return upstream.requests().stream().map(FakeUpstream.Request::target).toList();
    }

    private static String state(TestServer server, Person person) {
        return server.get("/external", person.token())
                .json()
                .get(0)
                .get("state")
                .asText();
    }

    private static List<Reply> all(List<Future<Reply>> asked) throws InterruptedException, ExecutionException {
        var replies = new ArrayList<Reply>();
        for (var one : asked) {
            replies.add(one.get());
        }
        return replies;
    }

    private static void awaitLatch(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Test
    void aCityIsOneValueWhateverItHolds() {
        try (var upstream = FakeUpstream.json("{\"celsius\": 7}");
                var server = server(upstream)) {
            var token = server.person().token();
            var paths = Map.of(
                    "S%C3%A3o%20Paulo", "S%C3%A3o%20Paulo",
                    "a%2Fb", "a%2Fb",
                    "a%3Fb%26c%23d", "a%3Fb%26c%23d",
                    "%25", "%25",
                    "a+b", "a%2Bb",
                    "...", "...");
            paths.forEach((asked, sent) -> {
                var reply = server.get("/weather/" + asked, token);
                assertEquals(200, reply.status(), () -> asked + ": " + reply.text());
                assertEquals(7, reply.json().get("celsius").asInt());
                assertEquals(
                        "/current/" + sent + "?of=" + sent, targets(upstream).getLast());
            });
            int before = upstream.requests().size();
            for (var dots : List.of("..", ".", "%2e%2e", "%2E")) {
                int status = server.get("/weather/" + dots, token).status();
                assertTrue(status == 404 || status == 400, () -> dots + ": " + status);
            }
            assertEquals(404, server.get("/weather/" + "x".repeat(201), token).status());
            assertEquals(422, server.get("/weather/Rome?city=Oslo", token).status());
            assertEquals(before, upstream.requests().size());
        }
    }

    @Test
    void theKeyIsSentAndSeenNowhereElse() {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (request.target().equals("/cut")) {
                        throw new IOException("cut");
                    }
                    out.write(FakeUpstream.answer("500 Oops", "{}", ""));
                });
                var server = talkative(upstream);
                var log = server.log("dev.heddle")) {
            var token = server.person().token();
            for (var path : List.of("/weather/Rome", "/external/thing?kind=cut", "/external", "/slow-external")) {
                var reply = server.get(path, token);
                assertFalse(reply.text().contains(KEY), reply.text());
                assertFalse(reply.raw().headers().toString().contains(KEY));
            }
            assertTrue(upstream.requests().size() >= 3);
            upstream.requests()
                    .forEach(request -> assertEquals(
                            "Bearer " + KEY, request.header("Authorization").orElseThrow()));
            assertFalse(server.operations("/metrics").text().contains(KEY));
            log.awaitLine("upstream-invalid");
            // Whatever was logged about those before has been heard when this one is.
            server.send("GET", "/external/thing?kind=cut", token, null, "X-Request-Id", "the-last");
            log.awaitLine("the-last");
            assertTrue(log.lines().stream().noneMatch(line -> line.toString().contains(KEY)), log.lines()::toString);
        }
    }

    @Test
    void withoutAnUpstreamThereIs503AndAnEmptyList() {
        try (var server = TestServer.start()) {
            var token = server.person().token();
            plain(server.get("/weather/Rome", token), 503, "upstream-not-configured");
            plain(server.get("/slow-external", token), 503, "upstream-not-configured");
            assertEquals("[]", server.get("/external", token).text());
            plain(server.get("/external/weather", token), 404, "not-found");
        }
    }

    @Test
    void aResourceIsAskedWithItsParametersAndNoOthers() {
        try (var upstream = FakeUpstream.json("[1]");
                var server = server(upstream)) {
            var token = server.person().token();
            var list = server.get("/external", token).json();
            assertEquals(5, list.size());
            assertEquals(
                    "{\"resource\":\"weather\",\"upstream\":\"its\",\"state\":\"closed\",\"parameters\":[\"city\"]}",
                    list.get(0).toString());
            assertEquals(
                    "[1]", server.get("/external/thing?kind=a%20b%2F", token).text());
            assertEquals("/a%20b%2F", targets(upstream).getLast());
            plain(server.get("/external/thing", token), 422, "invalid");
            plain(server.get("/external/thing?kind=", token), 422, "invalid");
            plain(server.get("/external/thing?kind=..", token), 422, "invalid");
            plain(server.get("/external/thing?kind=a&kind=b", token), 422, "invalid");
            plain(server.get("/external/plain?kind=a", token), 422, "invalid");
            assertEquals("Resource not found", plain(server.get("/external/nothing", token), 404, "not-found"));
            assertEquals(1, upstream.requests().size());
        }
    }

    @Test
    void aResourceOfAUserIsOnlyItsOwn() {
        try (var upstream = FakeUpstream.json("{}");
                var server = server(upstream)) {
            var person = server.person();
            assertEquals(200, server.get("/external/mine", person.token()).status());
            assertEquals("/users/" + person.id(), targets(upstream).getLast());
            plain(server.get("/external/mine?user_id=somebody", person.token()), 403, "forbidden");
            assertEquals(1, upstream.requests().size());
            assertEquals(
                    200,
                    server.get("/external/mine?user_id=" + person.id(), server.adminToken())
                            .status());
        }
    }

    private static void misbehave(FakeUpstream.Request request, OutputStream out) throws IOException {
        switch (request.target()) {
            case "/404" -> out.write(FakeUpstream.answer("404 Not Found", "{}", ""));
            case "/500" -> out.write(FakeUpstream.answer("500 Oops", "{}", ""));
            case "/302" -> out.write(FakeUpstream.answer("302 Found", "{}", "Location: /ok\r\n"));
            case "/cut" -> {
                out.write(FakeUpstream.bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1,"));
                throw new IOException("cut");
            }
            case "/large" -> out.write(FakeUpstream.ok("\"" + "x".repeat(2000) + "\""));
            case "/text" -> out.write(FakeUpstream.ok("<html>"));
            case "/closed" -> {
                out.write(FakeUpstream.bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1, 2]"));
                out.flush();
                throw new IOException("done");
            }
            case "/drip" -> drip(request, out);
            case "/hang" -> request.awaitHangUp();
            default -> out.write(FakeUpstream.ok("{}"));
        }
    }

    /** A byte now and then, never so late that the connection would look dead. */
    private static void drip(FakeUpstream.Request request, OutputStream out) throws IOException {
        out.write(FakeUpstream.bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
        request.socket().setSoTimeout(50);
        for (int i = 0; i < 1000; i++) {
            out.write(' ');
            out.flush();
            try {
                if (request.socket().getInputStream().read() < 0) {
                    throw new IOException("left");
                }
            } catch (SocketTimeoutException e) {
                var _ = e;
            }
        }
    }

    @Test
    void everyFailureHasItsStatus() {
        try (var upstream = FakeUpstream.start(UpstreamIT::misbehave);
                var server = TestServer.with("""
                    upstreams:
                      its:
                        url: %s
                        max-body-size: 1KiB
                        read-timeout: 500ms
                        timeout: 1s
                        resources:
                          thing: /{kind}
                      refused:
                        url: http://127.0.0.1:1
                        resources:
                          refused: /
                      unresolved:
                        url: http://nobody.invalid
                        resources:
                          unresolved: /
                    """.formatted(upstream.url()))) {
            var token = server.person().token();
            plain(server.get("/external/refused", token), 502, "upstream-unreachable");
            plain(server.get("/external/unresolved", token), 502, "upstream-unreachable");
            var ends = Map.of(
                    "404", "502 upstream-failed",
                    "500", "502 upstream-failed",
                    "302", "502 upstream-failed",
                    "cut", "502 upstream-invalid",
                    "large", "502 upstream-invalid",
                    "text", "502 upstream-invalid",
                    "drip", "504 upstream-timeout",
                    "hang", "504 upstream-timeout");
            ends.forEach((kind, end) -> {
                var reply = server.get("/external/thing?kind=" + kind, token);
                assertEquals(
                        end,
                        reply.status() + " " + reply.json().path("code").asText(),
                        () -> kind + ": " + reply.text());
            });
            assertEquals(
                    "[1, 2]", server.get("/external/thing?kind=closed", token).text());
            assertFalse(targets(upstream).contains("/ok"));
            await().atMost(LONG).until(() -> upstream.open() <= 1);
            assertMetric(server, "heddle_upstream_calls_total{outcome=\"unreachable\",upstream=\"refused\"} 1.0");
            assertMetric(server, "heddle_upstream_calls_total{outcome=\"status\",upstream=\"its\"} 3.0");
            assertMetric(server, "heddle_upstream_calls_total{outcome=\"invalid\",upstream=\"its\"} 3.0");
            assertMetric(server, "heddle_upstream_calls_total{outcome=\"timeout\",upstream=\"its\"} 2.0");
            assertMetric(server, "heddle_upstream_calls_total{outcome=\"ok\",upstream=\"its\"} 1.0");
            assertMetric(server, "heddle_upstream_call_duration_seconds_count{upstream=\"its\"} 9");
        }
    }

    @Test
    void theSlowOneIsGivenFiveSeconds() {
        try (var upstream = FakeUpstream.silent();
                var server = server(upstream)) {
            var token = server.person().token();
            long began = System.nanoTime();
            var detail = plain(server.get("/slow-external", token), 504, "upstream-timeout");
            var took = Duration.ofNanos(System.nanoTime() - began);
            assertEquals("External service timeout", detail);
            // Asked anew whose token it is, so that the next has its time for itself.
            assertEquals(200, server.get("/users/me", token).status());
            assertTrue(took.toMillis() >= 4900 && took.toMillis() < 8000, took::toString);
            assertEquals(
                    "External service timeout",
                    plain(
                            server.send("GET", "/slow-external", token, null, "Request-Timeout", "0.2"),
                            504,
                            "upstream-timeout"));
            await().atMost(LONG).until(() -> upstream.open() == 0);
        }
    }

    @Test
    void theTraceIsPassedOn() {
        try (var upstream = FakeUpstream.json("{}");
                var server = server(upstream)) {
            var trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
            var token = server.person().token();
            var reply =
                    server.send("GET", "/external/plain", token, null, "X-Request-Id", "my-id.1", "traceparent", trace);
            assertEquals(200, reply.status());
            var request = upstream.requests().getFirst();
            assertEquals("my-id.1", request.header("X-Request-Id").orElseThrow());
            assertEquals(trace, request.header("traceparent").orElseThrow());
            assertEquals("application/json", request.header("Accept").orElseThrow());
            assertTrue(request.header("Authorization").orElseThrow().endsWith(KEY));
        }
    }

    /** An upstream whose next answer is set, and a server that may be asked for it at {@code /external/plain}. */
    private record Kept(FakeUpstream upstream, TestServer server, AtomicReference<byte[]> next, String token)
            implements AutoCloseable {

        static Kept start(String... options) {
            var next = new AtomicReference<>(FakeUpstream.ok("{}"));
            var upstream = FakeUpstream.start((_, out) -> out.write(next.get()));
            var server = UpstreamIT.server(upstream, options);
            return new Kept(upstream, server, next, server.person().token());
        }

        void next(String json, String... fields) {
            next.set(FakeUpstream.ok(json, fields));
        }

        void fails(String status) {
            next.set(FakeUpstream.answer(status, "{}", ""));
        }

        Reply get() {
            return server.get("/external/plain", token);
        }

        @Override
        public void close() {
            server.close();
            upstream.close();
        }
    }

    @Test
    void anAnswerIsKeptAsLongAsItSays() {
        try (var its = Kept.start()) {
            its.next("[1]", "Cache-Control: max-age=600\r\n", "Age: 5\r\n");
            assertEquals("[1]", its.get().text());
            its.next("[2]");
            var second = its.get();
            assertEquals("[1]", second.text());
            int age = Integer.parseInt(second.header("Age").orElseThrow());
            assertTrue(age >= 5 && age < 60, () -> "Age " + age);
            assertEquals("no-store", second.header("Cache-Control").orElseThrow());
            assertEquals(1, its.upstream.requests().size());
            assertMetric(its.server, "heddle_upstream_saved_total{how=\"fresh\",upstream=\"its\"} 1.0");
        }
    }

    @Test
    void whatMustNotBeStoredIsNeitherKeptNorAStandIn() {
        try (var its = Kept.start("cache-for: 1h")) {
            its.next("[1]", "Cache-Control: no-store\r\n");
            assertEquals("[1]", its.get().text());
            its.next("[2]", "Cache-Control: no-store\r\n");
            assertEquals("[2]", its.get().text());
            its.fails("500 Oops");
            assertEquals(502, its.get().status());
        }
    }

    @Test
    void anOutdatedAnswerIsAskedForAgainByItsTag() {
        try (var its = Kept.start()) {
            // What may never be used unasked is worth keeping all the same, for its tag.
            its.next("[1]", "Cache-Control: no-cache\r\n", "ETag: \"a\"\r\n");
            assertEquals("[1]", its.get().text());
            its.next.set(FakeUpstream.bytes("HTTP/1.1 304 Not Modified\r\n\r\n"));
            var second = its.get();
            assertEquals("[1]", second.text());
            assertEquals(
                    "\"a\"",
                    its.upstream.requests().getLast().header("If-None-Match").orElseThrow());
            // That 304 did not say that it may stand in, so it still may not.
            its.fails("500 Oops");
            assertEquals(502, its.get().status());
            its.next.set(FakeUpstream.bytes("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=600\r\n\r\n"));
            assertEquals("[1]", its.get().text());
            int calls = its.upstream.requests().size();
            assertEquals("[1]", its.get().text());
            assertEquals(calls, its.upstream.requests().size());
        }
    }

    @Test
    void anOldAnswerStandsInForAFailureButNotForANo() {
        try (var its = Kept.start()) {
            its.next("[1]");
            assertEquals("[1]", its.get().text());
            its.fails("503 Busy");
            var stale = its.get();
            assertEquals("[1]", stale.text());
            assertTrue(stale.header("Age").isPresent());
            assertMetric(its.server, "heddle_upstream_saved_total{how=\"stale\",upstream=\"its\"} 1.0");
            its.fails("404 Not Found");
            plain(its.get(), 502, "upstream-failed");
            its.fails("503 Busy");
            plain(its.get(), 502, "upstream-failed");
        }
    }

    @Test
    void withoutStaleIfErrorAFailureIsAFailure() {
        try (var its = Kept.start("stale-if-error: 0s")) {
            its.next("[1]");
            assertEquals("[1]", its.get().text());
            its.fails("503 Busy");
            plain(its.get(), 502, "upstream-failed");
        }
    }

    @Test
    void manyWhoWantTheSameAreOneCall() throws InterruptedException, ExecutionException {
        var go = new CountDownLatch(1);
        try (var upstream = FakeUpstream.start((_, out) -> {
                    awaitLatch(go);
                    out.write(FakeUpstream.ok("[1]"));
                });
                var server = server(upstream);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var token = server.person().token();
            var asked = new ArrayList<Future<Reply>>();
            for (int i = 0; i < 20; i++) {
                asked.add(threads.submit(() -> server.get("/weather/Rome", token)));
            }
            asked.add(threads.submit(() -> server.get("/weather/Oslo", token)));
            assertMetric(server, "http_server_requests_in_flight 22.0");
            plain(server.send("GET", "/weather/Rome", token, null, "Request-Timeout", "0.3"), 504, "upstream-timeout");
            assertEquals(2, upstream.requests().size());
            go.countDown();
            for (var reply : all(asked)) {
                assertEquals("[1]", reply.text());
            }
            assertEquals(2, upstream.requests().size());
            assertMetric(server, "heddle_upstream_saved_total{how=\"shared\",upstream=\"its\"} 19.0");
        }
    }

    private static List<Future<Reply>> behind(
            String leaderTimeout, ExecutorService threads, TestServer server, FakeUpstream upstream, String token) {
        var asked = new ArrayList<Future<Reply>>();
        int before = upstream.requests().size();
        asked.add(threads.submit(
                () -> server.send("GET", "/weather/Rome", token, null, "Request-Timeout", leaderTimeout)));
        await().atMost(LONG).until(() -> upstream.requests().size() > before);
        for (int i = 0; i < 5; i++) {
            asked.add(threads.submit(() -> server.get("/weather/Rome", token)));
        }
        return asked;
    }

    @Test
    void theFirstOnesShortTimeIsNobodyElses() throws InterruptedException, ExecutionException {
        var go = new CountDownLatch(1);
        try (var upstream = FakeUpstream.start((_, out) -> {
                    awaitLatch(go);
                    out.write(FakeUpstream.ok("[1]"));
                });
                var server = server(upstream);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var token = server.person().token();
            var asked = behind("0.5", threads, server, upstream, token);
            assertEquals(504, asked.getFirst().get().status());
            go.countDown();
            for (var reply : all(asked.subList(1, 6))) {
                assertEquals("[1]", reply.text());
            }
        }
    }

    @Test
    void whoeverHasNoTimeToWaitForAConnectionDoesNotSpoilTheOthers() throws InterruptedException, ExecutionException {
        var go = new CountDownLatch(1);
        try (var upstream = FakeUpstream.start((_, out) -> {
                    awaitLatch(go);
                    out.write(FakeUpstream.ok("[1]"));
                });
                var server = server(upstream, "max-connections: 1", "kept-connections: 1", "queue-wait: 20s");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var token = server.person().token();
            var asked = new ArrayList<Future<Reply>>();
            asked.add(threads.submit(() -> server.get("/weather/Oslo", token)));
            await().atMost(LONG).until(() -> upstream.requests().size() == 1);
            var hasty = threads.submit(() -> server.send("GET", "/weather/Rome", token, null, "Request-Timeout", "3"));
            assertMetric(server, "heddle_upstream_waiting{upstream=\"its\"} 1.0");
            asked.add(threads.submit(() -> server.get("/weather/Rome", token)));
            assertEquals(503, hasty.get().status());
            go.countDown();
            for (var reply : all(asked)) {
                assertEquals("[1]", reply.text());
            }
        }
    }

    @Test
    void theBreakerOpensAfterFailuresAndClosesWhenAllIsWell() {
        try (var its = Kept.start("breaker-pause: 2s")) {
            its.fails("500 Oops");
            for (int i = 0; i < 10; i++) {
                assertEquals(502, its.get().status());
            }
            var refused = its.get();
            plain(refused, 503, "upstream-unavailable");
            int seconds = Integer.parseInt(refused.header("Retry-After").orElseThrow());
            assertTrue(seconds >= 1 && seconds <= 3, () -> "Retry-After " + seconds);
            assertEquals(10, its.upstream.requests().size());
            assertEquals("open", state(its.server, new Person("", its.token)));
            assertMetric(its.server, "heddle_upstream_breaker_open{upstream=\"its\"} 1.0");
            its.next("[1]");
            await().atMost(LONG).until(() -> its.get().status() == 200);
            assertEquals("closed", state(its.server, new Person("", its.token)));
            assertMetric(its.server, "heddle_upstream_breaker_open{upstream=\"its\"} 0.0");
            assertEquals(11, its.upstream.requests().size());
        }
    }

    @Test
    void aCallerWithoutPatienceCannotOpenTheBreaker() {
        try (var upstream = FakeUpstream.silent();
                var server = server(upstream)) {
            var person = server.person();
            assertEquals("closed", state(server, person), "and it is known whose token it is");
            for (int i = 0; i < 25; i++) {
                plain(
                        server.send("GET", "/external/plain", person.token(), null, "Request-Timeout", "0.1"),
                        504,
                        "upstream-timeout");
            }
            assertEquals("closed", state(server, person));
        }
    }

    @Test
    void aCallerWhoLeavesBeforeTheUpstreamsOwnLimitCannotOpenTheBreaker()
            throws InterruptedException, ExecutionException {
        try (var upstream = FakeUpstream.silent();
                var server = server(upstream);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var person = server.person();
            var asked = new ArrayList<Future<Reply>>();
            for (int i = 0; i < 12; i++) {
                var path = "/external/thing?kind=" + i;
                asked.add(
                        threads.submit(() -> server.send("GET", path, person.token(), null, "Request-Timeout", "1.1")));
            }
            for (var reply : all(asked)) {
                plain(reply, 504, "upstream-timeout");
            }
            assertEquals("closed", state(server, person));
        }
    }

    @Test
    void whoHasAsMuchTimeAsTheUpstreamsOwnLimitOpensTheBreakerWhenThatIsOver() {
        try (var upstream = FakeUpstream.silent();
                var server = server(upstream, "read-timeout: 200ms")) {
            var person = server.person();
            for (int i = 0; i < 10; i++) {
                plain(
                        server.send("GET", "/external/plain", person.token(), null, "Request-Timeout", "5"),
                        504,
                        "upstream-timeout");
            }
            assertEquals("open", state(server, person));
        }
    }

    @Test
    void aTryWhoseCallerLeavesMakesPlaceForAnother() {
        var isSilent = new AtomicBoolean();
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (isSilent.get()) {
                        request.awaitHangUp();
                    }
                    out.write(FakeUpstream.answer("500 Oops", "{}", ""));
                });
                var server = server(upstream, "breaker-pause: 2s")) {
            var person = server.person();
            for (int i = 0; i < 10; i++) {
                plain(server.get("/external/plain", person.token()), 502, "upstream-failed");
            }
            isSilent.set(true);
            await().atMost(LONG).until(() -> state(server, person).equals("half_open"));
            for (int i = 0; i < 2; i++) {
                plain(
                        server.send("GET", "/external/plain", person.token(), null, "Request-Timeout", "1.1"),
                        504,
                        "upstream-timeout");
            }
            assertEquals("half_open", state(server, person));
        }
    }

    @Test
    void partsThatComeToNothingOpenTheBreakerToo() throws InterruptedException, ExecutionException {
        try (var upstream = FakeUpstream.silent();
                var server = TestServer.with("""
                    upstreams:
                      its:
                        url: %s
                        resources:
                          thing: /{kind}
                    dashboards:
                      far:
                        thing:
                          source: thing
                          timeout: 1200ms
                    """.formatted(upstream.url()));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var person = server.person();
            var asked = new ArrayList<Future<Reply>>();
            for (int i = 0; i < 12; i++) {
                var path = "/dashboards/far?kind=" + i;
                asked.add(threads.submit(() -> server.get(path, person.token())));
            }
            for (var reply : all(asked)) {
                assertEquals("timeout", reply.json().at("/parts/thing/status").asText());
            }
            assertEquals("open", state(server, person));
            assertMetric(server, "heddle_upstream_calls_total{outcome=\"timeout\",upstream=\"its\"} 12.0");
            assertEquals(
                    "unavailable",
                    server.get("/dashboards/far?kind=x", person.token())
                            .json()
                            .at("/parts/thing/status")
                            .asText());
        }
    }

    @Test
    void moreThanItsConnectionsAndItsQueueAreRefused() throws InterruptedException, ExecutionException {
        var go = new CountDownLatch(1);
        try (var upstream = FakeUpstream.start((_, out) -> {
                    awaitLatch(go);
                    out.write(FakeUpstream.ok("[1]"));
                });
                var server =
                        server(upstream, "max-connections: 2", "kept-connections: 2", "queue: 1", "queue-wait: 300ms");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var token = server.person().token();
            var first = new ArrayList<Future<Reply>>();
            for (int i = 0; i < 2; i++) {
                var path = "/weather/" + i;
                first.add(threads.submit(() -> server.get(path, token)));
            }
            await().atMost(LONG).until(() -> upstream.requests().size() == 2);
            var rest = new ArrayList<Future<Reply>>();
            for (int i = 2; i < 10; i++) {
                var path = "/weather/" + i;
                rest.add(threads.submit(() -> server.get(path, token)));
            }
            for (var reply : all(rest)) {
                plain(reply, 503, "upstream-unavailable");
                assertTrue(reply.header("Retry-After").isPresent());
            }
            go.countDown();
            for (var reply : all(first)) {
                assertEquals("[1]", reply.text());
            }
            assertEquals(2, upstream.peak());
            assertMetric(server, "heddle_upstream_calls_total{outcome=\"full\",upstream=\"its\"} 8.0");
            assertMetric(server, "heddle_upstream_connections_open{upstream=\"its\"} 2.0");
        }
    }
}
