package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that only an attacker or a broken client sends, and the right answer to each, in bounded time. */
class HostileRequestsIT {

    /** For an answer: what is refused is refused at once, on a machine that does other things too. */
    private static final Duration BOUND = Duration.ofSeconds(3);

    private static final String HOST = "Host: a\r\n";

    private static TestServer server;
    private static Person person;

    @BeforeAll
    static void start() {
        server = TestServer.start();
        person = server.person();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @AfterEach
    void theServerStillAnswers() throws IOException {
        assertEquals(200, send("GET / HTTP/1.1\r\n" + HOST + "\r\n").status());
    }

    private static RawHttp.Answer send(String bytes) throws IOException {
        long start = System.nanoTime();
        var answer = RawHttp.exchange(server.port(), bytes);
        var took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.compareTo(BOUND) < 0, () -> "took " + took);
        return answer;
    }

    private static String authorized(String head) {
        return head + HOST + "Authorization: Bearer " + person.token() + "\r\n";
    }

    /** A new task, with a body that is counted right. */
    private static RawHttp.Answer post(String contentType, String body) throws IOException {
        return send(authorized("POST /tasks HTTP/1.1\r\n") + "Content-Type: " + contentType + "\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body);
    }

    private static int tasks() {
        return server.get("/tasks/count", person.token()).json().get("count").asInt();
    }

    @Test
    void headIsAsGetAndHasNoBody() throws IOException {
        var get = send(authorized("GET /tasks HTTP/1.1\r\n") + "\r\n");
        var head = RawHttp.send(
                server.port(), authorized("HEAD /tasks HTTP/1.1\r\n") + "Connection: close\r\n\r\n", 10_000);
        assertEquals(200, head.status());
        assertEquals("", head.body());
        assertEquals(get.header("Content-Length"), head.header("Content-Length"));
        assertEquals(get.header("Content-Type"), head.header("Content-Type"));
    }

    // ---- Bodies ----

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{\"title\": \"x\"",
                "{\"title\": \"x\"} {}",
                "{\"title\": \"x\",}",
                "{\"title\": \"x\"}x",
                "{'title': 'x'}",
                "{title: \"x\"}",
                "{\"title\": NaN}",
                "{\"title\": \"x\"} // done",
                "title=x",
                "<title>x</title>"
            })
    void aBodyThatIsNotOneJsonDocumentIs400(String body) throws IOException {
        int before = tasks();
        ProblemDocument.of(Problem.INVALID_JSON, "/tasks", post("application/json", body));
        assertEquals(before, tasks());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "null",
                "\"x\"",
                "1",
                "true",
                "{}",
                "{\"title\": null}",
                "{\"title\": [\"x\"]}",
                "{\"title\": \"x\", \"title\": \"x\"}",
                "{\"title\": \"a\", \"owner_id\": 1, \"id\": \"x\", \"completed\": true}",
                "{\"title\": \"a\", \"version\": 7}",
                "{\"title\": \"a\", \"priority\": 1e999999999}",
                "{\"title\": \"a\", \"priority\": 1e-999999999}",
                "{\"title\": \"a\\u0000b\"}",
                "{\"title\": \"\\ud800\"}",
                "{\"\\ud800\\u0000\": 1}"
            })
    void aDocumentThatParsesButIsNotAllowedIs422AndWritesNothing(String body) throws IOException {
        int before = tasks();
        ProblemDocument.of(Problem.INVALID, "/tasks", post("application/json", body));
        assertEquals(before, tasks());
    }

    @Test
    void documentsThatAreMadeToCostAreRefusedCheaply() throws IOException {
        var json = "application/json";
        ProblemDocument.of(Problem.INVALID_JSON, "/tasks", post(json, "[".repeat(100_000)));
        ProblemDocument.of(Problem.INVALID_JSON, "/tasks", post(json, "{\"a\":".repeat(50_000)));
        ProblemDocument.of(Problem.INVALID_JSON, "/tasks", post(json, "{\"priority\": " + "9".repeat(500_000) + "}"));
        ProblemDocument.of(Problem.INVALID_JSON, "/tasks", post(json, "{\"priority\": 1e99999999999999999999}"));
        // Larger than any document of ours: not even parsed.
        ProblemDocument.of(
                Problem.CONTENT_TOO_LARGE, "/tasks", post(json, "{\"priority\": " + "9".repeat(1_000_000) + "}"));
        ProblemDocument.of(
                Problem.CONTENT_TOO_LARGE, "/tasks", post(json, "{" + "\"a\":0,".repeat(1_000_000) + "\"a\":0}"));
    }

    @Test
    void fiftyThousandUnknownMembersGetAShortAnswer() throws IOException {
        var members =
                IntStream.range(0, 40_000).mapToObj(i -> "\"m" + i + "\":0").collect(Collectors.joining(","));
        var answer = post("application/json", "{" + members + "}");
        var problem = ProblemDocument.of(Problem.INVALID, "/tasks", answer);
        assertEquals(100, problem.get("errors").size());
        var one = post("application/json", "{\"" + "m".repeat(40_000) + "\": 0}");
        ProblemDocument.of(Problem.INVALID, "/tasks", one);
        assertTrue(one.text().length() < 2_000, "the name comes back whole");
    }

    @Test
    void aBodyThatIsNotUtf8Is400() throws IOException {
        var document = "{\"title\": \"x\"}";
        var bodies = List.of(
                bytes(document.getBytes(StandardCharsets.UTF_16)),
                bytes(document.getBytes(StandardCharsets.UTF_16LE)),
                bytes(document.getBytes(StandardCharsets.UTF_16BE)),
                "\u00ef\u00bb\u00bf" + document,
                "{\"title\": \"\u00e9\"}",
                "{\"title\": \"\u00c0\u00af\"}",
                "{\"title\": \"\u00ed\u00a0\u0080\"}");
        for (var body : bodies) {
            ProblemDocument.of(Problem.INVALID_JSON, "/tasks", post("application/json", body));
        }
    }

    private static String bytes(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "multipart/form-data; boundary=x",
                "application/x-www-form-urlencoded",
                "application/json; charset=utf-16",
                "application/json, text/plain",
                "application/jsonp",
                ""
            })
    void aBodyThatIsNotCalledJsonIs415(String type) throws IOException {
        int before = tasks();
        var answer = post(type, "{\"title\": \"x\"}");
        ProblemDocument.of(Problem.UNSUPPORTED_MEDIA_TYPE, "/tasks", answer);
        assertEquals(Optional.of("application/json"), answer.header("Accept-Post"));
        assertEquals(before, tasks());
    }

    // ---- Queries and paths ----

    @Test
    void aCursorThatTheListDidNotGiveIsRefused() throws IOException {
        var other = server.person();
        for (var owner : List.of(person, other)) {
            server.task(owner, "{\"title\": \"one\"}");
            server.task(owner, "{\"title\": \"two\"}");
        }
        var mine = cursor(person, "");
        var edited = (mine.charAt(5) == 'A' ? "B" : "A");
        for (var query : List.of(
                "cursor=" + mine.substring(0, 5) + edited + mine.substring(6),
                "cursor=" + mine.substring(0, mine.length() - 1),
                "cursor=" + mine + "A",
                "cursor=" + cursor(other, ""),
                "cursor=" + cursor(person, "&completed=false"),
                "cursor=" + mine + "&skip=1",
                "cursor=" + mine + "&priority=1",
                "cursor=%00",
                "cursor=" + "A".repeat(5_000),
                "skip=9223372036854775807",
                "skip=-1",
                "limit=101",
                "limit=1&limit=1",
                "limit[]=1",
                "owner_id=1",
                "completed=TRUE",
                "q=%00",
                "due_before=2016-12-31T23:59:60Z")) {
            var answer = send(authorized("GET /tasks?" + query + " HTTP/1.1\r\n") + "\r\n");
            if (query.contains("[")) {
                // RFC 3986 has no brackets in a query.
                assertEquals(400, answer.status(), query);
            } else {
                ProblemDocument.of(Problem.INVALID, "/tasks", answer);
            }
        }
        assertEquals(
                200,
                send(authorized("GET /tasks?cursor=" + mine + " HTTP/1.1\r\n") + "\r\n")
                        .status());
    }

    private static String cursor(Person of, String filter) {
        var link =
                server.get("/tasks?limit=1" + filter, of.token()).header("Link").orElseThrow();
        int begin = link.indexOf("cursor=") + "cursor=".length();
        return link.substring(begin, link.indexOf('>', begin));
    }

    @Test
    void whatIsNotThereAndWhatIsAnotherUsersLookTheSame() throws IOException {
        var theirs = server.task(server.person(), "{\"title\": \"theirs\"}")
                .get("id")
                .asText();
        var ids = List.of(
                theirs,
                "00000000-0000-7000-8000-000000000000",
                "1'%20OR%20'1'='1",
                "1;DROP%20TABLE%20tasks",
                "..%2Fusers",
                "%2e%2e%2fusers",
                "%252e%252e%252fusers",
                "%5c..%5cusers",
                "-1",
                "9223372036854775808",
                "NaN",
                "%F0%9F%98%80",
                "%0d%0aX-Injected:%20yes");
        var bodies = new HashSet<ObjectNode>();
        for (var id : ids) {
            for (var method : List.of("GET", "DELETE")) {
                var answer = send(authorized(method + " /tasks/" + id + " HTTP/1.1\r\n") + "\r\n");
                var problem = (ObjectNode) ProblemDocument.of(Problem.NOT_FOUND, "/tasks/" + id, answer);
                assertEquals(Optional.empty(), answer.header("X-Injected"));
                bodies.add(problem.without(List.of("instance", "request_id")));
            }
        }
        assertEquals(1, bodies.size(), bodies.toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/tasks/../users",
                "/tasks/%2e%2e/users",
                "/tasks/..",
                "/tasks/.",
                "/./tasks",
                "//tasks",
                "/tasks//",
                "/tasks;a=b",
                "/tasks/%00",
                "/tasks/%C0%AF",
                "/%74asks",
                "/docs/..%2f..%2fetc%2fpasswd",
                "/docs/%2fetc%2fpasswd",
                "/docs/docs.html",
                "*"
            })
    void aPathIsTakenAsItIsWritten(String path) throws IOException {
        ProblemDocument.of(Problem.NOT_FOUND, path, send(authorized("GET " + path + " HTTP/1.1\r\n") + "\r\n"));
    }

    // ---- Headers that others believe ----

    @Test
    void headersOfProxiesAndOverridesHaveNoEffect() throws IOException {
        var task = server.task(person, "{\"title\": \"x\"}").get("id").asText();
        for (var header : List.of(
                "X-HTTP-Method-Override: DELETE",
                "X-HTTP-Method: DELETE",
                "X-Method-Override: DELETE",
                "X-Original-URL: /users",
                "X-Rewrite-URL: /users",
                "X-Forwarded-For: 127.0.0.1",
                "X-Forwarded-Host: evil.example",
                "X-Forwarded-Prefix: /evil",
                "Forwarded: for=127.0.0.1;host=evil.example",
                "X-Real-IP: 127.0.0.1",
                "X-HELIDON-CN: admin")) {
            var get = send(authorized("GET /tasks/" + task + " HTTP/1.1\r\n") + header + "\r\n\r\n");
            assertEquals(200, get.status(), header);
            assertTrue(get.body().contains(task), header);
            var post = send(authorized("POST /tasks/" + task + "/reopen HTTP/1.1\r\n") + header + "\r\n\r\n");
            assertEquals(200, post.status(), header);
            assertFalse((get.text() + post.text()).contains("evil"), header);
            var users = send(authorized("GET /users HTTP/1.1\r\n") + header + "\r\n\r\n");
            assertEquals(403, users.status(), header);
            var nobody = send("GET /users HTTP/1.1\r\n" + HOST + header + "\r\n\r\n");
            assertEquals(401, nobody.status(), header);
        }
        var list = send(authorized("GET /tasks?limit=1 HTTP/1.1\r\n") + "X-Forwarded-Host: evil.example\r\n\r\n");
        assertFalse(list.text().contains("evil"));
    }

    @Test
    void noTextOfAClientBreaksALineOfTheLog() throws IOException {
        var fake = "\n2026-01-01 ERROR fake\u001b[31m";
        var made = post("application/json", "{\"title\": \"\\n2026-01-01 ERROR fake\\u001b[31m\"}");
        assertEquals(201, made.status(), made.text());
        var kept = server.get(made.header("Location").orElseThrow(), person.token());
        assertEquals(fake, kept.json().get("title").asText());
        send(authorized("GET /tasks/%0a2026-01-01%20ERROR%20fake%1b%5b31m?q=%0afake HTTP/1.1\r\n") + "\r\n");
        send("GET / HTTP/1.1\r\n" + HOST + "User-Agent: a\n2026-01-01 ERROR fake\r\n\r\n");
        send("GET / HTTP/1.1\r\n" + HOST + "X-Request-Id: a\u001b[31m\r\n\r\n");
        send("FAKE\u001b[31m / HTTP/1.1\r\n" + HOST + "\r\n");
        send("GET /\u00ff\u0085 HTTP/1.1\r\n" + HOST + "\r\n");
        for (var entry : new ArrayList<>(server.accessLog())) {
            for (var text : List.of(entry.requestId(), entry.method(), entry.path(), entry.caller(), entry.route())) {
                assertTrue(text.chars().noneMatch(c -> c < ' ' || (c >= 0x7f && c <= 0x9f)), entry.toString());
            }
        }
    }
}
