package dev.heddle.tasks;

import dev.heddle.content.Disk;
import dev.heddle.http.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.UUID;

/**
 * Where imports are kept while they come. A file loses its name as soon as it is open, so that it is gone with whoever has
 * opened it, even if that is killed. Safe for any thread, and for several processes with one folder.
 */
public final class SpoolFolder {

    private static final Set<OpenOption> OPTIONS = Set.of(
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            // On Linux the file is unlinked right after it was opened.
            StandardOpenOption.DELETE_ON_CLOSE);

    private final Path directory;
    private final long keepFree;

    /**
     * That directory, made with the first import.
     *
     * @param keepFree what imports leave free on its disk, in bytes
     */
    public SpoolFolder(Path directory, long keepFree) {
        this.directory = directory;
        this.keepFree = keepFree;
    }

    /**
     * Removes the files of a process that was killed between opening and unlinking one. One that somebody is about to
     * unlink may be among them; it would have lost its name anyway.
     */
    public void sweep() {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (var leftovers = Files.newDirectoryStream(directory)) {
            for (var leftover : leftovers) {
                Files.deleteIfExists(leftover);
            }
        } catch (IOException e) {
            throw new IllegalStateException("cannot sweep " + directory + ": " + e, e);
        }
    }

    /** A new file; whoever takes it closes it. */
    Spool open() {
        try {
            Disk.makeDirectory(directory);
            requireRoom();
            var file = directory.resolve(UUID.randomUUID() + ".rows");
            return new Spool(FileChannel.open(file, OPTIONS, Disk.ownerOnly(file)), this);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /** The database and the log are usually on the same disk, and one import must not stop them. */
    void requireRoom() {
        if (Disk.free(directory) < keepFree) {
            throw Problem.STORAGE_FULL.asException();
        }
    }

    /** What the failure of a file in it means. */
    RuntimeException failure(IOException e) {
        return Disk.isFull(e, directory) ? Problem.STORAGE_FULL.causedBy(e) : new UncheckedIOException(e);
    }
}
