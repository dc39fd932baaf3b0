package dev.heddle.http;

import static dev.heddle.http.HostileRequest.AUTHORIZED;
import static dev.heddle.http.HostileRequest.closes;
import static dev.heddle.http.HostileRequest.stays;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.testing.Form;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Documents, forms, ranges and addresses that were made to do harm. {@link HostileRequestsIT} has more of them. */
class HostileBodiesIT {

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

    private static String post(String path, String type, String body) {
        return "POST " + path + " HTTP/1.1\r\n" + AUTHORIZED + "Content-Type: " + type + "\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body;
    }

    private static String json(String body) {
        return post("/tasks", "application/json", body);
    }

    // ---- JSON ----

    static Stream<HostileRequest> documents() {
        var broken = Stream.of(
                        "{\"title\": \"x\"",
                        "{\"title\": \"x",
                        "{\"title\": ",
                        "{\"title\"",
                        "{",
                        "}",
                        "{\"title\": \"x\"}}",
                        "{\"title\": \"x\"}{\"title\": \"y\"}",
                        "{\"title\": \"x\"}\n{\"title\": \"y\"}",
                        "{\"title\": \"x\"},",
                        "{\"title\": \"x\"}\0",
                        "\0{\"title\": \"x\"}",
                        "\u000b{\"title\": \"x\"}",
                        "\u00c2\u00a0{\"title\": \"x\"}",
                        "{\"title\": \"a\0b\"}",
                        "{\"title\": \"a\nb\"}",
                        "{\"title\": \"a\tb\"}",
                        "{\"title\": \"\\x41\"}",
                        "{\"title\": \"\\u00\"}",
                        "{\"title\": \"\\uzzzz\"}",
                        "{\"title\": \"\\'\"}",
                        "{\"title\": 'x'}",
                        "{\"title\": x}",
                        "{\"title\": undefined}",
                        "{\"title\": True}",
                        "{\"priority\": 01}",
                        "{\"priority\": +1}",
                        "{\"priority\": .5}",
                        "{\"priority\": 1.}",
                        "{\"priority\": 1e}",
                        "{\"priority\": 0x1}",
                        "{\"priority\": 1_0}",
                        "{\"priority\": -}",
                        "{\"priority\": --1}",
                        "{\"priority\": Infinity}",
                        "{\"priority\": -Infinity}",
                        "{\"priority\": " + "1".repeat(1_000) + "}",
                        "{\"priority\": 1." + "1".repeat(1_000) + "}",
                        "{\"priority\": 1e99999999999999999999}",
                        "{\"labels\": [\"a\",]}",
                        "{\"labels\": [,]}",
                        "{\"labels\": [\"a\" \"b\"]}",
                        "{\"title\" \"x\"}",
                        "{\"title\": \"x\" \"priority\": 1}",
                        "{1: 2}",
                        "{null: 1}",
                        "/* x */ {\"title\": \"x\"}",
                        "# x\n{\"title\": \"x\"}",
                        "\u00ef\u00bb\u00bf{\"title\": \"x\"}",
                        "{\"title\": \"\u00ff\"}",
                        "{\"title\": \"\u00c0\u0080\"}",
                        "{\"title\": \"\u00ed\u00a0\u0080\"}",
                        "{\"title\": \"\u00f4\u0090\u0080\u0080\"}",
                        "{\"title\": \"\u00f8\u0088\u0080\u0080\u0080\"}",
                        "[".repeat(100_000),
                        "[".repeat(33) + "]".repeat(33),
                        "{\"a\":".repeat(100_000),
                        "{\"a\":".repeat(40) + "1" + "}".repeat(40),
                        "[{\"a\":".repeat(50_000),
                        "\"" + "a".repeat(400_000),
                        "{\"" + "a".repeat(60_000) + "\": 1}")
                .map(body ->
                        stays(400, "a document like " + body.substring(0, Math.min(40, body.length())), json(body)));
        var invalid = Stream.of(
                        "{\"title\": \"\\u0000\"}",
                        "{\"title\": \"\\ud800\"}",
                        "{\"title\": \"\\udc00\\ud800\"}",
                        "{\"\\u0000\": 1, \"title\": \"x\"}",
                        "{\"title\": \"\"}",
                        "{\"title\": \"" + "x".repeat(201) + "\"}",
                        "{\"title\": {\"$ne\": null}}",
                        "{\"title\": [\"x\"]}",
                        "{\"title\": 1}",
                        "{\"title\": true}",
                        "{\"title\": \"x\", \"title\": \"y\"}",
                        "{\"title\": \"x\", \"\\u0074itle\": \"y\"}",
                        "{\"title\": \"x\", \"Title\": \"y\"}",
                        "{\"title\": \"x\", \"title \": \"y\"}",
                        "{\"title\": \"x\", \"__proto__\": {\"admin\": true}}",
                        "{\"title\": \"x\", \"constructor\": {}}",
                        "{\"title\": \"x\", \"@type\": \"java.net.URL\"}",
                        "{\"title\": \"x\", \"\": 1}",
                        "{\"title\": \"x\", \"priority\": 1.5}",
                        "{\"title\": \"x\", \"priority\": 1e400}",
                        "{\"title\": \"x\", \"priority\": 1e999999999}",
                        "{\"title\": \"x\", \"priority\": -1}",
                        "{\"title\": \"x\", \"priority\": 99999999999999999999}",
                        "{\"title\": \"x\", \"priority\": \"1\"}",
                        "{\"title\": \"x\", \"labels\": \"a\"}",
                        "{\"title\": \"x\", \"labels\": [1]}",
                        "{\"title\": \"x\", \"labels\": [[\"a\"]]}",
                        "{\"title\": \"x\", \"labels\": [null]}",
                        "{\"title\": \"x\", \"labels\": [\"a\", \"a\"]}",
                        "{\"title\": \"x\", \"labels\": ["
                                + Stream.generate(() -> "0").limit(21).collect(Collectors.joining(",")) + "]}",
                        "{\"title\": \"x\", \"due_at\": \"tomorrow\"}",
                        "{\"title\": \"x\", \"due_at\": \"2026-02-30T00:00:00Z\"}",
                        "{\"title\": \"x\", \"due_at\": \"+999999-01-01T00:00:00Z\"}",
                        "{\"title\": \"x\", \"due_at\": 0}",
                        "[".repeat(20) + "]".repeat(20),
                        "[{\"title\": \"x\"}]",
                        "null",
                        "0",
                        "\"{}\"",
                        "{}")
                .map(body ->
                        stays(422, "a document like " + body.substring(0, Math.min(50, body.length())), json(body)));
        var assigned = Stream.of(
                        "\"id\": \"0199a3f0-1234-7abc-8def-0123456789ab\"",
                        "\"owner_id\": \"admin\"",
                        "\"completed\": true",
                        "\"completed_at\": \"2026-01-01T00:00:00Z\"",
                        "\"created_at\": \"2026-01-01T00:00:00Z\"",
                        "\"updated_at\": \"2026-01-01T00:00:00Z\"",
                        "\"version\": 7",
                        "\"role\": \"admin\"")
                .map(member -> stays(422, "a task with " + member, json("{\"title\": \"x\", " + member + "}")));
        var large = Stream.of("{" + "\"a\":0,".repeat(1_000_000) + "\"a\":0}", "[" + "1,".repeat(600_000) + "1]")
                .map(body -> closes(413, body.length() + " bytes of JSON", json(body)));
        return Stream.of(broken, invalid, assigned, large).flatMap(all -> all);
    }

