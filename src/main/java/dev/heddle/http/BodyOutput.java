package dev.heddle.http;

import dev.heddle.concurrent.Deadline;
import dev.heddle.connection.Wire;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * The way of a body to the client, written piece by piece; the kernel opens and ends it. Closing it ends nothing, because
 * a stream that broke off must not look complete. For the thread of the request only.
 */
public final class BodyOutput extends OutputStream {

    /** Headers leave with the first bytes of the body, and only then is the socket free for the rest. */
    private static final int FIRST_BYTES = 8 * 1024;

    private static final int COPY_BYTES = 64 * 1024;

    static final long LENGTH_UNKNOWN = -1;

    private final OutputStream out;
    private final @Nullable Wire wire;
    private final long length;
    private long bytes;

    /**
     * Writes to that stream.
     *
     * @param wire the socket behind it, when the answer names its length: there is no place in it between the marks of
     *     chunks
     * @param length what the answer says that it has, or {@link #LENGTH_UNKNOWN}
     */
    BodyOutput(OutputStream out, @Nullable Wire wire, long length) {
        this.out = out;
        this.wire = wire;
        this.length = length;
    }

    @Override
    public void write(int b) throws IOException {
        requirePlace(1);
        out.write(b);
        bytes++;
    }

    @Override
    public void write(byte[] from, int offset, int count) throws IOException {
        requirePlace(count);
        out.write(from, offset, count);
        bytes += count;
    }

    /** What is beyond the length would be read as the next answer. */
    private void requirePlace(long count) throws IOException {
        if (length != LENGTH_UNKNOWN && bytes + count > length) {
            throw new IOException("a body that is longer than its answer says");
        }
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    /**
     * Writes a part of a file, past this process's memory where the connection allows it and the answer names its length.
     *
     * @throws EOFException when the file ends before that; what is sent then is cut, so that it does not pass for all
     */
    public void write(FileChannel file, long position, long count) throws IOException {
        requirePlace(count);
        long by = wire != null ? Math.min(count, FIRST_BYTES) : count;
        copy(file, position, by);
        out.flush();
        for (long at = position + by; wire != null && at < position + count; ) {
            requireTime();
            long sent = wire.send(file, at, position + count - at);
            at += sent;
            bytes += sent;
        }
    }

    private void copy(FileChannel file, long position, long count) throws IOException {
        var piece = ByteBuffer.allocate((int) Math.min(count, COPY_BYTES));
        for (long at = position; at < position + count; at += piece.limit()) {
            requireTime();
            piece.clear().limit((int) Math.min(piece.capacity(), position + count - at));
            if (file.read(piece, at) <= 0) {
                throw new EOFException("the file has become shorter");
            }
            piece.flip();
            write(piece.array(), 0, piece.limit());
        }
    }

    private static void requireTime() {
        if (Deadline.current().isExpired()) {
            throw new CancellationException("the deadline passed in the middle of a file");
        }
    }

    /** To be called when everything was written: whoever is told of more would wait for it. */
    void requireWhole() throws IOException {
        if (length != LENGTH_UNKNOWN && bytes < length) {
            throw new EOFException("a body that is shorter than its answer says");
        }
    }

    long bytes() {
        return bytes;
    }
}
