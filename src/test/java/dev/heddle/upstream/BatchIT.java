package dev.heddle.upstream;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.RawConnection;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** URLs of callers, fetched through a whole Heddle. */
class BatchIT {

    private static final Duration LONG = Duration.ofSeconds(20);

    private static TestServer server(FakeUpstream upstream, String... options) {
        return TestServer.with("batch:\n  private-networks: 127.0.0.0/8\n  allow: " + upstream.url() + "\n"
                + String.join(
                        "",
                        List.of(options).stream().map(it -> "  " + it + "\n").toList()));
    }

    private static Reply fetch(TestServer server, String token, List<String> urls, String... headers) {
        return server.send("POST", "/batch", token, "{\"urls\": [\"" + String.join("\", \"", urls) + "\"]}", headers);
    }

    private static List<String> urls(FakeUpstream upstream, int count) {
        return IntStream.range(0, count).mapToObj(i -> upstream.url() + "/" + i).toList();
    }

    private static String code(JsonNode item) {
        return item.at("/error/code").asText();
    }

    private static void answer(FakeUpstream.Request request, OutputStream out) throws IOException {
        switch (request.target()) {
            case "/text" ->
                out.write(FakeUpstream.answer("200 OK", "Grüße", "Content-Type: text/plain; charset=utf-8\r\n"));
            case "/latin" -> {
                out.write(FakeUpstream.bytes("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n"
                        + "Content-Length: 1\r\n\r\n"));
                out.write(0xFC);
            }
            case "/binary" -> {
                out.write(
                        FakeUpstream.bytes("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 2\r\n\r\n"));
                out.write(new byte[] {(byte) 0x89, (byte) 0xFF});
            }
            case "/charset" ->
                out.write(FakeUpstream.answer("200 OK", "x", "Content-Type: text/plain; charset=no\r\n"));
            case "/broken" -> out.write(FakeUpstream.ok("{\"a\":"));
            case "/empty" -> out.write(FakeUpstream.bytes("HTTP/1.1 204 No Content\r\n\r\n"));
            case "/404" ->
                out.write(FakeUpstream.answer(
                        "404 Not Found", "{\"no\": 1}", "Content-Type: application/problem+json\r\n"));
            case "/500" -> out.write(FakeUpstream.answer("500 Oops", "", ""));
            case "/302" -> out.write(FakeUpstream.answer("302 Found", "", "Location: /never\r\n"));
            case "/large" -> out.write(FakeUpstream.ok("\"" + "x".repeat(1 << 20) + "\""));
            case "/whole" -> out.write(FakeUpstream.ok("\"" + "x".repeat((1 << 20) - 2) + "\""));
            case "/cut" -> throw new IOException("cut");
            case "/hang" -> request.awaitHangUp();
            default -> out.write(FakeUpstream.ok("{\"at\": \"" + request.target() + "\"}"));
        }
    }

