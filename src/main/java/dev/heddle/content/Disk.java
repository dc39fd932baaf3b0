package dev.heddle.content;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** What there is to know about the disk under a directory. */
public final class Disk {

    /** As the C library says it without a locale; there is no exception of its own for it. */
    private static final List<String> FULL = List.of("No space left on device", "Disk quota exceeded");

    /** With less than this free, whatever failed has failed for want of room, in whatever language it says so. */
    private static final long NOTHING_BYTES = 64 * 1024;

    private Disk() {}

    /** Whether a write into that directory has failed because the disk is full. */
    public static boolean isFull(IOException failure, Path directory) {
        var message = String.valueOf(failure.getMessage());
        return FULL.stream().anyMatch(message::contains) || free(directory) < NOTHING_BYTES;
    }

    /** How many bytes this process may still write there; 0 when that cannot be told. */
    public static long free(Path directory) {
        // A file store would tell it too, but reads the table of all mounts first.
        return directory.toFile().getUsableSpace();
    }

    /** Makes a directory, and those above it, for the owner's eyes only. */
    public static void makeDirectory(Path directory) throws IOException {
        Files.createDirectories(directory, ownerOnly(directory, "rwx------"));
    }

    /** The permissions of a file that is for its owner's eyes only, where there are such. */
    public static FileAttribute<?>[] ownerOnly(Path file) {
        return ownerOnly(file, "rw-------");
    }

    private static FileAttribute<?>[] ownerOnly(Path path, String permissions) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                }
                : new FileAttribute<?>[0];
    }
}
