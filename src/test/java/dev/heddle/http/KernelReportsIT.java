package dev.heddle.http;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the kernel tells operators about requests: access log and metrics. */
class KernelReportsIT {

    private static final String NO_TASK = "/tasks/00000000-0000-7000-8000-000000000000";

    private static String taskPath;

    private static TestServer server;
    private static Person person;

    @BeforeAll
    static void start() {
        server = TestServer.start();
        person = server.person();
        taskPath = "/tasks/"
                + server.task(person, "{\"title\": \"Buy milk\"}").get("id").asText();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply get(String path, String... headers) {
        return server.send("GET", path, person.token(), null, headers);
    }

    private static RawHttp.Answer raw(String bytes) throws IOException {
        return RawHttp.exchange(server.port(), bytes);
    }

    @Test
    void theAccessLogTellsWhoAskedForWhatAndWhatCameOfIt() {
        var reply = get(taskPath + "?user_id=" + person.id(), "X-Request-Id", "logged-1");
        var entry = server.logged("logged-1");
        assertEquals(person.id(), entry.caller());
        assertEquals("GET", entry.method());
        assertEquals(taskPath, entry.path());
        assertEquals("/tasks/{id}", entry.route());
        assertEquals(200, entry.status());
        assertEquals(reply.raw().body().length, entry.bytes());
        assertTrue(entry.nanos() > 0 && entry.nanos() < 60_000_000_000L, "duration " + entry.nanos());
        assertEquals(null, entry.traceparent());
    }

    @Test
    void theAccessLogTellsOfRefusedRequestsToo() {
        server.send("GET", "/nope", "", null, "X-Request-Id", "logged-2");
        assertEquals(
                List.of("-", "-", 404),
                List.of(
                        server.logged("logged-2").caller(),
                        server.logged("logged-2").route(),
                        server.logged("logged-2").status()));
        server.send("GET", "/users", person.token(), null, "X-Request-Id", "logged-3");
        assertEquals(
                List.of(person.id(), "/users", 403),
                List.of(
                        server.logged("logged-3").caller(),
                        server.logged("logged-3").route(),
                        server.logged("logged-3").status()));
        server.send("GET", "/users", "", null, "X-Request-Id", "logged-4");
        assertEquals(
                List.of("-", "/users", 401),
                List.of(
                        server.logged("logged-4").caller(),
                        server.logged("logged-4").route(),
                        server.logged("logged-4").status()));
    }

    @Test
    void theAccessLogCountsTheBytesOfTheBodyThatWereSent() {
        var export = get("/tasks", "Accept", "text/csv", "X-Request-Id", "bytes-get");
        assertEquals(export.raw().body().length, server.logged("bytes-get").bytes());
        server.send("HEAD", "/tasks", person.token(), null, "Accept", "text/csv", "X-Request-Id", "bytes-head");
        assertEquals(0, server.logged("bytes-head").bytes());
        server.send("HEAD", "/tasks", person.token(), null, "X-Request-Id", "bytes-head-json");
        assertEquals(0, server.logged("bytes-head-json").bytes());
    }

    @ParameterizedTest
    @CsvSource({
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, true",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00, true",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01, false",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01, false",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01, false",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01, false",
        "garbage, false"
    })
    void aTraceContextGoesIntoTheAccessLogWhenItIsOne(String sent, boolean valid) {
        var id = "trace-" + Integer.toHexString(sent.hashCode());
        get("/", "X-Request-Id", id, "traceparent", sent);
        assertEquals(valid ? sent : null, server.logged(id).traceparent());
    }

    @Test
    void noSecretReachesTheAccessLog() throws IOException {
        var secret = "s3cr3tvalue";
        get(
                "/tasks?q=" + secret,
                "X-Request-Id",
                "secret-1",
                "Cookie",
                secret,
                "User-Agent",
                secret,
                "Referer",
                secret);
        server.send("GET", "/tasks?token=" + secret, "hdl_" + secret, null, "X-Request-Id", "secret-2");
        server.send(
                "POST",
                "/tasks",
                person.token(),
                "{\"title\": \"" + secret + "\"}",
                "X-Request-Id",
                "secret-3",
                "Idempotency-Key",
                secret);
        server.send("POST", "/tasks", person.token(), "{\"" + secret + "\": 1}", "X-Request-Id", "secret-4");
        server.send("POST", "/tasks", person.token(), secret, "X-Request-Id", secret + "<>");
        raw("GET /tasks?q=" + secret + " HTTP/1.1\r\nHost: a\r\nX-Request-Id: secret-5\r\ntraceparent: " + secret
                + "\r\nAuthorization: Basic " + secret + "\r\n\r\n");
        for (int i = 1; i <= 5; i++) {
            server.logged("secret-" + i);
        }
        var everything = server.accessLog().toString();
        assertFalse(everything.contains(secret));
        assertFalse(everything.contains(person.token()));
        assertFalse(everything.contains(server.adminToken()));
    }

    private static Map<String, Double> metrics() {
        return server.operations("/metrics")
                .text()
                .lines()
                .filter(line -> line.startsWith("http_server_request"))
                .collect(Collectors.toMap(
                        line -> line.substring(0, line.lastIndexOf(' ')),
                        line -> Double.valueOf(line.substring(line.lastIndexOf(' ') + 1))));
    }

    private static double count(String method, String route, int status) {
        return metrics()
                .getOrDefault(
                        "http_server_request_duration_seconds_count{method=\"%s\",route=\"%s\",status=\"%d\"}"
                                .formatted(method, route, status),
                        0.0);
    }

    @Test
    void requestsAreCountedByRouteAndStatus() {
        double found = count("GET", "/tasks/{id}", 200);
        double missing = count("GET", "/tasks/{id}", 404);
        double unknown = count("none", "none", 404);
        for (int i = 0; i < 3; i++) {
            get(taskPath);
            get(NO_TASK);
            get("/nope/" + i);
        }
        await().atMost(10, TimeUnit.SECONDS).untilAsserted(() -> {
            assertEquals(found + 3, count("GET", "/tasks/{id}", 200));
            assertEquals(missing + 3, count("GET", "/tasks/{id}", 404));
            assertEquals(unknown + 3, count("none", "none", 404));
        });
    }

    @Test
    void theWebServersOwnRefusalsAreCountedToo() throws IOException {
        double before = count("none", "none", 414);
        raw("GET /" + "a".repeat(9_000) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        assertEquals(before + 1, count("none", "none", 414));
    }

    @Test
    void hostilePathsAndMethodsMakeNoNewSeries() throws IOException {
        get("/nope");
        server.send("PUT", "/tasks", "", null);
        get("/tasks/x");
        await().atMost(10, TimeUnit.SECONDS).until(() -> count("none", "none", 405) > 0);
        int before = metrics().size();
        for (int i = 0; i < 50; i++) {
            get("/nope-" + i);
            get("/tasks/x" + i);
            raw("M" + i + " /tasks HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        assertEquals(before, metrics().size());
    }

    @Test
    void nothingIsInFlightWhenNothingRuns() throws IOException {
        get("/tasks");
        get("/nope");
        get("/tasks", "Accept", "text/csv");
        raw("POST /tasks HTTP/1.1\r\nHost: a\r\n" + "Authorization: Bearer " + person.token() + "\r\n"
                + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        // The one is the request that asks.
        await().atMost(10, TimeUnit.SECONDS)
                .until(() -> metrics().get("http_server_requests_in_flight"), inFlight -> inFlight == 1.0);
    }
}
