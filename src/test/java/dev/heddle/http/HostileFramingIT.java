package dev.heddle.http;

import static dev.heddle.http.HostileRequest.AUTHORIZED;
import static dev.heddle.http.HostileRequest.HOST;
import static dev.heddle.http.HostileRequest.JSON;
import static dev.heddle.http.HostileRequest.closes;
import static dev.heddle.http.HostileRequest.stays;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where a body ends, for whoever wants two readers to disagree about it. */
class HostileFramingIT {

    private static final String POST = "POST /tasks HTTP/1.1\r\n" + AUTHORIZED + JSON;

    private static final String CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n";

    /** A whole document of a task, in one chunk. */
    private static final String CHUNK = "e\r\n{\"title\": \"x\"}\r\n";

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

    private static int tasks() {
        return server.get("/tasks/count", person.token()).json().get("count").asInt();
    }

    // ---- Lengths ----

    static Stream<HostileRequest> lengths() {
        return Stream.of(
                        "+14",
                        "-14",
                        "-0",
                        "0x0e",
                        "0xe",
                        "14.0",
                        "1.4e1",
                        "14;",
                        "14,14",
                        "14, 15",
                        "14 14",
                        "1 4",
                        "\"14\"",
                        "14h",
                        "1_4",
                        "",
                        "\u00b2",
                        "\u0661\u0664",
                        "99999999999999999999",
                        "18446744073709551630",
                        "9223372036854775808",
                        "14\u000b",
                        "14\0",
                        "14,",
                        ",14",
                        "NaN",
                        "all")
                .map(length -> closes(
                        400,
                        "a length of " + length,
                        POST + "Content-Length: " + length + "\r\n\r\n{\"title\": \"x\"}"));
    }

    static Stream<HostileRequest> twoFramings() {
        var length = "Content-Length: 14\r\n";
        var chunked = "Transfer-Encoding: chunked\r\n";
        var body = "\r\n" + CHUNK + "0\r\n\r\n";
        return Stream.of(
                closes(400, "CL.TE", POST + length + chunked + body),
                closes(400, "TE.CL", POST + chunked + length + body),
                closes(400, "CL 0.TE", POST + "Content-Length: 0\r\n" + chunked + body),
                closes(400, "TE.TE, the second unknown", POST + chunked + "Transfer-Encoding: cow\r\n" + body),
                closes(501, "TE.TE, the first unknown", POST + "Transfer-Encoding: cow\r\n" + chunked + body),
                closes(400, "TE.TE", POST + chunked + chunked + body),
                closes(400, "TE.TE in other letters", POST + chunked + "transfer-encoding: Chunked\r\n" + body),
                closes(400, "TE.identity", POST + chunked + "Transfer-Encoding: identity\r\n" + body),
                closes(400, "CL.CL", POST + length + "Content-Length: 0\r\n" + body),
                closes(400, "CL.CL, the same", POST + length + length + body),
                closes(400, "CL.CL in other letters", POST + length + "content-LENGTH: 13\r\n" + body),
                closes(400, "CL.TE behind a fold", POST + length + "X: y\r\n " + chunked + body),
                closes(400, "CL.TE on the line of a fold", POST + length + "Transfer-Encoding:\r\n chunked\r\n" + body),
                closes(400, "CL.TE behind a lone LF", POST + length + "X: y\n" + chunked + body),
                closes(400, "CL.TE behind a lone CR", POST + length + "X: y\r" + chunked + body),
                closes(400, "CL.TE behind a NUL", POST + length + "X: y\0" + chunked + body),
                closes(505, "TE with HTTP/1.0", POST.replace("1.1", "1.0") + chunked + body),
                closes(505, "CL with HTTP/1.0", POST.replace("1.1", "1.0") + length + "\r\n{\"title\": \"x\"}"));
    }

    static Stream<HostileRequest> codings() {
        var names = Stream.of(
                        "Transfer-Encoding : chunked",
                        "Transfer-Encoding\t: chunked",
                        " Transfer-Encoding: chunked",
                        "\tTransfer-Encoding: chunked",
                        "Transfer-Encoding\0: chunked",
                        "Transfer Encoding: chunked",
                        "Transfer-Encoding",
                        "Transfer-Encoding\u00a0: chunked",
                        "\"Transfer-Encoding\": chunked")
                .map(line -> closes(400, "the coding " + line, POST + line + "\r\n\r\n" + CHUNK + "0\r\n\r\n"));
        var values = Stream.of(
                        "xchunked",
                        "chunkedx",
                        "chunk",
                        "\"chunked\"",
                        "'chunked'",
                        "chunked\0",
                        "\u000bchunked",
                        "\u00a0chunked",
                        "chunked;q=1",
                        "chunked; x",
                        "chunked, chunked",
                        "chunked, identity",
                        "chunked, gzip",
                        "chunked,",
                        ",chunked",
                        "chunked chunked",
                        "identity",
                        "gzip",
                        "")
                .map(value -> closes(
                        400,
                        "the coding '" + value + "'",
                        POST + "Transfer-Encoding: " + value + "\r\n\r\n" + CHUNK + "0\r\n\r\n"));
        var unknown = Stream.of("gzip, chunked", "deflate, chunked", "x, chunked")
                .map(value -> closes(
                        501,
                        "the coding " + value,
                        POST + "Transfer-Encoding: " + value + "\r\n\r\n" + CHUNK + "0\r\n\r\n"));
        return Stream.of(names, values, unknown).flatMap(all -> all);
    }

