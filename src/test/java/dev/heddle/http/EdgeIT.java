package dev.heddle.http;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.admission.Admission;
import dev.heddle.admission.RateLimit;
import dev.heddle.concurrent.SharedPlaces;
import dev.heddle.connection.Network;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.SmallServer;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands before the routes, over real sockets. */
@InThisJvm
@Timeout(60)
class EdgeIT {

    private static final Proxies NO_PROXIES = new Proxies(List.of(), Proxies.Header.X_FORWARDED_FOR);

    /** Of the answer that is streamed: more than fits between a server and a client that does not read. */
    private static final int LARGE_BYTES = 64 << 20;

    private static Routes routes() {
        return new Routes()
                .add(
                        "GET",
                        "/made",
                        Access.PUBLIC,
                        request -> Answer.of(201)
                                .header(HeaderNames.LOCATION, "/made/1")
                                .header(HeaderNames.LINK, "</made?cursor=x>; rel=\"next\""))
                .add("GET", "/varied", Access.PUBLIC, request -> Answer.of(200).header(HeaderNames.VARY, "Accept"))
                .add(
                        "POST",
                        "/echo",
                        Access.PUBLIC,
                        request -> request.json().text("title", 1, 100),
                        (request, title) -> Answer.ok(json -> json.writeString(title.or(""))))
                .add(
                        "GET",
                        "/large",
                        Access.PUBLIC,
                        request -> Answer.stream(200, LARGE_BYTES, out -> {
                            var piece = new byte[1 << 16];
                            for (int sent = 0; sent < LARGE_BYTES; sent += piece.length) {
                                out.write(piece);
                            }
                        }));
    }

    private static SmallServer with(Cors cors, String publicUrl) {
        return SmallServer.behind(new Edge(NO_PROXIES, RateLimit.none(), null, null, null, cors, publicUrl), routes());
    }

    private static RawHttp.Answer ask(SmallServer server, String head) throws IOException {
        return RawHttp.exchange(server.port(), head + "Host: evil.example\r\nConnection: close\r\n\r\n");
    }

    // ---- Links ----

    @Test
    void linksAreBuiltFromThePublicUrlAndNeverFromTheHost() throws IOException {
        try (var server = with(Cors.OFF, "https://tasks.example.org/api")) {
            var answer = ask(
                    server, "GET /made HTTP/1.1\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n");
            assertEquals(Optional.of("https://tasks.example.org/api/made/1"), answer.header("Location"));
            assertEquals(
                    Optional.of("<https://tasks.example.org/api/made?cursor=x>; rel=\"next\""), answer.header("Link"));
            assertFalse(answer.text().contains("evil"));
        }
    }

    @Test
    void withoutOneTheyAreRelativeToTheRequest() throws IOException {
        try (var server = with(Cors.OFF, "")) {
            var answer = ask(server, "GET /made HTTP/1.1\r\n");
            assertEquals(Optional.of("/made/1"), answer.header("Location"));
            assertEquals(Optional.of("</made?cursor=x>; rel=\"next\""), answer.header("Link"));
            assertFalse(answer.text().contains("evil"));
        }
    }

