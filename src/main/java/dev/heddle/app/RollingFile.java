package dev.heddle.app;

import dev.heddle.content.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The log on disk: {@value #NAME}, and what it was before, {@code .1} the newest. All of them together take no more than
 * they may. What cannot be written is counted and left; after a while it is tried again. For the thread that writes the
 * log only.
 */
final class RollingFile implements AutoCloseable {

    static final String NAME = "heddle.log";

    /** A full disk has room again when somebody has made some; to ask more often would only cost. */
    static final Duration RETRY_PAUSE = Duration.ofSeconds(10);

    /** What rotation has named. */
    private static final Pattern ROTATED = Pattern.compile("heddle\\.log\\.([0-9]{1,9})");

    private final Path directory;
    private final Path file;
    private final long maxBytes;
    private final int maxFiles;
    private final LongSupplier nanoTime;

    private @Nullable FileChannel channel;
    private long size;
    private long lost;
    private boolean isFailing;
    private long retryAt;

    /**
     * Opens nothing yet.
     *
     * @param maxBytes of one file; a longer line has one of its own
     * @param maxFiles at least 1
     * @param nanoTime the clock
     */
    RollingFile(Path directory, long maxBytes, int maxFiles, LongSupplier nanoTime) {
        this.directory = directory;
        this.file = directory.resolve(NAME);
        this.maxBytes = maxBytes;
        this.maxFiles = maxFiles;
        this.nanoTime = nanoTime;
    }

    /**
     * Writes whole lines, or counts them as lost. It never fails.
     *
     * @return what is to be told elsewhere, empty for nothing: that it has failed, or that it works again
     */
    String write(byte[] lines) {
        if (isFailing && nanoTime.getAsLong() - retryAt < 0) {
            lost += count(ByteBuffer.wrap(lines));
            return "";
        }
        var left = ByteBuffer.wrap(lines);
        try {
            if (isFailing) {
                append(ByteBuffer.wrap(("… " + lost + " log lines are missing here: they could not be written\n")
                        .getBytes(StandardCharsets.UTF_8)));
            }
            append(left);
            return isFailing ? worksAgain() : "";
        } catch (IOException | DirectoryIteratorException e) {
            return failed(left, e);
        }
    }

    private String worksAgain() {
        var told = "the log is written to " + file + " again; " + lost + " lines of it are missing there";
        isFailing = false;
        lost = 0;
        return told;
    }

    private String failed(ByteBuffer left, Exception failure) {
        var told = isFailing ? "" : "the log cannot be written to " + file + " for now: " + failure;
        isFailing = true;
        lost += count(left);
        retryAt = nanoTime.getAsLong() + RETRY_PAUSE.toNanos();
        close();
        return told;
    }

    private static long count(ByteBuffer lines) {
        long count = 0;
        for (int i = lines.position(); i < lines.limit(); i++) {
            count += lines.get(i) == '\n' ? 1 : 0;
        }
        return count;
    }

    private void append(ByteBuffer lines) throws IOException {
        while (lines.hasRemaining()) {
            var open = opened();
            int length = fitting(lines);
            if (length == 0) {
                rotate();
            } else {
                write(open, lines.slice(lines.position(), length));
                lines.position(lines.position() + length);
                size += length;
            }
        }
    }

    /** How many bytes of whole lines the file has room for. */
    private int fitting(ByteBuffer lines) {
        long room = maxBytes - size;
        if (lines.remaining() <= room) {
            return lines.remaining();
        }
        for (int length = (int) Math.max(0, room); length > 0; length--) {
            if (lines.get(lines.position() + length - 1) == '\n') {
                return length;
            }
        }
        return size > 0 ? 0 : firstLine(lines);
    }

    private static int firstLine(ByteBuffer lines) {
        int length = 1;
        while (length < lines.remaining() && lines.get(lines.position() + length - 1) != '\n') {
            length++;
        }
        return length;
    }

    private static void write(FileChannel open, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            open.write(bytes);
        }
    }

    private FileChannel opened() throws IOException {
        var open = channel;
        if (open == null) {
            makeDirectory();
            // To open a pipe would wait for its reader, and a link may lead anywhere.
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                    && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new FileSystemException(file.toString(), null, "is no regular file");
            }
            open = FileChannel.open(
                    file,
                    Set.of(
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.APPEND,
                            LinkOption.NOFOLLOW_LINKS),
                    Disk.ownerOnly(file));
            channel = open;
            size = open.size();
            endBrokenLine(open);
            removeSurplus();
        }
        return open;
    }

    /** A process that was killed, or a disk that was full, leaves a part of a line. */
    private void endBrokenLine(FileChannel open) throws IOException {
        try (var read = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            var last = ByteBuffer.allocate(1);
            if (size > 0 && read.read(last, size - 1) == 1 && last.get(0) != '\n') {
                write(open, ByteBuffer.wrap(new byte[] {'\n'}));
                size++;
            }
        }
    }

    /** Only the last directory is ours; those above are made like those of the data, which others must be able to enter. */
    private void makeDirectory() throws IOException {
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(directory.toAbsolutePath().getParent());
            Disk.makeDirectory(directory);
        }
    }

    private void rotate() throws IOException {
        close();
        // The oldest is replaced by the one before it.
        for (int number = maxFiles - 1; number > 0; number--) {
            var younger = number == 1 ? file : numbered(number - 1);
            if (Files.exists(younger, LinkOption.NOFOLLOW_LINKS)) {
                Files.move(younger, numbered(number), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        // The only one that may be is still there.
        Files.deleteIfExists(file);
    }

    private Path numbered(int number) {
        return directory.resolve(NAME + "." + number);
    }

    /** Those of a time when more were kept. A directory or a link of such a name is somebody else's. */
    private void removeSurplus() throws IOException {
        try (var entries = Files.newDirectoryStream(directory, NAME + ".*")) {
            for (var entry : entries) {
                var name = ROTATED.matcher(entry.getFileName().toString());
                if (name.matches()
                        && Integer.parseInt(name.group(1)) >= maxFiles
                        && Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
                    Files.deleteIfExists(entry);
                }
            }
        }
    }

    @Override
    public void close() {
        var open = channel;
        channel = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                // What it could not write, it has said before.
            }
        }
    }
}
