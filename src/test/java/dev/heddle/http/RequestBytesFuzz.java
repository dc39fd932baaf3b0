package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.RawAnswers;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.SmallServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Any bytes over a real socket: as a whole request, or as the headers of one whose body hides another. */
public final class RequestBytesFuzz {

    private static final String BEGIN = "POST /sink HTTP/1.1\r\nHost: a\r\n";

    /** Five bytes that are a whole body in chunks, and a request behind them. */
    private static final String HIDING = "\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

    private static final Set<Integer> ALLOWED = Set.of(100, 200, 204, 400, 404, 405, 413, 414, 415, 422, 431, 501, 505);

    /** What no name of a header has, and what somebody may overlook in one. */
    private static final Pattern NO_TOKEN = Pattern.compile("[^!#$%&'*+.^_`|~0-9A-Za-z-]");

    /** The only ways to say that the body ends before the hidden request, or before an empty line, which may be ignored. */
    private static final Pattern HONEST =
            Pattern.compile("(?i)content-length:[ \\t]*0*[35][ \\t]*|transfer-encoding:[ \\t]*chunked[ \\t]*");

    private static final AtomicInteger HIDDEN_RUNS = new AtomicInteger();

    /** Started when it is needed. */
    private static final class Shared {
        private static final SmallServer SERVER = start();
    }

    private static SmallServer start() {
        return SmallServer.of(new Routes()
                .add("GET", "/", Access.PUBLIC, request -> Answer.of(204))
                .add("GET", "/hidden", Access.PUBLIC, request -> {
                    HIDDEN_RUNS.incrementAndGet();
                    return Answer.of(204);
                })
                .add("GET", "/named/{name}", Access.PUBLIC, request -> Answer.of(204))
                .add("POST", "/json", Access.PUBLIC, Request::json, (request, json) -> Answer.of(204))
                .addStreaming(
                        "POST",
                        "/sink",
                        Access.PUBLIC,
                        request -> {
                            request.expectStream(100_000);
                            return request;
                        },
                        (request, same) -> sunk(request.stream())));
    }

    private static Answer sunk(InputStream body) {
        try {
            long count = body.transferTo(OutputStream.nullOutputStream());
            return Answer.of(200, "text/plain", Long.toString(count).getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts the server, before the time is taken. */
    public static void fuzzerInitialize() {
        Shared.SERVER.port();
    }

    /** Stops the server. */
    public static void fuzzerTearDown() {
        Shared.SERVER.close();
    }

    private RequestBytesFuzz() {}

    /** Where it begins, and what was found. */
    public static Stream<byte[]> seeds() {
        return Stream.of(
                        "RGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /named/a%20b?c=d HTTP/1.1\r\nHost: a\r\n\r\n",
                        "RPOST /json HTTP/1.1\r\n"
                                + "Host: a\r\n"
                                + "Content-Type: application/json\r\n"
                                + "Content-Length: 2\r\n\r\n"
                                + "{}",
                        "RPOST /sink HTTP/1.1\r\n"
                                + "Host: a\r\n"
                                + "Transfer-Encoding: chunked\r\n\r\n"
                                + "3;a=b\r\n"
                                + "abc\r\n"
                                + "0\r\n"
                                + "A: b\r\n\r\n",
                        "RPOST /sink HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
                        "ROPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                        "RGET http://b/ HTTP/1.1\r\nHost: a\r\nRequest-Timeout: 1\r\nAccept: */*\r\n\r\n",
                        "RGET / HTTP/1.0\r\n\r\n",
                        "RPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                        "HContent-Length: 5",
                        "HContent-Length: 3\r\nTransfer+Encoding: chunekd",
                        "HTransfer-Encoding: chunked",
                        "HContent-Length: 5\r\nTransfer-Encoding: chunked",
                        "HContent-Length: 5\r\nContent-Length: 5",
                        "HTransfer-Encoding : chunked",
                        "HTransfer-Encoding: gzip, chunked",
                        "HX: y\r\n Content-Length: 5",
                        "HContent-LengthX: 5\r\nX-Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                        "HContent-Length: 5\r\nTransfer+Encoding: chunked",
                        "HTransfer-Encoding: chunked,",
                        "HTransfer-Encoding: ,chunked",
                        "HExpect: 100-continue\r\nContent-Length: 9\r\nConnection: close")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Any bytes get the answers that they ask for, and the connection ends. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        if (data.length == 0) {
            return;
        }
        var bytes = Arrays.copyOfRange(data, 1, data.length);
        if (data[0] == 'H') {
            hideIn(new String(bytes, StandardCharsets.ISO_8859_1));
        } else {
            exchange(bytes);
        }
        try (var next = RawConnection.to(Shared.SERVER.port())) {
            assertEquals(
                    204, next.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().status());
        }
    }

    private static void exchange(byte[] bytes) throws IOException {
        try (var connection = RawConnection.to(Shared.SERVER.port())) {
            // It ends by itself, and at once: after this there is nothing that a server could wait for.
            connection.send(bytes).finish();
            var received = connection.rest();
            if (received.endsWith("(reset)")) {
                return;
            }
            check(received, bytes);
        }
    }

    private static void check(String received, byte[] bytes) {
        var answers = RawAnswers.in(received);
        boolean isClosed = false;
        int asked = 0;
        for (var answer : answers) {
            assertTrue(!isClosed, "nothing follows an answer that says close");
            assertTrue(ALLOWED.contains(answer.status()), answer.text());
            isClosed = answer.saysClose();
            asked += answer.status() == 100 ? 0 : 1;
        }
        var text = new String(bytes, StandardCharsets.ISO_8859_1);
        int heads = text.split("\r\n\r\n", -1).length;
        assertTrue(asked <= heads, "more answers than heads");
    }

    /** Only a framing about which no two readers can disagree lets what stands behind the body be a request. */
    private static void hideIn(String headers) throws IOException {
        if (headers.contains("\r\n\r\n")) {
            return;
        }
        HIDDEN_RUNS.set(0);
        exchange((BEGIN + headers + HIDING).getBytes(StandardCharsets.ISO_8859_1));
        var framing = Stream.of(headers.split("\r\n", -1))
                .filter(RequestBytesFuzz::saysWhereTheBodyEnds)
                .toList();
        boolean isHonest =
                framing.size() == 1 && HONEST.matcher(framing.getFirst()).matches();
        assertTrue(isHonest || HIDDEN_RUNS.get() == 0, "a body was run as a request");
    }

    private static boolean saysWhereTheBodyEnds(String line) {
        var name = NO_TOKEN.matcher(line.split(":", 2)[0]).replaceAll("");
        return name.equalsIgnoreCase("Content-Length") || name.equalsIgnoreCase("Transfer-Encoding");
    }
}
