package dev.heddle.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Keyset;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFilesTest {

    private static final int MAX = OpenLog.CONTENT_BYTES_MAX;

    private static final int ALL_LINES = Integer.MAX_VALUE;

    @TempDir
    private Path directory;

    private OpenLog opened(String content) throws IOException {
        return opened(content.getBytes(StandardCharsets.UTF_8));
    }

    private OpenLog opened(byte[] content) throws IOException {
        Files.write(directory.resolve("a.log"), content);
        return new LogFiles(directory).open("a.log").orElseThrow();
    }

    private static List<String> names(List<LogFile> logs) {
        return logs.stream().map(log -> log.name().text()).toList();
    }

    @Test
    void onlyRegularFilesOfGoodNamesAreListed() throws IOException, InterruptedException {
        var target = Files.writeString(directory.resolve("a.log"), "x");
        Files.createSymbolicLink(directory.resolve("link.log"), target);
        Files.createDirectory(directory.resolve("directory.log"));
        Files.writeString(directory.resolve(".hidden"), "x");
        Files.writeString(directory.resolve("nul.log"), "x");
        assertEquals(
                0,
                new ProcessBuilder("mkfifo", directory.resolve("pipe.log").toString())
                        .start()
                        .waitFor());
        assertEquals(List.of("a.log"), names(new LogFiles(directory).list(Optional.empty(), 0, 100)));
    }

    @Test
    void theListIsNewestFirstThenByNameAndCutAnywhereTheSame() throws IOException {
        var time = Instant.parse("2026-11-22T10:15:30.123456789Z");
        for (int i = 0; i < 7; i++) {
            var file = Files.writeString(directory.resolve("log " + i), "x");
            Files.setLastModifiedTime(file, FileTime.from(time.plusSeconds(i / 3)));
        }
        var logs = new LogFiles(directory);
        var all = logs.list(Optional.empty(), 0, 100);
        assertEquals(List.of("log 6", "log 5", "log 4", "log 3", "log 2", "log 1", "log 0"), names(all));
        for (int i = 0; i < all.size(); i++) {
            var after = Optional.<Keyset>of(all.get(i).position());
            assertEquals(all.subList(i + 1, all.size()), logs.list(after, 0, 100));
            assertEquals(all.subList(i, all.size()), logs.list(Optional.empty(), i, 100));
        }
        assertEquals(2, logs.list(Optional.empty(), 0, 2).size());
    }

    @Test
    void aDirectoryThatIsNotThereHasNoLogs() {
        var logs = new LogFiles(directory.resolve("none"));
        assertEquals(List.of(), logs.list(Optional.empty(), 0, 100));
        assertTrue(logs.open("a.log").isEmpty());
    }

    @Test
    void aShortLogIsWhole() throws IOException {
        try (var log = opened("one\ntwo\n")) {
            assertEquals(new OpenLog.Tail("one\ntwo\n", false), log.tail(ALL_LINES));
            assertEquals(new OpenLog.Tail("one\ntwo\n", false), log.tail(2));
            assertEquals(new OpenLog.Tail("two\n", true), log.tail(1));
            assertEquals(8, log.size());
        }
        try (var log = opened("one\ntwo")) {
            assertEquals(new OpenLog.Tail("two", true), log.tail(1));
        }
        try (var log = opened("")) {
            assertEquals(new OpenLog.Tail("", false), log.tail(ALL_LINES));
        }
        try (var log = opened("\n\n\n")) {
            assertEquals(new OpenLog.Tail("\n\n", true), log.tail(2));
        }
    }

    @Test
    void aLongLogIsCutBetweenLines() throws IOException {
        var line = "x".repeat(1023) + "\n";
        try (var log = opened(line.repeat(1024))) {
            assertEquals(new OpenLog.Tail(line.repeat(1024), false), log.tail(ALL_LINES), "just not too long");
        }
        try (var log = opened(line.repeat(1025))) {
            assertEquals(new OpenLog.Tail(line.repeat(1024), true), log.tail(ALL_LINES), "cut where a line ends");
        }
        try (var log = opened("y" + line.repeat(1024))) {
            assertEquals(new OpenLog.Tail(line.repeat(1023), true), log.tail(ALL_LINES), "cut within a line");
            assertEquals(new OpenLog.Tail(line.repeat(2), true), log.tail(2));
        }
    }

    @Test
    void aLineLongerThanAnAnswerIsCutBetweenCharacters() throws IOException {
        for (var character : List.of("ä", "€", "🧵")) {
            int width = character.getBytes(StandardCharsets.UTF_8).length;
            for (int shift = 0; shift < width; shift++) {
                try (var log = opened(character.repeat(MAX / width + 2) + "x".repeat(shift) + "\n")) {
                    var tail = log.tail(ALL_LINES);
                    assertTrue(tail.isTruncated());
                    assertTrue(tail.content().startsWith(character), "no half character");
                    int bytes = tail.content().getBytes(StandardCharsets.UTF_8).length;
                    assertTrue(bytes <= MAX && bytes > MAX - width, bytes + " bytes");
                }
            }
        }
    }

    @Test
    void whatIsNoUtf8IsReplaced() throws IOException {
        try (var log = opened(new byte[] {'a', (byte) 0xFF, 'b', (byte) 0xC3})) {
            assertEquals(new OpenLog.Tail("a\uFFFDb\uFFFD", false), log.tail(ALL_LINES));
        }
    }

    @Test
    void itIsWhatWasThereWhenItWasOpenedWhateverComesAfter() throws IOException {
        try (var log = opened("one\n")) {
            Files.writeString(directory.resolve("a.log"), "one\ntwo\n");
            Files.move(directory.resolve("a.log"), directory.resolve("a.log.1"));
            assertEquals("one\n", log.tail(ALL_LINES).content());
            assertEquals(4, log.size());
            Files.writeString(directory.resolve("a.log.1"), "o");
            assertEquals("o", log.tail(ALL_LINES).content(), "somebody has cut it");
        }
    }

    @Test
    void everyVersionHasATagOfItsOwn() throws IOException {
        try (var first = opened("one\n");
                var second = opened("one\ntwo\n")) {
            assertFalse(
                    first.representation().tag().equals(second.representation().tag()));
            try (var same = new LogFiles(directory).open("a.log").orElseThrow()) {
                assertEquals(
                        second.representation().tag(), same.representation().tag());
            }
        }
    }
}