    @Test
    void everyAnswerIsDataInTheOrderOfTheUrls() {
        try (var upstream = FakeUpstream.start(BatchIT::answer);
                var server = server(upstream, "timeout: 1s")) {
            var token = server.person().token();
            var asked = List.of(
                    "/a?b=c", "/text", "/latin", "/empty", "/404", "/500", "/302", "/a?b=c", "/broken", "/whole");
            var items = fetch(
                            server,
                            token,
                            asked.stream().map(it -> upstream.url() + it).toList(),
                            "X-Request-Id",
                            "my-id")
                    .json();
            assertEquals(asked.size(), items.size());
            for (int i = 0; i < asked.size(); i++) {
                var item = items.get(i);
                assertEquals(upstream.url() + asked.get(i), item.get("url").asText());
                assertTrue(item.get("ms").isIntegralNumber(), item::toString);
            }
            assertEquals("{\"at\":\"/a?b=c\"}", items.get(0).get("body").toString());
            assertEquals("Grüße", items.get(1).get("body").asText());
            assertEquals("ü", items.get(2).get("body").asText());
            assertEquals(204, items.get(3).get("status").asInt());
            assertTrue(items.get(3).get("body").isNull());
            assertEquals(404, items.get(4).get("status").asInt());
            assertEquals(1, items.get(4).at("/body/no").asInt());
            assertEquals(500, items.get(5).get("status").asInt());
            assertEquals(302, items.get(6).get("status").asInt());
            assertEquals(items.get(0).get("body"), items.get(7).get("body"));
            assertEquals("{\"a\":", items.get(8).get("body").asText());
            assertEquals((1 << 20) - 2, items.get(9).get("body").asText().length());
            assertEquals(asked.size(), upstream.requests().size());
            upstream.requests()
                    .forEach(it ->
                            assertEquals("my-id", it.header("X-Request-Id").orElseThrow()));
            assertTrue(upstream.requests().stream().noneMatch(it -> it.head().contains(token)));
            var got = server.get("/batch?urls=" + upstream.url() + "/x&urls=" + upstream.url() + "/y", token);
            assertEquals("/y", got.json().at("/1/body/at").asText());
        }
    }

    @Test
    void whatCannotBeUsedIsAnErrorOfItsItemAlone() {
        try (var upstream = FakeUpstream.start(BatchIT::answer);
                var server = server(upstream, "timeout: 1s")) {
            var items = fetch(
                            server,
                            server.person().token(),
                            List.of("/binary", "/charset", "/large", "/cut", "/hang", "/ok").stream()
                                    .map(it -> upstream.url() + it)
                                    .toList())
                    .json();
            for (int i = 0; i < 4; i++) {
                assertEquals("upstream-invalid", code(items.get(i)), items.get(i)::toString);
                assertEquals(502, items.get(i).at("/error/status").asInt());
            }
            assertEquals("upstream-timeout", code(items.get(4)));
            assertEquals(504, items.get(4).at("/error/status").asInt());
            assertEquals(200, items.get(5).get("status").asInt());
        }
    }

    @Test
    void everyUrlThatIsNotAllowedIsRefusedAlike() {
        try (var upstream = FakeUpstream.json("{}");
                var other = FakeUpstream.json("{}");
                var server = server(upstream)) {
            var authority = upstream.url().substring("http://".length());
            var urls = List.of(
                    "/relative",
                    "",
                    "ftp://" + authority + "/",
                    "https://" + authority + "/",
                    "file:///etc/passwd",
                    other.url() + "/",
                    "http://me:pass@" + authority + "/",
                    "http://" + authority + "@" + other.url().substring("http://".length()) + "/",
                    "http://localhost:" + upstream.port() + "/",
                    "http://127.1:" + upstream.port() + "/",
                    "http://[::ffff:127.0.0.1]:" + other.port() + "/",
                    "http://127.0.0.1.nip.io:" + upstream.port() + "/",
                    upstream.url() + "/#fragment",
                    upstream.url() + "/a/../b",
                    upstream.url() + "/" + "x".repeat(2000),
                    upstream.url() + "/good");
            var items = fetch(server, server.person().token(), urls).json();
            for (int i = 0; i < urls.size() - 1; i++) {
                var item = items.get(i);
                assertEquals("url-refused", code(item), item::toString);
                assertEquals(items.get(0).get("error"), item.get("error"));
            }
            assertEquals(200, items.get(urls.size() - 1).get("status").asInt());
            assertEquals(1, upstream.requests().size());
            assertEquals(0, other.accepted());
        }
    }

    @Test
    void anAllowedServerAtAPrivateAddressIsRefusedAsAnyOther() {
        try (var upstream = FakeUpstream.json("{}");
                var server = TestServer.with(
                        "batch:\n  allow: " + upstream.url() + ",http://localhost:" + upstream.port() + "\n")) {
            var urls = List.of(upstream.url() + "/", "http://localhost:" + upstream.port() + "/", "http://other/");
            var items = fetch(server, server.person().token(), urls).json();
            assertEquals("url-refused", code(items.get(0)));
            assertEquals(items.get(2).get("error"), items.get(0).get("error"));
            assertEquals(items.get(2).get("error"), items.get(1).get("error"));
            assertFalse(items.toString().contains("127.0.0.1 is"));
            assertEquals(0, upstream.accepted());
        }
    }

