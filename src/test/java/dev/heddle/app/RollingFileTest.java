package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log on disk takes the room that it may, and no trouble of the disk is one of the server's. */
class RollingFileTest {

    private final AtomicLong now = new AtomicLong();
    private final Path directory;

    RollingFileTest(@TempDir Path parent) {
        directory = parent.resolve("above/logs");
    }

    private RollingFile file(int maxBytes, int maxFiles) {
        return new RollingFile(directory, maxBytes, maxFiles, now::get);
    }

    private static String write(RollingFile file, String lines) {
        return file.write(lines.getBytes(StandardCharsets.UTF_8));
    }

    private String content(String name) throws IOException {
        return Files.readString(directory.resolve(name));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void itIsForTheEyesOfItsOwnerOnlyAndGoesOnWhereItWas() throws IOException {
        try (var file = file(1000, 3)) {
            assertEquals("", write(file, "one\n"));
        }
        try (var file = file(1000, 3)) {
            assertEquals("", write(file, "two\nthree\n"));
        }
        assertEquals("one\ntwo\nthree\n", content(RollingFile.NAME));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)));
        assertEquals(
                "rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(RollingFile.NAME))));
    }

    @Test
    void aFullFileMakesRoomForAnotherAndTheOldestGoes() throws IOException {
        try (var file = file(10, 3)) {
            for (int i = 1; i <= 9; i++) {
                write(file, "line" + i + "\n");
            }
        }
        assertEquals(List.of("heddle.log", "heddle.log.1", "heddle.log.2"), names());
        assertEquals("line9\n", content("heddle.log"));
        assertEquals("line8\n", content("heddle.log.1"));
        assertEquals("line7\n", content("heddle.log.2"));
    }

    @Test
    void manyLinesAtOnceAreCutBetweenLinesAndALongOneHasAFileOfItsOwn() throws IOException {
        try (var file = file(10, 10)) {
            write(file, "a\nb\nc\nd\ne\nf\n" + "x".repeat(25) + "\ng\n");
        }
        assertEquals(List.of("heddle.log", "heddle.log.1", "heddle.log.2", "heddle.log.3"), names());
        assertEquals("a\nb\nc\nd\ne\n", content("heddle.log.3"));
        assertEquals("f\n", content("heddle.log.2"));
        assertEquals("x".repeat(25) + "\n", content("heddle.log.1"));
        assertEquals("g\n", content("heddle.log"));
    }

    @Test
    void oneFileAloneBeginsAnew() throws IOException {
        try (var file = file(10, 1)) {
            write(file, "line1\nline2\nline3\n");
        }
        assertEquals(List.of("heddle.log"), names());
        assertEquals("line3\n", content("heddle.log"));
    }

    @Test
    void filesOfATimeWhenMoreWereKeptGoAndThoseOfOthersStay() throws IOException {
        Files.createDirectories(directory);
        for (var name : List.of("heddle.log.1", "heddle.log.2", "heddle.log.17", "heddle.log.gz", "heddle.log.2x")) {
            Files.writeString(directory.resolve(name), name);
        }
        try (var file = file(1000, 2)) {
            write(file, "line\n");
        }
        assertEquals(List.of("heddle.log", "heddle.log.1", "heddle.log.2x", "heddle.log.gz"), names());
    }

    @Test
    void aDirectoryThatIsCalledLikeAnOldLogIsLeftAloneAndStopsNothing() throws IOException {
        Files.createDirectories(directory.resolve("heddle.log.9"));
        Files.writeString(directory.resolve("heddle.log.9/mine"), "mine");
        try (var file = file(1000, 2)) {
            assertEquals("", write(file, "line\n"));
        }
        assertEquals("line\n", content(RollingFile.NAME));
        assertEquals("mine", content("heddle.log.9/mine"));
    }

    @Test
    void aLineThatWasBrokenOffIsEndedFirst() throws IOException {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve(RollingFile.NAME), "one\nbroken");
        try (var file = file(1000, 2)) {
            write(file, "two\n");
        }
        assertEquals("one\nbroken\ntwo\n", content(RollingFile.NAME));
    }

    @Test
    void whatCannotBeWrittenIsToldOnceAndCountedAndTriedAgainLater() throws IOException {
        Files.createDirectories(directory.getParent());
        Files.writeString(directory, "in the way");
        try (var file = file(1000, 2)) {
            var told = write(file, "one\ntwo\n");
            assertTrue(told.startsWith("the log cannot be written to " + directory), told);
            assertEquals("", write(file, "three\n"));
            now.addAndGet(RollingFile.RETRY_PAUSE.toNanos());
            assertEquals("", write(file, "four\n"), "it is still in the way");

            Files.delete(directory);
            assertEquals("", write(file, "five\n"), "not tried yet");
            assertFalse(Files.exists(directory));
            now.addAndGet(RollingFile.RETRY_PAUSE.toNanos());
            var again = write(file, "six\n");
            assertTrue(again.endsWith("again; 5 lines of it are missing there"), again);
            assertEquals("", write(file, "seven\n"));
        }
        assertEquals(
                "… 5 log lines are missing here: they could not be written\nsix\nseven\n", content(RollingFile.NAME));
    }

    @Test
    void nothingIsWrittenThroughALinkOrIntoAPipe(@TempDir Path elsewhere) throws IOException, InterruptedException {
        Files.createDirectories(directory);
        var log = directory.resolve(RollingFile.NAME);
        var target = Files.writeString(elsewhere.resolve("target"), "mine");
        Files.createSymbolicLink(log, target);
        try (var file = file(1000, 2)) {
            assertTrue(write(file, "line\n").contains("is no regular file"));
        }
        assertEquals("mine", Files.readString(target));
        Files.delete(log);
        assertEquals(0, new ProcessBuilder("mkfifo", log.toString()).start().waitFor());
        try (var file = file(1000, 2)) {
            assertTrue(write(file, "line\n").contains("is no regular file"));
        }
    }

    @Test
    void theLinesOfTheLogAreOnStandardOutputAndInTheFile() throws IOException {
        var out = new ByteArrayOutputStream();
        try (var lines = new LogLines(new PrintStream(out, true, StandardCharsets.UTF_8), file(64 * 1024, 8))) {
            for (int i = 0; i < 20_000; i++) {
                lines.add("line " + i);
                if (i % 5_000 == 0) {
                    lines.flush();
                }
            }
        }
        var kept = names().reversed().stream().map(this::read).collect(Collectors.joining());
        assertEquals(out.toString(StandardCharsets.UTF_8), kept);
    }

    @Test
    void standardOutputGetsItsLinesWhateverBecomesOfTheFile() throws IOException {
        Files.createDirectories(directory.getParent());
        Files.writeString(directory, "in the way");
        var out = new ByteArrayOutputStream();
        try (var lines = new LogLines(new PrintStream(out, true, StandardCharsets.UTF_8), file(1000, 2))) {
            lines.add("one");
            lines.flush();
            lines.add("two");
        }
        var written = out.toString(StandardCharsets.UTF_8).split("\n", -1);
        assertEquals("one", written[0]);
        assertTrue(written[1].startsWith("… the log cannot be written to"), written[1]);
        assertEquals("two", written[2]);
    }

    private String read(String name) {
        try {
            return content(name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
