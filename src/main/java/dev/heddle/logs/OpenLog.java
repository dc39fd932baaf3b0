package dev.heddle.logs;

import dev.heddle.content.Representation;
import dev.heddle.http.BodyOutput;
import dev.heddle.http.Digests;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;

/**
 * A log that is being read. It is what was there when it was opened, however much is written to it meanwhile, and
 * whatever it is renamed to.
 */
final class OpenLog implements Representation.Source {

    /** More in one document is of use to nobody; the whole of it can be had as plain text. */
    static final int CONTENT_BYTES_MAX = 1 << 20;

    private final FileChannel channel;
    private final long size;
    private final Instant modifiedAt;
    private final String tag;

    /**
     * The end of a log.
     *
     * @param isTruncated whether there is something before it
     */
    record Tail(String content, boolean isTruncated) {}

    /** Takes the channel over. */
    OpenLog(FileChannel channel, BasicFileAttributes found) {
        this.channel = channel;
        this.size = found.size();
        this.modifiedAt = found.lastModifiedTime().toInstant();
        // Whoever writes a log adds to it: the same file of the same size has the same bytes.
        this.tag = tag(found.fileKey() + " " + found.size() + " " + found.lastModifiedTime());
    }

    private static String tag(String version) {
        return HexFormat.of()
                .formatHex(Digests.sha256(version.getBytes(StandardCharsets.UTF_8)))
                .substring(0, 32);
    }

    /** In bytes. */
    long size() {
        return size;
    }

    /** All of it, as plain text. */
    Representation representation() {
        return new Representation(
                tag, modifiedAt, size, "text/plain; charset=utf-8", Map.of(HeaderNames.VARY, "Accept"));
    }

    @Override
    public void write(long position, long count, BodyOutput out) throws IOException {
        out.write(channel, position, count);
    }

    /**
     * Its last lines, of at most {@value #CONTENT_BYTES_MAX} bytes together. It begins with the beginning of a line, or
     * within one that is longer than that with the beginning of a character. Bytes that are no UTF-8 (somebody else's
     * lines, or one that is just being written) are U+FFFD each.
     */
    Tail tail(int lines) throws IOException {
        // One byte more than can be answered: if that is the end of a line, another begins behind it.
        long from = Math.max(0, size - CONTENT_BYTES_MAX - 1);
        var bytes = read(from);
        int start = lastLines(bytes, size <= CONTENT_BYTES_MAX ? 0 : firstWhole(bytes), lines);
        return new Tail(new String(bytes, start, bytes.length - start, StandardCharsets.UTF_8), from + start > 0);
    }

    private byte[] read(long from) throws IOException {
        var bytes = ByteBuffer.allocate((int) (size - from));
        while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) >= 0) {
            // On to the next piece; fewer are there when somebody has cut the file.
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    /** Where the first line begins that is whole, or else the first character, behind the first byte. */
    private static int firstWhole(byte[] bytes) {
        for (int i = 0; i < bytes.length - 1; i++) {
            if (bytes[i] == '\n') {
                return i + 1;
            }
        }
        int start = Math.min(1, bytes.length);
        while (start < bytes.length && (bytes[start] & 0xC0) == 0x80) {
            start++;
        }
        return start;
    }

    private static int lastLines(byte[] bytes, int from, int lines) {
        int wanted = lines;
        // The end of the last line begins no other.
        for (int i = bytes.length - 2; i >= from; i--) {
            if (bytes[i] == '\n' && --wanted == 0) {
                return i + 1;
            }
        }
        return from;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
