package dev.heddle.connection;

import io.helidon.common.uri.UriPath;
import io.helidon.common.uri.UriValidator;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The first line of a request (RFC 9112 §3). A method in small letters, a fragment and a target that is no URI are refused,
 * and what can never become a request, such as the beginning of TLS, before its line has ended. For one request.
 */
final class RequestLine {

    /** RFC 3986 §3.3, without what is percent-encoded. */
    private static final boolean[] IN_PATH = Ascii.set(Ascii.LETTERS_AND_DIGITS + "-._~!$&'()*+,;=:@/");

    /** RFC 3986 §3.4, likewise. */
    private static final boolean[] IN_QUERY = Ascii.set(Ascii.LETTERS_AND_DIGITS + "-._~!$&'()*+,;=:@/?");

    private static final byte[] GET = ascii("GET");
    private static final byte[] HTTP_1_1 = ascii("HTTP/1.1");
    private static final byte[] HTTP_NAME = ascii("HTTP/");

    private String method = "";
    private String path = "";
    private String query = "";

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    String method() {
        return method;
    }

    String path() {
        return path;
    }

    String query() {
        return query;
    }

    /** Refuses a beginning of a line that is no method. */
    static void requireMethod(byte[] bytes, int from, int to) {
        methodEnd(bytes, from, to);
    }

    /** Where the method ends, or what there is of it. */
    private static int methodEnd(byte[] bytes, int from, int to) {
        int end = Ascii.endOf(Ascii.TOKEN, bytes, from, to);
        if (end < to && (end == from || bytes[end] != ' ')) {
            throw RefusedException.broken("no method");
        }
        return end;
    }

    /**
     * Reads it.
     *
     * @throws RefusedException 400 for what is no request line, 501 for a method in small letters, 505 for HTTP/1.0 and
     *     for what is not HTTP/1
     */
    void read(byte[] bytes, int from, int to) {
        int methodEnd = methodEnd(bytes, from, to);
        if (methodEnd == to) {
            throw RefusedException.broken("a method alone");
        }
        requireCapitals(bytes, from, methodEnd);
        method = Arrays.equals(bytes, from, methodEnd, GET, 0, GET.length) ? "GET" : text(bytes, from, methodEnd);
        readTarget(bytes, methodEnd + 1, to);
    }

    /** Each byte is looked at once, unless some of them are not plain. */
    private void readTarget(byte[] bytes, int begin, int to) {
        int plainPath = Ascii.endOf(IN_PATH, bytes, begin, to);
        boolean hasQuery = plainPath < to && bytes[plainPath] == '?';
        int plainEnd = hasQuery ? Ascii.endOf(IN_QUERY, bytes, plainPath + 1, to) : plainPath;
        int end = indexOf(bytes, (byte) ' ', plainEnd, to);
        if (end == to) {
            throw RefusedException.broken("no version");
        }
        int pathEnd = hasQuery ? plainPath : indexOf(bytes, (byte) '?', plainPath, end);
        path = text(bytes, begin, pathEnd);
        query = pathEnd < end ? text(bytes, pathEnd + 1, end) : "";
        if (begin == end) {
            throw RefusedException.broken("no target");
        }
        requireVersion(bytes, end + 1, to);
        if (pathEnd > plainPath || !isAbsolute(bytes, begin, pathEnd)) {
            requirePath(bytes, begin, pathEnd);
        }
        if (pathEnd < end && end > plainEnd) {
            requireQuery(bytes, pathEnd + 1, end);
        }
    }

    private static int indexOf(byte[] bytes, byte wanted, int from, int to) {
        int at = from;
        while (at < to && bytes[at] != wanted) {
            at++;
        }
        return at;
    }

    /** What is not ASCII is refused before anybody sees the text. */
    private static String text(byte[] bytes, int from, int to) {
        return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
    }

    private static void requireCapitals(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] >= 'a' && bytes[i] <= 'z') {
                throw RefusedException.of(501, "a method in small letters");
            }
        }
    }

    /** What is newer than HTTP/1.1 and still HTTP/1 is read as HTTP/1.1 (RFC 9110 §6.2). */
    private static void requireVersion(byte[] bytes, int from, int to) {
        if (Arrays.equals(bytes, from, to, HTTP_1_1, 0, HTTP_1_1.length)) {
            return;
        }
        boolean isVersion = to - from == HTTP_1_1.length
                && Arrays.equals(bytes, from, from + HTTP_NAME.length, HTTP_NAME, 0, HTTP_NAME.length)
                && isDigit(bytes[to - 3])
                && bytes[to - 2] == '.'
                && isDigit(bytes[to - 1]);
        if (!isVersion) {
            throw RefusedException.broken("no version of HTTP");
        }
        if (bytes[to - 3] != '1' || bytes[to - 1] == '0') {
            throw RefusedException.of(505, text(bytes, from, to));
        }
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    /** What is not plain, such as a whole URI, is looked at closely; there are no two opinions about the rest. */
    private void requirePath(byte[] bytes, int from, int to) {
        if (isAbsolute(bytes, from, to) && isPlain(IN_PATH, bytes, from, to)) {
            return;
        }
        requireNoFragment(bytes, from, to);
        try {
            UriPath.create(path).validate();
        } catch (IllegalArgumentException e) {
            throw RefusedException.broken("no path");
        }
    }

    private static boolean isAbsolute(byte[] bytes, int from, int to) {
        return from < to && bytes[from] == '/' && (from + 1 == to || bytes[from + 1] != '/');
    }

    private void requireQuery(byte[] bytes, int from, int to) {
        if (isPlain(IN_QUERY, bytes, from, to)) {
            return;
        }
        requireNoFragment(bytes, from, to);
        try {
            UriValidator.validateQuery(query);
        } catch (IllegalArgumentException e) {
            throw RefusedException.broken("no query");
        }
    }

    /** Nor what is not ASCII. */
    private static void requireNoFragment(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] < 0 || bytes[i] == '#') {
                throw RefusedException.broken("no target of a request");
            }
        }
    }

    /** Whether they are of that set, or percent-encoded as they should be. */
    private static boolean isPlain(boolean[] set, byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (!Ascii.isIn(set, bytes[i])) {
                boolean isEncoded = bytes[i] == '%' && i + 2 < to && isHex(bytes[i + 1]) && isHex(bytes[i + 2]);
                if (!isEncoded) {
                    return false;
                }
                i += 2;
            }
        }
        return true;
    }

    private static boolean isHex(byte b) {
        return Character.digit(b, 16) >= 0;
    }
}
