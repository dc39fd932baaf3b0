package dev.heddle.logs;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The log over HTTP, for administrators, and nothing but the log. */
class LogRoutesIT {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final String CONTENT = "one\ntwo\nthree ä\n";

    private static TestServer server;
    private static Path logs;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        server = TestServer.start();
        var log = server.log("heddle.log", CONTENT);
        logs = server.directory().resolve("logs");
        Files.setLastModifiedTime(log, FileTime.from(Instant.parse("2026-01-02T03:04:05Z")));
        var old = server.log("heddle.log.1", "x".repeat(1023).concat("\n").repeat(1500));
        Files.setLastModifiedTime(old, FileTime.from(Instant.parse("2026-01-01T03:04:05Z")));
        Files.createSymbolicLink(logs.resolve("token.log"), Path.of("../admin-token"));
        Files.createSymbolicLink(logs.resolve("self.log"), Path.of("heddle.log"));
        Files.createSymbolicLink(logs.resolve("zero.log"), Path.of("/dev/zero"));
        Files.createSymbolicLink(logs.resolve("nowhere.log"), Path.of("none"));
        Files.createDirectory(logs.resolve("directory.log"));
        Files.createSymbolicLink(logs.resolve("up"), Path.of(".."));
        Files.writeString(logs.resolve(".hidden"), "x");
        Files.writeString(logs.resolve("nul.log"), "x");
        Files.writeString(logs.resolve("end. "), "x");
        assertEquals(
                0,
                new ProcessBuilder("mkfifo", logs.resolve("pipe.log").toString())
                        .start()
                        .waitFor());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply get(String path, String... headers) {
        return server.send("GET", path, server.adminToken(), null, headers);
    }

    private static Reply text(String path, String... headers) {
        var all = new String[headers.length + 2];
        all[0] = "Accept";
        all[1] = "text/plain";
        System.arraycopy(headers, 0, all, 2, headers.length);
        return get(path, all);
    }

    // Names

    /** As it is on the wire; no HTTP client would send the half of these. */
    private static ObjectNode missing(String path) throws IOException {
        var reply = RawHttp.exchange(
                server.port(),
                "GET " + path + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + server.adminToken() + "\r\n\r\n");
        assertEquals(404, reply.status(), path + "\n" + reply.text());
        assertEquals("no-store", reply.header("Cache-Control").orElse(""));
        assertEquals("application/problem+json", reply.header("Content-Type").orElse(""));
        var problem = (ObjectNode) MAPPER.readTree(reply.body());
        problem.remove(List.of("request_id", "instance"));
        return problem;
    }

    @ParameterizedTest
    @Timeout(10)
    @ValueSource(
            strings = {
                "/logs/",
                "/logs//",
                "/logs/.",
                "/logs/..",
                "/logs/...",
                "/logs/%2e",
                "/logs/%2e%2e",
                "/logs/%252e%252e%252f",
                "/logs/../admin-token",
                "/logs/..%2fadmin-token",
                "/logs/%2e%2e/admin-token",
                "/logs/%2e%2e%2fadmin-token",
                "/logs/../../etc/passwd",
                "/logs/..%2f..%2fetc%2fpasswd",
                "/logs/%2fetc%2fpasswd",
                "/logs//etc/passwd",
                "/logs/heddle.log/",
                "/logs/heddle.log/.",
                "/logs/./heddle.log",
                "/logs/up/admin-token",
                "/logs/up%2fadmin-token",
                "/logs/directory.log/../heddle.log",
                "/logs/..%5cadmin-token",
                "/logs/C:%5cwin.ini",
                "/logs/%5c%5chost%5cshare",
                "/logs/heddle.log%00",
                "/logs/%00",
                "/logs/heddle.log%00.txt",
                "/logs/%FF",
                "/logs/%C0%AE%C0%AE%C0%AFadmin-token",
                "/logs/NUL",
                "/logs/nul.log",
                "/logs/con.txt",
                "/logs/COM1",
                "/logs/heddle.log.",
                "/logs/heddle.log%20",
                "/logs/end.%20",
                "/logs/%20heddle.log",
                "/logs/heddle.log::$DATA",
                "/logs/heddle.log%0a",
                "/logs/heddle.log%E2%80%8B",
                "/logs/-rf",
                "/logs/*",
                "/logs/.hidden",
                "/logs/HEDDLE.LOG",
                "/logs/none.log",
                "/logs/token.log",
                "/logs/self.log",
                "/logs/zero.log",
                "/logs/nowhere.log",
                "/logs/pipe.log",
                "/logs/directory.log",
                "/logs/up"
            })
    void whateverIsNoLogIsMissingInTheSameWords(String path) throws IOException {
        var none = missing("/logs/none.log");
        assertEquals("Log file not found", none.get("detail").asText());
        assertEquals(none, missing(path));
    }