    // ---- Headers of every answer ----

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /made HTTP/1.1\r\n",
                "HEAD /made HTTP/1.1\r\n",
                "OPTIONS /made HTTP/1.1\r\n",
                "GET /nothing HTTP/1.1\r\n",
                "PUT /made HTTP/1.1\r\n",
                "GET /%zz HTTP/1.1\r\n",
                "GET /made HTTP/1.1\r\nContent-Length: x\r\n",
                "POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n",
                "get /made HTTP/1.1\r\n"
            })
    void everyAnswerKeepsABrowserFromRunningIt(String head) throws IOException {
        try (var server = with(Cors.OFF, "")) {
            var answer = ask(server, head);
            assertTrue(answer.status() > 0, answer::text);
            assertEquals(Optional.of("nosniff"), answer.header("X-Content-Type-Options"));
            assertEquals(
                    Optional.of("default-src 'none'; frame-ancestors 'none'; sandbox"),
                    answer.header("Content-Security-Policy"));
            assertEquals(Optional.of("no-referrer"), answer.header("Referrer-Policy"));
            assertTrue(answer.header("Cache-Control").isPresent());
            assertTrue(answer.header("X-Request-Id").isPresent());
            assertEquals(Optional.empty(), answer.header("Server"));
            assertEquals(Optional.empty(), answer.header("Access-Control-Allow-Origin"));
        }
    }

    // ---- Pages of other origins ----

    private static final Cors FOR_APP =
            new Cors(Set.of("https://app.example.org", "http://localhost:5173"), Duration.ofMinutes(10));

    @Test
    void aPageThatIsLetInMayReadTheAnswerAndItsHeaders() throws IOException {
        try (var server = with(FOR_APP, "")) {
            var answer = ask(server, "GET /made HTTP/1.1\r\nOrigin: http://localhost:5173\r\n");
            assertEquals(Optional.of("http://localhost:5173"), answer.header("Access-Control-Allow-Origin"));
            assertEquals(Optional.of("Origin"), answer.header("Vary"));
            assertEquals(Optional.empty(), answer.header("Access-Control-Allow-Credentials"));
            var exposed = answer.header("Access-Control-Expose-Headers").orElse("");
            for (var name :
                    List.of("ETag", "Link", "Location", "Retry-After", "RateLimit", "X-Request-Id", "Repr-Digest")) {
                assertTrue(exposed.contains(name), exposed);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://evil.example",
                "null",
                "https://app.example.org.evil.example",
                "https://app.example.org:8443",
                "http://app.example.org",
                "https://app.example.org/",
                "https://xapp.example.org",
                "*"
            })
    void otherPagesMayNot(String origin) throws IOException {
        try (var server = with(FOR_APP, "")) {
            var answer = ask(server, "GET /made HTTP/1.1\r\nOrigin: " + origin + "\r\n");
            assertEquals(201, answer.status());
            assertEquals(Optional.empty(), answer.header("Access-Control-Allow-Origin"));
            assertEquals(Optional.of("Origin"), answer.header("Vary"), "a cache must not give it to those who may");
            var preflight = ask(
                    server,
                    "OPTIONS /made HTTP/1.1\r\nAccess-Control-Request-Method: GET\r\nOrigin: " + origin + "\r\n");
            assertEquals(204, preflight.status());
            assertEquals(Optional.empty(), preflight.header("Access-Control-Allow-Origin"));
            assertEquals(Optional.empty(), preflight.header("Access-Control-Allow-Methods"));
        }
    }

    @Test
    void aPageThatIsLetInHearsOfFailuresToo() throws IOException {
        try (var server = with(FOR_APP, "")) {
            for (var head : List.of("GET /nothing HTTP/1.1\r\n", "GET /made HTTP/1.1\r\nContent-Length: x\r\n")) {
                var answer = ask(server, head + "Origin: https://app.example.org\r\n");
                assertTrue(answer.status() >= 400, answer::text);
                assertEquals(Optional.of("https://app.example.org"), answer.header("Access-Control-Allow-Origin"));
            }
        }
    }

    @Test
    void aPreflightSaysWhatMayBeSent() throws IOException {
        try (var server = with(FOR_APP, "")) {
            var answer = ask(server, """
                OPTIONS /echo HTTP/1.1\r
                Origin: https://app.example.org\r
                Access-Control-Request-Method: POST\r
                Access-Control-Request-Headers: authorization,content-type,idempotency-key\r
                """);
            assertEquals(204, answer.status());
            assertEquals(Optional.of("https://app.example.org"), answer.header("Access-Control-Allow-Origin"));
            assertEquals(Optional.of("OPTIONS, POST"), answer.header("Access-Control-Allow-Methods"));
            assertEquals(Optional.of("600"), answer.header("Access-Control-Max-Age"));
            assertTrue(answer.header("Vary").orElse("").contains("Access-Control-Request-Headers"));
            var allowed = answer.header("Access-Control-Allow-Headers").orElse("");
            for (var name :
                    List.of("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Request-Timeout")) {
                assertTrue(allowed.contains(name), allowed);
            }
        }
    }

    @Test
    void anAnswerThatDependsOnMoreSaysBoth() throws IOException {
        try (var server = with(FOR_APP, "")) {
            assertEquals(
                    Optional.of("Accept, Origin"),
                    ask(server, "GET /varied HTTP/1.1\r\n").header("Vary"));
        }
    }

    @Test
    void allPagesCanBeLetIn() throws IOException {
        try (var server = with(new Cors(Set.of(Cors.ANY), Duration.ofMinutes(1)), "")) {
            var answer = ask(server, "GET /varied HTTP/1.1\r\nOrigin: https://anyone.example\r\n");
            assertEquals(Optional.of("*"), answer.header("Access-Control-Allow-Origin"));
            assertEquals(Optional.of("Accept"), answer.header("Vary"), "it is the same for everybody");
        }
    }

    // ---- How much at once ----

    private static Admission one(int queue) {
        return new Admission(new Admission.Options(1, 1, Duration.ofSeconds(30), queue, Duration.ofSeconds(20)));
    }

    private static SmallServer behind(Admission admission, @Nullable SharedPlaces streams, Routes routes) {
        return SmallServer.behind(
                new Edge(NO_PROXIES, RateLimit.none(), admission, streams, null, Cors.OFF, ""), routes);
    }

    @Test
    void whatIsTooMuchIsRefusedAndSaysWhenToTryAgain() throws IOException {
        var mayGo = new CountDownLatch(1);
        var admission = one(0);
        var routes = routes().add("GET", "/slow", Access.PUBLIC, request -> {
            pass(mayGo);
            return Answer.of(204);
        });
        routes.addWaiting("GET", "/elsewhere", Access.PUBLIC, request -> Answer.of(204));
        try (var server = behind(admission, null, routes)) {
            var slow = CompletableFuture.supplyAsync(
                    () -> status(server, "GET /slow HTTP/1.1\r\n"), Thread::startVirtualThread);
            await().until(() -> admission.inside() == 1);
            var refused = ask(server, "GET /made HTTP/1.1\r\n");
            assertEquals(503, refused.status());
            assertEquals(Optional.of("1"), refused.header("Retry-After"));
            assertTrue(refused.body().contains("\"overloaded\""), refused::body);
            assertEquals(204, status(server, "GET /elsewhere HTTP/1.1\r\n"), "it has a limit of its own");
            mayGo.countDown();
            assertEquals(204, slow.join());
            assertEquals(201, status(server, "GET /made HTTP/1.1\r\n"));
        }
    }

    @Test
    void whoWaitsForAPlaceGetsOne() {
        var mayGo = new CountDownLatch(1);
        var admission = one(5);
        var routes = routes().add("GET", "/slow", Access.PUBLIC, request -> {
            pass(mayGo);
            return Answer.of(204);
        });
        try (var server = behind(admission, null, routes)) {
            var slow = CompletableFuture.supplyAsync(
                    () -> status(server, "GET /slow HTTP/1.1\r\n"), Thread::startVirtualThread);
            await().until(() -> admission.inside() == 1);
            var next = CompletableFuture.supplyAsync(
                    () -> status(server, "GET /made HTTP/1.1\r\n"), Thread::startVirtualThread);
            await().until(() -> admission.waiting() == 1);
            mayGo.countDown();
            assertEquals(204, slow.join());
            assertEquals(201, next.join());
        }
    }

    @Test
    void aClientWhoseBodyIsOnItsWayKeepsNoPlace() throws IOException {
        var admission = one(0);
        try (var server = behind(admission, null, routes());
                var slow = RawConnection.to(server.port())) {
            slow.send("POST /echo HTTP/1.1\r\n"
                    + "Host: a\r\n"
                    + "Content-Type: application/json\r\n"
                    + "Content-Length: 13\r\n\r\n"
                    + "{\"tit");
            for (int i = 0; i < 20; i++) {
                assertEquals(201, status(server, "GET /made HTTP/1.1\r\n"));
            }
            slow.send("le\":\"x\"}");
            assertEquals(200, slow.answer().status());
            assertEquals(0, admission.inside());
        }
    }

    @Test
    void aClientThatDoesNotReadKeepsNoPlaceButOneOfThoseForSuch() throws IOException {
        var admission = one(0);
        var streams = new SharedPlaces("answers at once", 1, 1);
        try (var server = behind(admission, streams, routes())) {
            try (var slow = RawConnection.to(server.port(), 4096)) {
                slow.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
                await().until(() -> streams.taken() == 1);
                assertEquals(0, admission.inside());
                assertEquals(201, status(server, "GET /made HTTP/1.1\r\n"));
                assertEquals(503, status(server, "GET /large HTTP/1.1\r\n"));
                assertEquals(200, status(server, "HEAD /large HTTP/1.1\r\n"), "of which nothing is sent");
            }
            await().until(() -> streams.taken() == 0);
        }
    }

    private static void pass(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static int status(SmallServer server, String head) {
        try {
            return ask(server, head).status();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- How often ----

    private static RateLimit limit(int burst) {
        return new RateLimit(new RateLimit.Rule("address", 1, Duration.ofHours(1), burst));
    }

    @Test
    void whoAsksTooOftenHearsWhenToComeBack() throws IOException {
        var edge = new Edge(NO_PROXIES, limit(2), null, null, null, FOR_APP, "");
        try (var server = SmallServer.behind(edge, routes())) {
            var first = ask(server, "GET /made HTTP/1.1\r\n");
            assertEquals(Optional.of("\"address\";q=2;w=7200"), first.header("RateLimit-Policy"));
            assertEquals(Optional.of("\"address\";r=1;t=3600"), first.header("RateLimit"));
            assertEquals(404, ask(server, "GET /nothing HTTP/1.1\r\n").status(), "whatever it asks for");
            var refused = ask(server, "GET /made HTTP/1.1\r\nOrigin: https://app.example.org\r\n");
            assertEquals(429, refused.status());
            assertTrue(refused.body().contains("\"rate-limited\""), refused::body);
            assertTrue(Integer.parseInt(refused.header("Retry-After").orElseThrow()) > 3590);
            assertEquals(Optional.of("\"address\";r=0;t=7200"), refused.header("RateLimit"));
            assertEquals(Optional.of("https://app.example.org"), refused.header("Access-Control-Allow-Origin"));
            assertEquals(429, ask(server, "OPTIONS /made HTTP/1.1\r\n").status());
        }
    }

    @Test
    void whoSaysToBeSomebodyElseIsCountedForWhoTheyAre() throws IOException {
        var edge = new Edge(NO_PROXIES, limit(2), null, null, null, Cors.OFF, "");
        try (var server = SmallServer.behind(edge, routes())) {
            for (int i = 0; i < 10; i++) {
                var head = "GET /made HTTP/1.1\r\nX-Forwarded-For: 192.0.2." + i + "\r\nForwarded: for=192.0.2." + i
                        + "\r\nX-Real-IP: 192.0.2." + i + "\r\n";
                assertEquals(i < 2 ? 201 : 429, ask(server, head).status());
            }
        }
    }

    @Test
    void whomAProxyNamesIsCountedAndNotTheProxy() throws IOException {
        var proxies = new Proxies(List.of(Network.of("127.0.0.0/8").orElseThrow()), Proxies.Header.X_FORWARDED_FOR);
        var edge = new Edge(proxies, limit(2), null, null, null, Cors.OFF, "");
        try (var server = SmallServer.behind(edge, routes())) {
            for (int i = 0; i < 10; i++) {
                assertEquals(
                        201,
                        ask(server, "GET /made HTTP/1.1\r\nX-Forwarded-For: 192.0.2." + i + "\r\n")
                                .status());
            }
            // All of one network of 64 bits are one.
            for (int i = 0; i < 3; i++) {
                var head = "GET /made HTTP/1.1\r\nX-Forwarded-For: 2001:db8::" + i + "\r\n";
                assertEquals(i < 2 ? 201 : 429, ask(server, head).status());
            }
            assertEquals("192.0.2.9", server.accessLog().get(9).client());
        }
    }

    @Test
    void aBodyBehindARefusalIsNoRequest() throws IOException {
        var edge = new Edge(NO_PROXIES, limit(1), null, null, null, Cors.OFF, "");
        try (var server = SmallServer.behind(edge, routes());
                var connection = RawConnection.to(server.port())) {
            var hidden = "GET /made HTTP/1.1\r\nHost: inner\r\n\r\n";
            connection.send("GET /made HTTP/1.1\r\nHost: a\r\n\r\n");
            assertEquals(201, connection.answer().status());
            connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
                    + hidden.getBytes(StandardCharsets.US_ASCII).length + "\r\n\r\n" + hidden);
            assertEquals(429, connection.answer().status());
            connection.send("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            assertEquals(429, connection.answer().status());
            assertEquals("", connection.rest());
        }
    }
}