    @Test
    void moreThanAHundredAreTooMany() {
        try (var upstream = FakeUpstream.json("{}");
                var server = server(upstream)) {
            var token = server.person().token();
            assertEquals(100, fetch(server, token, urls(upstream, 100)).json().size());
            assertEquals(422, fetch(server, token, urls(upstream, 101)).status());
            var query = "/batch?urls=" + String.join("&urls=", Collections.nCopies(101, "a"));
            assertEquals(422, server.get(query, token).status());
            assertEquals(422, server.get("/batch", token).status());
            assertEquals(422, server.send("POST", "/batch", token, "{}").status());
            assertEquals(
                    422, server.send("POST", "/batch", token, "{\"urls\": [1]}").status());
            assertEquals(100, upstream.requests().size());
        }
    }

    @Test
    void tenAreFetchedAtOnceWhoeverAsksAndEveryCallerHasItsTurn() throws InterruptedException, ExecutionException {
        var turns = new Semaphore(0);
        try (var upstream = FakeUpstream.start((_, out) -> {
                    try {
                        turns.tryAcquire(LONG.toMillis(), TimeUnit.MILLISECONDS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    out.write(FakeUpstream.ok("{}"));
                });
                var server = server(upstream, "timeout: 30s");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var many = new ArrayList<Future<Reply>>();
            for (int i = 0; i < 2; i++) {
                var token = server.person().token();
                many.add(threads.submit(() -> fetch(server, token, urls(upstream, 100))));
            }
            var token = server.person().token();
            await().atMost(LONG).until(() -> upstream.requests().size() == 10);
            var one = threads.submit(() -> fetch(server, token, List.of(upstream.url() + "/one")));
            // It has begun to wait when its request is one of three.
            await().atMost(LONG)
                    .until(() -> server.operations("/metrics").text().contains("http_server_requests_in_flight 4.0\n"));
            int released = 0;
            while (upstream.requests().stream().noneMatch(it -> it.target().equals("/one")) && released < 60) {
                released++;
                int expected = 10 + released;
                turns.release();
                await().atMost(LONG).until(() -> upstream.requests().size() >= expected);
            }
            int turnsTaken = released;
            assertTrue(turnsTaken <= 13, () -> "waited for " + turnsTaken + " turns");
            turns.release(300);
            assertEquals(200, one.get().json().at("/0/status").asInt());
            for (var each : many) {
                var items = each.get().json();
                assertEquals(100, items.size());
                items.forEach(item -> assertEquals(200, item.path("status").asInt(), item::toString));
            }
            assertEquals(10, upstream.peak());
        }
    }

    @Test
    void allOfManyRequestsOfOneCallerHaveTheirTurn() throws InterruptedException, ExecutionException {
        var open = new CountDownLatch(1);
        try (var upstream = FakeUpstream.start((_, out) -> {
                    try {
                        open.await(LONG.toMillis(), TimeUnit.MILLISECONDS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    out.write(FakeUpstream.ok("{}"));
                });
                var server = server(upstream, "timeout: 30s");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var token = server.person().token();
            var requests = new ArrayList<Future<Reply>>();
            for (int i = 0; i < 64; i++) {
                requests.add(threads.submit(() -> fetch(server, token, urls(upstream, 20))));
            }
            // Ten of all are fetched.
            await().atMost(LONG)
                    .until(() -> server.operations("/metrics").text().contains("heddle_batch_waiting 1270.0\n"));
            open.countDown();
            for (var request : requests) {
                request.get()
                        .json()
                        .forEach(item -> assertEquals(200, item.path("status").asInt(), item::toString));
            }
            var metrics = server.operations("/metrics").text();
            assertTrue(metrics.contains("heddle_batch_waiting 0.0\n"), metrics);
            assertTrue(metrics.contains("heddle_batch_refused_total 0.0\n"), metrics);
            assertEquals(10, upstream.peak());
        }
    }

    @Test
    void whatHangsIsAnErrorAtTheDeadlineAndTheRestIsThere() {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (request.target().equals("/0")) {
                        out.write(FakeUpstream.ok("{}"));
                    } else {
                        request.awaitHangUp();
                    }
                });
                var server = server(upstream, "timeout: 30s")) {
            var token = server.person().token();
            assertEquals(200, fetch(server, token, urls(upstream, 1)).status(), "what a first request costs is paid");
            long began = System.nanoTime();
            var reply = fetch(server, token, urls(upstream, 40), "Request-Timeout", "1");
            var took = Duration.ofNanos(System.nanoTime() - began);
            assertEquals(200, reply.status(), reply.text());
            assertTrue(took.toMillis() < 5000, took::toString);
            assertEquals(200, reply.json().at("/0/status").asInt());
            for (int i = 1; i < 40; i++) {
                assertEquals("upstream-timeout", code(reply.json().get(i)), reply::text);
                assertEquals(
                        upstream.url() + "/" + i, reply.json().get(i).get("url").asText());
            }
            await().atMost(LONG).until(() -> upstream.open() <= 1);
            assertEquals(
                    200,
                    fetch(server, token, urls(upstream, 1))
                            .json()
                            .at("/0/status")
                            .asInt());
        }
    }

    @Test
    void theUrlsOfAClientThatHangsUpTakeNobodysTurn() throws IOException {
        try (var upstream = FakeUpstream.silent();
                var server = server(upstream, "timeout: 30s")) {
            var body = "{\"urls\": [\"" + String.join("\", \"", urls(upstream, 40)) + "\"]}";
            var waiting = new ArrayList<RawConnection>();
            for (int i = 0; i < 3; i++) {
                waiting.add(RawConnection.to(server.port())
                        .send("POST /batch HTTP/1.1\r\n"
                                + "Host: a\r\n"
                                + "Content-Type: application/json\r\n"
                                + "Authorization: Bearer "
                                + server.person().token() + "\r\nX-Request-Id: leaves-" + i + "\r\nContent-Length: "
                                + body.length() + "\r\n\r\n"
                                + body));
            }
            await().atMost(LONG)
                    .until(() -> server.operations("/metrics").text().contains("heddle_batch_waiting 110.0\n"));
            for (var client : waiting) {
                client.close();
            }
            await().atMost(LONG)
                    .until(() -> server.operations("/metrics").text().contains("heddle_batch_waiting 0.0\n"));
            await().atMost(LONG).until(() -> upstream.open() == 0);
            // Those of one who is noticed first may begin some of another's.
            assertTrue(
                    upstream.requests().size() < 60, () -> upstream.requests().size() + " of 120 were fetched");
            for (int i = 0; i < 3; i++) {
                assertEquals(499, server.logged("leaves-" + i).status());
            }
        }
    }

    @Test
    void charactersThatNoUrlHasSpoilTheirOwnItemOnly() {
        try (var upstream = FakeUpstream.json("{}");
                var server = server(upstream)) {
            var reply = server.send("POST", "/batch", server.person().token(), """
                {"urls": ["%1$s/\\u0000", "%1$s/\\ud800", "%1$s/\\r\\nX: 1", "%1$s/good"]}\
                """.formatted(upstream.url()));
            assertEquals(200, reply.status(), reply.text());
            for (int i = 0; i < 3; i++) {
                assertEquals("url-refused", code(reply.json().get(i)), reply.text());
            }
            assertEquals(upstream.url() + "/?", reply.json().get(1).get("url").asText());
            assertEquals(200, reply.json().get(3).get("status").asInt());
            assertEquals(1, upstream.requests().size());
        }
    }
}
