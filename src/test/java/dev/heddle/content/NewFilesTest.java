package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many files that the disk has kept, by what the file system itself says of them. */
class NewFilesTest {

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"0, false", "1, true", "1, false", "7, false", "8, false", "100, false", "100, true"})
    void allAreOnTheDiskAfterTheSync(int count, boolean isVirtual)
            throws IOException, ExecutionException, InterruptedException {
        assumeTrue(Files.getFileStore(directory).type().equals("ext4"), "another file system puts nothing off");
        var task = new FutureTask<>(() -> {
            try (var files = NewFiles.in(directory, count)) {
                var written = write(files, count);
                assertTrue(places(written).stream().allMatch(place -> place.contains("delalloc")), "not yet");
                files.sync();
                return written;
            }
        });
        (isVirtual ? Thread.ofVirtual() : Thread.ofPlatform()).start(task);
        var places = places(task.get());
        assertEquals(count, places.size());
        assertTrue(places.stream().noneMatch(place -> place.contains("delalloc")), places.toString());
    }

    private List<Path> write(NewFiles files, int count) throws IOException {
        var written = new ArrayList<Path>();
        for (int i = 0; i < count; i++) {
            var file = directory.resolve(i + ".txt");
            files.write(file, ("kept " + i).getBytes(StandardCharsets.US_ASCII));
            written.add(file);
        }
        return written;
    }

    /** Where the file system has put the contents; what is in memory only has no place yet. */
    private static List<String> places(List<Path> files) throws IOException, InterruptedException {
        if (files.isEmpty()) {
            return List.of();
        }
        var command = Stream.concat(Stream.of("filefrag", "-v"), files.stream().map(Path::toString))
                .toList();
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            assumeTrue(false, "filefrag is not here");
            throw e;
        }
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        var places = said.lines().filter(line -> line.matches(" +0: .*")).toList();
        assertEquals(files.size(), places.size(), said);
        return places;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 20})
    void whatWasWrittenIsWhatWasGiven(int count) throws IOException {
        try (var files = NewFiles.in(directory, count)) {
            var written = write(files, count);
            files.sync();
            assertEquals("kept " + (count - 1), Files.readString(written.getLast()));
            assertThrows(FileAlreadyExistsException.class, () -> files.write(written.getFirst(), new byte[1]));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\0\0\0\0\0\0\0", "kept", "else 11"})
    void whatTheFileSystemDropsOfManyIsAnError(String left) throws IOException {
        assumeTrue(isTogether(), "each is asked for by itself");
        try (var files = NewFiles.in(directory, 20)) {
            var written = write(files, 20);
            // As one with damaged tables leaves it.
            Files.writeString(written.get(11), left);
            var e = assertThrows(IOException.class, files::sync);
            assertTrue(String.valueOf(e.getMessage()).endsWith("11.txt"), e.getMessage());
        }
    }

    private boolean isTogether() {
        try (var all = SyncFs.open(directory)) {
            return all != null && NewFiles.tellsErrors(System.getProperty("os.version"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100})
    void theyNeedTheirDirectory(int count) throws IOException {
        var away = directory.resolve("away");
        assertNull(SyncFs.open(away));
        try (var files = NewFiles.in(away, count)) {
            assertThrows(NoSuchFileException.class, () -> files.write(away.resolve("a.txt"), new byte[1]));
        }
    }

    @Test
    void aFileSystemThatNobodyLookedAtIsNotAskedForAll() {
        assumeTrue(Files.isDirectory(Path.of("/proc/self")));
        assertNull(SyncFs.open(Path.of("/proc/self")));
    }

    @Test
    void nothingStaysOpen() throws IOException {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")));
        NewFiles.in(directory, 100).close();
        for (int i = 0; i < 100; i++) {
            try (var files = NewFiles.in(directory, 100)) {
                files.write(directory.resolve(i + ".txt"), new byte[1]);
            }
            assertNull(SyncFs.open(Path.of("/proc")));
        }
        assertEquals(0, open(directory));
    }

    /** Of this process, in that directory and below. */
    private static long open(Path directory) throws IOException {
        long count = 0;
        try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (var descriptor : descriptors) {
                count += isBelow(descriptor, directory) ? 1 : 0;
            }
        }
        return count;
    }

    private static boolean isBelow(Path descriptor, Path directory) {
        try {
            return Files.readSymbolicLink(descriptor).startsWith(directory);
        } catch (IOException e) {
            // Somebody has closed it meanwhile.
            return false;
        }
    }

    @Test
    void theErrorOfTheKernelIsNamed() {
        assumeTrue(isTogether());
        var closed = SyncFs.open(directory);
        if (closed == null) {
            throw new IllegalStateException("it was there a moment ago");
        }
        closed.close();
        // EBADF.
        var e = assertThrows(IOException.class, closed::sync);
        assertTrue(String.valueOf(e.getMessage()).endsWith("error 9"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"5.17", "5.17.0", "5.18.0-33-amd64", "6.1", "6.12.3+deb13-cloud-amd64", "10.0", "5.19.1.4-x"})
    void kernelsFromThisOneOnTellErrors(String version) {
        assertTrue(NewFiles.tellsErrors(version));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"5.16.19", "5.0", "4.18.0-553.el8_10.x86_64", "2.6.32", "", "unknown", "5", "99999999999.9"})
    void othersDoNotOrCannotBeTold(String version) {
        assertFalse(NewFiles.tellsErrors(version));
    }
}
