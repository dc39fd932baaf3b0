package dev.heddle.connection;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** Writes straight to the socket, in larger pieces than the web server does, each within the time that a client has for it. */
final class GuardedWriter implements DataWriter {

    private static final int PIECE_BYTES = 64 * 1024;

    private final Wire wire;

    GuardedWriter(Wire wire) {
        this.wire = wire;
    }

    @Override
    public void write(BufferData... buffers) {
        for (var buffer : buffers) {
            write(buffer);
        }
    }

    @Override
    public void write(BufferData buffer) {
        try {
            while (!buffer.consumed()) {
                var piece = new byte[Math.min(buffer.available(), PIECE_BYTES)];
                int length = buffer.read(piece);
                wire.write(ByteBuffer.wrap(piece, 0, length));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void writeNow(BufferData... buffers) {
        write(buffers);
    }

    @Override
    public void writeNow(BufferData buffer) {
        write(buffer);
    }
}
