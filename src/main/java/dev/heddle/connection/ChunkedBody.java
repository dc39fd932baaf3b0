package dev.heddle.connection;

/**
 * Takes a body in chunks apart (RFC 9112 §7.1) and hands its content on as the bytes come: a chunk of a gigabyte is never
 * held as a whole, and of a thousand small ones none is handled alone. Extensions and
 * trailers are left out; what is no chunk is refused at once. Belongs to the thread of the connection.
 */
final class ChunkedBody {

    /** More than any chunk needs; a longer number is an overflow that somebody hopes for. */
    private static final int SIZE_DIGITS_MAX = 15;

    /** Of the line with the size. Extensions are rare and short. */
    private static final int LINE_BYTES_MAX = 512;

    /** Of all trailers. They are read and forgotten. */
    private static final int TRAILER_BYTES_MAX = 8 * 1024;

    private Expected expected = Expected.SIZE;
    private long size;
    private long announced;
    private int digits;
    private int line;
    private int trailers;
    private int taken;

    private enum Expected {
        SIZE,
        /** Behind the size there are blanks at most, before the semicolon (§7.1.1). */
        BLANK,
        EXTENSION,
        SIZE_LF,
        DATA,
        DATA_CR,
        DATA_LF,
        /** The beginning of a line behind the last chunk; an empty one is the end. */
        TRAILER,
        IN_TRAILER,
        TRAILER_LF,
        LAST_LF,
        NOTHING
    }

    /**
     * Leaves the content of these bytes at their beginning. All are taken, but what stands behind the end.
     *
     * @param max what all chunks together may have
     * @return how long the content is
     * @throws RefusedException 400 for what is no chunk, 413 for more than that
     */
    int decode(byte[] bytes, int from, int to, long max) {
        int end = from;
        int at = from;
        while (at < to && expected != Expected.NOTHING) {
            if (expected == Expected.DATA) {
                int length = (int) Math.min(size, to - at);
                System.arraycopy(bytes, at, bytes, end, length);
                end += length;
                at += length;
                size -= length;
                expected = size == 0 ? Expected.DATA_CR : Expected.DATA;
            } else {
                expected = next(bytes[at++], max);
            }
        }
        taken = at - from;
        return end - from;
    }

    /** How many of the bytes the last call has taken. */
    int taken() {
        return taken;
    }

    /** Whether the last chunk and its trailers were taken. */
    boolean isAtEnd() {
        return expected == Expected.NOTHING;
    }

    private Expected next(byte b, long max) {
        return switch (expected) {
            case SIZE -> size(b);
            case BLANK -> b == ';' ? extension(b) : blank(b);
            case EXTENSION -> extension(b);
            case SIZE_LF -> begin(b, max);
            case DATA_CR -> require(b, '\r', Expected.DATA_LF);
            case DATA_LF -> require(b, '\n', Expected.SIZE);
            case TRAILER -> b == '\r' ? Expected.LAST_LF : trailer(b);
            case IN_TRAILER -> b == '\r' ? Expected.TRAILER_LF : trailer(b);
            case TRAILER_LF -> require(b, '\n', Expected.TRAILER);
            case LAST_LF -> require(b, '\n', Expected.NOTHING);
            case DATA, NOTHING -> throw broken();
        };
    }

    private Expected size(byte b) {
        int digit = Character.digit(b, 16);
        if (digit >= 0) {
            if (++digits > SIZE_DIGITS_MAX) {
                throw broken();
            }
            size = size * 16 + digit;
            return Expected.SIZE;
        }
        if (digits == 0) {
            throw broken();
        }
        line = digits;
        return b == ';' ? extension(b) : blank(b);
    }

    private Expected blank(byte b) {
        if (b != '\r' && b != ' ' && b != '\t') {
            throw broken();
        }
        return inLine(b, Expected.BLANK);
    }

    private Expected extension(byte b) {
        return inLine(b, Expected.EXTENSION);
    }

    private Expected inLine(byte b, Expected then) {
        if (b == '\r') {
            return Expected.SIZE_LF;
        }
        if (isControl(b) || ++line > LINE_BYTES_MAX) {
            throw broken();
        }
        return then;
    }

    private Expected begin(byte b, long max) {
        require(b, '\n', Expected.DATA);
        digits = 0;
        line = 0;
        announced += size;
        if (announced > max || announced < 0) {
            throw RefusedException.tooLarge("the chunks of the body are too large");
        }
        return size == 0 ? Expected.TRAILER : Expected.DATA;
    }

    private Expected trailer(byte b) {
        if (isControl(b) || ++trailers > TRAILER_BYTES_MAX) {
            throw broken();
        }
        return Expected.IN_TRAILER;
    }

    private static boolean isControl(byte b) {
        return (b >= 0 && b < ' ' && b != '\t') || b == 0x7f;
    }

    private static Expected require(byte b, char wanted, Expected then) {
        if (b != wanted) {
            throw broken();
        }
        return then;
    }

    private static RefusedException broken() {
        return RefusedException.broken("the chunks of the body are broken");
    }
}
