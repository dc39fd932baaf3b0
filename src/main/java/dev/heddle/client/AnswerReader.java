package dev.heddle.client;

import dev.heddle.client.HttpFailure.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Reads the answers of one connection, RFC 9112, strictly: where one answer ends and the next begins is never guessed,
 * because whoever guesses wrongly gives one caller the answer of another. Not for two threads.
 */
final class AnswerReader {

    /** All fields of an answer with its status line, and those behind a chunked body, in bytes. */
    static final int HEAD_BYTES_MAX = 64 * 1024;

    private static final int BUFFER_BYTES = 8 * 1024;

    /** Body bytes that are believed before they come: a length costs its sender nothing. */
    private static final int TRUSTED_BYTES = 64 * 1024;

    /** What may stand in a line beside its words: no control character, but all that is not ASCII. */
    private static final String TEXT = "[\t -~\\x80-\\xff]*";

    /** A chunk's length as far as a long holds it; some servers write leading zeros. */
    private static final Pattern CHUNK = Pattern.compile("(?<size>[0-9A-Fa-f]{1,15})[ \t]*(;" + TEXT + ")?");

    /** Such as {@code HTTP/1.1 200}, of which only these are looked at one by one. */
    private static final int STATUS_LINE_CHARACTERS = 12;

    private static final Pattern REPETITION = Pattern.compile(", *");

    /** More than any body has, and less than a long overflows with. */
    private static final int LENGTH_DIGITS_MAX = 18;

    /** RFC 9110 §5.6.2: what is visible and no delimiter. */
    private static final boolean[] TOKEN = new boolean[128];

    static {
        for (char c = '!'; c <= '~'; c++) {
            TOKEN[c] = "\"(),/:;<=>?@[\\]{}".indexOf(c) < 0;
        }
    }

    private final InputStream in;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int from;
    private int to;
    private int headBytes;
    private boolean isReusable;
    private boolean isBegun;

    AnswerReader(InputStream in) {
        this.in = in;
    }

    /** Whether another exchange may follow the answer that was read last. */
    boolean isReusable() {
        return isReusable && from == to;
    }

    /** Whether nothing has come since the last answer: then a server that hung up has not read the request. */
    boolean isUntouched() {
        return !isBegun;
    }

    /** The next answer; those in between (1xx) are passed over. */
    HttpAnswer read(int bodyBytesMax) throws IOException {
        headBytes = 0;
        isReusable = false;
        while (true) {
            var line = line();
            int status = status(line);
            var headers = headers();
            if (status == 101) {
                throw malformed("a switch of protocols that nobody asked for");
            }
            if (status >= 200) {
                return answer(status, line.charAt(7) == '1', headers, bodyBytesMax);
            }
        }
    }

    private static int status(String line) throws HttpFailure {
        boolean isWhole = line.length() == STATUS_LINE_CHARACTERS
                || (line.length() > STATUS_LINE_CHARACTERS
                        && line.charAt(STATUS_LINE_CHARACTERS) == ' '
                        && !hasControl(line));
        boolean isOne = isWhole && (line.startsWith("HTTP/1.1 ") || line.startsWith("HTTP/1.0 "));
        if (!isOne || !isDigits(line, 9, STATUS_LINE_CHARACTERS) || line.charAt(9) < '1' || line.charAt(9) > '5') {
            throw malformed("its status line");
        }
        return Integer.parseInt(line, 9, STATUS_LINE_CHARACTERS, 10);
    }

    private static boolean isDigits(String text, int begin, int end) {
        for (int i = begin; i < end; i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return begin < end;
    }

    private HttpAnswer answer(int status, boolean isHttp11, List<HttpHeader> headers, int bodyBytesMax)
            throws IOException {
        var connection = HttpAnswer.join(headers, "Connection").toLowerCase(Locale.ROOT);
        boolean stays = !hasToken(connection, "close") && (isHttp11 || hasToken(connection, "keep-alive"));
        boolean isCoded = isSent(headers, "Transfer-Encoding");
        boolean isMeasured = isSent(headers, "Content-Length");
        byte[] body;
        if (status == 204 || status == 304) {
            body = new byte[0];
            // A 304 may describe the body that it spares; a 204 that has one contradicts itself. RFC 9112 §6.2.
            stays &= status == 304 || !(isCoded || isMeasured);
        } else if (isCoded) {
            var coding = HttpAnswer.join(headers, "Transfer-Encoding");
            if (!isHttp11 || !coding.equalsIgnoreCase("chunked") || isMeasured) {
                // RFC 9112 §6.3: two ways to find the end are an attempt to make two readers find two of them.
                throw malformed("its transfer coding");
            }
            body = chunks(bodyBytesMax);
        } else if (isMeasured) {
            body = exactly(length(HttpAnswer.join(headers, "Content-Length"), bodyBytesMax));
        } else {
            body = toTheEnd(bodyBytesMax);
            stays = false;
        }
        isReusable = stays;
        isBegun = false;
        return new HttpAnswer(status, headers, body);
    }

    /** Also when it is empty, which says that whoever sent it is confused. */
    private static boolean isSent(List<HttpHeader> headers, String name) {
        for (var header : headers) {
            if (header.name().equalsIgnoreCase(name)) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasToken(String list, String token) {
        for (var part : list.split(",", -1)) {
            if (part.strip().equals(token)) {
                return true;
            }
        }
        return false;
    }

    private List<HttpHeader> headers() throws IOException {
        var headers = new ArrayList<HttpHeader>(12);
        for (var line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            if (colon < 0 || !isToken(line.substring(0, colon))) {
                throw malformed("a field of its head");
            }
            var value = line.substring(colon + 1);
            // Before blanks are removed: Java takes some of them for blanks, as other readers do not.
            if (hasControl(value)) {
                throw malformed("a control character in its head");
            }
            headers.add(new HttpHeader(line.substring(0, colon), value.strip()));
        }
        return headers;
    }

    private static boolean hasControl(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if ((c < ' ' && c != '\t') || c == 0x7f) {
                return true;
            }
        }
        return false;
    }

    /** RFC 9110 §5.6.2. A folded line begins with a blank, which is none. */
    static boolean isToken(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= TOKEN.length || !TOKEN[c]) {
                return false;
            }
        }
        return !text.isEmpty();
    }

