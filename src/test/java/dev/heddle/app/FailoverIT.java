package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer.Person;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The primary of two PostgreSQL servers dies under load, the other takes its place, and Heddle finds it by itself. */
@Timeout(150)
class FailoverIT {

    private static final int WRITERS = 4;

    private static final int WRITES = 40;

    private static final Duration PAUSE = Duration.ofMillis(20);

    /** From the promotion to the next acknowledgement. */
    private static final Duration RECOVERY_MAX = Duration.ofSeconds(8);

    /** Of whatever was under way when the primary died. */
    private static final Duration JOBS_MAX = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicInteger acknowledged = new AtomicInteger();
    /** The ids of tasks whose creation was acknowledged, by title. */
    private final Map<String, String> created = new ConcurrentHashMap<>();

    private PostgresPair postgres;
    private TestServer server;

    @BeforeEach
    void start() throws IOException, InterruptedException, SQLException {
        postgres = new PostgresPair(directory);
        server = TestServer.on(
                "public",
                Map.of("DATABASE_URL", postgres.url(), "DATABASE_USERNAME", "heddle", "DATABASE_PASSWORD", "-"));
    }

    @AfterEach
    void stop() {
        stop.set(true);
        server.close();
        postgres.close();
    }

    /** Makes tasks, each until it is acknowledged, however often that takes. */
    private void write(Person person) {
        for (int i = 0; !stop.get(); i++) {
            var title = person.id() + "-" + i;
            while (!isMade(person, title) && !stop.get()) {
                // As a client does that is told to come back.
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    private boolean isMade(Person person, String title) {
        try {
            var reply = server.send(
                    "POST",
                    "/tasks",
                    person.token(),
                    "{\"title\": \"" + title + "\"}",
                    "Idempotency-Key",
                    title,
                    "Request-Timeout",
                    "2");
            if (reply.status() == 201) {
                created.put(title, reply.json().get("id").asText());
                acknowledged.incrementAndGet();
                return true;
            }
            assertTrue(reply.status() == 503 || reply.status() == 409, reply::text);
        } catch (UncheckedIOException e) {
            // As good as no answer.
        }
        return false;
    }

    private void awaitWrites(int more) {
        int before = acknowledged.get();
        await().pollInterval(Duration.ofMillis(10))
                .atMost(Duration.ofSeconds(30))
                .until(() -> acknowledged.get() >= before + more);
    }

    private static Duration since(long start) {
        return Duration.ofNanos(System.nanoTime() - start);
    }

    @Test
    void theStandbyTakesOverAndNothingAcknowledgedIsLost()
            throws IOException, InterruptedException, ExecutionException, SQLException {
        var writing = new ArrayList<Future<?>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < WRITERS; i++) {
                var person = server.person();
                writing.add(threads.submit(() -> write(person)));
            }
            awaitWrites(WRITES);
            long killed = System.nanoTime();
            postgres.killPrimary();
            // By then it has asked the standby too, and been told that this one takes no writes.
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> server.operations("/health/ready").status() == 503);
            postgres.promoteStandby();
            long promoted = System.nanoTime();
            // More than were under way.
            awaitWrites(WRITERS + 1);
            var recovery = since(promoted);
            System.out.printf(
                    "failover: promoted after %d ms, writing %d ms later%n",
                    promoted / 1_000_000 - killed / 1_000_000, recovery.toMillis());
            assertTrue(recovery.compareTo(RECOVERY_MAX) < 0, recovery::toString);
            awaitWrites(WRITES);
            stop.set(true);
            for (var writer : writing) {
                writer.get();
            }
        }
        assertEquals(200, server.operations("/health/ready").status());
        audit();
    }

    private void audit() throws SQLException {
        assertEquals(
                created.size(),
                postgres.askStandby("SELECT count(*) FROM tasks WHERE CAST(id AS text) IN ('"
                        + String.join("', '", created.values()) + "')"),
                "acknowledged and lost");
        assertEquals(
                0,
                postgres.askStandby("SELECT count(*) - count(DISTINCT (user_id, title)) FROM tasks"),
                "made twice in spite of their keys");
        await().atMost(JOBS_MAX).until(() -> postgres.askStandby("""
            SELECT count(*) FROM (TABLE jobs UNION ALL TABLE outbound_jobs) AS job WHERE data ? 'user_id'
            """) == 0);
        for (var effect : List.of(
                "SELECT count(*) FROM tasks WHERE id NOT IN (SELECT task_id FROM notifications)",
                "SELECT count(*) - count(DISTINCT task_id) FROM notifications",
                "SELECT count(*) FROM dead_jobs",
                "SELECT (SELECT count(*) FROM tasks) - (SELECT sum(total) FROM stats)")) {
            assertEquals(0, postgres.askStandby(effect), effect);
        }
    }
}
