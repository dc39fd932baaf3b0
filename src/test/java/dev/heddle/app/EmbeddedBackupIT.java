package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.Form;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Backups on the command line, of a Heddle that has brought its PostgreSQL along. */
@Timeout(240)
class EmbeddedBackupIT {

    private static final Duration COMMAND_MAX = Duration.ofSeconds(60);

    /** Their rows change by themselves. */
    private static final Set<String> QUEUES = Set.of("jobs", "outbound_jobs");

    @TempDir
    private Path directory;

    private final HttpClient client = HttpClient.newHttpClient();

    /** Runs a command to its end; what it said. */
    private static String run(int expected, Path data, String... words) throws IOException, InterruptedException {
        try (var command = HeddleProcess.start(data, Map.of(), List.of(), words)) {
            assertEquals(expected, command.awaitExit(COMMAND_MAX), command.output());
            return command.output();
        }
    }

    private static HeddleProcess serve(Path data) throws IOException, InterruptedException {
        return HeddleProcess.start(data, Map.of(), List.of()).awaitReady();
    }

    private HttpResponse<byte[]> send(HeddleProcess heddle, String token, String method, String path, String... body)
            throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + heddle.port() + path))
                .header("Authorization", "Bearer " + token);
        if (body.length == 0) {
            request.method(method, BodyPublishers.noBody());
        } else {
            request.header("Content-Type", body[0]).method(method, BodyPublishers.ofString(body[1]));
        }
        return client.send(request.build(), BodyHandlers.ofByteArray());
    }

    private byte[] get(HeddleProcess heddle, String token, String path) throws IOException, InterruptedException {
        var reply = send(heddle, token, "GET", path);
        assertEquals(200, reply.statusCode(), path);
        return reply.body();
    }

    private void create(HeddleProcess heddle, String token, String path, String type, String body)
            throws IOException, InterruptedException {
        var reply = send(heddle, token, "POST", path, type, body);
        assertEquals(201, reply.statusCode(), () -> new String(reply.body(), StandardCharsets.UTF_8));
    }

    private void createTask(HeddleProcess heddle, String token, String title) throws IOException, InterruptedException {
        create(heddle, token, "/tasks", "application/json", "{\"title\": \"" + title + "\"}");
    }

    /** What follows from tasks has been written, so that nothing changes any more. */
    private void awaitNotifications(HeddleProcess heddle, String token, int count) {
        await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            var stats = new String(get(heddle, token, "/stats"), StandardCharsets.UTF_8);
            assertTrue(stats.contains("\"total\":" + count), stats);
            var told = new String(get(heddle, token, "/notifications?limit=100"), StandardCharsets.UTF_8);
            assertEquals(count, told.split("\"task_id\"", -1).length - 1, told);
        });
    }

    /** The rows of each table, and the bytes of each file, by their names; the rows in no order. */
    private static Map<String, List<String>> contents(Path backup) throws IOException {
        var contents = new TreeMap<String, List<String>>();
        try (var all = Files.walk(backup)) {
            for (var file : all.filter(Files::isRegularFile).toList()) {
                var name = backup.relativize(file).toString();
                if (!name.startsWith("manifest")
                        && !QUEUES.contains(file.getFileName().toString())) {
                    contents.put(
                            name,
                            Files.readString(file, StandardCharsets.ISO_8859_1)
                                    .lines()
                                    .sorted()
                                    .toList());
                }
            }
        }
        return contents;
    }

    @Test
    void whatItHoldsComesBackInAFreshDirectory() throws IOException, InterruptedException {
        var data = directory.resolve("data");
        var fresh = directory.resolve("fresh");
        var backup = directory.resolve("backups/one").toString();
        var content = "weft \u00e9 \u6f22\r\n".repeat(100_000);
        String token;
        byte[] tasks;
        byte[] file;
        try (var heddle = serve(data)) {
            token = Files.readString(data.resolve("admin-token")).strip();
            for (int i = 0; i < 20; i++) {
                createTask(heddle, token, "task " + i);
            }
            create(heddle, token, "/upload", Form.TYPE, Form.of("woven.bin", content));
            awaitNotifications(heddle, token, 20);
            tasks = get(heddle, token, "/tasks?limit=100");
            file = get(heddle, token, "/download/woven.bin");
            assertArrayEquals(content.getBytes(StandardCharsets.UTF_8), file);
            assertTrue(run(0, data, "backup", "--to", backup).contains("1 files"));
            createTask(heddle, token, "made after the backup");
            assertTrue(
                    run(1, data, "restore", "--from", backup).contains("in use by another Heddle"),
                    "nothing is restored below a server that runs");
        }
        assertTrue(run(0, data, "verify-backup", backup).contains("is whole"));
        run(0, fresh, "restore", "--from", backup);
        // Beside no server, with a PostgreSQL that is there for the backup only.
        var again = directory.resolve("backups/two").toString();
        run(0, fresh, "backup", "--to", again);
        assertEquals(contents(Path.of(backup)), contents(Path.of(again)));
        try (var heddle = serve(fresh)) {
            assertFalse(Files.exists(fresh.resolve("admin-token")), "the administrator is that of the backup");
            assertArrayEquals(tasks, get(heddle, token, "/tasks?limit=100"));
            assertArrayEquals(file, get(heddle, token, "/download/woven.bin"));
            createTask(heddle, token, "made after the restore");
            awaitNotifications(heddle, token, 21);
            heddle.terminate();
            assertEquals(0, heddle.awaitExit(COMMAND_MAX), heddle.output());
        }
    }

    @Test
    void wherePostgresHasNeverRunThereIsNothingToBackUp() throws IOException, InterruptedException {
        var said = run(
                1,
                directory.resolve("none"),
                "backup",
                "--to",
                directory.resolve("backup").toString());
        assertTrue(said.contains("there is no database in"), said);
        assertFalse(Files.exists(directory.resolve("none/postgres")));
        assertFalse(Files.exists(directory.resolve("backup")));
    }
}