    /** The web server's own refusal: these are no names at all, and do not reach what has names. */
    @ParameterizedTest
    @ValueSource(strings = {"/logs/..\\admin-token", "/logs/%", "/logs/%zz", "/logs/a\0b"})
    void whatIsNoRequestIsRefusedAsEverywhere(String path) throws IOException {
        var reply = RawHttp.exchange(
                server.port(),
                "GET " + path + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + server.adminToken() + "\r\n\r\n");
        assertEquals(400, reply.status());
        var elsewhere = RawHttp.exchange(
                server.port(), "GET " + path.replace("/logs/", "/none/") + " HTTP/1.1\r\nHost: a\r\n\r\n");
        assertEquals(400, elsewhere.status());
    }

    @Test
    void aNameOfAnyLengthIsMissingUntilTheLineIsTooLong() throws IOException {
        assertEquals(missing("/logs/none.log"), missing("/logs/" + "a".repeat(255)));
        assertEquals(missing("/logs/none.log"), missing("/logs/" + "a".repeat(5000)));
        assertEquals(414, get("/logs/" + "a".repeat(9000)).status());
    }

    @Test
    void onlyAnAdministratorWithATokenForItReadsTheLog() {
        var admin = server.person("admin", "read", "write");
        var person = server.person();
        for (var path : List.of("/logs", "/logs/heddle.log", "/logs/none.log", "/logs/..%2fadmin-token", "/logs/")) {
            assertEquals(401, server.get(path, "").status());
            assertEquals(403, server.get(path, person.token()).status());
            assertEquals(403, server.get(path, admin.token()).status());
        }
        assertEquals(200, server.get("/logs", server.token(admin.id(), "admin")).status());
    }

    // The list

    @Test
    void theListHasTheLogsOnlyNewestFirst() {
        var list = get("/logs").json();
        assertEquals(List.of("heddle.log", "heddle.log.1"), list.findValuesAsText("name"));
        assertEquals(17, list.get(0).get("size").asLong());
        assertEquals(
                "2026-01-02T03:04:05.000000Z", list.get(0).get("modified_at").asText());
    }

    @Test
    void theListComesInPages() {
        var first = get("/logs?limit=1");
        assertEquals(List.of("heddle.log"), first.json().findValuesAsText("name"));
        var link = first.header("Link").orElseThrow();
        var next = get(link.substring(1, link.indexOf('>')));
        assertEquals(List.of("heddle.log.1"), next.json().findValuesAsText("name"));
        assertTrue(next.header("Link").isEmpty());
        assertEquals(List.of("heddle.log.1"), get("/logs?limit=1&skip=1").json().findValuesAsText("name"));
    }

    // One log

    @Test
    void aLogIsADocument() {
        var log = get("/logs/heddle.log");
        assertEquals(log(CONTENT, 17, false), log.json());
        assertEquals("no-store", log.header("Cache-Control").orElseThrow());
        assertEquals("Accept", log.header("Vary").orElseThrow());
        assertEquals(log(CONTENT, 17, false), get("/logs/heddle.log?tail=3").json());
        assertEquals(log("three ä\n", 17, true), get("/logs/heddle.log?tail=1").json());
    }

    private static JsonNode log(String content, long size, boolean truncated) {
        return MAPPER.createObjectNode()
                .put("content", content)
                .put("size", (int) size)
                .put("truncated", truncated);
    }

    @Test
    void ofALongLogTheDocumentHasTheEnd() {
        var log = get("/logs/heddle.log.1").json();
        assertEquals(1500 * 1024, log.get("size").asLong());
        assertEquals(1 << 20, log.get("content").asText().length());
        assertTrue(log.get("truncated").asBoolean());
        assertEquals(
                2 * 1024,
                get("/logs/heddle.log.1?tail=2").json().get("content").asText().length());
    }

    @Test
    void asPlainTextItIsWholeHoweverLong() {
        var log = text("/logs/heddle.log.1");
        assertEquals(1500 * 1024, log.raw().body().length);
        assertEquals("text/plain; charset=utf-8", log.header("Content-Type").orElseThrow());
        assertEquals("bytes", log.header("Accept-Ranges").orElseThrow());
        assertEquals("nosniff", log.header("X-Content-Type-Options").orElseThrow());
        assertEquals(
                "Fri, 02 Jan 2026 03:04:05 GMT",
                text("/logs/heddle.log").header("Last-Modified").orElseThrow());
        assertEquals(CONTENT, text("/logs/heddle.log").text());
    }

