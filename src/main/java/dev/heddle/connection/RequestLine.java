package dev.heddle.connection;

/**
 * What the web server would let pass in a request line (RFC 9112 §3): it writes methods in capitals, cuts fragments off, and
 * waits for the end of a line that can never be one, such as the beginning of TLS. Belongs to the thread of the connection.
 */
final class RequestLine {

    private static final String MARKS = "!#$%&'*+-.^_`|~";

    private Part part = Part.FIRST;
    private boolean isSmall;

    private enum Part {
        FIRST,
        METHOD,
        REST,
        NONE
    }

    /** Another one begins. */
    void begin() {
        part = Part.FIRST;
        isSmall = false;
    }

    /**
     * Looks at the next bytes of a head.
     *
     * @throws io.helidon.http.RequestException 400 for what is no request line, 501 for a method in small letters
     */
    void check(byte[] bytes, int end) {
        for (int i = 0; i < end && part != Part.NONE; i++) {
            part = next(bytes[i]);
        }
    }

    private Part next(byte b) {
        // The end of the line, and what is none, is the parser's to see.
        if (b == '\r' || b == '\n') {
            return Part.NONE;
        }
        return part == Part.REST ? rest(b) : method(b);
    }

    private Part method(byte b) {
        if (b == ' ' && part == Part.METHOD) {
            if (isSmall) {
                throw Refusals.unknownMethod();
            }
            return Part.REST;
        }
        boolean isSmallLetter = b >= 'a' && b <= 'z';
        if (!isSmallLetter && (b < 'A' || b > 'Z') && (b < '0' || b > '9') && MARKS.indexOf(b) < 0) {
            throw Refusals.broken("no method");
        }
        isSmall |= isSmallLetter;
        return Part.METHOD;
    }

    private static Part rest(byte b) {
        if (b < ' ' || b == 0x7f || b == '#') {
            throw Refusals.broken("no target of a request");
        }
        return Part.REST;
    }
}
