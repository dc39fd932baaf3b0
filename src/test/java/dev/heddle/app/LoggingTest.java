package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoggingTest {

    private static final Logger OURS = Logger.getLogger("dev.heddle.test");

    private static final Logger LOUD = Logger.getLogger("io.helidon.test");

    @TempDir
    private Path directory;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @AfterEach
    void giveLoggingBack() throws IOException {
        LogManager.getLogManager().readConfiguration();
    }

    private Logging install(Settings.Log.Level level) {
        var settings = new Settings.Log(Settings.Log.Format.TEXT, level, false, directory, 1 << 20, 0);
        return Logging.install(settings, new PrintStream(out, true, StandardCharsets.UTF_8));
    }

    private static void logOfEach() {
        OURS.fine("a");
        OURS.info("b");
        LOUD.info("c");
        LOUD.warning("d");
    }

    /** The last word of each line. */
    private List<String> said() {
        return out.toString(StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                .toList();
    }

    @Test
    void linesAreWrittenFromTheirLevelOnAndThoseOfLibrariesFromWarningsOn() {
        try (var _ = install(Settings.Log.Level.INFO)) {
            logOfEach();
        }
        assertEquals(List.of("b", "d"), said());
    }

    /** As LogManager does in a shutdown, at the same time as the shutdown is told. */
    @Test
    void whatIsLoggedAfterAResetIsWrittenAllTheSame() {
        try (var _ = install(Settings.Log.Level.INFO)) {
            LogManager.getLogManager().reset();
            logOfEach();
        }
        assertEquals(List.of("b", "d"), said());
    }

    @Test
    void aResetLetsNothingThroughThatIsBelowTheLevel() {
        try (var _ = install(Settings.Log.Level.ERROR)) {
            LogManager.getLogManager().reset();
            OURS.info("a");
            OURS.severe("b");
        }
        assertEquals(List.of("b"), said());
    }
}