    @ParameterizedTest
    @MethodSource("documents")
    void aDocumentThatIsNoneOrNotAllowedWritesNothing(HostileRequest request) throws IOException {
        var count = server.get("/tasks/count", person.token()).text();
        request.check(server, person);
        assertEquals(count, server.get("/tasks/count", person.token()).text());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"id\": \"0199a3f0-1234-7abc-8def-0123456789ab\"",
                "\"user_id\": \"admin\"",
                "\"owner_id\": \"admin\"",
                "\"completed\": true",
                "\"completed_at\": \"2026-01-01T00:00:00Z\"",
                "\"created_at\": \"2026-01-01T00:00:00Z\"",
                "\"updated_at\": null",
                "\"version\": 7"
            })
    void aPatchAssignsNothingThatIsTheServers(String member) throws IOException {
        var task = server.task(person, "{\"title\": \"x\"}");
        var path = "/tasks/" + task.get("id").asText();
        var body = "{\"title\": \"other\", " + member + "}";
        stays(422, member, post(path, "application/merge-patch+json", body).replaceFirst("POST", "PATCH"))
                .check(server, person);
        assertEquals(task, server.get(path, person.token()).json());
    }

    // ---- Rows ----

    static Stream<HostileRequest> rows() {
        var csv = Stream.of(
                        "",
                        "title\n\"x",
                        "title\nx,y",
                        "title,title\nx,y",
                        "title,id\nx,y",
                        "priority\n1",
                        "title\n\0",
                        "title\n\u00ff",
                        "title\n\"x\"y",
                        "\u00ef\u00bb\u00bf\u00ef\u00bb\u00bftitle\nx",
                        "title\n" + "x".repeat(100_000))
                .map(body -> stays(
                        400,
                        "rows like " + body.substring(0, Math.min(30, body.length())),
                        post("/process", "text/csv", body)));
        var ndjson = Stream.of(
                        "{",
                        "{\"title\": \"x\"}\n{",
                        "{\"title\": \"x\"} {\"title\": \"y\"}",
                        "[{\"title\": \"x\"}]",
                        "null",
                        "{\"title\": \"x\", \"title\": \"y\"}",
                        "{\"title\": \"x\", \"id\": 1}",
                        "{\"title\": \"\\u0000\"}",
                        "{\"title\": \"\u00ff\"}",
                        "[".repeat(100_000))
                .map(body -> stays(
                        400,
                        "lines like " + body.substring(0, Math.min(30, body.length())),
                        post("/process", "application/x-ndjson", body)));
        return Stream.concat(csv, ndjson);
    }

    @ParameterizedTest
    @MethodSource("rows")
    void rowsOfWhichOneIsBadAreNotImported(HostileRequest request) throws IOException {
        aDocumentThatIsNoneOrNotAllowedWritesNothing(request);
    }

    // ---- Ranges ----

    @Test
    void aRangeCostsNoMoreThanTheFile() throws IOException {
        stays(201, "an upload", post("/upload", Form.TYPE, Form.of("ranges.txt", "0123456789")))
                .check(server, person);
        for (var range : List.of(
                "200 bytes="
                        + Stream.iterate(0, i -> i + 2)
                                .limit(1_000)
                                .map(i -> i + "-" + i)
                                .collect(Collectors.joining(",")),
                "200 bytes=" + "0-,".repeat(1_000) + "0-",
                "200 bytes=9-1",
                "200 bytes=-",
                "200 bytes=a-b",
                "200 bytes=0x0-0x1",
                "200 bytes=1-2-3",
                "200 bytes= ",
                "200 bytes",
                "200 lines=0-1",
                "206 bytes=-1",
                "206 bytes=0-0,1-1,0-9",
                "206 bytes=-99999999999999999999",
                "206 bytes=0-99999999999999999999",
                "206 bytes=0-0, 99-",
                "416 bytes=10-",
                "416 bytes=-0",
                "416 bytes=99999999999999999999-",
                "416 bytes=10-10,11-11")) {
            var get =
                    "GET /download/ranges.txt HTTP/1.1\r\n" + AUTHORIZED + "Range: " + range.substring(4) + "\r\n\r\n";
            stays(Integer.parseInt(range.substring(0, 3)), range.substring(0, Math.min(30, range.length())), get)
                    .check(server, person);
        }
    }

    // ---- Addresses of others ----

    @Test
    void noAddressIsAskedThatNobodyHasAllowedAndAllAreRefusedAlike() {
        var urls = Stream.of(
                        "http://127.0.0.1:%d/",
                        "http://localhost:%d/",
                        "http://LOCALHOST.:%d/",
                        "http://[::1]:%d/",
                        "http://[0:0:0:0:0:0:0:1]:%d/",
                        "http://[::]:%d/",
                        "http://0:%d/",
                        "http://0.0.0.0:%d/",
                        "http://127.1:%d/",
                        "http://127.0.1:%d/",
                        "http://2130706433:%d/",
                        "http://0x7f000001:%d/",
                        "http://0x7f.1:%d/",
                        "http://0177.0.0.1:%d/",
                        "http://017700000001:%d/",
                        "http://127.000.000.001:%d/",
                        "http://[::ffff:127.0.0.1]:%d/",
                        "http://[::ffff:7f00:1]:%d/",
                        "http://[::127.0.0.1]:%d/",
                        "http://[64:ff9b::7f00:1]:%d/",
                        "http://[2002:7f00:1::]:%d/",
                        "http://[fd00::1]:%d/",
                        "http://[fe80::1%%25eth0]:%d/",
                        "http://169.254.169.254/latest/",
                        "http://100.64.0.1/",
                        "http://10.0.0.1/",
                        "http://172.16.0.1/",
                        "http://192.168.0.1/",
                        "http://192.0.0.1/",
                        "http://198.18.0.1/",
                        "http://224.0.0.1/",
                        "http://240.0.0.1/",
                        "http://255.255.255.255/",
                        "http://me@127.0.0.1:%d/",
                        "http://127.0.0.1:%d#@evil.example/",
                        "http://evil.example\\@127.0.0.1:%d/",
                        "http://127.0.0.1%%00.evil.example:%d/",
                        "http://\u2460\u2461\u2466.0.0.1:%d/",
                        "http://127\u30020.0.1:%d/",
                        "http:127.0.0.1:%d/",
                        "http:///127.0.0.1:%d/",
                        "//127.0.0.1:%d/",
                        "HTTP://127.0.0.1:%d/",
                        " http://127.0.0.1:%d/",
                        "http://127.0.0.1:%d/\r\nHost: x",
                        "http://127.0.0.1:0/",
                        "http://127.0.0.1:65536/",
                        "http://127.0.0.1:-1/",
                        "https://127.0.0.1:%d/",
                        "file:///etc/passwd",
                        "unix:/var/run/docker.sock",
                        "gopher://127.0.0.1:%d/",
                        "ftp://127.0.0.1/",
                        "jar:http://127.0.0.1!/",
                        "data:text/plain,x",
                        "")
                .map(url -> url.formatted(server.port()))
                .toList();
        var body = urls.stream()
                .map(url ->
                        "\"" + url.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n") + "\"")
                .collect(Collectors.joining(",", "{\"urls\": [", "]}"));
        var items = server.send("POST", "/batch", person.token(), body);
        assertEquals(200, items.status(), items::text);
        var errors = new HashSet<JsonNode>();
        items.json().forEach(item -> errors.add(item.path("error")));
        assertEquals(urls.size(), items.json().size());
        assertEquals(1, errors.size(), errors.toString());
        assertEquals("url-refused", errors.iterator().next().get("code").asText());
    }
}
