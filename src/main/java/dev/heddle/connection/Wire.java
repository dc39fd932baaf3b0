package dev.heddle.connection;

import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.NioSocket;
import io.helidon.webserver.CloseConnectionException;
import java.io.EOFException;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The socket under a connection, for what the web server cannot do with it: to send a file without reading it, and to end
 * a connection so that the client still hears the answer. Belongs to the thread of the connection.
 *
 * <p>The web server keeps its socket to itself, so it is taken from a field of it, and its buffers are given up; a test
 * tells when that is gone. Without it everything works, only slower, ruder or with more memory (decision 11).
 */
public final class Wire {

    private static final System.Logger LOG = System.getLogger(Wire.class.getName());

    private static final @Nullable Field CHANNEL = field("delegate");

    /** What the web server reads into and writes from, 8 KiB each: half of what an idle connection takes. */
    private static final List<Field> BUFFERS = Stream.of("readBuffer", "writeBuffer")
            .map(Wire::field)
            .filter(Objects::nonNull)
            .toList();

    /** What one call into the operating system sends at most: in between, a deadline is noticed. */
    private static final long PIECE_BYTES = 4L << 20;

    /** What is sent by hand when the socket is full, to wait for room: as little as that takes. */
    private static final int STEP_BYTES = 1024;

    /** How long, and for how much, an ended connection is listened to. A client that still sends then hears a reset. */
    static final Duration LINGER = Duration.ofSeconds(1);

    private static final long LINGER_BYTES = 64L << 20;

    /** What is read meanwhile is forgotten; many connections may do so at once. */
    private static final int LINGER_STEP_BYTES = 4 * 1024;

    /** What the operating system says when a client has closed its end, in the words of the C library. */
    private static final List<String> GONE = List.of("Broken pipe", "Connection reset");

    private final SocketChannel channel;
    private final Wait wait;
    private final long stallNanos;

    Wire(SocketChannel channel, Wait wait, Duration stall) {
        this.channel = channel;
        this.wait = wait;
        this.stallNanos = stall.toNanos();
    }

    private static @Nullable Field field(String name) {
        try {
            var field = NioSocket.class.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (NoSuchFieldException | InaccessibleObjectException | SecurityException e) {
            LOG.log(System.Logger.Level.WARNING, "the web server hides its sockets: all goes through its buffers", e);
            return null;
        }
    }

    /** That of a connection of the web server; empty when there is something between, such as TLS. */
    static Optional<Wire> of(HelidonSocket socket, Wait wait, Duration stall) {
        try {
            if (CHANNEL == null || socket.getClass() != NioSocket.class) {
                return Optional.empty();
            }
            var wire = new Wire((SocketChannel) CHANNEL.get(socket), wait, stall);
            for (var buffer : BUFFERS) {
                // Whoever would use it all the same fails, and the connection ends.
                buffer.set(socket, null);
            }
            return Optional.of(wire);
        } catch (IllegalAccessException e) {
            return Optional.empty();
        }
    }

    /** Writes them all; the client has its time for each part that it takes. */
    void write(ByteBuffer bytes) throws IOException {
        try {
            while (bytes.hasRemaining()) {
                wait.begin(Wait.Reason.WRITE, stallNanos);
                channel.write(bytes);
            }
        } finally {
            wait.end();
        }
    }

    /** Ends it at once, from any thread: whoever waits for the client waits no longer. */
    void cut() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a connection was gone before it was cut", e);
        }
    }

    /** How much has come and is not read, from any thread; nothing when the connection is gone. */
    int available() {
        try {
            return channel.socket().getInputStream().available();
        } catch (IOException e) {
            return 0;
        }
    }

    /** Lets whoever waits for bytes read what has come, and then the end; from any thread. */
    void endInput() {
        try {
            channel.shutdownInput();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a connection was gone before it was ended", e);
        }
    }

    /** Waits for bytes and reads them; -1 at the end of what the client sends. */
    int read(ByteBuffer to) throws IOException {
        return channel.read(to);
    }

    /**
     * Sends a part of a file, from the page cache straight into the socket.
     *
     * @return how much of it: less than asked for only to look at the time in between
     * @throws EOFException when the file ends before that
     * @throws IOException when the file cannot be read
     * @throws CloseConnectionException when the client is gone
     */
    public long send(FileChannel file, long position, long count) throws IOException {
        long sent = transfer(file, position, count);
        return sent > 0 ? sent : step(file, position, count);
    }

    /** Which of the two has failed, only the message tells. */
    private long transfer(FileChannel file, long position, long count) throws IOException {
        try {
            return file.transferTo(position, Math.min(count, PIECE_BYTES), channel);
        } catch (IOException e) {
            var message = String.valueOf(e.getMessage());
            if (!channel.isOpen() || GONE.stream().anyMatch(message::contains)) {
                throw gone(e);
            }
            throw e;
        }
    }

    private static CloseConnectionException gone(IOException e) {
        return new CloseConnectionException("the client left in the middle of a file", e);
    }

    /**
     * Nothing went: the socket is full, or the file is at its end. The socket does not block, because its thread is a
     * virtual one, so there is nothing to wait for but a write.
     */
    private long step(FileChannel file, long position, long count) throws IOException {
        var bytes = ByteBuffer.allocate((int) Math.min(count, STEP_BYTES));
        if (file.read(bytes, position) <= 0) {
            throw new EOFException("the file has become shorter");
        }
        bytes.flip();
        int length = bytes.remaining();
        try {
            write(bytes);
        } catch (IOException e) {
            throw gone(e);
        }
        return length;
    }

    /** Says that nothing more will come. */
    void endOutput() {
        try {
            channel.shutdownOutput();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a connection was gone before it was ended", e);
        }
    }

    /**
     * Says that nothing more will come, and reads for a while what the client still sends: to close a socket with bytes
     * unread resets the connection, and the answer may be lost with it (RFC 9112 §9.6).
     */
    void linger() {
        try {
            channel.shutdownOutput();
            var socket = channel.socket();
            var in = socket.getInputStream();
            var forgotten = new byte[LINGER_STEP_BYTES];
            long end = System.nanoTime() + LINGER.toNanos();
            for (long read = 0; read < LINGER_BYTES; ) {
                long millis = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (millis <= 0) {
                    return;
                }
                socket.setSoTimeout((int) millis);
                int length = in.read(forgotten);
                if (length < 0) {
                    return;
                }
                read += length;
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a client did not wait for the end of its connection", e);
        }
    }
}
