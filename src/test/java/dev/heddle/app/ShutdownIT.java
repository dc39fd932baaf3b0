package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.Signals;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server in a process of its own gets SIGTERM while it does something: that is done, or nothing of it is. */
class ShutdownIT {

    private static final Duration STOP_MAX = Duration.ofSeconds(40);

    private static final String ROW = "{\"title\":\"imported\"}\n";
    private static final int ROWS = 40_000;

    @TempDir
    private Path data;

    private final Psql psql = new Psql(TestPostgres.newSchema());

    // Set by start, which every test calls.
    @SuppressWarnings("NullAway.Init")
    private HeddleProcess heddle;

    @AfterEach
    void stop() {
        heddle.close();
        psql.execute("DROP SCHEMA " + psql.schema() + " CASCADE");
    }

    private void start(String delay, String grace) throws IOException, InterruptedException {
        var settings = new HashMap<>(Map.of(
                "DATABASE_MODE",
                "external",
                "DATABASE_URL",
                TestPostgres.url(psql.schema()),
                "DATABASE_USERNAME",
                TestPostgres.username(),
                "DATABASE_PASSWORD",
                TestPostgres.password(),
                "DATABASE_POOL_SIZE",
                "4",
                "SERVER_SHUTDOWN_DELAY",
                delay,
                "SERVER_SHUTDOWN_GRACE",
                grace));
        heddle = HeddleProcess.start(data, settings, List.of("-Xmx128m")).awaitReady();
    }

    private String head(String line) throws IOException {
        return line + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                + Files.readString(data.resolve("admin-token")).strip() + "\r\n";
    }

    private String get(String path) throws IOException {
        return head("GET " + path) + "\r\n";
    }

    private String upload(String form) throws IOException {
        return head("POST /upload") + "Content-Type: " + Form.TYPE + "\r\nContent-Length: " + form.length()
                + "\r\n\r\n";
    }

    private String importing(String body) throws IOException {
        return head("POST /process") + "Content-Type: application/x-ndjson\r\nContent-Length: " + body.length()
                + "\r\n\r\n";
    }

    private RawConnection connect() throws IOException {
        return RawConnection.to(heddle.port());
    }

    /** Whether requests are no longer taken, and the process still lives. */
    private void awaitRefusing() {
        await().pollInterval(Duration.ofMillis(10)).until(() -> {
            try (var _ = connect()) {
                return false;
            } catch (ConnectException e) {
                return true;
            }
        });
    }

