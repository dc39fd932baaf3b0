package dev.heddle.files;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import dev.heddle.testing.RawHttp;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files, from the form they come in to the bytes that are sent back. */
class FilesIT {

    private static TestServer server;
    private static HttpClient client;

    private Person person;

    @BeforeAll
    static void start() {
        server = TestServer.start(Map.of(
                "FILES_MAX_SIZE", "8MiB", "FILES_QUOTA", "20MiB", "FILES_MAX_FILES", "30", "FILES_KEEP_FREE", "0B"));
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    @BeforeEach
    void makePerson() {
        person = server.person();
    }

    @AfterEach
    void nothingIsLeftOnItsWayIn() {
        await().untilAsserted(() -> assertEquals(List.of(), incoming()));
    }

    /** What lies where uploads are received. */
    private static List<Path> incoming() throws IOException {
        return filesUnder(server.directory().resolve("files").resolve("incoming"));
    }

    private static List<Path> filesUnder(Path directory) throws IOException {
        try (var all = Files.walk(directory)) {
            return all.filter(file -> Files.isRegularFile(file) && !file.endsWith("lock"))
                    .toList();
        }
    }

    private static String encoded(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private Reply upload(String query, String body, String... headers) {
        var all = new ArrayList<>(List.of("Content-Type", Form.TYPE));
        all.addAll(List.of(headers));
        return server.send("POST", "/upload" + query, person.token(), body, all.toArray(String[]::new));
    }

    private Reply upload(String name, byte[] content) throws IOException, InterruptedException {
        return upload(BodyPublishers.ofByteArray(Form.bytes(name, content)));
    }

    private Reply upload(BodyPublisher body) throws IOException, InterruptedException {
        return new Reply(client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/upload"))
                        .header("Authorization", "Bearer " + person.token())
                        .header("Content-Type", Form.TYPE)
                        .POST(body)
                        .build(),
                BodyHandlers.ofByteArray()));
    }

    private Reply download(String name, String... headers) {
        return server.send("GET", "/download/" + encoded(name), person.token(), null, headers);
    }

    private static byte[] sha(String algorithm, byte[] content) {
        try {
            return MessageDigest.getInstance(algorithm).digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String field(String name, String algorithm, byte[] content) {
        return name + "=:" + Base64.getEncoder().encodeToString(sha(algorithm, content)) + ":";
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] random(int size) {
        var content = new byte[size];
        new Random(size).nextBytes(content);
        return content;
    }

    // ---- There and back ----

    @Test
    void whatWasUploadedIsDownloadedByteForByte() throws IOException, InterruptedException {
        for (int size : List.of(0, 1, 8_191, 8_192, 65_536, 5_000_000)) {
            var content = random(size);
            var name = size + ".bin";
            var made = upload(name, content);
            assertEquals(201, made.status(), made::text);
            assertEquals(size, made.json().get("size").asLong());
            assertEquals(
                    HexFormat.of().formatHex(sha("SHA-256", content)),
                    made.json().get("sha256").asText());
            var back = download(name);
            assertEquals(200, back.status());
            assertArrayEquals(content, back.raw().body(), size + " bytes");
            assertEquals(String.valueOf(size), back.header("Content-Length").orElse(""));
        }
    }

    @Test
    void aBodyInChunksIsTheSameFile() throws IOException, InterruptedException {
        var content = random(3_000_001);
        var body = Form.bytes("chunks.bin", content);
        var made = upload(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)));
        assertEquals(201, made.status(), made::text);
        assertArrayEquals(content, download("chunks.bin").raw().body());
    }

    @Test
    void contentThatLooksLikeTheEndOfTheFormIsContent() throws IOException, InterruptedException {
        for (var trap : List.of(
                "\r\n--" + Form.BOUNDARY.substring(0, 10),
                "\r\n--" + Form.BOUNDARY.substring(0, Form.BOUNDARY.length() - 1) + "x",
                "--" + Form.BOUNDARY + "--",
                "\r\n--\r\n--" + Form.BOUNDARY.charAt(0),
                "\r\n\r\n\r\n")) {
            var content = utf8(trap.repeat(5000));
            var name = "trap-" + trap.hashCode() + ".bin";
            assertEquals(201, upload(name, content).status());
            assertArrayEquals(content, download(name).raw().body());
        }
    }

    @Test
    void theAnswerSaysWhatIsKeptAndWhere() {
        var made = upload("", Form.of("notes.txt", "warp"));
        assertEquals("notes.txt", made.json().get("filename").asText());
        assertEquals("text/plain", made.json().get("content_type").asText());
        assertEquals("/download/notes.txt", made.header("Location").orElse(""));
        assertEquals(
                "\"" + made.json().get("sha256").asText() + "\"",
                made.header("ETag").orElse(""));
        assertEquals(made.json(), server.get("/files", person.token()).json().get(0));
    }

    @Test
    void aDownloadIsAnAttachmentThatABrowserRunsNothingOf() {
        upload("", Form.of("notes.txt", "warp"));
        var back = download("notes.txt");
        assertEquals(
                "attachment; filename=\"notes.txt\"; filename*=UTF-8''notes.txt",
                back.header("Content-Disposition").orElse(""));
        assertEquals("text/plain", back.header("Content-Type").orElse(""));
        assertEquals("nosniff", back.header("X-Content-Type-Options").orElse(""));
        assertEquals(
                "default-src 'none'; sandbox",
                back.header("Content-Security-Policy").orElse(""));
        assertEquals("bytes", back.header("Accept-Ranges").orElse(""));
        assertEquals("private, no-cache", back.header("Cache-Control").orElse(""));
        assertEquals(
                field("sha-256", "SHA-256", utf8("warp")),
                back.header("Repr-Digest").orElse(""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/html",
                "image/svg+xml",
                "TEXT/HTML; charset=utf-8",
                "application/xhtml+xml",
                "text/javascript"
            })
    void whatABrowserWouldRunIsSentAsBytes(String type) {
        var form = Form.head("name=\"file\"; filename=\"page\"", "Content-Type: " + type + "\r\n") + "<script>"
                + Form.end();
        assertEquals(201, upload("", form).status());
        var back = download("page");
        assertEquals("application/octet-stream", back.header("Content-Type").orElse(""));
        assertEquals("<script>", back.text());
    }

    @Test
    void aTypeThatIsNoneIsBytes() {
        for (var type : List.of(
                "",
                "Content-Type: nonsense\r\n",
                "Content-Type: a/b c\r\n",
                "Content-Type: a/" + "b".repeat(200) + "\r\n")) {
            var made = upload("?overwrite=true", Form.head("name=\"file\"; filename=\"x\"", type) + "x" + Form.end());
            assertEquals(201, made.status(), made::text);
            assertEquals(
                    "application/octet-stream", made.json().get("content_type").asText());
        }
    }

    @Test
    void partsAndConditionsAreThoseOfHttp() {
        var tag = upload("", Form.of("digits", "0123456789")).header("ETag").orElseThrow();
        var part = download("digits", "Range", "bytes=2-4");
        assertEquals(206, part.status());
        assertEquals("234", part.text());
        assertEquals("bytes 2-4/10", part.header("Content-Range").orElse(""));
        assertEquals(
                field("sha-256", "SHA-256", utf8("0123456789")),
                part.header("Repr-Digest").orElse(""));
        assertEquals(304, download("digits", "If-None-Match", tag).status());
        assertEquals(412, download("digits", "If-Match", "\"other\"").status());
        assertEquals(
                "789", download("digits", "Range", "bytes=-3", "If-Range", tag).text());
        assertEquals(
                "0123456789",
                download("digits", "Range", "bytes=-3", "If-Range", "\"x\"").text());
        var none = download("digits", "Range", "bytes=10-");
        assertEquals(416, none.status());
        assertEquals("bytes */10", none.header("Content-Range").orElse(""));
        var several = download("digits", "Range", "bytes=0-1,8-");
        assertEquals(206, several.status());
        assertTrue(several.text().contains("Content-Range: bytes 8-9/10\r\n\r\n89\r\n--"), several::text);
        assertEquals(
                String.valueOf(several.raw().body().length),
                several.header("Content-Length").orElse(""));
    }

    // ---- Names ----

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Entwurf für Ada.txt",
                "図面 最終版.pdf",
                "чертёж.dwg",
                "🧵 thread 👩‍🔬.png",
                "100% done.txt",
                "a&b=c;d.txt",
                "it's (1).txt",
                "_underscore",
                "no-extension"
            })
    void namesOfAllPeoplesAreKept(String name) {
        var made = upload("", Form.of(name, "x"));
        assertEquals(201, made.status(), made::text);
        assertEquals(name, made.json().get("filename").asText());
        assertEquals(
                "/download/" + encoded(name).replace("%7E", "~").replace("*", "%2A"),
                made.header("Location").orElse(""));
        assertEquals("x", download(name).text());
        assertTrue(download(name).header("Content-Disposition").orElse("").contains("filename*=UTF-8''"));
    }

