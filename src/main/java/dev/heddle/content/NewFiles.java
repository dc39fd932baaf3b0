package dev.heddle.content;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Small files of one directory that the disk is to keep in one go. To ask for each by itself costs several times what writing
 * it does; the file system can be asked to keep all that was written instead (Linux, syncfs(2)), at the price of waiting for
 * what others have written there too.
 *
 * <p>That is done for as many files as make up for it, on a thread of the operating system, which alone may be held up, and
 * where the file system is known to keep its word and the kernel to say when it could not. Else each file is asked for. All
 * of them are open until they are closed together. Not safe for several threads; whoever made it closes it.
 */
public final class NewFiles implements AutoCloseable {

    /** Fewer are asked for one by one. */
    private static final int MANY = 8;

    /** Before Linux 5.17 a file system that could not write its journal or the disk's own cache was not heard. */
    private static final int KERNEL_MAJOR = 5;

    private static final int KERNEL_MINOR = 17;

    private static final Pattern KERNEL = Pattern.compile("(\\d{1,9})\\.(\\d{1,9})\\b.*");

    /** Whose calls look as {@link SyncFs} makes them. */
    private static final Set<String> PROCESSORS = Set.of("amd64", "aarch64");

    private static final boolean IS_POSSIBLE = NewFiles.class.getModule().isNativeAccessEnabled()
            && System.getProperty("os.name").equals("Linux")
            && PROCESSORS.contains(System.getProperty("os.arch"))
            && tellsErrors(System.getProperty("os.version"));

    private static final Set<OpenOption> NEW =
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);

    private final @Nullable SyncFs all;
    private final List<Written> files = new ArrayList<>();

    private record Written(Path file, FileChannel channel, ByteBuffer content) {}

    private NewFiles(@Nullable SyncFs all) {
        this.all = all;
    }

    /** For so many files in that directory, which need not be there yet. */
    public static NewFiles in(Path directory, int count) {
        // Before they are written: of an error that the kernel has met before, somebody else may have been told.
        return new NewFiles(isTogether(count) ? SyncFs.open(directory) : null);
    }

    private static boolean isTogether(int count) {
        return count >= MANY && IS_POSSIBLE && !Thread.currentThread().isVirtual();
    }

    static boolean tellsErrors(String kernel) {
        var version = KERNEL.matcher(kernel);
        if (!version.matches()) {
            return false;
        }
        int major = Integer.parseInt(version.group(1));
        return major > KERNEL_MAJOR || (major == KERNEL_MAJOR && Integer.parseInt(version.group(2)) >= KERNEL_MINOR);
    }

    /** Writes one, which must not be there yet. */
    public void write(Path file, byte[] content, FileAttribute<?>... attributes) throws IOException {
        var channel = FileChannel.open(file, NEW, attributes);
        var left = ByteBuffer.wrap(content);
        files.add(new Written(file, channel, left.duplicate()));
        while (left.hasRemaining()) {
            channel.write(left);
        }
    }

    /** Returns when all of them are on the disk with what is in them; not yet their names, which their directory has. */
    public void sync() throws IOException {
        if (all != null && all.sync()) {
            for (var written : files) {
                requireKept(written);
            }
            return;
        }
        for (var written : files) {
            written.channel().force(true);
        }
    }

    /**
     * ext4 looks for a place when it writes back. If it finds none, as its own tables are damaged, it drops the content, and
     * tells those who ask for the file, but not those who ask for all. What was dropped reads as zeros.
     */
    private static void requireKept(Written written) throws IOException {
        var kept = ByteBuffer.allocate(written.content().remaining());
        int read = 0;
        while (kept.hasRemaining() && read >= 0) {
            read = written.channel().read(kept, kept.position());
        }
        if (!kept.flip().equals(written.content())) {
            throw new IOException("the file system has lost what was written to " + written.file());
        }
    }

    @Override
    public void close() throws IOException {
        if (all != null) {
            all.close();
        }
        IOException failure = null;
        for (var written : files) {
            try {
                written.channel().close();
            } catch (IOException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
