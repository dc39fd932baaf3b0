package dev.heddle.content;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Has the disk keep many small files of a directory in one go. To ask for each by itself costs several times what writing it
 * does; the file system can be asked to keep all that was written instead (Linux, syncfs(2)), at the price of waiting for what
 * others have written there too.
 *
 * <p>That is done for as many files as make up for it, on a thread of the operating system, which alone may be held up, and
 * where the file system is known to keep its word and the kernel to say when it could not. Else each file is asked for. Safe
 * for any thread.
 */
public final class DiskSync {

    /** Fewer are asked for one by one. */
    private static final int MANY = 8;

    /** Whose syncfs(2) ends when contents, names and the disk's own cache are written; others were not looked at. */
    private static final Set<String> FILE_SYSTEMS = Set.of("ext4", "xfs");

    /** Before Linux 5.8 it said nothing of errors. */
    private static final int KERNEL_MAJOR = 5;

    private static final int KERNEL_MINOR = 8;

    private static final Pattern KERNEL = Pattern.compile("(\\d{1,9})\\.(\\d{1,9})\\b.*");

    private final Path directory;
    private volatile @Nullable Boolean isPossible;

    /** Files that are about to be written. Not safe for several threads; whoever began it closes it. */
    public static final class Pending implements AutoCloseable {
        private final @Nullable SyncFs all;

        private Pending(@Nullable SyncFs all) {
            this.all = all;
        }

        /** Returns when these files are on the disk with what is in them; not yet their names. */
        public void await(List<Path> files) throws IOException {
            if (all != null) {
                all.sync();
                return;
            }
            for (var file : files) {
                try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
            }
        }

        @Override
        public void close() {
            if (all != null) {
                all.close();
            }
        }
    }

    /** For files in that directory, which need not be there yet. */
    public DiskSync(Path directory) {
        this.directory = directory;
    }

    /**
     * To be called before the files are written: of an error that the kernel met before, somebody else may have been told.
     *
     * @param files how many there will be
     * @throws java.nio.file.NoSuchFileException if the directory is not there, when there are many
     */
    public Pending begin(int files) throws IOException {
        return new Pending(
                files >= MANY && !Thread.currentThread().isVirtual() && isPossible() ? SyncFs.open(directory) : null);
    }

    /** Whether all can be asked for at once here. */
    boolean isPossible() throws IOException {
        var known = isPossible;
        if (known == null) {
            known = DiskSync.class.getModule().isNativeAccessEnabled()
                    && System.getProperty("os.name").equals("Linux")
                    && tellsErrors(System.getProperty("os.version"))
                    && FILE_SYSTEMS.contains(Files.getFileStore(directory).type());
            isPossible = known;
        }
        return known;
    }

    static boolean tellsErrors(String kernel) {
        var version = KERNEL.matcher(kernel);
        if (!version.matches()) {
            return false;
        }
        int major = Integer.parseInt(version.group(1));
        return major > KERNEL_MAJOR || (major == KERNEL_MAJOR && Integer.parseInt(version.group(2)) >= KERNEL_MINOR);
    }
}
