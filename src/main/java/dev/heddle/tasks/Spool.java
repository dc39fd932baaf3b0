package dev.heddle.tasks;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The tasks of one import, as lines for COPY, each with the line of the body that it came from: first written, then read as
 * often as needed. One thread's; whoever opens it closes it.
 */
final class Spool implements AutoCloseable {

    private static final int BUFFER_BYTES = 64 * 1024;

    /** The disk is looked at whenever so much more was written. */
    private static final long LOOK_BYTES = 1 << 20;

    /** A line of COPY begins with the id. */
    private static final int ID_LENGTH = 36;

    private final FileChannel channel;
    private final SpoolFolder folder;
    private final DataOutputStream out;
    private final CopyLine copyLine = new CopyLine();

    private long tasks;
    private long completed;
    private long bytes;
    private long looked;

    Spool(FileChannel channel, SpoolFolder folder) {
        this.channel = channel;
        this.folder = folder;
        this.out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES));
    }

    /** Writes one that came on that line of the body. */
    void add(long line, Task task) {
        var copied = copyLine.of(task);
        try {
            out.writeLong(line);
            out.writeInt(copied.length);
            out.write(copied);
            lookAtTheDisk(copied.length);
        } catch (IOException e) {
            throw folder.failure(e);
        }
        tasks++;
        completed += task.completed() ? 1 : 0;
    }

    private void lookAtTheDisk(int more) {
        bytes += more;
        if (bytes - looked > LOOK_BYTES) {
            looked = bytes;
            folder.requireRoom();
        }
    }

    /** How many there are. */
    long tasks() {
        return tasks;
    }

    /** How many of them are completed. */
    long completed() {
        return completed;
    }

    /** What COPY is to read, in bytes. */
    long bytes() {
        return bytes;
    }

    /** The tasks, in the columns of {@link CopyLine}. */
    InputStream rows() {
        return new Lines(false);
    }

    /** For each task its line of the body and its id. */
    InputStream ids() {
        return new Lines(true);
    }

    private DataInputStream fromTheBeginning() {
        try {
            out.flush();
            channel.position(0);
        } catch (IOException e) {
            throw folder.failure(e);
        }
        return new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel), BUFFER_BYTES));
    }

    /** Lines one after the other, as many at once as there is room for. */
    private final class Lines extends InputStream {
        private final DataInputStream in = fromTheBeginning();
        private final boolean onlyIds;
        private byte[] line = new byte[0];
        private int from;

        Lines(boolean onlyIds) {
            this.onlyIds = onlyIds;
        }

        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            int count = 0;
            while (count < length && (from < line.length || next())) {
                int some = Math.min(length - count, line.length - from);
                System.arraycopy(line, from, to, offset + count, some);
                from += some;
                count += some;
            }
            return count == 0 && length > 0 ? -1 : count;
        }

        private boolean next() throws IOException {
            try {
                long number = in.readLong();
                var copied = in.readNBytes(in.readInt());
                line = onlyIds ? id(number, copied) : copied;
                from = 0;
                return true;
            } catch (EOFException e) {
                return false;
            }
        }

        private static byte[] id(long number, byte[] copied) {
            var id = new String(Arrays.copyOf(copied, ID_LENGTH), StandardCharsets.US_ASCII);
            return (number + "\t" + id + "\n").getBytes(StandardCharsets.US_ASCII);
        }
    }

    @Override
    public void close() {
        try {
            // Not the stream over it, which would write what is of no use any more.
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
