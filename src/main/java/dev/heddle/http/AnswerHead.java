package dev.heddle.http;

import dev.heddle.connection.Exchange;
import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The head of an answer as it is sent, put together from left to right. What it is given as text is checked, so that nothing
 * from outside ends a line of it (RFC 9110 §5.5); what never changes is copied as it was prepared.
 */
final class AnswerHead {

    /** Most heads of ours are shorter. */
    private static final int BYTES = 768;

    /** Of a body, what is sent with the head in one step: beyond it, a copy would cost more than another step. */
    private static final int WITH_HEAD_BYTES = 64 * 1024;

    private static final int STATUSES = 600;

    private static final byte[] LINE_END = ascii("\r\n");
    private static final byte[] AFTER_NAME = ascii(": ");
    private static final byte[] CONTENT_LENGTH = name(HeaderNames.CONTENT_LENGTH);
    private static final byte[] CLOSE = prepare("Connection", "close");
    private static final byte[] KEEP_ALIVE = prepare("Connection", "keep-alive");

    /** The lines of the statuses that were sent; the same one may be made twice. */
    private static final AtomicReferenceArray<byte[]> STATUS_LINES = new AtomicReferenceArray<>(STATUSES);

    /** The line of the last second that was sent; any thread makes the next one, and two may make the same. */
    private static volatile Second second = Second.of(0);

    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    private record Second(long number, byte[] line) {

        private static final DateTimeFormatter FORM =
                DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.US);

        static Second of(long number) {
            var time = Instant.ofEpochSecond(number).atOffset(ZoneOffset.UTC);
            return new Second(number, prepare("Date", FORM.format(time)));
        }
    }

    private byte[] bytes = new byte[BYTES];
    private int length;

    /** With the line of that status, and the time. */
    AnswerHead(int status) {
        prepared(statusLine(status));
        prepared(date());
    }

    /** Of this very second: one that is kept for longer would be before the Last-Modified of what was made in it. */
    private static byte[] date() {
        long now = Math.floorDiv(System.currentTimeMillis(), 1000L);
        var known = second;
        if (known.number() != now) {
            known = Second.of(now);
            second = known;
        }
        return known.line();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] statusLine(int status) {
        var known = STATUS_LINES.get(status);
        if (known == null) {
            known = ascii("HTTP/1.1 " + status + " " + Status.create(status).reasonPhrase() + "\r\n");
            STATUS_LINES.set(status, known);
        }
        return known;
    }

    /** The name of a header of which only the value changes. */
    static byte[] name(HeaderName name) {
        return ascii(name.defaultCase() + ": ");
    }

    /** Headers to be sent as they are with {@link #prepared}: names, each with its value behind it. */
    static byte[] prepare(String... namesAndValues) {
        var lines = new StringBuilder();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            lines.append(namesAndValues[i])
                    .append(": ")
                    .append(namesAndValues[i + 1])
                    .append("\r\n");
        }
        return ascii(lines.toString());
    }

    /** Lines that were prepared. */
    AnswerHead prepared(byte[] lines) {
        makeRoom(lines.length);
        System.arraycopy(lines, 0, bytes, length, lines.length);
        length += lines.length;
        return this;
    }

    /** Headers; of two of the same name, the later one. */
    AnswerHead headers(List<Header> headers) {
        for (int i = 0; i < headers.size(); i++) {
            if (!isNamedLater(headers, i)) {
                header(headers.get(i));
            }
        }
        return this;
    }

    private static boolean isNamedLater(List<Header> headers, int index) {
        for (int i = index + 1; i < headers.size(); i++) {
            if (headers.get(i).headerName().equals(headers.get(index).headerName())) {
                return true;
            }
        }
        return false;
    }

    private AnswerHead header(Header header) {
        if (header.valueCount() == 1) {
            return header(header.headerName(), header.get());
        }
        for (var value : header.allValues()) {
            header(header.headerName(), value);
        }
        return this;
    }

    /** A header. */
    AnswerHead header(HeaderName name, String value) {
        text(name.defaultCase());
        prepared(AFTER_NAME);
        text(value);
        return prepared(LINE_END);
    }

    /** A header whose name was prepared with {@link #name}. */
    AnswerHead header(byte[] name, String value) {
        prepared(name);
        text(value);
        return prepared(LINE_END);
    }

    /** The length of the body. */
    AnswerHead contentLength(long length) {
        return header(CONTENT_LENGTH, Long.toString(length));
    }

    /** Whether the connection ends with this answer. */
    AnswerHead closing(boolean closes) {
        return prepared(closes ? CLOSE : KEEP_ALIVE);
    }

    private void text(String value) {
        makeRoom(value.length());
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if ((c < ' ' && c != '\t') || c > '~') {
                throw new IllegalArgumentException("a character that no header may have");
            }
            bytes[length++] = (byte) c;
        }
    }

    private void makeRoom(int more) {
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * (length + more));
        }
    }

    /** Sends it, and those bytes behind it. */
    void send(Exchange exchange, byte[] body, int offset, int count) {
        prepared(LINE_END);
        int first = Math.min(count, WITH_HEAD_BYTES);
        var begin = Arrays.copyOf(bytes, length + first);
        System.arraycopy(body, offset, begin, length, first);
        exchange.begin();
        exchange.write(begin, 0, begin.length);
        if (first < count) {
            exchange.write(body, offset + first, count - first);
        }
    }

    /** The whole of an answer, for who has not come as far as an exchange. */
    byte[] with(byte[] body) {
        prepared(LINE_END);
        var whole = Arrays.copyOf(bytes, length + body.length);
        System.arraycopy(body, 0, whole, length, body.length);
        return whole;
    }
}
