package dev.heddle.http;

import io.helidon.http.DirectHandler;
import io.helidon.http.RequestException;
import io.helidon.http.Status;
import java.nio.charset.StandardCharsets;

/**
 * Takes a body in chunks apart (RFC 9112 §7.1) and puts it together again in chunks of the size that the bytes come in,
 * so that a chunk of a gigabyte is never held as a whole. Extensions and trailers are left out; what is no chunk is
 * refused at once. Belongs to the thread of the connection.
 */
final class ChunkedBody {

    /** More than any chunk needs; a longer number is an overflow that somebody hopes for. */
    private static final int SIZE_DIGITS_MAX = 15;

    /** Of the line with the size. Extensions are rare and short. */
    private static final int LINE_BYTES_MAX = 512;

    /** Of all trailers. They are read and forgotten. */
    private static final int TRAILER_BYTES_MAX = 8 * 1024;

    private static final byte[] NOTHING = new byte[0];

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
     * The next chunk to hand on; empty when the bytes are not enough for one.
     *
     * @param max what all chunks together may have
     * @throws RequestException 400 for what is no chunk, 413 for more than that
     */
    byte[] frame(byte[] bytes, long max) {
        for (int i = 0; i < bytes.length; i++) {
            if (expected == Expected.DATA) {
                int length = (int) Math.min(size, bytes.length - i);
                size -= length;
                expected = size == 0 ? Expected.DATA_CR : Expected.DATA;
                taken = i + length;
                return framed(bytes, i, length);
            }
            expected = next(bytes[i], max);
            if (expected == Expected.NOTHING) {
                taken = i + 1;
                return END;
            }
        }
        taken = bytes.length;
        return NOTHING;
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
        return extension(b);
    }

    private Expected extension(byte b) {
        if (b == '\r') {
            return Expected.SIZE_LF;
        }
        // Behind the size there are blanks at most, before the semicolon (§7.1.1).
        boolean isFirst = expected == Expected.SIZE && b != ';' && b != ' ' && b != '\t';
        if (isFirst || isControl(b) || ++line > LINE_BYTES_MAX) {
            throw broken();
        }
        return Expected.EXTENSION;
    }

    private Expected begin(byte b, long max) {
        require(b, '\n', Expected.DATA);
        digits = 0;
        line = 0;
        announced += size;
        if (announced > max || announced < 0) {
            throw RequestException.builder()
                    .type(DirectHandler.EventType.BAD_REQUEST)
                    .status(Status.REQUEST_ENTITY_TOO_LARGE_413)
                    .message("the chunks of the body are too large")
                    .setKeepAlive(false)
                    .build();
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

    private static byte[] framed(byte[] bytes, int from, int length) {
        var head = (Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.US_ASCII);
        var frame = new byte[head.length + length + 2];
        System.arraycopy(head, 0, frame, 0, head.length);
        System.arraycopy(bytes, from, frame, head.length, length);
        frame[frame.length - 2] = '\r';
        frame[frame.length - 1] = '\n';
        return frame;
    }

    private static RequestException broken() {
        return RequestException.builder()
                .type(DirectHandler.EventType.BAD_REQUEST)
                .message("the chunks of the body are broken")
                .setKeepAlive(false)
                .build();
    }
}
