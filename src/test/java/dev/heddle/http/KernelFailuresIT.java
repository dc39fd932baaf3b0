package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the kernel does when the inside fails or is late. */
class KernelFailuresIT {

    /** How late an answer past its deadline may be. */
    private static final Duration LATE = Duration.ofSeconds(4);

    private static TestServer server;
    private static Person person;

    @BeforeAll
    static void start() {
        server = TestServer.start();
        person = server.person();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply get(String path, String... headers) {
        return server.send("GET", path, person.token(), null, headers);
    }

    @Test
    void aFailureInsideIsA500ThatTellsTheClientNothingAndTheLogEverything() throws SQLException {
        try (var broken = TestServer.start();
                var log = broken.log(Problems.class.getName())) {
            var someone = broken.person();
            var id = broken.task(someone, "{\"title\": \"x\"}").get("id").asText();
            execute(broken, "DROP TABLE tasks CASCADE");
            for (var path : List.of("/tasks", "/tasks/" + id, "/tasks/count")) {
                var reply = broken.get(path, someone.token());
                var problem = ProblemDocument.of(Problem.DATABASE_ERROR, path, reply);
                assertEquals("Database error", problem.get("detail").asText());
                var line = log.awaitLine(problem.get("request_id").asText());
                assertTrue(line.thrown().contains("tasks"), () -> "the cause: " + line.thrown());
            }
            for (var type : List.of("text/csv", "application/x-ndjson")) {
                var reply = broken.send("GET", "/tasks", someone.token(), null, "Accept", type);
                ProblemDocument.of(Problem.DATABASE_ERROR, "/tasks", reply);
                assertEquals(Optional.empty(), reply.header("Vary"), "nothing is left of the answer that failed");
                var head = broken.send("HEAD", "/tasks", someone.token(), null, "Accept", type);
                assertEquals(500, head.status());
                assertEquals("", head.text());
            }
        }
    }

    @Test
    void aFailureThatPassesIsLoggedInOneLine() {
        try (var log = server.log(Problems.class.getName())) {
            var reply = get("/users/me", "Request-Timeout", "0.000000001");
            var line = log.awaitLine(reply.header("X-Request-Id").orElseThrow());
            assertEquals("", line.stack());
            assertTrue(line.message().contains("deadline"), line::message);
        }
    }

    @Test
    void aStreamThatBreaksOffIsCutSoThatNobodyTakesThePartForTheWhole() throws IOException, SQLException {
        try (var broken = TestServer.start()) {
            var someone = broken.person();
            // Twenty pages of a hundred rows, and one more row that cannot be read.
            execute(broken, """
                INSERT INTO tasks (user_id, id, title, created_at)
                SELECT '%s', gen_random_uuid(), 'task ' || n, now() - n * interval '1 second'
                FROM generate_series(1, 2001) n;
                CREATE FUNCTION unreadable(title text) RETURNS text LANGUAGE plpgsql STABLE COST 10000 AS $$
                    BEGIN
                        IF title = 'task 2001' THEN RAISE EXCEPTION 'a broken disk'; END IF;
                        RETURN title;
                    END $$;
                ALTER TABLE tasks RENAME TO stored_tasks;
                CREATE VIEW tasks AS SELECT id, user_id, unreadable(title) AS title, description, completed,
                    completed_at, priority, labels, due_at, created_at, updated_at, version FROM stored_tasks
                """.formatted(someone.id()));
            var answer = RawHttp.send(broken.port(), """
                GET /tasks HTTP/1.1\r
                Host: a\r
                Accept: application/x-ndjson\r
                X-Request-Id: cut\r
                Authorization: Bearer %s\r
                \r
                """.formatted(someone.token()), 10_000);
            assertEquals(200, answer.status());
            assertTrue(answer.body().contains("\"task 1\""), "the pages before");
            assertTrue(answer.closed());
            assertFalse(answer.text().endsWith("0\r\n\r\n"), "it must not look complete");
            assertFalse(answer.text().contains("disk"));
            var entry = broken.logged("cut");
            assertEquals(500, entry.status());
            assertTrue(entry.bytes() > 100_000, () -> "what was sent: " + entry.bytes());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "0.0",
                "-1",
                "+1",
                "1s",
                "1e3",
                "1,5",
                ".5",
                "5.",
                "abc",
                "NaN",
                "Infinity",
                "9999999",
                "0x1"
            })
    void aDeadlineThatIsNoNumberOfSecondsIsRefused(String timeout) {
        var reply = get("/users/me", "Request-Timeout", timeout);
        var problem = ProblemDocument.of(Problem.BAD_REQUEST, "/users/me", reply);
        assertTrue(problem.get("detail").asText().contains("Request-Timeout"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "30", "2.5", "999999", "10.123456789"})
    void aDeadlineThatIsFarEnoughChangesNothing(String timeout) {
        assertEquals(200, get("/users/me", "Request-Timeout", timeout).status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.001", "0.4"})
    void workThatIsPastItsDeadlineIsStoppedAndWritesNothingLater(String timeout) throws SQLException {
        var path = "/tasks/"
                + server.task(person, "{\"title\": \"before\"}").get("id").asText();
        var id = "late-" + timeout;
        try (var other = lock(server, path)) {
            var reply = server.send(
                    "PATCH",
                    path,
                    person.token(),
                    "{\"title\": \"after\"}",
                    "Content-Type",
                    "application/merge-patch+json",
                    "Request-Timeout",
                    timeout,
                    "X-Request-Id",
                    id);
            ProblemDocument.of(Problem.DEADLINE_EXCEEDED, path, reply);
            assertInTime(server, id, Duration.ofNanos((long) (Double.parseDouble(timeout) * 1e9)));
            other.rollback();
        }
        // A writer that still waited would stand before us in the row's queue.
        lock(server, path).close();
        var now = get(path).json();
        assertEquals("before", now.get("title").asText());
        assertEquals(1, now.get("version").asInt());
    }

    @Test
    void nobodyCanAskForMoreTimeThanTheServerGives() throws SQLException {
        try (var hasty = TestServer.on(server.schema(), Map.of("SERVER_REQUEST_TIMEOUT", "400ms"))) {
            var someone = server.person();
            var path = "/tasks/"
                    + server.task(someone, "{\"title\": \"x\"}").get("id").asText();
            try (var other = lock(hasty, path)) {
                for (var headers : List.of(
                        new String[] {"X-Request-Id", "none"},
                        new String[] {"X-Request-Id", "hour", "Request-Timeout", "3600"})) {
                    var reply = hasty.send("DELETE", path, someone.token(), null, headers);
                    ProblemDocument.of(Problem.DEADLINE_EXCEEDED, path, reply);
                    assertInTime(hasty, headers[1], Duration.ofMillis(400));
                }
                other.rollback();
            }
            assertEquals(200, server.get(path, someone.token()).status());
        }
    }

    private static Connection lock(TestServer of, String path) throws SQLException {
        var connection = TestPostgres.connect(of.schema());
        connection.setAutoCommit(false);
        try (var statement = connection.prepareStatement("SELECT 1 FROM tasks WHERE id = ?::uuid FOR UPDATE")) {
            statement.setString(1, path.substring(path.lastIndexOf('/') + 1));
            statement.executeQuery();
        }
        return connection;
    }

    private static void execute(TestServer of, String sql) throws SQLException {
        try (var connection = TestPostgres.connect(of.schema());
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void assertInTime(TestServer of, String requestId, Duration deadline) {
        var took = Duration.ofNanos(of.logged(requestId).nanos());
        assertTrue(took.compareTo(deadline.plus(LATE)) < 0, () -> took + " for a deadline of " + deadline);
    }
}
