package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Many files that the disk has kept, by what the file system itself says of them. */
class DiskSyncTest {

    @TempDir
    private Path directory;

    private DiskSync disk;

    @BeforeEach
    void make() {
        disk = new DiskSync(directory);
    }

    @ParameterizedTest
    @CsvSource({"1, true", "1, false", "7, false", "8, false", "100, false", "100, true"})
    void allFilesAreOnTheDiskWhenTheWaitEnds(int count, boolean isVirtual)
            throws IOException, ExecutionException, InterruptedException {
        assumeTrue(Files.getFileStore(directory).type().equals("ext4"), "another file system puts nothing off");
        var task = new FutureTask<>(() -> {
            try (var pending = disk.begin(count)) {
                var files = write(count);

                assertTrue(places(files).stream().allMatch(place -> place.contains("delalloc")), "not yet");
                pending.await(files);
                return files;
            }
        });
        (isVirtual ? Thread.ofVirtual() : Thread.ofPlatform()).start(task);
        var places = places(task.get());
        assertEquals(count, places.size());
        assertTrue(places.stream().noneMatch(place -> place.contains("delalloc")), places.toString());
    }

    private List<Path> write(int count) throws IOException {
        var files = new ArrayList<Path>();
        for (int i = 0; i < count; i++) {
            files.add(Files.writeString(directory.resolve(i + ".txt"), "kept " + i));
        }
        return files;
    }

    /** Where the file system has put the contents; what is in memory only has no place yet. */
    private static List<String> places(List<Path> files) throws IOException, InterruptedException {
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
        return said.lines().filter(line -> line.matches(" +0: .*")).toList();
    }

    @Test
    void whatWasWrittenIsWhatWasGiven() throws IOException {
        try (var pending = disk.begin(20)) {
            var files = write(20);
            pending.await(files);
            assertEquals("kept 19", Files.readString(files.getLast()));
        }
    }

    @Test
    void manyFilesNeedTheirDirectory() {
        var away = new DiskSync(directory.resolve("away"));
        assertThrows(NoSuchFileException.class, () -> away.begin(100));
        assertThrows(NoSuchFileException.class, () -> SyncFs.open(directory.resolve("away")));
    }

    @Test
    void aFileThatIsNotThereIsNotKept() throws IOException {
        try (var pending = disk.begin(1)) {
            assertThrows(NoSuchFileException.class, () -> pending.await(List.of(directory.resolve("away"))));
        }
    }

    @Test
    void nothingStaysOpen() throws IOException {
        assumeTrue(disk.isPossible());
        disk.begin(100).close();
        int count = open();
        for (int i = 0; i < 100; i++) {
            disk.begin(100).close();
        }
        assertTrue(open() < count + 100);
    }

    private static int open() throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return (int) descriptors.count();
        }
    }

    @Test
    void theErrorOfTheKernelIsNamed() throws IOException {
        assumeTrue(disk.isPossible());
        var closed = SyncFs.open(directory);
        closed.close();
        // EBADF. Nobody else opens a file in between: a descriptor that is closed twice would be.
        var e = assertThrows(IOException.class, closed::sync);
        assertTrue(String.valueOf(e.getMessage()).endsWith("error 9"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "5.8",
                "5.8.0",
                "5.10.0-33-amd64",
                "6.1",
                "6.12.3+deb13-cloud-amd64",
                "10.0",
                "5.15.167.4-microsoft"
            })
    void kernelsFromThisOneOnTellErrors(String version) {
        assertTrue(DiskSync.tellsErrors(version));
    }

    @ParameterizedTest
    @ValueSource(strings = {"5.7.19", "5.0", "4.18.0-553.el8_10.x86_64", "2.6.32", "", "unknown", "5", "99999999999.9"})
    void othersDoNotOrCannotBeTold(String version) {
        assertFalse(DiskSync.tellsErrors(version));
    }
}