    @Test
    void theExtendedNameIsTakenBeforeTheOther() {
        var form = Form.head("name=\"file\"; filename=\"euro.txt\"; filename*=UTF-8''%E2%82%AC%20rates.txt", "") + "x"
                + Form.end();
        assertEquals("€ rates.txt", upload("", form).json().get("filename").asText());
    }

    @Test
    void theSameLettersAreTheSameNameWhateverMadeThem() {
        var composed = "café.txt";
        var decomposed = Normalizer.normalize(composed, Normalizer.Form.NFD);
        assertNotEquals(composed, decomposed);
        var made = upload("", Form.of(decomposed, "x"));
        assertEquals(composed, made.json().get("filename").asText());
        assertEquals(409, upload("", Form.of(composed, "y")).status());
        assertEquals("x", download(decomposed).text());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../etc/passwd",
                "..",
                ".",
                ".env",
                "a/b",
                "a\\\\b",
                "C:\\\\fakepath\\\\x",
                "NUL",
                "con.txt",
                "LPT1.log",
                "app.log.",
                "app.log ",
                "app.log::$DATA",
                "a..b",
                "-rf",
                "",
                "x\u202Etxt.exe",
                "x\u200Bx",
                "a\u0007b"
            })
    void aNameThatCannotBeStoredEverywhereIs422AndNothingIsKept(String name) {
        var reply = upload("", Form.of(name, "x"));
        assertEquals(422, reply.status(), reply::text);
        assertEquals("/filename", reply.json().at("/errors/0/pointer").asText());
        assertEquals("[]", server.get("/files", person.token()).text());
    }

    @Test
    void aNameOf256BytesIsTooLong() {
        assertEquals(201, upload("", Form.of("é".repeat(127), "x")).status());
        assertEquals(422, upload("", Form.of("é".repeat(128), "x")).status());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "missing.txt",
                "..%2f..%2fetc%2fpasswd",
                "%2fetc%2fpasswd",
                "%5c%5chost%5cshare",
                "C:%5cwin.ini",
                "NUL",
                "con.txt",
                ".env",
                "app.log.",
                "app.log%20",
                "a%00b",
                "a/b",
                "%ff",
                "%e2%80%ae",
                "%252e%252e%252f"
            })
    void whatNoFileIsCalledIsNotThere(String segment) {
        for (var path : List.of("/download/", "/files/")) {
            var method = path.equals("/files/") ? "DELETE" : "GET";
            var reply = server.send(method, path + segment, person.token(), null);
            assertEquals(404, reply.status(), reply::text);
            assertEquals("File not found", reply.json().get("detail").asText());
        }
    }

    @Test
    void anotherUsersFileIsNotThere() {
        upload("", Form.of("mine.txt", "mine"));
        var other = server.person();
        var reply = server.get("/download/mine.txt", other.token());
        assertEquals(404, reply.status());
        assertEquals("File not found", reply.json().get("detail").asText());
        assertEquals(
                404,
                server.send("DELETE", "/files/mine.txt", other.token(), null).status());
        assertEquals(
                "mine",
                server.get("/download/mine.txt?user_id=" + person.id(), server.adminToken())
                        .text());
    }

    // ---- Forms ----

    /** A body that is no form with one file. */
    record BadForm(int status, String type, String body) {
        BadForm(int status, String body) {
            this(status, Form.TYPE, body);
        }
    }

    static List<BadForm> forms() {
        var head = Form.head("x.txt");
        var good = Form.of("x.txt", "x");
        var named = "name=\"file\"; filename=\"x\"";
        return List.of(
                new BadForm(400, head + "no end"),
                new BadForm(400, head),
                new BadForm(400, head + "x\r\n--" + Form.BOUNDARY),
                new BadForm(400, ""),
                new BadForm(400, "--other\r\n\r\nx\r\n--other--\r\n"),
                new BadForm(400, "--" + Form.BOUNDARY + "--\r\n"),
                new BadForm(400, "--" + Form.BOUNDARY + "\r\nX: " + "y".repeat(9000)),
                new BadForm(400, "multipart/form-data", good),
                new BadForm(400, "multipart/form-data; boundary=" + "b".repeat(300), good),
                new BadForm(400, "multipart/form-data; boundary=\"\"", good),
                new BadForm(400, Form.head(named, "Content-Transfer-Encoding: base64\r\n") + "eA==" + Form.end()),
                new BadForm(415, "text/plain", "x"),
                new BadForm(415, "application/json", "{}"),
                new BadForm(415, "multipart/mixed; boundary=" + Form.BOUNDARY, good),
                new BadForm(422, Form.head("name=\"other\"; filename=\"x\"", "") + "x" + Form.end()),
                new BadForm(422, Form.head("name=\"file\"", "") + "no name" + Form.end()),
                new BadForm(422, Form.head("filename=\"x\"", "") + "no field" + Form.end()),
                new BadForm(422, Form.head("name=\"file\"; " + named, "") + "x" + Form.end()),
                new BadForm(422, Form.head("name=\"file\"; filename*=latin1''x", "") + "x" + Form.end()),
                new BadForm(422, Form.head("name=\"file\"; filename*=UTF-8''%zz", "") + "x" + Form.end()),
                new BadForm(422, good.replace(Form.end(), "\r\n" + Form.of("y.txt", "y"))),
                new BadForm(
                        422, good.replace(Form.end(), "\r\n" + Form.head("name=\"extra\"", "") + "y" + Form.end())));
    }

    @ParameterizedTest
    @MethodSource("forms")
    void aFormThatIsNotOneFileIsRefusedAndNothingIsKept(BadForm form) {
        var reply = server.send("POST", "/upload", person.token(), form.body(), "Content-Type", form.type());
        assertEquals(form.status(), reply.status(), reply::text);
        assertEquals("[]", server.get("/files", person.token()).text());
        assertTrue(reply.status() != 415 || reply.header("Accept-Post").equals(Optional.of("multipart/form-data")));
    }

    @Test
    void aNameThatIsNotUtf8IsRefusedAndNotRepaired() throws IOException {
        var body = Form.head("caf\u00e9.txt") + "x" + Form.end();
        var answer = RawHttp.exchange(
                server.port(),
                "POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + person.token() + "\r\nContent-Type: "
                        + Form.TYPE + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
        assertEquals(400, answer.status(), answer::text);
    }

    @Test
    void whatStandsBeforeAndBehindTheFormMeansNothing() {
        var reply = upload("", "a preamble\r\n" + Form.of("x.txt", "x") + "an epilogue");
        assertEquals(201, reply.status(), reply::text);
        assertEquals("x", download("x.txt").text());
    }

    @Test
    void anUnknownParameterIsRefused() {
        assertEquals(422, upload("?overwrite=perhaps", Form.of("x.txt", "x")).status());
        assertEquals(422, upload("?colour=red", Form.of("x.txt", "x")).status());
        assertEquals(403, upload("?user_id=admin", Form.of("x.txt", "x")).status());
    }

    // ---- The same name again ----

    @Test
    void aFileOfTheSameNameStaysUnlessItIsToGiveWay() {
        upload("", Form.of("x.txt", "first"));
        var refused = upload("", Form.of("x.txt", "second"));
        assertEquals(409, refused.status());
        assertEquals("first", download("x.txt").text());
        assertEquals(201, upload("?overwrite=true", Form.of("x.txt", "second")).status());
        assertEquals("second", download("x.txt").text());
        assertEquals(1, server.get("/files", person.token()).json().size());
        assertEquals(
                201, upload("?overwrite=true", Form.of("new.txt", "none there")).status());
    }

    @Test
    void aConditionIsKeptByTheUploadAndTheDeletion() {
        var tag = upload("", Form.of("x.txt", "first")).header("ETag").orElseThrow();
        assertEquals(
                412,
                upload("?overwrite=true", Form.of("x.txt", "2"), "If-Match", "\"other\"")
                        .status());
        assertEquals(
                412,
                upload("?overwrite=true", Form.of("y.txt", "2"), "If-Match", "*")
                        .status());
        assertEquals(
                201,
                upload("?overwrite=true", Form.of("x.txt", "2"), "If-Match", tag)
                        .status());
        var gone = server.send("DELETE", "/files/x.txt", person.token(), null, "If-Match", tag);
        assertEquals(412, gone.status());
        assertEquals("2", download("x.txt").text());
        assertEquals(
                204, server.send("DELETE", "/files/x.txt", person.token(), null).status());
        assertEquals(404, download("x.txt").status());
        assertEquals(
                404, server.send("DELETE", "/files/x.txt", person.token(), null).status());
    }

    @Test
    void whatWasReplacedOrDeletedTakesUpNoRoom() throws IOException {
        var before = filesUnder(server.directory().resolve("files")).size();
        upload("", Form.of("x.txt", "first"));
        upload("?overwrite=true", Form.of("x.txt", "second"));
        assertEquals(before + 1, filesUnder(server.directory().resolve("files")).size());
        server.send("DELETE", "/files/x.txt", person.token(), null);
        assertEquals(before, filesUnder(server.directory().resolve("files")).size());
    }

    @Test
    void aNameThatIsTakenIsRefusedBeforeTheFileIsSent() throws IOException {
        upload("", Form.of("x.txt", "first"));
        var answer = RawHttp.exchange(
                server.port(),
                "POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + person.token() + "\r\nContent-Type: "
                        + Form.TYPE + "\r\nContent-Length: 5000000\r\n\r\n" + Form.head("x.txt"));
        assertEquals(409, answer.status(), answer::text);
        assertTrue(answer.closed());
    }

    // ---- Digests ----

    @Test
    void aDigestThatMatchesIsKeptAndOneThatDoesNotIsRefused() {
        var content = "warp";
        var form = Form.of("x.txt", content);
        for (var name : List.of("Content-Digest", "Repr-Digest")) {
            for (var good : List.of(
                    field("sha-256", "SHA-256", utf8(content)),
                    field("sha-512", "SHA-512", utf8(content)),
                    field("sha-256", "SHA-256", utf8(form)),
                    "unixsum=:AAA=:, " + field("sha-256", "SHA-256", utf8(content)))) {
                assertEquals(201, upload("?overwrite=true", form, name, good).status(), good);
            }
            var bad = upload("", Form.of("bad.txt", content), name, field("sha-256", "SHA-256", utf8("other")));
            assertEquals(422, bad.status());
            assertEquals("digest-mismatch", bad.json().get("code").asText());
            assertEquals(
                    400,
                    upload("", Form.of("bad.txt", content), name, "sha-256=nonsense")
                            .status());
            assertEquals(
                    400,
                    upload("", Form.of("bad.txt", content), name, "md5=:AAAA:").status());
        }
        assertEquals(404, download("bad.txt").status());
    }

    @Test
    void aDigestBesideTheFileIsOfTheFile() {
        var content = "warp";
        var good = "Content-Digest: " + field("sha-512", "SHA-512", utf8(content)) + "\r\n";
        var bad = "Repr-Digest: " + field("sha-256", "SHA-256", utf8("other")) + "\r\n";
        var head = "name=\"file\"; filename=\"x.txt\"";
        assertEquals(
                422, upload("", Form.head(head, bad) + content + Form.end()).status());
        assertEquals(
                201, upload("", Form.head(head, good) + content + Form.end()).status());
    }

    // ---- Limits ----

    @Test
    void aFileThatIsTooLargeIs413WithAndWithoutItsLength() throws IOException, InterruptedException {
        var content = random((8 << 20) + 1);
        var announced = upload("large.bin", content);
        assertEquals(413, announced.status(), announced::text);
        var body = Form.bytes("large.bin", content);
        var chunked = upload(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)));
        assertEquals(413, chunked.status(), chunked::text);
        assertEquals(201, upload("fits.bin", random(8 << 20)).status());
        assertEquals(404, download("large.bin").status());
    }

    @Test
    void aQuotaIsKeptToTheByte() throws IOException, InterruptedException {
        upload("a", random(8 << 20));
        upload("b", random(8 << 20));
        var refused = upload("c", random((4 << 20) + 1));
        assertEquals(507, refused.status(), refused::text);
        assertEquals("quota-exceeded", refused.json().get("code").asText());
        assertEquals(201, upload("c", random(4 << 20)).status());
        assertEquals(507, upload("d", random(1)).status());
        assertEquals(201, upload("d", random(0)).status());
        server.send("DELETE", "/files/b", person.token(), null);
        assertEquals(201, upload("e", random(8 << 20)).status());
        var usage = new Psql(server.schema());
        assertEquals(20L << 20, usage.number("SELECT bytes FROM file_usage WHERE user_id = '" + person.id() + "'"));
        assertEquals(20L << 20, usage.number("SELECT sum(size) FROM files WHERE user_id = '" + person.id() + "'"));
    }

    @Test
    void aFileMayGiveWayToOneThatFitsOnlyInItsPlace() {
        for (int i = 0; i < 30; i++) {
            assertEquals(201, upload("", Form.of("f" + i, "x")).status());
        }
        var refused = upload("", Form.of("f30", "x"));
        assertEquals(507, refused.status());
        assertTrue(refused.json().get("detail").asText().contains("30 files"));
        assertEquals(201, upload("?overwrite=true", Form.of("f0", "y")).status());
    }

    @Test
    void aFileTooManyIsRefusedBeforeItIsSent() throws IOException {
        for (int i = 0; i < 30; i++) {
            assertEquals(201, upload("", Form.of("f" + i, "x")).status());
        }
        var answer = RawHttp.exchange(
                server.port(),
                "POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + person.token() + "\r\nContent-Type: "
                        + Form.TYPE + "\r\nContent-Length: 5000000\r\n\r\n" + Form.head("f30"));
        assertEquals(507, answer.status(), answer::text);
        assertTrue(answer.closed());
    }

    @Test
    void anotherUserWhoIsNobodyHasNoFiles() {
        for (var method : List.of("GET", "DELETE")) {
            var path = (method.equals("GET") ? "/download" : "/files") + "/x.txt?user_id=nobody-at-all";
            assertEquals(
                    404, server.send(method, path, server.adminToken(), null).status(), method);
        }
    }

    @Test
    void aLongNameIsRefusedLikeAnyOtherThatIsTooLong() {
        for (var name : List.of("a".repeat(7000), "\\a".repeat(3500), "\\\"".repeat(3500))) {
            assertEquals(422, upload("", Form.of(name, "x")).status());
        }
        var type = "multipart/form-data; boundary=\"" + "a".repeat(7000) + "\"";
        assertEquals(
                400,
                server.send("POST", "/upload", person.token(), Form.of("x", "x"), "Content-Type", type)
                        .status());
    }

    @Test
    void whatIsToStayFreeOnTheDiskStaysFreeHoweverSmallTheFile() throws IOException, InterruptedException {
        try (var full = TestServer.start(Map.of("FILES_KEEP_FREE", "1024GiB"))) {
            var sized = full.send("POST", "/upload", full.adminToken(), Form.of("x", "x"), "Content-Type", Form.TYPE);
            assertEquals(507, sized.status(), sized::text);
            assertEquals("storage-full", sized.json().get("code").asText());
        }
    }

    @Test
    void aCommitWhoseEndIsNotKnownLosesNothing() {
        upload("", Form.of("x.txt", "first"));
        var psql = new Psql(server.schema());
        // Commits although it was cancelled, and says so too late: nobody hears of it.
        psql.execute("""
            CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN query_canceled THEN NULL; END;
                BEGIN PERFORM pg_sleep(0.7); EXCEPTION WHEN query_canceled THEN NULL; END;
                RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT OR UPDATE ON files DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.name = 'x.txt') EXECUTE FUNCTION slow_commit()
            """);
        try {
            var unknown = upload("?overwrite=true", Form.of("x.txt", "second"), "Request-Timeout", "1");
            assertEquals(503, unknown.status(), unknown::text);
        } finally {
            psql.execute("DROP TRIGGER slow_commit ON files");
            psql.execute("DROP FUNCTION slow_commit");
        }
        var there = download("x.txt");
        assertEquals(200, there.status(), there::text);
        assertTrue(List.of("first", "second").contains(there.text()), there::text);
    }

    // ---- Once ----

    @Test
    void aRepeatWithTheSameKeyGetsTheFirstAnswerAndKeepsNothingMore() throws IOException {
        var first = upload("", Form.of("x.txt", "once"), "Idempotency-Key", "k1");
        assertEquals(201, first.status());
        int blobs = filesUnder(server.directory().resolve("files")).size();
        var again = upload("", Form.of("x.txt", "once"), "Idempotency-Key", "k1");
        assertEquals(201, again.status(), again::text);
        assertEquals("true", again.header("Idempotent-Replayed").orElse(""));
        assertEquals(first.json(), again.json());
        assertEquals(first.header("Location"), again.header("Location"));
        assertEquals(blobs, filesUnder(server.directory().resolve("files")).size());
        // Another boundary is the same file.
        var other = server.send(
                "POST",
                "/upload",
                person.token(),
                Form.of("x.txt", "once").replace(Form.BOUNDARY, "other"),
                "Content-Type",
                "multipart/form-data; boundary=other",
                "Idempotency-Key",
                "k1");
        assertEquals(201, other.status(), other::text);
        assertEquals(
                422,
                upload("", Form.of("x.txt", "twice"), "Idempotency-Key", "k1").status());
        assertEquals(
                422,
                upload("", Form.of("y.txt", "once"), "Idempotency-Key", "k1").status());
        assertEquals(
                400,
                upload("", Form.of("y.txt", "once"), "Idempotency-Key", "two words")
                        .status());
        assertEquals(blobs, filesUnder(server.directory().resolve("files")).size());
    }

    @Test
    void aRefusalIsKeptUnderItsKeyToo() {
        upload("", Form.of("x.txt", "first"));
        var refused = upload("", Form.of("x.txt", "second"), "Idempotency-Key", "k2");
        assertEquals(409, refused.status());
        server.send("DELETE", "/files/x.txt", person.token(), null);
        var again = upload("", Form.of("x.txt", "second"), "Idempotency-Key", "k2");
        assertEquals(409, again.status());
        assertEquals("true", again.header("Idempotent-Replayed").orElse(""));
    }

    // ---- Lists, sweeps, users ----

    @Test
    void aListIsNewestFirstAndInPages() {
        for (var name : List.of("a", "b", "c")) {
            upload("", Form.of(name, name));
        }
        var page = server.get("/files?limit=2", person.token());
        assertEquals(List.of("c", "b"), page.json().findValuesAsText("filename"));
        var next = page.header("Link").orElseThrow();
        var rest = server.get(next.substring(1, next.indexOf('>')), person.token());
        assertEquals(List.of("a"), rest.json().findValuesAsText("filename"));
        assertEquals(
                List.of("b"),
                server.get("/files?limit=1&skip=1", person.token()).json().findValuesAsText("filename"));
    }

    @Test
    void theFilesOfAUserWhoIsGoneAreSwept() throws IOException {
        upload("", Form.of("x.txt", "of somebody who leaves"));
        var left = filesUnder(server.directory().resolve("files")).stream()
                .filter(file -> size(file) == "of somebody who leaves".length())
                .findFirst()
                .orElseThrow();
        assertEquals(
                204,
                server.send("DELETE", "/users/" + person.id(), server.adminToken(), null)
                        .status());
        Files.setLastModifiedTime(left, FileTime.from(Instant.now().minusSeconds(172_800)));
        new Psql(server.schema())
                .execute("UPDATE jobs SET execution_time = now(), version = version + 1"
                        + " WHERE task_name = 'sweep_files' AND NOT picked");
        await().until(() -> !Files.exists(left));
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            return -1;
        }
    }

    @Test
    void bytesThatAreNotThoseOfTheRowAreNeverSent() throws IOException {
        upload("", Form.of("x.txt", "as it was uploaded"));
        var blob = filesUnder(server.directory().resolve("files")).stream()
                .filter(file -> size(file) == "as it was uploaded".length())
                .findFirst()
                .orElseThrow();
        Files.writeString(blob, "shorter");
        var damaged = download("x.txt");
        assertEquals(500, damaged.status());
        assertEquals("Internal server error", damaged.json().get("detail").asText());
        Files.delete(blob);
        var missing = download("x.txt");
        assertEquals(500, missing.status());
        assertFalse(missing.text().contains("blob"), missing::text);
    }

    @ParameterizedTest
    @CsvSource({"GET,/files", "GET,/download/x.txt", "HEAD,/download/x.txt"})
    void aTokenThatOnlyWritesReadsNothing(String method, String path) {
        assertEquals(
                403,
                server.send(method, path, server.token(person.id(), "write"), null)
                        .status());
    }
}
