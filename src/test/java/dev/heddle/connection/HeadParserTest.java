package dev.heddle.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.helidon.http.HeaderNames;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeadParserTest {

    private static final ConnectionGuard.Size SIZE = new ConnectionGuard.Size(1, 100, 200, 1_000);

    private static final String HEAD = """

        GET /tasks/a%20b?limit=1&q=%C3%A9 HTTP/1.1
        hOsT: a:80
        X:
        Connection:\t keep-alive , CLOSE\t
        Accept: a/b
        accept: c/d

        """.replace("\n", "\r\n");

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** What it comes to when the first so many bytes come before the others. */
    private static RequestHead read(String text, int first) {
        var bytes = bytes(text);
        var parser = new HeadParser(SIZE);
        int length = first == 0 ? 0 : parser.read(bytes, 0, first);
        if (length == 0) {
            length = parser.read(bytes, 0, bytes.length);
        }
        if (length == 0) {
            throw new AssertionError("no end");
        }
        assertEquals(length, parser.length());
        return parser.head(bytes, 0);
    }

    @Test
    void whereTheBytesAreSplitMakesNoDifference() {
        for (int first = 0; first <= HEAD.length(); first++) {
            var head = read(HEAD + "GET /next", first);
            assertEquals("GET", head.method());
            assertEquals("/tasks/a%20b", head.path());
            assertEquals("limit=1&q=%C3%A9", head.query());
            assertEquals("a:80", head.value(HeaderNames.HOST));
            assertEquals("a/b,c/d", head.value(HeaderNames.ACCEPT));
            assertEquals("a/b", head.first(HeaderNames.ACCEPT));
            assertTrue(head.has(HeaderNames.create("x")));
            assertEquals("", head.value(HeaderNames.create("x")));
            assertFalse(head.has(HeaderNames.create("y")));
            assertTrue(head.lists(HeaderNames.CONNECTION, "close"));
            assertFalse(head.lists(HeaderNames.CONNECTION, "alive"));
        }
    }

    @Test
    void byteByByteIsTheSame() {
        var bytes = bytes(HEAD);
        var parser = new HeadParser(SIZE);
        for (int to = 1; to < bytes.length; to++) {
            assertEquals(0, parser.read(bytes, 0, to));
        }
        assertEquals(bytes.length, parser.read(bytes, 0, bytes.length));
        assertEquals("/tasks/a%20b", parser.head(bytes, 0).path());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
        400 | "\u0016\u0003"
        400 | "G(T"
        400 | " G"
        400 | "GET / HTTP/1.1N"
        400 | "GET / HTTP/1.1RX"
        400 | "GET / HTTP/1.1RNHost: aRN X: bRN"
        400 | "GET / HTTP/1.1RNHost : aRN"
        400 | "GET / HTTP/1.1RNHostRN"
        400 | "GET / HTTP/1.1RN: aRN"
        400 | "GET / HTTP/1.1RNX: \u0000"
        400 | "GET /# HTTP/1.1RN"
        400 | "GET /%zz HTTP/1.1RN"
        400 | "GET /?[ HTTP/1.1RN"
        400 | "GET /\u00e9 HTTP/1.1RN"
        400 | "GET /%20\u00e9 HTTP/1.1RN"
        400 | "GET //\u00e9 HTTP/1.1RN"
        400 | "GET /?\u00e9=1 HTTP/1.1RN"
        400 | "GET /?a=\u00e9 HTTP/1.1RN"
        400 | "GET /?a=%20\u00e9 HTTP/1.1RN"
        400 | "GET /%20?a=\u00e9 HTTP/1.1RN"
        400 | "GET http://a/?a=\u00e9 HTTP/1.1RN"
        400 | "GET /?a=b#c HTTP/1.1RN"
        400 | "GET /?a=%2 HTTP/1.1RN"
        400 | "GET  HTTP/1.1RN"
        400 | "GET /RN"
        400 | "GETRN"
        400 | "GET / http/1.1RN"
        400 | "RNRNG"
        501 | "get / HTTP/1.1RN"
        505 | "GET / HTTP/1.0RN"
        """)
    void whatIsWrongIsRefusedAsSoonAsItHasCome(int status, String beginning) {
        var text = beginning.replace("RN", "\r\n").replace("1R", "1\r").replace("1N", "1\n");
        var bytes = bytes(text);
        var refused = assertThrows(
                RefusedException.class, () -> new HeadParser(SIZE).read(bytes, 0, bytes.length), beginning);
        assertEquals(status, refused.status());
    }

    @Test
    void noControlCharacterIsReadOverWhereverItStands() {
        for (int b = 0; b <= 0xff; b++) {
            for (int at = 0; at < 24; at++) {
                // Neighbours that a borrow could come from or go to.
                var value = " ~\u0080\u00ff!}".repeat(4).toCharArray();
                value[at] = (char) b;
                var text = "GET / HTTP/1.1\r\nX: a" + new String(value) + "b\r\n\r\n";
                var name = "0x" + Integer.toHexString(b) + " at " + at;
                if (b == '\t' || (b >= ' ' && b != 0x7f)) {
                    assertEquals(text.length(), new HeadParser(SIZE).read(bytes(text), 0, text.length()), name);
                } else {
                    assertThrows(RefusedException.class, () -> read(text, 0), name);
                }
            }
        }
    }

    @Test
    void whatHasNoEndIsNotReadForEver() {
        var line = bytes("GET /" + "a".repeat(100));
        var head = bytes("GET / HTTP/1.1\r\n" + "x: y\r\n".repeat(40));
        var refusedLine = assertThrows(RefusedException.class, () -> new HeadParser(SIZE).read(line, 0, line.length));
        assertEquals(414, refusedLine.status());
        var refusedHead = assertThrows(RefusedException.class, () -> new HeadParser(SIZE).read(head, 0, head.length));
        assertEquals(431, refusedHead.status());
    }

    @ParameterizedTest
    @CsvSource({"Host: a,400", "Host: b,400", "'Host: a,b',200", "Host: ,400"})
    void whatIsKnownOfAHostIsKnownOfOneFieldOnly(String second, int status) {
        var rules = new HeaderRules(1_000);
        rules.check(Heads.of("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"));
        var head = Heads.of("GET / HTTP/1.1\r\n" + (status == 200 ? "" : "Host: a\r\n") + second + "\r\n\r\n");
        if (status == 200) {
            assertEquals(0, rules.check(head));
        } else {
            assertEquals(
                    status,
                    assertThrows(RefusedException.class, () -> rules.check(head))
                            .status());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Content-Length: 7 | 7",
                "Content-Length: 007 | 7",
                "Content-Length: 0 | 0",
                "Transfer-Encoding: Chunked | -1",
                "Content-Length: 1001 | 413",
                "Content-Length: 7,7 | 400",
                "Content-Length: +7 | 400",
                "Content-Length: | 400",
                "Content-Length: 99999999999999999999 | 400",
                "Transfer-Encoding: gzip, chunked | 501",
                "Transfer-Encoding: chunked, | 400",
                "Transfer-Encoding: chunked, chunked | 400",
                "Transfer-Encoding: gzip | 400"
            })
    void aBodyEndsWhereThereAreNoTwoOpinionsAboutIt(String field, long outcome) {
        var rules = new HeaderRules(1_000);
        var head = Heads.of("POST / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n");
        if (outcome < 400) {
            assertEquals(outcome, rules.check(head));
        } else {
            assertEquals(
                    outcome,
                    assertThrows(RefusedException.class, () -> rules.check(head))
                            .status());
        }
    }
}