    @Test
    void headHasTheHeadersOfGet() {
        for (var type : List.of("text/plain", "application/json")) {
            var get = get("/logs/heddle.log", "Accept", type);
            var head = server.send("HEAD", "/logs/heddle.log", server.adminToken(), null, "Accept", type);
            assertEquals(200, head.status());
            assertEquals("", head.text());
            for (var name : List.of("Content-Length", "Content-Type", "ETag", "Vary", "Accept-Ranges")) {
                assertEquals(get.header(name), head.header(name), name);
            }
        }
        assertEquals(
                404,
                server.send("HEAD", "/logs/pipe.log", server.adminToken(), null).status());
    }

    @Test
    void partsOfThePlainTextCanBeHad() {
        var part = text("/logs/heddle.log", "Range", "bytes=4-6");
        assertEquals(206, part.status());
        assertEquals("two", part.text());
        assertEquals("bytes 4-6/17", part.header("Content-Range").orElseThrow());
        assertEquals("three ä\n", text("/logs/heddle.log", "Range", "bytes=-9").text());
        assertEquals("ee ä\n", text("/logs/heddle.log", "Range", "bytes=11-99").text());
        var several = text("/logs/heddle.log", "Range", "bytes=0-2,8-12");
        assertEquals(206, several.status());
        assertTrue(several.header("Content-Type").orElseThrow().startsWith("multipart/byteranges"));
        assertTrue(
                several.text().contains("\r\n\r\none\r\n--") && several.text().contains("\r\n\r\nthree\r\n--"));
        var none = text("/logs/heddle.log", "Range", "bytes=17-");
        assertEquals(416, none.status());
        assertEquals("bytes */17", none.header("Content-Range").orElseThrow());
        assertEquals(200, get("/logs/heddle.log", "Range", "bytes=4-6").status(), "the document has no parts");
    }

    @Test
    void whoHasItIsToldAndAPartOfAnotherVersionIsNotSent() throws IOException {
        var file = server.log("growing.log", "one\n");
        var tag = text("/logs/growing.log").header("ETag").orElseThrow();
        assertEquals(304, text("/logs/growing.log", "If-None-Match", tag).status());
        assertEquals(
                206,
                text("/logs/growing.log", "Range", "bytes=1-", "If-Range", tag).status());
        Files.writeString(file, "two\n", StandardOpenOption.APPEND);
        var grown = text("/logs/growing.log", "If-None-Match", tag);
        assertEquals("one\ntwo\n", grown.text());
        assertNotEquals(tag, grown.header("ETag").orElseThrow());
        assertEquals(
                200,
                text("/logs/growing.log", "Range", "bytes=1-", "If-Range", tag).status());
        assertEquals(412, text("/logs/growing.log", "If-Match", tag).status());
        Files.delete(file);
        assertEquals(404, text("/logs/growing.log").status());
    }

    @Test
    void theTailOfPlainTextIsARangeAndOtherFormsThereAreNot() {
        assertEquals(422, text("/logs/heddle.log?tail=1").status());
        assertEquals(406, get("/logs/heddle.log", "Accept", "text/html").status());
        for (var tail : List.of("0", "-1", "10001", "x", "")) {
            assertEquals(422, get("/logs/heddle.log?tail=" + tail).status());
        }
    }

    @Test
    void nothingStaysOpenBehindAnAnswer() throws IOException {
        for (int i = 0; i < 50; i++) {
            text("/logs/heddle.log", "Range", "bytes=17-");
            text("/logs/heddle.log", "If-None-Match", "*");
            text("/logs/heddle.log", "If-Match", "\"x\"");
            server.send("HEAD", "/logs/heddle.log", server.adminToken(), null, "Accept", "text/plain");
            get("/logs/heddle.log?tail=1");
        }
        await().atMost(Duration.ofSeconds(5)).until(() -> openedLogs() == 0);
    }

    /** Of the server's process, by the files that the system says it has open. */
    private static long openedLogs() throws IOException {
        var real = logs.toRealPath().resolve("heddle.log");
        try (var open = Files.newDirectoryStream(Path.of("/proc", String.valueOf(server.pid()), "fd"))) {
            long count = 0;
            for (var entry : open) {
                count += isLinkTo(entry, real) ? 1 : 0;
            }
            return count;
        }
    }

    private static boolean isLinkTo(Path entry, Path file) {
        try {
            return Files.readSymbolicLink(entry).equals(file);
        } catch (IOException e) {
            // Closed meanwhile.
            return false;
        }
    }
}
