package dev.heddle.tasks;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;

/**
 * Reads UTF-8 strictly: what is none ends the reading by an exception, after all that stands before it was read. A byte
 * order mark at the beginning is skipped. One thread's; closing it closes nothing.
 */
final class Utf8Reader extends Reader {

    private static final int BUFFER_BYTES = 64 * 1024;

    // A new decoder reports what is malformed.
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES).flip();
    // Of its own: a pair of surrogates does not fit into the last place of somebody else's.
    private final CharBuffer chars = CharBuffer.allocate(BUFFER_BYTES).flip();
    private final InputStream in;
    private boolean isAtEnd;
    private boolean isPastBeginning;
    private boolean isAfterReturn;
    private long line = 1;

    Utf8Reader(InputStream in) {
        this.in = in;
    }

    /** On which line the next character stands. */
    long line() {
        return line;
    }

    @Override
    public int read(char[] to, int offset, int length) throws IOException {
        while (!chars.hasRemaining()) {
            if (!decode()) {
                return -1;
            }
        }
        int n = Math.min(length, chars.remaining());
        chars.get(to, offset, n);
        count(to, offset, n);
        return n;
    }

    /** False at the end. */
    private boolean decode() throws IOException {
        chars.clear();
        var result = decoder.decode(bytes, chars, isAtEnd);
        chars.flip();
        skipMark();
        if (chars.hasRemaining()) {
            return true;
        }
        if (result.isError()) {
            result.throwException();
        }
        if (isAtEnd) {
            return false;
        }
        fill();
        return true;
    }

    private void skipMark() {
        if (!isPastBeginning && chars.hasRemaining()) {
            isPastBeginning = true;
            if (chars.get(0) == '\uFEFF') {
                chars.get();
            }
        }
    }

    private void fill() throws IOException {
        bytes.compact();
        int n = in.read(bytes.array(), bytes.position(), bytes.remaining());
        isAtEnd = n < 0;
        bytes.position(bytes.position() + Math.max(0, n)).flip();
    }

    /** CR, LF and CRLF each end a line. */
    private void count(char[] chars, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            boolean isReturn = chars[i] == '\r';
            if (isReturn || (chars[i] == '\n' && !isAfterReturn)) {
                line++;
            }
            isAfterReturn = isReturn;
        }
    }

    @Override
    public void close() {
        // Whoever has opened the stream closes it.
    }
}
