package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every route has from the kernel, over real sockets. */
class KernelIT {

    private static final String NO_TASK = "/tasks/00000000-0000-7000-8000-000000000000";

    /** One that has failed, so that it stays as it is. */
    private static final String JOB = "01a202c0-f64b-7b1d-9c3e-0e4d8d1f6a52";

    private static FakeUpstream upstream;
    private static TestServer server;
    private static Person person;
    private static JsonNode task;

    @BeforeAll
    static void start() {
        upstream = FakeUpstream.json("{\"well\": true}");
        server = TestServer.with("""
            upstreams:
              elsewhere:
                url: %s
                resources:
                  weather: /weather/{city}
                  slow-external: /slow
                  rates: /rates
            """.formatted(upstream.url()));
        person = server.person();
        task = server.task(person, "{\"title\": \"Buy milk\"}");
        new Psql(server.schema()).execute("""
            INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at)
            VALUES ('%s', 'log_activity', '{}', 8, 'broken', now())
            """.formatted(JOB));
        server.send("POST", "/upload", person.token(), Form.of("warp.txt", "warp"), "Content-Type", Form.TYPE);
    }

    @AfterAll
    static void stop() {
        server.close();
        upstream.close();
    }

    private static String taskPath() {
        return "/tasks/" + task.get("id").asText();
    }

    private static Reply get(String path, String... headers) {
        return server.send("GET", path, person.token(), null, headers);
    }

    private static RawHttp.Answer raw(String bytes) throws IOException {
        return RawHttp.exchange(server.port(), bytes);
    }

    private static String authorization() {
        return "Authorization: Bearer " + person.token() + "\r\n";
    }

    // ---- Errors ----

    @Test
    void everyKindOfErrorIsAProblemOfTheSameForm() {
        var token = person.token();
        var json = "application/json";
        ProblemDocument.of(Problem.UNAUTHENTICATED, "/tasks", server.get("/tasks", ""));
        ProblemDocument.of(Problem.UNAUTHENTICATED, "/tasks", server.get("/tasks", "hdl_no"));
        ProblemDocument.of(Problem.FORBIDDEN, "/users", server.get("/users", token));
        ProblemDocument.of(Problem.NOT_FOUND, "/nope", server.get("/nope", token));
        ProblemDocument.of(Problem.NOT_FOUND, "/tasks/x", server.get("/tasks/x", token));
        ProblemDocument.of(Problem.METHOD_NOT_ALLOWED, "/tasks", server.send("PUT", "/tasks", token, null));
        ProblemDocument.of(Problem.NOT_ACCEPTABLE, "/tasks", get("/tasks", "Accept", "text/html"));
        ProblemDocument.of(
                Problem.PRECONDITION_FAILED,
                taskPath(),
                server.send("DELETE", taskPath(), token, null, "If-Match", "\"99\""));
        ProblemDocument.of(
                Problem.UNSUPPORTED_MEDIA_TYPE,
                "/tasks",
                server.send("POST", "/tasks", token, "{}", "Content-Type", "text/plain"));
        ProblemDocument.of(Problem.INVALID_JSON, "/tasks", server.send("POST", "/tasks", token, "{"));
        ProblemDocument.of(Problem.INVALID, "/tasks", server.send("POST", "/tasks", token, "{}"));
        ProblemDocument.of(Problem.INVALID, "/tasks", get("/tasks?limit=0"));
        ProblemDocument.of(Problem.BAD_REQUEST, "/tasks", get("/tasks?q=%FF"));
        ProblemDocument.of(
                Problem.CONTENT_TOO_LARGE, "/tasks", server.send("POST", "/tasks", token, " ".repeat(600_000)));
        ProblemDocument.of(
                Problem.BAD_REQUEST,
                "/tasks",
                server.send("POST", "/tasks", token, "{\"title\": \"a\"}", "Idempotency-Key", "a b"));
        ProblemDocument.of(Problem.DEADLINE_EXCEEDED, "/users/me", get("/users/me", "Request-Timeout", "0.000000001"));
        assertEquals(json, get("/users/me").header("Content-Type").orElseThrow(), "and others are not");
    }