    // ---- Chunks ----

    static Stream<HostileRequest> chunks() {
        var sizes = Stream.of(
                        "+e",
                        "-e",
                        "-1",
                        "e_0",
                        "0xe",
                        "0Xe",
                        "e h",
                        "eh",
                        " e",
                        "\te",
                        "",
                        " ",
                        ";a",
                        "\u0660",
                        "e\0",
                        "e\u000b",
                        "10000000000000000",
                        "1000000000000000e",
                        "ffffffffffffffff",
                        "0000000000000000000000000000e",
                        "e;a=\0",
                        "e;a=b\u007f",
                        "e;a=\n",
                        "e;a=\rb",
                        "e\n;a",
                        "e;" + "a".repeat(600))
                .map(size -> closes(
                        400,
                        "a chunk of " + size.substring(0, Math.min(40, size.length())),
                        CHUNKED + size + "\r\n{\"title\": \"x\"}\r\n0\r\n\r\n"));
        var broken = Stream.of(
                        "e\n{\"title\": \"x\"}\r\n0\r\n\r\n",
                        "e\r{\"title\": \"x\"}\r\n0\r\n\r\n",
                        "e\r\r\n{\"title\": \"x\"}\r\n0\r\n\r\n",
                        "e\r\n{\"title\": \"x\"}\n0\r\n\r\n",
                        "e\r\n{\"title\": \"x\"}0\r\n\r\n",
                        "e\r\n{\"title\": \"x\"}XX0\r\n\r\n",
                        "e\r\n{\"title\": \"x\"}\r\r\n0\r\n\r\n",
                        "d\r\n{\"title\": \"x\"}\r\n0\r\n\r\n",
                        CHUNK + "0\n\n",
                        CHUNK + "0\r\n\n",
                        CHUNK + "0\r\nX: y\n\r\n",
                        CHUNK + "0\r\nX: \0\r\n\r\n",
                        CHUNK + "0\r\nX: y\rZ: z\r\n\r\n",
                        CHUNK + "0\r\nX: " + "y".repeat(9_000) + "\r\n\r\n")
                .map(body ->
                        closes(400, "chunks like " + body.substring(0, Math.min(40, body.length())), CHUNKED + body));
        var large = Stream.of("7fffffff", "80000000", "7d000000", "ffffffff", "fffffffffffffff", "100000")
                .map(size -> closes(413, "a chunk of " + size, CHUNKED + size + "\r\n"));
        return Stream.of(sizes, broken, large).flatMap(all -> all);
    }

    /** Everything that RFC 9112 §7.1 allows, and that nobody sends. */
    static Stream<HostileRequest> unusualChunks() {
        var extensions = Stream.of(
                        ";a",
                        ";a=b",
                        ";a=\"b\"",
                        " ; a = b",
                        "\t;\ta",
                        ";a=\"x;y\"",
                        ";a=\"x\\\"y\"",
                        ";a;b=c;d=\"e\"",
                        ";",
                        "   ",
                        ";\u00e9",
                        ";a=\"\t\"")
                .map(extension -> CHUNK.replace("e\r\n{", "00e" + extension + "\r\n{") + "0" + extension + "\r\n\r\n");
        var trailers = Stream.of(
                        "Content-Length: 0",
                        "Content-Length: 5000",
                        "Transfer-Encoding: gzip",
                        "Transfer-Encoding: chunked\r\nContent-Length: 7",
                        "Host: evil.example",
                        "Authorization: Bearer x",
                        "Content-Type: text/plain",
                        "Content-Encoding: gzip",
                        "Connection: close",
                        "Expect: 100-continue",
                        "X-Request-Id: trailer",
                        "Idempotency-Key: trailer",
                        "no colon")
                .map(trailer -> CHUNK + "0\r\n" + trailer + "\r\n\r\n");
        var sizes =
                Stream.of("7\r\n{\"title\r\n7\r\n\": \"x\"}\r\n000\r\n\r\n", "E" + CHUNK.substring(1) + "0\r\n\r\n");
        return Stream.of(extensions, trailers, sizes)
                .flatMap(all -> all)
                .map(body -> stays(201, "chunks like " + body.replace("\r\n", "|"), CHUNKED + body));
    }

    // ---- Bodies that nobody reads ----

