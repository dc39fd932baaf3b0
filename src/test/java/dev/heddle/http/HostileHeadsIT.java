package dev.heddle.http;

import static dev.heddle.http.HostileRequest.AUTHORIZED;
import static dev.heddle.http.HostileRequest.HOST;
import static dev.heddle.http.HostileRequest.JSON;
import static dev.heddle.http.HostileRequest.closes;
import static dev.heddle.http.HostileRequest.stays;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.testing.RawConnection;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Request lines and headers that no honest client sends. */
class HostileHeadsIT {

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

    // ---- Methods ----

    static Stream<HostileRequest> methods() {
        var refused = Stream.of(
                        "FOO", "TRACE", "CONNECT", "PROPFIND", "PATCH", "DELETE", "PRI", "GET_", "G.T", "M".repeat(200))
                .map(method ->
                        stays(405, "the method " + method, method + " /tasks HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var none = Stream.of(
                        "G(E)T",
                        "G\u00c9T",
                        "G\0T",
                        "G\tT",
                        "\"GET\"",
                        "GET,POST",
                        "{GET}",
                        "",
                        " GET",
                        "\u001bGET",
                        "G\\T")
                .map(method -> closes(
                        400, "the method '" + method + "'", method + " /tasks HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var small = Stream.of("get", "Get", "gET", "geT", "post", "foo", "patch")
                .map(method ->
                        closes(501, "the method " + method, method + " /tasks HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var tls = closes(400, "a hello of TLS", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003");
        var endless = closes(414, "a method without an end", "G".repeat(9_000));
        return Stream.of(refused, none, small, Stream.of(tls, endless)).flatMap(all -> all);
    }

    // ---- Targets ----

    static Stream<HostileRequest> targets() {
        var missing = Stream.of(
                        "//tasks",
                        "///tasks",
                        "/./tasks",
                        "/../tasks",
                        "/tasks/..",
                        "/x/../tasks",
                        "/tasks/",
                        "/tasks//",
                        "/tasks;jsessionid=1",
                        "/TASKS",
                        "/%74asks",
                        "/tasks%2f",
                        "/tasks%00",
                        "/tasks/%00",
                        "/tasks/%0d%0aX:%20y",
                        "/tasks/%c0%ae%c0%ae",
                        "/tasks/%c0%af",
                        "/tasks/%e0%80%af",
                        "/tasks/%f0%80%80%af",
                        "/tasks/%ed%a0%80",
                        "/tasks/%ff",
                        "/tasks/%fe%ff",
                        "/tasks/%5c",
                        "/tasks/%2e%2e",
                        "/tasks/%252e%252e",
                        "/tasks/%25",
                        "*",
                        "?limit=1",
                        "tasks",
                        "a",
                        "a:80",
                        "example.com:443",
                        "file:///etc/passwd",
                        "ftp://a/tasks",
                        "javascript:alert(1)",
                        "http:/tasks",
                        "http:///tasks",
                        "//evil.example/tasks",
                        "/.env",
                        "/.git/config",
                        "/metrics",
                        "/health",
                        "/health/ready",
                        "/observe",
                        "/observe/config",
                        "/openapi",
                        "/admin",
                        "/actuator/env",
                        "/server-status",
                        "/WEB-INF/web.xml",
                        "/etc/passwd",
                        "/cgi-bin/a")
                .map(target ->
                        stays(404, "the target " + target, "GET " + target + " HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var none = Stream.of(
                        "/tasks#part",
                        "/tasks?a#b",
                        "/ta\\sks",
                        "\\tasks",
                        "/tas\u00e4ks",
                        "/tasks?q=\u00e4",
                        "/tasks\0",
                        "/tasks?q=\0",
                        "/tasks\t",
                        "/tasks\u000b",
                        "/tasks\u007f",
                        "/tasks/a b",
                        "/tasks?q=a b",
                        "/tasks/%",
                        "/tasks/%z",
                        "/tasks/%zz",
                        "/tasks/%1",
                        "/tasks/%u0041",
                        "/tasks?q=%",
                        "/tasks?q=%zz",
                        "/tasks?%=1",
                        "/tasks?q=<script>",
                        "/tasks?q=[",
                        "/tasks?q=\"",
                        "/tasks|id",
                        "/tasks`id`",
                        "/tasks{a}",
                        "/tasks^",
                        "#",
                        "[::1]:80",
                        "http:",
                        "http://",
                        "")
                .map(target -> closes(
                        400, "the target '" + target + "'", "GET " + target + " HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var queries = Stream.of("q=%ff", "q=%c0%af", "%e9=1")
                .map(query -> stays(
                        400, "the query " + query, "GET /tasks?" + query + " HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var parameters = Stream.of(
                        "q=%00",
                        "limit=1&limit=1",
                        "limit=%2B1",
                        "limit=+1",
                        "limit=0x1",
                        "limit=1.0",
                        "limit=1e1",
                        "limit=%D9%A1",
                        "limit=",
                        "limit",
                        "limit=-1",
                        "limit=0",
                        "limit=101",
                        "limit=99999999999999999999",
                        "skip=9223372036854775807",
                        "skip=-1",
                        "limit[]=1".replace("[]", "%5B%5D"),
                        "Limit=1",
                        "__proto__=1",
                        "=",
                        "completed=TRUE",
                        "completed=1",
                        "priority=5",
                        "user_id=",
                        "due_before=yesterday",
                        "cursor=",
                        "cursor=" + "A".repeat(5_000))
                .map(query -> stays(
                        422,
                        "the query " + query.substring(0, Math.min(40, query.length())),
                        "GET /tasks?" + query + " HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var good = Stream.of(
                        "http://evil.example/tasks",
                        "https://evil.example:1/tasks?limit=1",
                        "HTTP://EVIL/tasks",
                        "http://user:secret@evil.example/tasks",
                        "/tasks?",
                        "/tasks?&&")
                .map(target ->
                        stays(200, "the target " + target, "GET " + target + " HTTP/1.1\r\n" + AUTHORIZED + "\r\n"));
        var long_ = closes(414, "a long target", "GET /tasks?q=" + "a".repeat(9_000) + " HTTP/1.1\r\n" + HOST + "\r\n");
        return Stream.of(missing, none, queries, parameters, good, Stream.of(long_))
                .flatMap(all -> all);
    }

    // ---- Headers ----

    static Stream<HostileRequest> lineEnds() {
        return Stream.of(
                closes(400, "bare LF everywhere", "GET /problems HTTP/1.1\nHost: a\n\n"),
                closes(400, "bare LF after the first line", "GET /problems HTTP/1.1\nHost: a\r\n\r\n"),
                closes(400, "bare LF after a header", "GET /problems HTTP/1.1\r\nHost: a\n\r\n"),
                closes(400, "bare LF at the end", "GET /problems HTTP/1.1\r\nHost: a\r\n\n"),
                closes(400, "bare CR after the first line", "GET /problems HTTP/1.1\rHost: a\r\n\r\n"),
                stays(200, "an empty line first", "\r\nGET /problems HTTP/1.1\r\nHost: a\r\n\r\n"),
                closes(400, "two empty lines first", "\r\n\r\nGET /problems HTTP/1.1\r\nHost: a\r\n\r\n"),
                stays(204, "the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
                stays(404, "nothing as a whole", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    static Stream<HostileRequest> headers() {
        var broken = Stream.of(
                        "X: a\0b",
                        "X: \0",
                        "X: a\nb",
                        "X: a\n",
                        "X: a\rb",
                        "X: a\r",
                        "X: a\u000bb",
                        "X: a\u0008b",
                        "X: a\u001b[31m",
                        "X: a\u007fb",
                        "X: a\r\n b",
                        "X: a\r\n\tb",
                        "X:\r\n a",
                        "X",
                        "X y",
                        ": a",
                        " : a",
                        "X : a",
                        "X\t: a",
                        " X: a",
                        "\tX: a",
                        "X Y: a",
                        "X(Y): a",
                        "X@Y: a",
                        "X/Y: a",
                        "X[0]: a",
                        "X\\Y: a",
                        "\"X\": a",
                        "{X}: a",
                        "X\u00e9: a",
                        "X\0: a",
                        "X\u007f: a",
                        "X\r: a",
                        "GET /problems/smuggled HTTP/1.1")
                .map(line ->
                        closes(400, "the header " + line, "GET /problems HTTP/1.1\r\n" + HOST + line + "\r\n\r\n"));
        var hosts = Stream.of(
                        "",
                        "Host:\r\n",
                        "Host: \r\n",
                        "Host: a\r\nHost: a\r\n",
                        "Host: a\r\nHost: b\r\n",
                        "Host: a\r\nhOsT: b\r\n",
                        "Host: a b\r\n",
                        "Host: a/b\r\n",
                        "Host: a\\b\r\n",
                        "Host: a?b\r\n",
                        "Host: a#b\r\n",
                        "Host: user@a\r\n",
                        "Host: user:secret@a\r\n",
                        "Host: http://a\r\n",
                        "Host: a:\r\n",
                        "Host: a:b\r\n",
                        "Host: a:-1\r\n",
                        "Host: a:65536\r\n",
                        "Host: a:99999\r\n",
                        "Host: a:99999999999999999999\r\n",
                        "Host: a:1:2\r\n",
                        "Host: :80\r\n",
                        "Host: [::1\r\n",
                        "Host: ::1\r\n",
                        "Host: [::g]\r\n",
                        "Host: [a]\r\n",
                        "Host: [a:b]:80\r\n",
                        "Host: a%\r\n",
                        "Host: a%zz\r\n",
                        "Host: a\0\r\n",
                        "Host: \u00e4\r\n",
                        "Host: <a>\r\n",
                        "Host: a\"\r\n")
                .map(host ->
                        closes(400, "the host '" + host.strip() + "'", "GET /problems HTTP/1.1\r\n" + host + "\r\n"));
        var large = Stream.of("X: " + "a".repeat(20_000) + "\r\n", "x".repeat(20_000) + ": a\r\n")
                .map(all -> stays(
                        431, all.length() + " bytes of headers", "GET /problems HTTP/1.1\r\n" + HOST + all + "\r\n"));
        var larger = Stream.of(
                        "X: " + "a".repeat(100_000),
                        "x".repeat(100_000) + ": a",
                        "x: y\r\n".repeat(3_000) + "x: y",
                        IntStream.range(0, 2_000).mapToObj(i -> "x" + i + ": y").collect(Collectors.joining("\r\n")))
                .map(lines -> closes(
                        431,
                        "headers of " + lines.length() + " bytes",
                        "GET /problems HTTP/1.1\r\n" + HOST + lines + "\r\n\r\n"));
        var good = Stream.of(
                        "Host: a:80",
                        "Host: a:0",
                        "Host: a:65535",
                        "Host: a.",
                        "Host: a,b",
                        "Host: 127.0.0.1",
                        "Host: [::1]:80",
                        "hOST: a",
                        "Host:a",
                        "Host:\ta\t",
                        "Host: a\r\nX: \u00e9",
                        "Host: a\r\nX:",
                        "Host: a\r\n!#$%&'*+-.^_`|~: a",
                        "Host: a\r\nConnection: keep-alive",
                        "Host: a\r\nConnection: Host",
                        "Host: a\r\n"
                                + "Upgrade: h2c\r\n"
                                + "Connection: Upgrade, HTTP2-Settings\r\n"
                                + "HTTP2-Settings: AAMAAABkAAQAAP__",
                        "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade",
                        "Host: a\r\nTE: trailers, deflate;q=0.5",
                        "Host: a\r\nX-Request-Id: " + "x".repeat(10_000),
                        "Host: a\r\ntraceparent: 00-zz",
                        "Host: a\r\nIf-None-Match: " + "\"a\",".repeat(2_000),
                        "Host: a\r\nAccept: " + "a/b;q=0.1,".repeat(1_000) + "*/*",
                        "Host: a\r\nCookie: a=b; a=b",
                        "Host: a\r\nOrigin: https://evil.example")
                .map(lines -> stays(
                        200,
                        "the headers " + lines.substring(0, Math.min(60, lines.length())),
                        "GET /problems HTTP/1.1\r\n" + lines + "\r\n\r\n"));
        return Stream.of(broken, hosts, large, larger, good).flatMap(all -> all);
    }

    @ParameterizedTest
    @MethodSource({"methods", "targets", "lineEnds", "headers"})
    void everyHeadHasItsOneAnswer(HostileRequest request) throws IOException {
        var answer = request.check(server, person);
        assertEquals(
                request.status() == 405 || request.status() == 204,
                answer.header("Allow").isPresent());
    }

    // ---- Times, types and conditions ----

    static Stream<HostileRequest> fields() {
        var get = "GET /tasks HTTP/1.1\r\n" + AUTHORIZED;
        var post = "POST /tasks HTTP/1.1\r\n" + AUTHORIZED;
        var task = "Content-Length: 14\r\n\r\n{\"title\": \"x\"}";
        var timeouts = Stream.of("0", "-1", "NaN", "Infinity", "1e3", "0x1", "99999999999", "1,2", "+1", " ", "\u0661")
                .map(value -> stays(400, "a timeout of " + value, get + "Request-Timeout: " + value + "\r\n\r\n"))
                .filter(row -> !row.what().endsWith(" "));
        var types = Stream.of(
                        "text/plain",
                        "text/json",
                        "application/jsonp",
                        "application/json, text/plain",
                        "application/json; charset=utf-16",
                        "application/json; charset=iso-8859-1",
                        "application/merge-patch+json",
                        "multipart/form-data; boundary=x",
                        "application/x-www-form-urlencoded",
                        "application/json\r\nContent-Type: text/plain",
                        "*/*",
                        "json",
                        ";",
                        "")
                .map(value -> stays(415, "the type " + value, post + "Content-Type: " + value + "\r\n" + task));
        var encodings = Stream.of("gzip", "deflate", "br", "x", "identity, gzip")
                .map(value -> closes(
                        415, "the encoding " + value, post + JSON + "Content-Encoding: " + value + "\r\n" + task));
        var accepted = Stream.of("text/html", "application/xml", "application/json;q=0", "x", "a/b, c/d", ";;;,,,")
                .map(value -> stays(406, "accepting " + value, get + "Accept: " + value + "\r\n\r\n"));
        var tokens = Stream.of(
                        "Bearer",
                        "Bearer ",
                        "Bearer x",
                        "Bearer {token}x",
                        "Bearer x{token}",
                        "Bearer {token} {token}",
                        "Basic {token}",
                        "{token}",
                        "Bearer {token}, Bearer {token}",
                        "Bearer \u00e9",
                        "Bearer " + "a".repeat(10_000),
                        "Bearer hdl_",
                        "Bearer null")
                .map(value -> stays(
                        401,
                        "the token " + value.substring(0, Math.min(30, value.length())),
                        "GET /tasks HTTP/1.1\r\n" + HOST + "Authorization: " + value + "\r\n\r\n"));
        var two = stays(401, "two tokens", get + "Authorization: Bearer {token}\r\n\r\n");
        return Stream.of(timeouts, types, encodings, accepted, tokens, Stream.of(two))
                .flatMap(all -> all);
    }

    @ParameterizedTest
    @MethodSource("fields")
    void everyFieldIsReadStrictly(HostileRequest request) throws IOException {
        request.check(server, person);
    }

    /** Nor may a token differ by a bit: the first, the last, and what each letter is not. */
    @Test
    void aTokenThatIsNearlyRightIsAsWrongAsAnyOther() throws IOException {
        var token = person.token();
        for (int at : new int[] {0, 4, 5, token.length() / 2, token.length() - 1}) {
            var other = token.substring(0, at) + (token.charAt(at) == 'A' ? 'B' : 'A') + token.substring(at + 1);
            stays(
                            401,
                            "another token",
                            "GET /tasks HTTP/1.1\r\n" + HOST + "Authorization: Bearer " + other + "\r\n\r\n")
                    .check(server, person);
        }
        for (var other : List.of(token.toUpperCase(Locale.ROOT), token.substring(1), token.substring(0, 20))) {
            stays(
                            401,
                            "another token",
                            "GET /tasks HTTP/1.1\r\n" + HOST + "Authorization: Bearer " + other + "\r\n\r\n")
                    .check(server, person);
        }
    }

    // ---- Clients that never come to the end of a head ----

    @ParameterizedTest
    @ValueSource(strings = {"G", "GET / HTTP/1.1\r\nHost: a\r\nX: "})
    void whatNeverBecomesAHeadIsCutWithinTheLimitOfHeads(String bytes) throws IOException {
        try (var impatient = TestServer.start(Map.of("SERVER_HEAD_TIMEOUT", "300ms"))) {
            try (var connection = RawConnection.to(impatient.port())) {
                assertEquals("", connection.send(bytes).rest().replace("(reset)", ""));
            }
            HostileRequest.theServerAnswers(impatient);
            assertEquals(1, impatient.metric("http_server_connections_ended_total{reason=\"head\"}"));
        }
    }

    /** A browser takes no answer for another site's, and a proxy's word is not believed. */
    @Test
    void noOriginIsLetInByDefault() throws IOException {
        for (var origin : List.of("https://evil.example", "null", "http://127.0.0.1:" + server.port())) {
            var answer = stays(200, origin, "GET /tasks HTTP/1.1\r\n" + AUTHORIZED + "Origin: " + origin + "\r\n\r\n")
                    .check(server, person);
            assertEquals(Optional.empty(), answer.header("Access-Control-Allow-Origin"));
            assertEquals(Optional.empty(), answer.header("Access-Control-Allow-Credentials"));
            var preflight = stays(
                            204,
                            origin,
                            "OPTIONS /tasks HTTP/1.1\r\n" + HOST + "Origin: " + origin
                                    + "\r\nAccess-Control-Request-Method: DELETE\r\n\r\n")
                    .check(server, person);
            assertEquals(Optional.empty(), preflight.header("Access-Control-Allow-Origin"));
        }
    }
}
