package dev.heddle.http;

import dev.heddle.connection.Exchange;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * The body of an answer on its way, and the head before it. The first bytes are held back, so that up to there another answer
 * may take its place; a body of unknown length that ends there gets a length, a longer one is sent in chunks. Closing it ends
 * nothing, {@link #finish} does. For the thread of the request.
 */
final class AnswerStream extends OutputStream {

    /** What is held back, and what small writes are gathered in. */
    private static final int HELD_BYTES = 4 * 1024;

    private static final byte[] CHUNKED = AnswerHead.prepare("Transfer-Encoding", "chunked");

    private static final byte[] LINE_END = "\r\n".getBytes(StandardCharsets.US_ASCII);

    private static final byte[] LAST_CHUNK = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final Exchange exchange;
    private final AnswerHead head;
    private final boolean hasLength;
    private final byte[] held = new byte[HELD_BYTES];
    private int count;
    private boolean hasBegun;

    /**
     * Behind that head.
     *
     * @param hasLength whether the head says how long it is
     */
    AnswerStream(Exchange exchange, AnswerHead head, boolean hasLength) {
        this.exchange = exchange;
        this.head = head;
        this.hasLength = hasLength;
    }

    /** Whether something has left. */
    boolean hasBegun() {
        return hasBegun;
    }

    @Override
    public void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) {
        if (length > held.length - count) {
            flush();
        }
        if (length > held.length) {
            hand(from, offset, length);
        } else {
            System.arraycopy(from, offset, held, count, length);
            count += length;
        }
    }

    @Override
    public void flush() {
        if (count > 0) {
            hand(held, 0, count);
            count = 0;
        }
    }

    private void hand(byte[] from, int offset, int length) {
        if (hasLength) {
            leave(from, offset, length);
        } else {
            if (!hasBegun) {
                head.prepared(CHUNKED);
            }
            var chunk = chunk(from, offset, length);
            leave(chunk, 0, chunk.length);
        }
    }

    private static byte[] chunk(byte[] from, int offset, int length) {
        var size = Integer.toHexString(length).getBytes(StandardCharsets.US_ASCII);
        var chunk = new byte[size.length + length + 2 * LINE_END.length];
        System.arraycopy(size, 0, chunk, 0, size.length);
        System.arraycopy(LINE_END, 0, chunk, size.length, LINE_END.length);
        System.arraycopy(from, offset, chunk, size.length + LINE_END.length, length);
        System.arraycopy(LINE_END, 0, chunk, chunk.length - LINE_END.length, LINE_END.length);
        return chunk;
    }

    private void leave(byte[] from, int offset, int length) {
        if (hasBegun) {
            exchange.write(from, offset, length);
        } else {
            hasBegun = true;
            head.send(exchange, from, offset, length);
        }
    }

    /** Ends it. */
    void finish() {
        if (!hasBegun && !hasLength) {
            head.contentLength(count);
            leave(held, 0, count);
        } else if (hasLength) {
            flush();
            if (!hasBegun) {
                leave(held, 0, 0);
            }
        } else {
            flush();
            exchange.write(LAST_CHUNK, 0, LAST_CHUNK.length);
        }
    }
}
