package dev.heddle.connection;

import java.util.Arrays;

/**
 * Takes the head of a request apart as its bytes come, and refuses the first that is wrong (RFC 9112 §2 to §5): a line that
 * does not end by CR LF, a control character, a name that is no token. For one head, on the thread of its connection.
 */
final class HeadParser {

    private static final int FIELDS = 12;

    /** Browsers send about twenty, and proxies add some; of the shortest there would be thousands within the bytes. */
    private static final int FIELDS_MAX = 100;

    private final ConnectionGuard.Size size;
    private final RequestLine line = new RequestLine();
    private int[] marks = new int[FIELDS * RequestHead.MARKS];
    private int fields;
    /** Behind the request line, from the beginning of the head; 0 while there is none. */
    private int fieldsBegin;
    /** Where the line begins that is being read, and how far its end was looked for. */
    private int lineBegin;

    private int looked;
    private boolean hasEmptyLine;

    HeadParser(ConnectionGuard.Size size) {
        this.size = size;
    }

    /**
     * Reads on in a head that begins there and of which so much has come.
     *
     * @return how long the head is; 0 when its end has not come
     * @throws RefusedException when it is none
     */
    int read(byte[] bytes, int from, int to) {
        while (true) {
            int end = lineEnd(bytes, from + looked, to);
            looked = end - from;
            requireRoom(looked);
            if (end + 1 >= to) {
                if (end == to && fieldsBegin == 0) {
                    RequestLine.requireMethod(bytes, from + lineBegin, to);
                }
                return 0;
            }
            int begin = from + lineBegin;
            lineBegin = looked + 2;
            looked = lineBegin;
            if (fieldsBegin == 0) {
                beginning(bytes, begin, end);
            } else if (begin == end) {
                return lineBegin;
            } else {
                field(bytes, from, begin, end);
            }
        }
    }

    /** Where the line ends whose end has not been before; the end of the bytes when it is not there. */
    private static int lineEnd(byte[] bytes, int from, int to) {
        for (int i = Ascii.printableEnd(bytes, from, to); i < to; i++) {
            byte b = bytes[i];
            if (b < ' ' || b == Ascii.DELETE) {
                if (b == '\r' && (i + 1 == to || bytes[i + 1] == '\n')) {
                    return i;
                }
                // What is not ASCII is negative, and may be in a value.
                if (b >= 0 && b != '\t') {
                    throw RefusedException.broken("a control character within a head");
                }
            }
        }
        return to;
    }

    private void requireRoom(int length) {
        if (fieldsBegin > 0) {
            if (length - fieldsBegin > size.headers()) {
                throw RefusedException.of(431, "header fields that are too long");
            }
        } else if (length - lineBegin >= size.requestLine()) {
            throw RefusedException.of(414, "a request line that is too long");
        }
    }

    private void beginning(byte[] bytes, int begin, int end) {
        if (begin == end && !hasEmptyLine) {
            // Behind a body, by old clients; one is ignored (RFC 9112 §2.2).
            hasEmptyLine = true;
            return;
        }
        fieldsBegin = lineBegin;
        line.read(bytes, begin, end);
    }

    private void field(byte[] bytes, int from, int begin, int end) {
        int colon = Ascii.endOf(Ascii.TOKEN, bytes, begin, end);
        if (colon == begin || colon == end || bytes[colon] != ':') {
            throw RefusedException.broken("a header without a name");
        }
        int valueBegin = colon + 1;
        while (valueBegin < end && isBlank(bytes[valueBegin])) {
            valueBegin++;
        }
        int valueEnd = end;
        while (valueEnd > valueBegin && isBlank(bytes[valueEnd - 1])) {
            valueEnd--;
        }
        mark(begin - from, colon - from, valueBegin - from, valueEnd - from);
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    private void mark(int nameBegin, int nameEnd, int valueBegin, int valueEnd) {
        if (fields == FIELDS_MAX) {
            throw RefusedException.of(431, "too many header fields");
        }
        int at = fields++ * RequestHead.MARKS;
        if (at == marks.length) {
            marks = Arrays.copyOf(marks, 2 * at);
        }
        marks[at] = nameBegin;
        marks[at + 1] = nameEnd;
        marks[at + 2] = valueBegin;
        marks[at + 3] = valueEnd;
    }

    /** Whether the request line was read. */
    boolean hasLine() {
        return fieldsBegin > 0;
    }

    /** How long it is, or what there is of it. */
    int length() {
        return lineBegin;
    }

    /** What was read, of a head that begins there. */
    RequestHead head(byte[] bytes, int from) {
        var copy = Arrays.copyOfRange(bytes, from, from + lineBegin);
        return new RequestHead(line.method(), line.path(), line.query(), copy, marks, fields);
    }
}