    private void awaitSaid(String words) {
        await().atMost(STOP_MAX)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> heddle.output().contains(words));
    }

    private long openUploads() throws IOException {
        return (long) Double.parseDouble(
                RawHttp.exchange(heddle.adminPort(), "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                        .body()
                        .lines()
                        .filter(line -> line.startsWith("heddle_files_incoming "))
                        .findFirst()
                        .orElseThrow()
                        .split(" ", -1)[1]);
    }

    /** What uploads and imports have on the disk, whole or not. */
    private List<String> leftovers() throws IOException {
        try (var files = Files.walk(data)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> data.relativize(file).toString())
                    .filter(file -> file.startsWith("files/") || file.startsWith("import/"))
                    .filter(file -> !file.endsWith("lock"))
                    .sorted()
                    .toList();
        }
    }

    private void assertEnded() throws InterruptedException {
        assertEquals(0, heddle.awaitExit(STOP_MAX), heddle.output());
    }

    // ---- The order ----

    @Test
    void firstNotReadyThenTheDelayThenNoMoreRequestsAndTheDatabaseLast() throws IOException, InterruptedException {
        start("5s", "20s");
        try (var kept = connect();
                var idle = connect();
                var running = connect()) {
            assertFalse(kept.send(get("/users/me")).answer().saysClose());
            assertEquals(200, idle.send(get("/users/me")).answer().status());
            heddle.terminate();
            await().pollInterval(Duration.ofMillis(10)).untilAsserted(() -> {
                var ready = RawHttp.exchange(heddle.adminPort(), "GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n");
                assertEquals(503, ready.status());
                assertTrue(ready.body().contains("shutting down"), ready.body());
            });
            // In the delay it serves as before, on new connections too, and says goodbye.
            try (var late = connect()) {
                var answer = late.send(get("/tasks/count")).answer();
                assertEquals(200, answer.status());
                assertTrue(answer.saysClose(), answer.head());
            }
            var answer = kept.send(get("/users/me")).answer();
            assertEquals(200, answer.status());
            assertTrue(answer.saysClose(), answer.head());
            assertEquals("", kept.rest());
            var body = "{\"title\": \"late\"}";
            running.send(head("POST /tasks") + "Content-Type: application/json\r\nContent-Length: " + body.length()
                    + "\r\n\r\n" + body.substring(0, 5));
            awaitRefusing();
            assertEquals("", idle.rest());
            // The listener is closed, and what has begun still finds the database.
            answer = running.send(body.substring(5)).answer();
            assertEquals(201, answer.status(), answer.text());
            assertTrue(answer.saysClose(), answer.head());
        }
        assertEnded();
        assertEquals(1, psql.number("SELECT count(*) FROM tasks WHERE title = 'late'"));
        assertInOrder(
                "stopping: not ready",
                "stopping: no more jobs are taken",
                "stopping: the requests have ended",
                "stopping: the jobs have ended",
                "stopped");
    }

    private void assertInOrder(String... words) {
        int from = 0;
        for (var word : words) {
            int at = heddle.output().indexOf(word, from);
            assertTrue(at >= 0, "\"" + word + "\" is missing or out of order: " + heddle.output());
            from = at;
        }
    }

    @Test
    void anotherSignalChangesNothingAndCtrlCIsOneToo() throws IOException, InterruptedException {
        start("0s", "20s");
        var form = Form.of("twice.txt", "t".repeat(10_000));
        try (var connection = connect()) {
            connection.send(upload(form)).send(form.substring(0, 5_000));
            await().until(() -> openUploads() == 1);
            Signals.send("INT", heddle.pid());
            awaitRefusing();
            heddle.terminate();
            Signals.send("INT", heddle.pid());
            assertEquals(201, connection.send(form.substring(5_000)).answer().status());
        }
        assertEnded();
        assertEquals(1, psql.number("SELECT count(*) FROM files"));
    }

    // ---- Uploads and imports ----

    @Test
    void anUploadThatEndsWithinTheGraceIsStored() throws IOException, InterruptedException {
        start("0s", "20s");
        var form = Form.of("slow.txt", "s".repeat(30_000));
        try (var connection = connect()) {
            connection.send(upload(form)).send(form.substring(0, 10_000));
            await().until(() -> openUploads() == 1);
            heddle.terminate();
            awaitRefusing();
            // Three seconds of it, a byte now and then.
            for (int i = 0; i < 30; i++) {
                await().pollDelay(Duration.ofMillis(100)).until(() -> true);
                connection.send(form.substring(10_000 + i, 10_001 + i));
            }
            assertEquals(201, connection.send(form.substring(10_030)).answer().status());
        }
        assertEnded();
        start("0s", "20s");
        assertTrue(RawHttp.exchange(heddle.port(), get("/download/slow.txt"))
                .body()
                .contentEquals("s".repeat(30_000)));
    }

    @Test
    void anUploadThatTakesLongerThanTheGraceLeavesNothing() throws IOException, InterruptedException {
        start("0s", "1s");
        var form = Form.of("endless.txt", "e".repeat(100_000));
        try (var connection = connect()) {
            connection.send(upload(form)).send(form.substring(0, 50_000));
            await().until(() -> openUploads() == 1);
            heddle.terminate();
            assertEnded();
            assertThrows(IOException.class, connection::answer);
        }
        assertEquals(List.of(), leftovers());
        assertEquals(0, psql.number("SELECT count(*) FROM files"));
        start("0s", "1s");
        assertEquals(
                404,
                RawHttp.exchange(heddle.port(), get("/download/endless.txt")).status());
        assertEquals(List.of(), leftovers());
    }

    @Test
    void anImportThatEndsWithinTheGraceIsThereAsAWhole() throws IOException, InterruptedException {
        start("0s", "20s");
        var body = ROW.repeat(ROWS);
        try (var connection = connect()) {
            connection.send(importing(body)).send(body.substring(0, 100_000));
            // Its head was read: this came later.
            assertEquals(200, RawHttp.exchange(heddle.port(), get("/users/me")).status());
            heddle.terminate();
            awaitRefusing();
            var answer = connection.send(body.substring(100_000)).answer();
            assertEquals("{\"result\":{\"imported\":" + ROWS + "}}", answer.text());
        }
        assertEnded();
        assertEquals(ROWS, psql.number("SELECT count(*) FROM tasks"));
        assertEquals(List.of(), leftovers());
    }

    @Test
    void anImportThatIsCutWhileItComesOrLoadsLeavesNothing() throws IOException, InterruptedException {
        start("0s", "1s");
        var body = ROW.repeat(ROWS);
        try (var coming = connect();
                var loading = connect()) {
            coming.send(importing(body)).send(body.substring(0, 100_000));
            try (var lock = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
                loading.send(importing(ROW.repeat(10))).send(ROW.repeat(10));
                psql.awaitBlocked(1);
                heddle.terminate();
                assertEnded();
                lock.release();
            }
            assertThrows(IOException.class, coming::answer);
            assertThrows(IOException.class, loading::answer);
        }
        assertEquals(List.of(), leftovers());
        assertEquals(0, psql.number("SELECT count(*) FROM tasks"));
    }

    // ---- Jobs ----

    private void makeTask() throws IOException {
        var body = "{\"title\": \"work\"}";
        var made = RawHttp.exchange(
                heddle.port(),
                head("POST /tasks") + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                        + body);
        assertEquals(201, made.status(), made.text());
    }

    private void awaitNotifications(int count) {
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> assertEquals(count, psql.number("SELECT count(*) FROM notifications")));
    }

    @Test
    void aJobThatRunsIsFinishedBeforeTheDatabaseGoes() throws IOException, InterruptedException {
        start("0s", "20s");
        try (var lock = psql.lock("notifications", "ACCESS EXCLUSIVE")) {
            makeTask();
            psql.awaitBlocked(1);
            heddle.terminate();
            awaitSaid("stopping: no more jobs are taken");
            lock.release();
        }
        assertEnded();
        assertEquals(1, psql.number("SELECT count(*) FROM notifications"));
        assertEquals(0, psql.number("SELECT count(*) FROM jobs WHERE task_name = 'send_notification'"));
    }

    @Test
    void aJobThatTakesTooLongIsGivenBackWithNoAttemptLostAndHasItsEffectOnce()
            throws IOException, InterruptedException {
        start("0s", "20s");
        try (var lock = psql.lock("notifications", "ACCESS EXCLUSIVE")) {
            makeTask();
            psql.awaitBlocked(1);
            heddle.terminate();
            assertEnded();
            assertEquals(1, psql.number("""
                SELECT count(*) FROM jobs WHERE task_name = 'send_notification'
                AND NOT picked AND coalesce(consecutive_failures, 0) = 0 AND execution_time <= now()
                """));
            lock.release();
        }
        start("0s", "20s");
        awaitNotifications(1);
        assertEquals(0, psql.number("SELECT count(*) FROM dead_jobs"));
    }
}