    static Stream<HostileRequest> unreadBodies() {
        var long_ = HostileRequest.SMUGGLED.repeat(2_000);
        var sized = "Content-Length: " + long_.length() + "\r\n\r\n" + long_;
        var chunked = "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(long_.length()) + "\r\n" + long_
                + "\r\n0\r\n\r\n";
        var short_ = "Content-Length: " + HostileRequest.SMUGGLED.length() + "\r\n\r\n" + HostileRequest.SMUGGLED;
        return Stream.of(
                        stays(401, "nobody's task", "POST /tasks HTTP/1.1\r\n" + HOST + JSON),
                        stays(404, "a body for nothing", "POST /nope HTTP/1.1\r\n" + AUTHORIZED + JSON),
                        stays(405, "a body for no method", "PUT /tasks HTTP/1.1\r\n" + AUTHORIZED + JSON),
                        stays(415, "a body of another type", "POST /tasks HTTP/1.1\r\n" + AUTHORIZED),
                        stays(403, "another one's body", "POST /users HTTP/1.1\r\n" + AUTHORIZED + JSON),
                        stays(404, "a body for another task", "PATCH /tasks/x HTTP/1.1\r\n" + AUTHORIZED + JSON))
                .flatMap(head -> Stream.of(
                        stays(head.status(), head.what() + ", short", head.bytes() + short_),
                        closes(head.status(), head.what() + ", long", head.bytes() + sized),
                        closes(head.status(), head.what() + ", in chunks", head.bytes() + chunked)));
    }

    // ---- Expect ----

    static Stream<HostileRequest> expectations() {
        var expect = "Expect: 100-continue\r\n";
        var unsent = "Content-Length: 300\r\n\r\n";
        return Stream.of(
                closes(401, "leave to send, from nobody", "POST /tasks HTTP/1.1\r\n" + HOST + JSON + expect + unsent),
                closes(404, "leave to send to nothing", "POST /nope HTTP/1.1\r\n" + AUTHORIZED + expect + unsent),
                closes(405, "leave to put", "PUT /tasks HTTP/1.1\r\n" + AUTHORIZED + JSON + expect + unsent),
                closes(415, "leave to send text", "POST /tasks HTTP/1.1\r\n" + AUTHORIZED + expect + unsent),
                closes(403, "leave to make users", "POST /users HTTP/1.1\r\n" + AUTHORIZED + JSON + expect + unsent),
                closes(413, "leave to send much", POST + expect + "Content-Length: 600000\r\n\r\n"),
                closes(413, "leave to send very much", POST + expect + "Content-Length: 9000000000000\r\n\r\n"),
                closes(
                        400,
                        "leave to send two ways",
                        POST + expect + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
                stays(
                        201,
                        "an unknown expectation",
                        POST + "Expect: 200-ok\r\nContent-Length: 14\r\n\r\n{\"title\": \"x\"}"));
    }

    // ---- Other protocols ----

    static List<HostileRequest> protocols() {
        return List.of(
                closes(505, "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                closes(505, "HTTP/1.0", "GET / HTTP/1.0\r\n" + HOST + "\r\n"),
                closes(505, "HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n"),
                stays(200, "HTTP/1.2", "GET /tasks/count HTTP/1.2\r\n" + AUTHORIZED + "\r\n"),
                closes(505, "HTTP/2.0", "GET / HTTP/2.0\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/2", "GET / HTTP/2\r\n" + HOST + "\r\n"),
                closes(505, "HTTP/9.9", "GET / HTTP/9.9\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/0.9", "GET /\r\n"),
                closes(505, "HTTP/0.9 by its name", "GET / HTTP/0.9\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/1.x", "GET / HTTP/1.x\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/x.1", "GET / HTTP/x.1\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/1,1", "GET / HTTP/1,1\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/11.1", "GET / HTTP/11.1\r\n" + HOST + "\r\n"),
                closes(400, "http/1.1", "GET / http/1.1\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/1.1 with more", "GET / HTTP/1.1 x\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/1.1 and a blank", "GET / HTTP/1.1 \r\n" + HOST + "\r\n"),
                closes(400, "HTTP-1.1", "GET / HTTP-1.1\r\n" + HOST + "\r\n"),
                closes(400, "HTTP/1", "GET / HTTP/1\r\n" + HOST + "\r\n"),
                closes(400, "HTTPS/1.1", "GET / HTTPS/1.1\r\n" + HOST + "\r\n"),
                closes(400, "SIP", "INVITE sip:a SIP/2.0\r\n" + HOST + "\r\n"),
                closes(400, "SMTP", "EHLO mail.example\r\n"),
                closes(400, "an answer", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    }

    @ParameterizedTest
    @MethodSource({"lengths", "twoFramings", "codings", "chunks", "unreadBodies", "expectations", "protocols"})
    void nothingIsReadAsARequestThatIsNone(HostileRequest request) throws IOException {
        int before = tasks();
        request.check(server, person);
        assertEquals(before + (request.status() == 201 ? 1 : 0), tasks());
    }

    @ParameterizedTest
    @MethodSource("unusualChunks")
    void whatIsUnusualButAllowedMeansWhatItSaysAndNoMore(HostileRequest request) throws IOException {
        request.check(server, person);
    }
}
