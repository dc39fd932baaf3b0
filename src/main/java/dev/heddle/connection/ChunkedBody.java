package dev.heddle.connection;

import io.helidon.http.RequestException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Takes a body in chunks apart (RFC 9112 §7.1) and puts it together again in chunks of the size that the bytes come in:
 * a chunk of a gigabyte is never held as a whole, and of a thousand small ones none is handled alone. Extensions and
 * trailers are left out; what is no chunk is refused at once. Belongs to the thread of the connection.
 */
final class ChunkedBody {

    /** More than any chunk needs; a longer number is an overflow that somebody hopes for. */
    private static final int SIZE_DIGITS_MAX = 15;

    /** Of the line with the size. Extensions are rare and short. */
    private static final int LINE_BYTES_MAX = 512;

    /** Of all trailers. They are read and forgotten. */
    private static final int TRAILER_BYTES_MAX = 8 * 1024;

    /** A size of as many digits as any piece needs, and the end of its line. */
    private static final int FRAME_HEAD_BYTES = 10;

    private static final byte[] NOTHING = new byte[0];

    private static final byte[] LINE_END = {'\r', '\n'};

    private static final byte[] END = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

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
     * What is to be handed on of these bytes; empty when there is nothing of the content among them. All are taken, but
     * what stands behind the end.
     *
     * @param max what all chunks together may have
     * @throws RequestException 400 for what is no chunk, 413 for more than that
     */
    byte[] frame(byte[] bytes, long max) {
        var frame = new byte[FRAME_HEAD_BYTES + bytes.length + LINE_END.length + END.length];
        int end = FRAME_HEAD_BYTES;
        int at = 0;
        while (at < bytes.length && expected != Expected.NOTHING) {
            if (expected == Expected.DATA) {
                int length = (int) Math.min(size, bytes.length - at);
                System.arraycopy(bytes, at, frame, end, length);
                end += length;
                at += length;
                size -= length;
                expected = size == 0 ? Expected.DATA_CR : Expected.DATA;
            } else {
                expected = next(bytes[at++], max);
            }
        }
        taken = at;
        return framed(frame, end);
    }

    /** Between its size and what follows it, if there is any content. */
    private byte[] framed(byte[] frame, int contentEnd) {
        if (contentEnd == FRAME_HEAD_BYTES) {
            return isAtEnd() ? END : NOTHING;
        }
        var head = (HexFormat.of().toHexDigits(contentEnd - FRAME_HEAD_BYTES) + "\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(head, 0, frame, 0, FRAME_HEAD_BYTES);
        System.arraycopy(LINE_END, 0, frame, contentEnd, LINE_END.length);
        int end = contentEnd + LINE_END.length;
        if (isAtEnd()) {
            System.arraycopy(END, 0, frame, end, END.length);
            end += END.length;
        }
        return Arrays.copyOf(frame, end);
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
            throw Refusals.tooLarge("the chunks of the body are too large");
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

    private static RequestException broken() {
        return Refusals.broken("the chunks of the body are broken");
    }
}
