package dev.heddle.connection;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The body of a request as it comes, and nothing of what stands behind it. Closing it ends nothing. */
final class RequestBody extends InputStream {

    private static final byte[] CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    /** Chunks are read in pieces of that size. Idle connections hold nothing of it, busy ones one piece. */
    private static final int PIECE_BYTES = 32 * 1024;

    private static final byte[] NOTHING = new byte[0];

    private final GuardedConnection connection;
    private final @Nullable ChunkedBody chunks;
    private long left;
    private long max;
    private boolean waitsToContinue;

    /** Content of chunks that is not handed on: from the one to the other. */
    private byte[] piece = NOTHING;

    private int from;
    private int to;

    /**
     * Reads from that connection, as soon as the head is off it.
     *
     * @param length {@link HeaderRules#CHUNKS} when its chunks tell
     * @param max what chunks may have together
     */
    RequestBody(GuardedConnection connection, long length, long max, boolean waitsToContinue) {
        this.connection = connection;
        this.chunks = length == HeaderRules.CHUNKS ? new ChunkedBody() : null;
        this.left = length;
        this.max = max;
        this.waitsToContinue = waitsToContinue;
    }

    void max(long bytes) {
        max = Math.min(max, bytes);
    }

    boolean waitsToContinue() {
        return waitsToContinue;
    }

    /** How much is not read, {@link Long#MAX_VALUE} when that is not known. */
    long left() {
        if (chunks == null) {
            return left;
        }
        return chunks.isAtEnd() && from == to ? 0 : Long.MAX_VALUE;
    }

    /** Reads what is left, and forgets it. */
    void skip() throws IOException {
        waitsToContinue = false;
        transferTo(OutputStream.nullOutputStream());
    }

    @Override
    public int read() throws IOException {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (waitsToContinue) {
            waitsToContinue = false;
            connection.write(CONTINUE, 0, CONTINUE.length);
        }
        return chunks == null ? sized(target, offset, length) : chunked(chunks, target, offset, length);
    }

    private int sized(byte[] target, int offset, int length) throws IOException {
        if (left == 0) {
            return -1;
        }
        int read = some(target, offset, (int) Math.min(length, left));
        left -= read;
        return read;
    }

    private int chunked(ChunkedBody decoder, byte[] target, int offset, int length) throws IOException {
        while (from == to) {
            if (decoder.isAtEnd()) {
                return -1;
            }
            decode(decoder);
        }
        int read = Math.min(length, to - from);
        System.arraycopy(piece, from, target, offset, read);
        from += read;
        return read;
    }

    private void decode(ChunkedBody decoder) throws IOException {
        if (piece.length == 0) {
            piece = new byte[PIECE_BYTES];
        }
        int read = some(piece, 0, piece.length);
        from = 0;
        to = decoder.decode(piece, 0, read, max);
        if (decoder.isAtEnd()) {
            connection.giveBack(piece, decoder.taken(), read);
        }
    }

    private int some(byte[] target, int offset, int length) throws IOException {
        int read = connection.readBody(target, offset, length);
        if (read < 0) {
            throw new EOFException("a body that breaks off");
        }
        return read;
    }
}
