package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import dev.heddle.app.TestServer.Person;
import dev.heddle.db.Database;
import dev.heddle.testing.Psql;
import dev.heddle.testing.TestPostgres;
import jakarta.mail.MessagingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is done behind the requests, put together as {@code app.yaml} says. */
class BackgroundIT {

    private static final Duration LONG = Duration.ofSeconds(20);

    private static final Pattern MESSAGE_ID =
            Pattern.compile("<[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}@heddle\\.example>");

    private static void complete(TestServer server, Person person, String title) {
        var task = server.task(person, "{\"title\": \"" + title + "\"}");
        var path = "/tasks/" + task.get("id").asText() + "/complete";
        assertEquals(200, server.send("POST", path, person.token(), null).status());
    }

    @Test
    void aCompletedTaskIsMailedThroughTheServerOfAppYaml() throws MessagingException, IOException {
        var mail = new GreenMail(new ServerSetup(0, "localhost", "smtp"));
        mail.start();
        try (var server = TestServer.start(Map.of(
                "EMAIL_SMTP_HOST", "localhost",
                "EMAIL_SMTP_PORT", String.valueOf(mail.getSmtp().getPort()),
                "EMAIL_SMTP_SECURITY", "none",
                "EMAIL_FROM", "tasks@heddle.example"))) {
            var person = server.person();
            complete(server, person, "Water the fern");
            assertTrue(mail.waitForIncomingEmail(LONG.toMillis(), 1));
            var message = mail.getReceivedMessages()[0];
            assertEquals("Task completed!", message.getSubject());
            assertEquals(person.id() + "@test.example", message.getAllRecipients()[0].toString());
            assertEquals("tasks@heddle.example", message.getFrom()[0].toString());
            assertTrue(MESSAGE_ID.matcher(message.getHeader("Message-ID", null)).matches());
            assertTrue(message.getContent().toString().contains("'Water the fern' is completed"));
            server.awaitJobs();
            assertEquals(1, mail.getReceivedMessages().length);
        } finally {
            mail.stop();
        }
    }

    @Test
    void withoutAMailServerThereIsAFile() throws IOException {
        try (var server = TestServer.start()) {
            complete(server, server.person(), "Feed the cat");
            server.awaitJobs();
            var files = list(server.directory().resolve("mail"));
            assertEquals(1, files.size());
            assertTrue(files.getFirst().toString().endsWith(".eml"));
            assertTrue(Files.readString(files.getFirst()).contains("Feed the cat"));
        }
    }

    @Test
    void operatorsSeeThatMailsCannotBeWrittenTogether() throws IOException {
        try (var server = TestServer.start()) {
            var inTheWay = Files.writeString(server.directory().resolve("mail"), "");
            complete(server, server.person(), "Feed the cat");
            await().atMost(LONG)
                    .until(() -> server.metric("heddle_job_together_failures_total{kind=\"send_email\"}") >= 1);
            // There is none of it before the first.
            await().atMost(LONG)
                    .ignoreException(NoSuchElementException.class)
                    .until(() ->
                            server.metric("heddle_job_attempts_total{kind=\"send_email\",outcome=\"failed\"}") >= 1);
            Files.delete(inTheWay);
            server.awaitJobs();
            assertEquals(1, list(server.directory().resolve("mail")).size());
        }
    }

