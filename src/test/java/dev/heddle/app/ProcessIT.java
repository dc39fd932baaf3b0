package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Heddle as an operator meets it: a process with an exit code, on the PostgreSQL that it brings along. */
class ProcessIT {

    private static final Duration STOP_MAX = Duration.ofSeconds(20);

    /** Used again by one process after the other, as an operator would: unpacking PostgreSQL takes seconds. */
    @TempDir
    private static Path data;

    private final HttpClient client = HttpClient.newHttpClient();

    @Test
    void theFirstStartTellsAllThatIsNeeded(@TempDir Path fresh) throws IOException, InterruptedException {
        try (var heddle = HeddleProcess.start(fresh, Map.of(), List.of()).awaitReady()) {
            var token = fresh.resolve("admin-token");
            // It is ready once it has said where; the rest of the greeting may still be on its way.
            await().untilAsserted(() -> assertTrue(heddle.output().contains("curl -H"), heddle.output()));
            assertTrue(heddle.output().contains(token.toString()), heddle.output());
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(token)));
        }
    }

    @Test
    void aSigtermEndsEverythingWithCode0() throws IOException, InterruptedException {
        try (var heddle = start().awaitReady()) {
            assertEquals(200, call(heddle, "GET", "/users/me", "").statusCode());
            long postgres = postgresOf(heddle);
            heddle.terminate();
            assertEquals(0, heddle.awaitExit(STOP_MAX), heddle.output());
            assertFalse(ProcessHandle.of(postgres).map(ProcessHandle::isAlive).orElse(false), "PostgreSQL lives on");
        }
    }

    /** A Heddle whose database is at that port of this machine. */
    private static HeddleProcess startWithDatabaseAt(int port) throws IOException {
        var settings = Map.of(
                "DATABASE_MODE",
                "external",
                "DATABASE_URL",
                "jdbc:postgresql://127.0.0.1:" + port + "/heddle",
                "DATABASE_USERNAME",
                "heddle",
                "DATABASE_PASSWORD",
                "-");
        return HeddleProcess.start(data, settings, List.of());
    }

    private static void awaitSaid(HeddleProcess heddle, String words) {
        await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(10))
                .until(() -> heddle.output().contains(words));
    }

    private static void assertGivesUpItsStart(HeddleProcess heddle) throws InterruptedException {
        heddle.terminate();
        assertEquals(0, heddle.awaitExit(STOP_MAX), heddle.output());
        assertTrue(heddle.output().contains("stopping: the start is given up"), heddle.output());
        assertTrue(heddle.output().endsWith("stopped"), heddle.output());
        assertFalse(heddle.output().contains("cannot start"), heddle.output());
    }

    @Test
    void aSigtermEndsAStartThatWaitsForADatabaseWithCode0() throws IOException, InterruptedException {
        int closed;
        try (var socket = new ServerSocket(0)) {
            closed = socket.getLocalPort();
        }
        try (var heddle = startWithDatabaseAt(closed)) {
            awaitSaid(heddle, "waiting for the database");
            assertGivesUpItsStart(heddle);
        }
    }

    @Test
    void aSigtermEndsAStartWhoseDatabaseDoesNotAnswerWithCode0() throws IOException, InterruptedException {
        try (var silent = new ServerSocket(0);
                var heddle = startWithDatabaseAt(silent.getLocalPort());
                var _ = silent.accept()) {
            assertGivesUpItsStart(heddle);
        }
    }

    @Test
    void aSigtermEndsTheFirstStartOfPostgresWithCode0AndTheNextOneIsWell(@TempDir Path fresh)
            throws IOException, InterruptedException {
        try (var heddle = HeddleProcess.start(fresh, Map.of(), List.of())) {
            awaitSaid(heddle, "Making a PostgreSQL");
            assertGivesUpItsStart(heddle);
        }
        try (var heddle = HeddleProcess.start(fresh, Map.of(), List.of()).awaitReady()) {
            heddle.terminate();
            assertEquals(0, heddle.awaitExit(STOP_MAX), heddle.output());
            assertTrue(heddle.output().contains("made just now"), heddle.output());
        }
    }

    @Test
    void aProcessThatNobodyWaitsForAnyMoreIsEnded() throws IOException {
        try (var silent = new ServerSocket(0);
                var heddle = startWithDatabaseAt(silent.getLocalPort())) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, heddle::awaitReady);
            assertFalse(
                    ProcessHandle.of(heddle.pid()).map(ProcessHandle::isAlive).orElse(false), "it lives on");
        }
    }

    @Test
    void whatWasAcknowledgedIsThereAfterAKill() throws IOException, InterruptedException {
        String location;
        try (var heddle = start().awaitReady()) {
            var made = call(heddle, "POST", "/tasks", "{\"title\": \"survive\"}");
            assertEquals(201, made.statusCode());
            location = made.headers().firstValue("Location").orElseThrow();
            heddle.kill();
        }
        try (var heddle = start().awaitReady()) {
            assertEquals(200, call(heddle, "GET", location, "").statusCode());
            // All that it says is read by then.
            heddle.terminate();
            assertEquals(0, heddle.awaitExit(STOP_MAX), heddle.output());
            assertFalse(heddle.output().contains("made just now"), "a second start made another administrator");
        }
    }

    @Test
    void whatItLogsIsKeptBesideStandardOutputAndCanBeRead() throws IOException, InterruptedException {
        try (var heddle = start().awaitReady()) {
            assertEquals(200, call(heddle, "GET", "/users/me", "").statusCode());
            awaitSaid(heddle, " access GET /users/me 200 ");
            var log = data.resolve("logs/heddle.log");
            await().untilAsserted(() -> assertTrue(Files.readString(log).contains(" access GET /users/me 200 ")));
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(log)));
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(log.getParent())));
            var read = call(heddle, "GET", "/logs/heddle.log?tail=10", "");
            assertEquals(200, read.statusCode());
            assertTrue(read.body().contains(" access GET /users/me 200 "), read.body());
        }
    }

    @Test
    void aTakenPortIsToldInOneLineAndLeavesNothingRunning() throws IOException, InterruptedException {
        try (var taken = new ServerSocket(0);
                var heddle = HeddleProcess.start(
                        data, Map.of("SERVER_PORT", String.valueOf(taken.getLocalPort())), List.of())) {
            assertEquals(1, heddle.awaitExit(Duration.ofSeconds(60)), heddle.output());
            assertTrue(heddle.output().contains("cannot listen on"), heddle.output());
            var log = Files.readString(data.resolve("logs/heddle.log"));
            assertTrue(log.contains("cannot start: cannot listen on"), log);
        }
        try (var heddle = start().awaitReady()) {
            assertEquals(200, call(heddle, "GET", "/", "").statusCode());
        }
    }

    @Test
    void twoServersDoNotShareADataDirectory() throws IOException, InterruptedException {
        try (var first = start().awaitReady();
                var second = start()) {
            assertEquals(1, second.awaitExit(Duration.ofSeconds(30)), second.output());
            assertTrue(second.output().contains("in use by another Heddle"), second.output());
            assertEquals(200, call(first, "GET", "/", "").statusCode());
        }
    }

    @Test
    void whenItsPostgresDiesTheProcessEndsWithAFailureSoThatASupervisorStartsItAnew()
            throws IOException, InterruptedException {
        try (var heddle = start().awaitReady()) {
            ProcessHandle.of(postgresOf(heddle)).orElseThrow().destroyForcibly();
            assertEquals(1, heddle.awaitExit(STOP_MAX), heddle.output());
            var log = Files.readString(data.resolve("logs/heddle.log"));
            assertTrue(log.contains("the embedded PostgreSQL has ended by itself"), log);
            assertTrue(log.endsWith("stopped\n"), log);
        }
    }

    @Test
    void theLogHasTheStartAndForCollectorsEveryLineIsJson(@TempDir Path fresh)
            throws IOException, InterruptedException {
        try (var heddle = HeddleProcess.start(fresh, Map.of("LOG_FORMAT", "json"), List.of())) {
            awaitSaid(heddle, "API http://127.0.0.1:" + heddle.awaitReady().port());
            awaitSaid(heddle, fresh.resolve("admin-token").toString());
            heddle.terminate();
            assertEquals(0, heddle.awaitExit(STOP_MAX), heddle.output());
            for (var line : heddle.lines()) {
                assertTrue(line.startsWith("{") && line.endsWith("}"), line);
            }
            var log = Files.readString(fresh.resolve("logs/heddle.log"));
            assertTrue(log.contains(" admin http://127.0.0.1:" + heddle.adminPort()), log);
            assertFalse(
                    log.contains(Files.readString(fresh.resolve("admin-token")).strip()), log);
        }
    }

    @Test
    void refusedSettingsEndWithCode2AndEveryComplaint() throws IOException, InterruptedException {
        try (var heddle = HeddleProcess.start(
                data, Map.of("SERVER_PORT", "99999", "LOG_FORMAT", "xml"), List.of(), "check-config")) {
            assertEquals(2, heddle.awaitExit(Duration.ofSeconds(30)));
            assertTrue(heddle.output().contains("server.port"), heddle.output());
            assertTrue(heddle.output().contains("log.format"), heddle.output());
        }
    }

    @Test
    void aWrongDatabasePasswordIsToldInOneLineWithoutTheUrlsSecrets() throws IOException, InterruptedException {
        var settings = Map.of(
                "DATABASE_MODE",
                "external",
                "DATABASE_URL",
                TestPostgres.url("public"),
                "DATABASE_USERNAME",
                TestPostgres.username(),
                "DATABASE_PASSWORD",
                "wrong-secret");
        try (var heddle = HeddleProcess.start(data, settings, List.of())) {
            assertEquals(1, heddle.awaitExit(Duration.ofSeconds(30)), heddle.output());
            assertTrue(heddle.output().contains("the database cannot be used"), heddle.output());
            assertFalse(heddle.output().contains("wrong-secret"), heddle.output());
        }
    }

    private HeddleProcess start() throws IOException {
        return HeddleProcess.start(data, Map.of(), List.of());
    }

    private HttpResponse<String> call(HeddleProcess heddle, String method, String path, String body)
            throws IOException, InterruptedException {
        var token = Files.readString(data.resolve("admin-token")).strip();
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + heddle.port() + path))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .build();
        return client.send(request, BodyHandlers.ofString());
    }

    /** The process id in the first line of PostgreSQL's own file. */
    private long postgresOf(HeddleProcess heddle) throws IOException {
        assertTrue(heddle.pid() > 0);
        return Long.parseLong(Files.readAllLines(data.resolve("postgres/cluster/postmaster.pid"))
                .getFirst()
                .strip());
    }
}