    @Test
    void anErrorNamesEverythingThatIsWrongAtOnce() {
        var reply = server.send(
                "POST", "/tasks?x=1&user_id=", person.token(), "{\"title\": \"\", \"priority\": 9, \"y/z\": 1}");
        var errors = ProblemDocument.of(Problem.INVALID, "/tasks", reply).get("errors");
        var places = new TreeSet<String>();
        errors.forEach(error -> places.add(
                error.has("pointer")
                        ? error.get("pointer").asText()
                        : error.get("parameter").asText()));
        assertEquals(new TreeSet<>(List.of("/priority", "/title", "/y~1z", "user_id", "x")), places);
    }

    /** What the web server refuses by itself. */
    record Refusal(Problem problem, String instance, String bytes) {}

    static List<Refusal> refusals() {
        var host = "Host: a\r\n";
        var post = "POST /tasks HTTP/1.1\r\n" + host;
        return List.of(
                new Refusal(Problem.BAD_REQUEST, "", "nonsense\r\n\r\n"),
                new Refusal(Problem.BAD_REQUEST, "", "(GET) /tasks HTTP/1.1\r\n" + host + "\r\n"),
                new Refusal(Problem.BAD_REQUEST, "", "G\0T /tasks HTTP/1.1\r\n" + host + "\r\n"),
                new Refusal(Problem.HTTP_VERSION_NOT_SUPPORTED, "/tasks", "GET /tasks HTTP/7.0\r\n" + host + "\r\n"),
                new Refusal(Problem.BAD_REQUEST, "/a", "GET /a b HTTP/1.1\r\n" + host + "\r\n"),
                new Refusal(Problem.BAD_REQUEST, "/a", "GET /a?secret=<x> HTTP/1.1\r\n" + host + "\r\n"),
                new Refusal(Problem.BAD_REQUEST, "/a%zz", "GET /a%zz HTTP/1.1\r\n" + host + "\r\n"),
                new Refusal(Problem.HTTP_VERSION_NOT_SUPPORTED, "/", "GET / HTTP/1.0\r\n" + host + "\r\n"),
                new Refusal(Problem.BAD_REQUEST, "/", "GET / HTTP/1.1\r\n\r\n"),
                new Refusal(Problem.BAD_REQUEST, "/", "GET / HTTP/1.1\r\n" + host + host + "\r\n"),
                new Refusal(Problem.BAD_REQUEST, "/", "GET / HTTP/1.1\r\n" + host + "X: a\0b\r\n\r\n"),
                new Refusal(Problem.URI_TOO_LONG, "", "GET /" + "a".repeat(9_000) + " HTTP/1.1\r\n" + host + "\r\n"),
                new Refusal(
                        Problem.HEADERS_TOO_LARGE,
                        "/",
                        "GET / HTTP/1.1\r\n" + host + "X: " + "a".repeat(17_000) + "\r\n\r\n"),
                new Refusal(
                        Problem.HEADERS_TOO_LARGE,
                        "/",
                        "GET / HTTP/1.1\r\n" + host + "X: " + "a".repeat(200_000) + "\r\n\r\n"),
                new Refusal(
                        Problem.CONTENT_TOO_LARGE,
                        "/tasks",
                        post + authorization() + "Content-Type: application/json\r\nContent-Length: 2000000\r\n\r\n"),
                new Refusal(
                        Problem.CONTENT_TOO_LARGE,
                        "/tasks",
                        post + authorization() + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                                + "1E8480\r\n"),
                new Refusal(
                        Problem.UNSUPPORTED_MEDIA_TYPE,
                        "/tasks",
                        post + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
                new Refusal(
                        Problem.NOT_IMPLEMENTED, "/tasks", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void whatTheWebServerRefusesByItselfIsAProblemToo(Refusal refusal) throws IOException {
        var answer = raw(refusal.bytes());
        ProblemDocument.of(refusal.problem(), refusal.instance(), answer);
    }

    @Test
    void aRefusalForItsEncodingSaysWhichIsTaken() throws IOException {
        var answer = raw("POST /tasks HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");
        assertEquals(Optional.of("identity"), answer.header("Accept-Encoding"));
    }

    @Test
    void aHostThatIsNoneStaysABadRequestWhateverElseIsSent() throws IOException {
        var answer = raw("POST /tasks HTTP/1.1\r\nHost: a b\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");
        ProblemDocument.of(Problem.BAD_REQUEST, "/tasks", answer);
    }

    @Test
    void aBodyThatBreaksItsFramingGetsOneAnswerAndTheConnectionEnds() throws IOException {
        var head = "POST /tasks HTTP/1.1\r\nHost: a\r\n" + authorization()
                + "Content-Type: application/json\r\nX-Request-Id: %s\r\nTransfer-Encoding: chunked\r\n\r\n";
        var next = "GET /users/me HTTP/1.1\r\nHost: a\r\n" + authorization() + "\r\n";
        var bodies = Map.of(
                "broken-1", "zz\r\n{}\r\n0\r\n\r\n",
                "broken-2", "-1\r\n{}\r\n0\r\n\r\n",
                "broken-3", "2\n{}\r\n0\r\n\r\n",
                "broken-4", "2\r\n{}\r\n0\r\nTrailer: x\n\r\n",
                "broken-5", "1E8480\r\n");
        for (var body : bodies.entrySet()) {
            var answer = raw(head.formatted(body.getKey()) + body.getValue() + next);
            var problem = body.getKey().equals("broken-5") ? Problem.CONTENT_TOO_LARGE : Problem.BAD_REQUEST;
            ProblemDocument.of(problem, "/tasks", answer);
            assertTrue(answer.closed(), body.getKey());
            assertEquals(1, answer.text().split("HTTP/1\\.1 ", -1).length - 1, "one answer");
            assertEquals(problem.status(), server.logged(body.getKey()).status());
        }
    }

    @Test
    void aClientThatLeavesInTheMiddleOfItsBodyIsLoggedAs499() throws IOException {
        RawHttp.send(
                server.port(),
                "POST /tasks HTTP/1.1\r\nHost: a\r\n" + authorization()
                        + "X-Request-Id: left-early\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
                50);
        assertEquals(499, server.logged("left-early").status());
    }

    // ---- Methods and paths ----

    /** A path that exists for each pattern; a new route needs one here. */
    private static String example(String pattern) {
        if (!pattern.contains("{")) {
            return pattern;
        }
        return switch (pattern) {
            case "/tasks/{id}" -> taskPath();
            case "/tasks/{id}/complete", "/tasks/{id}/reopen" ->
                pattern.replace("{id}", task.get("id").asText());
            case "/notifications/{id}/read" -> "/notifications/" + JOB + "/read";
            case "/jobs/{id}", "/jobs/{id}/retry" -> pattern.replace("{id}", JOB);
            case "/users/{id}", "/users/{id}/tokens" -> pattern.replace("{id}", person.id());
            case "/users/{id}/tokens/{token_id}" -> "/users/" + person.id() + "/tokens/x";
            case "/docs/{file}" -> "/docs/docs.js";
            case "/problems/{code}" -> "/problems/not-found";
            case "/dashboards/{name}" -> "/dashboards/dashboard";
            case "/weather/{city}" -> "/weather/Berlin";
            case "/external/{resource}" -> "/external/rates";
            case "/logs/{filename}" -> "/logs/heddle.log";
            case "/download/{filename}", "/files/{filename}" -> pattern.replace("{filename}", "warp.txt");
            default -> throw new AssertionError("no example of a path for " + pattern);
        };
    }

    private static Map<String, Set<String>> methodsByPattern() {
        var methods = new TreeMap<String, Set<String>>();
        for (var operation : server.operations()) {
            methods.computeIfAbsent(operation.pattern(), p -> new TreeSet<>(List.of("OPTIONS")))
                    .add(operation.method());
            if (operation.method().equals("GET")) {
                methods.get(operation.pattern()).add("HEAD");
            }
        }
        return methods;
    }

    private static Map<String, List<String>> comparable(Reply reply) {
        var headers = new TreeMap<String, List<String>>(String.CASE_INSENSITIVE_ORDER);
        headers.putAll(reply.raw().headers().map());
        headers.remove("Date");
        headers.remove("X-Request-Id");
        headers.remove("Server-Timing");
        headers.remove("Content-Length");
        headers.remove("Transfer-Encoding");
        return headers;
    }

    @Test
    void headIsGetWithoutTheBodyOnEveryRoute() {
        // What jobs write must not come in between.
        server.awaitJobs();
        for (var operation : server.operations()) {
            if (operation.method().equals("GET")) {
                var path = example(operation.pattern());
                assertHeadLikeGet(path, server.adminToken());
                assertHeadLikeGet(path, person.token());
            }
        }
        assertHeadLikeGet("/nope", "");
        assertHeadLikeGet("/tasks?limit=0", person.token());
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/csv", "application/x-ndjson", "text/html"})
    void headIsGetWithoutTheBodyForExports(String type) {
        assertHeadLikeGet("/tasks", person.token(), "Accept", type);
    }

    /** A stream is sent in chunks; HEAD, which has to make it anyway, tells how long it is. */
    private static void assertSameLength(TestServer.Reply get, TestServer.Reply head) {
        assertEquals(
                get.raw().body().length,
                Integer.parseInt(head.header("Content-Length").orElseThrow()));
    }

    private static void assertHeadLikeGet(String path, String token, String... headers) {
        var get = server.send("GET", path, token, null, headers);
        var head = server.send("HEAD", path, token, null, headers);
        assertEquals(get.status(), head.status(), path);
        assertEquals(comparable(get), comparable(head), path);
        // What tells its own times is as long as they are.
        if (get.header("Server-Timing").isEmpty()) {
            assertSameLength(get, head);
        }
        assertEquals("", head.text(), path);
        if (get.status() != 401 && get.status() != 403) {
            assertNotEquals("", get.text(), path);
        }
    }

    @Test
    void headSendsNoByteOfABody() throws IOException {
        for (var path : List.of("/", "/tasks", "/nope")) {
            var answer = RawHttp.send(
                    server.port(),
                    "HEAD " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + authorization() + "\r\n",
                    10_000);
            assertEquals("", answer.body(), path);
            assertNotEquals("0", answer.header("Content-Length").orElseThrow(), path);
        }
    }

    @Test
    void optionsNamesTheMethodsOfEveryPathWithoutAToken() {
        methodsByPattern().forEach((pattern, methods) -> {
            var reply = server.send("OPTIONS", example(pattern), "", null);
            assertEquals(204, reply.status(), pattern);
            assertEquals(String.join(", ", methods), reply.header("Allow").orElseThrow(), pattern);
            assertEquals(Optional.of("no-store"), reply.header("Cache-Control"));
        });
    }

    @Test
    void aMethodThatIsNotThereIs405WithAllow() throws IOException {
        for (var path : methodsByPattern().entrySet()) {
            var example = example(path.getKey());
            for (var method :
                    List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "X-Y")) {
                if (!path.getValue().contains(method)) {
                    var answer = raw(method + " " + example + " HTTP/1.1\r\nHost: a\r\n\r\n");
                    if (method.equals("HEAD")) {
                        assertEquals(405, answer.status());
                    } else {
                        ProblemDocument.of(Problem.METHOD_NOT_ALLOWED, example, answer);
                    }
                    assertEquals(Optional.of(String.join(", ", path.getValue())), answer.header("Allow"));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/nope",
                "/tasks/",
                "//tasks",
                "/TASKS",
                "/tasks/count/x",
                "/.git/config",
                "/metrics",
                "/tasks/%00"
            })
    void anUnknownPathIs404ForEverybody(String path) {
        ProblemDocument.of(Problem.NOT_FOUND, path, server.get(path, ""));
        ProblemDocument.of(Problem.NOT_FOUND, path, server.get(path, person.token()));
        ProblemDocument.of(Problem.NOT_FOUND, path, server.send("OPTIONS", path, "", null));
    }

    @Test
    void theAbsoluteFormIsTheSameRequestWhateverHostItNames() throws IOException {
        var get = "GET http://elsewhere.example:99%s HTTP/1.1\r\nHost: a\r\n" + authorization() + "\r\n";
        assertEquals(200, raw(get.formatted("/tasks?limit=1")).status());
        assertEquals(200, raw(get.formatted("")).status());
        ProblemDocument.of(Problem.NOT_FOUND, "/nope", raw(get.formatted("/nope")));
    }

    // ---- Headers ----

    @Test
    void aHarmlessRequestIdIsEchoedAndAnyOtherReplaced() {
        assertEquals(
                Optional.of("my-Id_1.2"), get("/", "X-Request-Id", "my-Id_1.2").header("X-Request-Id"));
        for (var bad : List.of("a b", "a,b", "<x>", "x".repeat(129))) {
            var id = get("/", "X-Request-Id", bad).header("X-Request-Id").orElseThrow();
            assertTrue(id.matches("[0-9a-f]{32}"), id);
        }
        assertNotEquals(get("/").header("X-Request-Id"), get("/").header("X-Request-Id"));
    }

    @Test
    void everyAnswerSaysHowItMayBeCachedAndIsNotSniffed() {
        var answers = new ArrayList<Reply>();
        for (var pattern : methodsByPattern().keySet()) {
            answers.add(server.get(example(pattern), person.token()));
            answers.add(server.get(example(pattern), ""));
        }
        answers.add(server.send("POST", "/tasks", person.token(), "{\"title\": \"x\"}"));
        answers.add(server.send("OPTIONS", "/tasks", "", null));
        answers.add(get(taskPath(), "If-None-Match", "*"));
        answers.add(get("/tasks", "Accept", "text/csv"));
        for (var answer : answers) {
            var request = answer.raw().request().toString();
            assertEquals(Optional.of("nosniff"), answer.header("X-Content-Type-Options"), request);
            assertEquals(1, answer.raw().headers().allValues("Cache-Control").size(), request);
            if (answer.status() >= 400) {
                assertEquals(Optional.of("no-store"), answer.header("Cache-Control"), request);
            }
        }
        assertEquals(Optional.of("private, no-cache"), get(taskPath()).header("Cache-Control"));
    }

    @Test
    void whatATaskListIsDependsOnAcceptAndItSaysSo() {
        assertEquals(Optional.of("Accept"), get("/tasks").header("Vary"));
        assertEquals(Optional.of("Accept"), get("/tasks", "Accept", "text/csv").header("Vary"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        */*                                     | application/json
        text/csv                                | text/csv; charset=utf-8; header=present
        application/x-ndjson, */*;q=0.1         | application/x-ndjson
        text/html, application/json;q=0.5       | application/json
        """)
    void answersInTheTypeThatIsLikedBest(String accept, String type) {
        assertEquals(Optional.of(type), get("/tasks", "Accept", accept).header("Content-Type"));
    }

    @Test
    void aBodyOfAnotherTypeIs415AndTheAnswerNamesTheRightOne() {
        for (var type : List.of("text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16")) {
            var reply = server.send("POST", "/tasks", person.token(), "{\"title\": \"x\"}", "Content-Type", type);
            ProblemDocument.of(Problem.UNSUPPORTED_MEDIA_TYPE, "/tasks", reply);
            assertEquals(Optional.of("application/json"), reply.header("Accept-Post"));
        }
        var reply = server.send("PATCH", taskPath(), person.token(), "{\"title\": \"x\"}");
        ProblemDocument.of(Problem.UNSUPPORTED_MEDIA_TYPE, taskPath(), reply);
        assertEquals(Optional.of("application/merge-patch+json"), reply.header("Accept-Patch"));
    }

    @Test
    void aBodyWhereNoneIsTakenIsRefusedAndNothingIsDone() {
        var token = person.token();
        ProblemDocument.of(Problem.BAD_REQUEST, "/tasks", server.send("GET", "/tasks", token, "{}"));
        ProblemDocument.of(Problem.BAD_REQUEST, taskPath(), server.send("DELETE", taskPath(), token, "x"));
        ProblemDocument.of(
                Problem.BAD_REQUEST,
                taskPath() + "/complete",
                server.send("POST", taskPath() + "/complete", token, "{}"));
        assertFalse(get(taskPath()).json().get("completed").asBoolean());
    }

    // ---- Conditions ----

    @ParameterizedTest
    @ValueSource(strings = {"%s", "W/%s", "\"x\", %s", "%s,\"x\"", "W/\"x\" , W/%s", "*"})
    void aClientThatHasTheVersionIsToldSo(String tags) {
        var tag = get(taskPath()).header("ETag").orElseThrow();
        for (var method : List.of("GET", "HEAD")) {
            var reply = server.send(method, taskPath(), person.token(), null, "If-None-Match", tags.formatted(tag));
            assertEquals(304, reply.status());
            assertEquals("", reply.text());
            assertEquals(Optional.of(tag), reply.header("ETag"));
            assertEquals(Optional.of("private, no-cache"), reply.header("Cache-Control"));
            assertEquals(Optional.empty(), reply.header("Content-Type"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"x\"", "W/\"999\"", "garbage", "%s", "x\"%s\""})
    void aClientThatDoesNotHaveItGetsIt(String tags) {
        var version = get(taskPath()).json().get("version").asText();
        var reply = get(taskPath(), "If-None-Match", tags.formatted(version));
        assertEquals(200, reply.status());
        assertEquals(version, reply.json().get("version").asText());
    }

    @Test
    void conditionsDoNotHideAnError() {
        ProblemDocument.of(Problem.NOT_FOUND, NO_TASK, get(NO_TASK, "If-None-Match", "*"));
    }
}