    /** A line of the head, without its end. */
    private String line() throws IOException {
        String begun = "";
        while (true) {
            for (int i = from; i < to; i++) {
                if (buffer[i] == '\n') {
                    var line = begun.concat(text(i));
                    countHead(i + 1 - from);
                    from = i + 1;
                    if (!line.endsWith("\r")) {
                        throw malformed("a line end");
                    }
                    return line.substring(0, line.length() - 1);
                }
            }
            begun = begun.concat(text(to));
            countHead(to - from);
            fill();
        }
    }

    private String text(int end) {
        return new String(buffer, from, end - from, StandardCharsets.ISO_8859_1);
    }

    private void countHead(int bytes) throws HttpFailure {
        headBytes += bytes;
        if (headBytes > HEAD_BYTES_MAX) {
            throw new HttpFailure(Kind.TOO_LARGE, "its head has more than " + HEAD_BYTES_MAX + " bytes");
        }
    }

    private void fill() throws IOException {
        from = 0;
        to = 0;
        int read = in.read(buffer, 0, buffer.length);
        if (read < 0) {
            throw new HttpFailure(Kind.CUT, "it hung up before the end of its answer");
        }
        to = read;
        isBegun = true;
    }

    private static int length(String written, int max) throws HttpFailure {
        // One may come twice, on its way through others, if both say the same. RFC 9110 §8.6.
        var all = REPETITION.split(written, -1);
        for (var one : all) {
            boolean isLength = one.length() <= LENGTH_DIGITS_MAX && isDigits(one, 0, one.length());
            if (!isLength || !one.equals(all[0])) {
                throw malformed("its Content-Length");
            }
        }
        long length = Long.parseLong(all[0]);
        if (length > max) {
            throw tooLarge(max);
        }
        return (int) length;
    }

    private byte[] exactly(int length) throws IOException {
        var body = new byte[Math.min(length, TRUSTED_BYTES)];
        int read = 0;
        while (true) {
            read += take(body, read, body.length - read);
            if (read == length) {
                return body;
            }
            if (read == body.length) {
                body = Arrays.copyOf(body, (int) Math.min(length, body.length * 2L));
            }
        }
    }

    /** Some bytes, at least one if there is room for it. */
    private int take(byte[] into, int offset, int room) throws IOException {
        if (room == 0) {
            return 0;
        }
        if (from < to) {
            int taken = Math.min(room, to - from);
            System.arraycopy(buffer, from, into, offset, taken);
            from += taken;
            return taken;
        }
        int taken = in.read(into, offset, room);
        if (taken < 0) {
            throw new HttpFailure(Kind.CUT, "it hung up before the end of its answer");
        }
        return taken;
    }

    private byte[] chunks(int max) throws IOException {
        var body = new byte[0];
        int length = 0;
        while (true) {
            headBytes = 0;
            var line = CHUNK.matcher(line());
            if (!line.matches()) {
                throw malformed("the length of a chunk");
            }
            long size = Long.parseLong(line.group("size"), 16);
            if (size == 0) {
                headers();
                return body.length == length ? body : Arrays.copyOf(body, length);
            }
            if (size > max - length) {
                throw tooLarge(max);
            }
            for (int left = (int) size; left > 0; ) {
                if (length == body.length) {
                    // Never ahead of what has come by more than as much again.
                    body = Arrays.copyOf(body, length + Math.min(left, Math.max(BUFFER_BYTES, length)));
                }
                int taken = take(body, length, Math.min(left, body.length - length));
                length += taken;
                left -= taken;
            }
            if (!line().isEmpty()) {
                throw malformed("the end of a chunk");
            }
        }
    }

    /** RFC 9112 §6.3, rule 8: an answer without a length ends with its connection. */
    private byte[] toTheEnd(int max) throws IOException {
        var body = Arrays.copyOfRange(buffer, from, to);
        from = to;
        if (body.length > max) {
            throw tooLarge(max);
        }
        var rest = in.readNBytes(max - body.length);
        // One more than there may be, to see whether there is more.
        if (rest.length == max - body.length && in.read() >= 0) {
            throw tooLarge(max);
        }
        var all = Arrays.copyOf(body, body.length + rest.length);
        System.arraycopy(rest, 0, all, body.length, rest.length);
        return all;
    }

    private static HttpFailure tooLarge(int max) {
        return new HttpFailure(Kind.TOO_LARGE, "its body has more than " + max + " bytes");
    }

    private static HttpFailure malformed(String what) {
        return new HttpFailure(Kind.MALFORMED, "it sent no HTTP/1.1: " + what);
    }
}
