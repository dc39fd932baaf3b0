package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line, but for serving. */
class MainTest {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @TempDir
    private Path directory;

    private int run(String... words) {
        return Main.run(
                List.of(words),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    @Test
    void anAddressOfIpv6StandsInBrackets() {
        assertEquals("[::1]:8080", HttpServer.authority("::1", 8080));
        assertEquals("127.0.0.1:8080", HttpServer.authority("127.0.0.1", 8080));
        assertEquals("localhost:8080", HttpServer.authority("localhost", 8080));
    }

    @Test
    void versionIsThatOfTheBuild() {
        assertEquals(0, run("version"));
        assertTrue(out.toString(StandardCharsets.UTF_8).matches("heddle \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R"));
    }

    @Test
    void helpGoesToStandardOutput() {
        assertEquals(0, run("--help"));
        assertTrue(out.toString(StandardCharsets.UTF_8).contains("check-config"));
    }

    @Test
    void checkConfigPrintsEveryKeyAndWhereItsValueIsFrom() {
        assertEquals(0, run("check-config"));
        assertTrue(out.toString(StandardCharsets.UTF_8).contains("server.port = 8080"));
    }

    @Test
    void whatItDoesNotUnderstandIsRefusedWithTheUsage() {
        assertEquals(2, run("sevre"));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("sevre"));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("usage: heddle"));
    }

    @Test
    void aSettingsFileThatIsNotThereIsRefused() {
        assertEquals(2, run("check-config", "--config", "no-such-file.yaml"));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("no-such-file.yaml"));
    }

    @Test
    void configNeedsAFile() {
        assertEquals(2, run("check-config", "--config"));
    }

    @Test
    void backupAndRestoreAndTheirVerificationNeedADirectory() {
        for (var command : List.of("backup", "restore", "verify-backup")) {
            assertEquals(2, run(command), command);
        }
        assertEquals(2, run("backup", "--from", directory.toString()));
        assertEquals(2, run("serve", "--to", directory.toString()));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("backup --to needs a directory"));
    }

    @Test
    void aDirectoryThatHoldsNoBackupIsNotWhole() {
        assertEquals(1, run("verify-backup", directory.toString()));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("there is no manifest"));
    }

    @Test
    void whereThereIsNoDatabaseNothingIsBackedUp() throws IOException {
        var config = Files.writeString(
                directory.resolve("app.yaml"), "data:\n  directory: " + directory.resolve("none") + "\n");
        var backup = directory.resolve("backup");
        assertEquals(1, run("backup", "--to", backup.toString(), "--config", config.toString()));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("there is no database in"));
        assertTrue(Files.notExists(directory.resolve("none")));
        assertTrue(Files.notExists(backup));
    }

    @Test
    void healthOfAPortThatOnlyTheServerKnowsIsRefused() throws IOException {
        var config = Files.writeString(directory.resolve("app.yaml"), "admin:\n  port: 0\n");
        assertEquals(2, run("health", "--config", config.toString()));
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("admin.port"));
    }
}