    private static List<Path> list(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return files.toList();
        }
    }

    @Test
    void aMailServerThatIsAwayHoldsUpNothingElse() {
        // Port 1 of this machine refuses.
        try (var server = TestServer.start(
                Map.of("EMAIL_SMTP_HOST", "127.0.0.1", "EMAIL_SMTP_PORT", "1", "EMAIL_SMTP_SECURITY", "none"))) {
            var person = server.person();
            complete(server, person, "Call the bank");
            await().atMost(LONG)
                    .untilAsserted(() -> assertEquals(
                            1, server.get("/activity", person.token()).json().size()));
            await().atMost(LONG).untilAsserted(() -> {
                var job = server.get("/jobs?kind=send_email", server.adminToken())
                        .json()
                        .get(0);
                assertTrue(job.get("attempts").asInt() >= 1, job.toString());
                assertEquals("waiting", job.get("state").asText());
                assertTrue(job.get("last_error").asText().contains("127.0.0.1:1"), job.toString());
            });
        }
    }

    @Test
    void theMetricsShowWhatWaitsAndHowAttemptsEnd() {
        try (var server = TestServer.start()) {
            var person = server.person();
            complete(server, person, "Count me");
            server.awaitJobs();
            new Psql(server.schema()).execute("""
                INSERT INTO jobs (task_name, task_instance, execution_time, created_at)
                VALUES ('log_activity', gen_random_uuid(), now() + interval '1 hour', now() - interval '1 hour')
                """);
            new Psql(server.schema()).execute("""
                INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at)
                VALUES (gen_random_uuid(), 'send_email', '{}', 8, 'no', now())
                """);
            // An attempt counts a moment after its job has gone.
            for (var kind : List.of("update_stats", "send_email")) {
                await().ignoreException(NoSuchElementException.class)
                        .until(() -> server.metric("heddle_job_attempts_total{kind=\"" + kind + "\",outcome=\"done\"}")
                                == 1);
            }
            var metrics = server.operations("/metrics").text();
            assertHas(metrics, "heddle_jobs_queued{kind=\"log_activity\"} 1.0");
            assertHas(metrics, "heddle_jobs_queued{kind=\"send_email\"} 0.0");
            assertHas(metrics, "heddle_jobs_running{kind=\"log_activity\"} 0.0");
            assertHas(metrics, "heddle_jobs_dead{kind=\"send_email\"} 1.0");
            assertHas(metrics, "heddle_jobs_oldest_age_seconds{kind=\"log_activity\"} 36");
            assertHas(metrics, "heddle_job_attempts_total{kind=\"update_stats\",outcome=\"done\"} 1.0");
            assertHas(metrics, "heddle_job_duration_seconds_count{kind=\"send_email\"} 1");
        }
    }

    private static void assertHas(String metrics, String line) {
        assertTrue(metrics.lines().anyMatch(it -> it.startsWith(line)), line + "\n" + metrics);
    }

    @Test
    void idempotencyKeysAreSweptAfterTheirDay() {
        try (var server = TestServer.start()) {
            var psql = new Psql(server.schema());
            psql.execute("""
                INSERT INTO idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
                SELECT 'admin', 'key-' || n, '', 201, '{}', '', now() - n * interval '1 minute'
                FROM generate_series(1, 2880) AS n
                """);
            try (var database = Database.open(TestPostgres.options(server.schema()))) {
                new IdempotencyTable(database).sweep();
            }
            assertEquals(1439, psql.number("SELECT count(*) FROM idempotency_keys"));
        }
    }

    @Test
    void everySweepIsDueAndDoesWhatTheSettingsSay() {
        try (var server = TestServer.start(Map.of("JOBS_ACTIVITY_RETENTION", "960h", "JOBS_DEAD_RETENTION", "480h"))) {
            var person = server.person();
            server.awaitJobs();
            var psql = new Psql(server.schema());
            // The first time each is due at once, and the engine may just be about to begin.
            var hourly = "execution_time BETWEEN now() AND now() + interval '1 hour'";
            for (var kind :
                    List.of("sweep_idempotency_keys", "sweep_dead_jobs", "sweep_activity", "sweep_mail_folder")) {
                await().until(() ->
                        psql.number("SELECT count(*) FROM jobs WHERE task_name = '" + kind + "' AND " + hourly) == 1);
            }
            assertEquals(1, psql.number("""
                SELECT count(*) FROM jobs
                WHERE task_name = 'reconcile_stats'
                AND to_char(execution_time AT TIME ZONE 'UTC', 'HH24:MI') = '02:30'
                AND execution_time BETWEEN now() AND now() + interval '1 day'
                """));
            psql.execute("""
                INSERT INTO activity (id, user_id, task_id, action, created_at)
                SELECT gen_random_uuid(), '%s', gen_random_uuid(), 'task_completed', now() - n * interval '1 day'
                FROM generate_series(1, 60) AS n
                """.formatted(person.id()));
            psql.execute("""
                INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at, died_at)
                SELECT gen_random_uuid(), 'send_email', '{}', 8, 'no', now() - interval '90 days',
                    now() - n * interval '1 day'
                FROM generate_series(1, 60) AS n
                """);
            psql.execute("""
                INSERT INTO idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
                SELECT 'admin', 'key-' || n, '', 201, '{}', '', now() - n * interval '1 hour'
                FROM generate_series(1, 60) AS n
                """);
            psql.execute("""
                INSERT INTO stats (user_id, total) VALUES ('%s', 41) ON CONFLICT (user_id) DO UPDATE SET total = 41
                """.formatted(person.id()));
            psql.execute("UPDATE jobs SET execution_time = now() WHERE task_name LIKE 'sweep%' OR task_name LIKE"
                    + " 'reconcile%'");
            await().atMost(LONG).untilAsserted(() -> {
                assertEquals(39, psql.number("SELECT count(*) FROM activity"));
                assertEquals(19, psql.number("SELECT count(*) FROM dead_jobs"));
                assertEquals(23, psql.number("SELECT count(*) FROM idempotency_keys"));
                assertEquals(0, psql.number("SELECT coalesce(sum(total), 0) FROM stats"));
            });
        }
    }
}
