package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.connection.Exchange;
import io.helidon.webserver.ServerConnectionException;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnswerStreamTest {

    private static final String HEAD = "HTTP/1.1 200 OK\r\nDate: now\r\n";

    /** What is held back before something leaves. */
    private static final int HELD = 4 * 1024;

    /** What has left, write by write. */
    private final List<String> sent = new ArrayList<>();

    private boolean isGone;

    private AnswerStream stream(AnswerHead head, boolean hasLength) {
        var exchange = Proxy.newProxyInstance(
                AnswerStreamTest.class.getClassLoader(),
                new Class<?>[] {Exchange.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("write")) {
                        write((byte[]) arguments[0], (int) arguments[1], (int) arguments[2]);
                    } else if (!method.getName().equals("begin")) {
                        throw new UnsupportedOperationException(method.getName());
                    }
                    return null;
                });
        return new AnswerStream((Exchange) exchange, head, hasLength);
    }

    private void write(byte[] bytes, int offset, int length) {
        if (isGone) {
            throw new ServerConnectionException("gone", new IOException());
        }
        sent.add(new String(bytes, offset, length, StandardCharsets.ISO_8859_1)
                .replaceFirst("Date: [^\r]+ GMT", "Date: now"));
    }

    private AnswerStream ofUnknownLength() {
        return stream(new AnswerHead(200), false);
    }

    private AnswerStream ofLength(long length) {
        return stream(new AnswerHead(200).contentLength(length), true);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static String chunk(String text) {
        return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, HELD - 1, HELD})
    void whatFitsIsSentWithItsLengthInOneWrite(int length) throws IOException {
        var stream = ofUnknownLength();
        var text = "x".repeat(length);
        stream.write(bytes(text));
        assertFalse(stream.hasBegun());
        stream.finish();
        assertTrue(stream.hasBegun());
        assertEquals(List.of(HEAD + "Content-Length: " + length + "\r\n\r\n" + text), sent);
    }

    @Test
    void whatDoesNotFitIsSentInChunksThatHoldWhatWasGathered() throws IOException {
        var stream = ofUnknownLength();
        stream.write('a');
        stream.write(bytes("b".repeat(HELD - 1)));
        assertEquals(List.of(), sent);
        stream.write('c');
        stream.write(bytes("d".repeat(HELD + 1)));
        stream.finish();
        assertEquals(
                List.of(
                        HEAD + "Transfer-Encoding: chunked\r\n\r\n" + chunk("a" + "b".repeat(HELD - 1)),
                        chunk("c"),
                        chunk("d".repeat(HELD + 1)),
                        "0\r\n\r\n"),
                sent);
    }

    /** One would be the end. */
    @Test
    void noChunkIsEmpty() throws IOException {
        var stream = ofUnknownLength();
        stream.flush();
        assertEquals(List.of(), sent);
        stream.write(bytes("x"));
        stream.flush();
        stream.flush();
        stream.write(new byte[0]);
        stream.flush();
        stream.finish();
        assertEquals(List.of(HEAD + "Transfer-Encoding: chunked\r\n\r\n" + chunk("x"), "0\r\n\r\n"), sent);
    }

    @Test
    void withALengthNothingStandsBetweenTheBytes() throws IOException {
        var stream = ofLength(HELD + 5);
        stream.write(bytes("ab"));
        stream.write(bytes("c".repeat(HELD + 2)));
        stream.write('d');
        stream.finish();
        assertEquals(
                HEAD + "Content-Length: " + (HELD + 5) + "\r\n\r\nab" + "c".repeat(HELD + 2) + "d",
                String.join("", sent));
    }

    @Test
    void withALengthOfNothingTheHeadIsSentAlone() {
        ofLength(0).finish();
        assertEquals(List.of(HEAD + "Content-Length: 0\r\n\r\n"), sent);
    }

    /** Else a stream that broke off would look complete. */
    @Test
    void closingItEndsNothing() throws IOException {
        var stream = ofUnknownLength();
        stream.write(bytes("x".repeat(HELD + 1)));
        int before = sent.size();
        stream.close();
        assertEquals(before, sent.size());
    }

    @Test
    void afterAWriteThatFailedItHasBegun() {
        isGone = true;
        var stream = ofUnknownLength();
        assertThrows(ServerConnectionException.class, () -> stream.write(new byte[HELD + 1]));
        assertTrue(stream.hasBegun());
    }
}
