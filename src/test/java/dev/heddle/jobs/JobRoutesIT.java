package dev.heddle.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.db.Uuid7;
import dev.heddle.testing.Psql;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an administrator sees of the jobs, and can do with them. */
class JobRoutesIT {

    private static final String[] ALL = {"send_notification", "send_email", "update_stats", "log_activity"};

    private static final Pattern NEXT = Pattern.compile("<(/jobs\\?[^>]+)>; rel=\"next\"");

    private static TestServer server;
    private static Psql psql;

    @BeforeAll
    static void start() {
        server = TestServer.start(Map.of("JOBS_RETRY_DELAY", "10ms", "JOBS_LOG_ACTIVITY_ATTEMPTS", "2"));
        psql = new Psql(server.schema());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** Lists are of all users. */
    @AfterEach
    void leaveNoJob() {
        psql.execute("""
            DELETE FROM jobs WHERE data ? 'user_id' AND execution_time > now() + interval '1 hour';
            DELETE FROM outbound_jobs WHERE data ? 'user_id' AND execution_time > now() + interval '1 hour';
            DELETE FROM dead_jobs;
            """);
        server.awaitJobs();
    }

    private static Reply get(String path) {
        return server.get(path, server.adminToken());
    }

    private static Reply retry(String id) {
        return server.send("POST", "/jobs/" + id + "/retry", server.adminToken(), null);
    }

    private static Reply delete(String id) {
        return server.send("DELETE", "/jobs/" + id, server.adminToken(), null);
    }

    private static List<JsonNode> list(String query) {
        var reply = get("/jobs" + query);
        assertEquals(200, reply.status(), reply::text);
        return StreamSupport.stream(reply.json().spliterator(), false).toList();
    }

    private static List<String> ids(String query) {
        return list(query).stream().map(job -> job.get("id").asText()).toList();
    }

    private static List<String> kinds(String query) {
        return list(query).stream().map(job -> job.get("kind").asText()).toList();
    }

    private static String completed(Person person) {
        var task = server.task(person, "{\"title\": \"it\"}").get("id").asText();
        assertEquals(
                200,
                server.send("POST", "/tasks/" + task + "/complete", person.token(), null)
                        .status());
        return task;
    }

    /** The four jobs of a task that is created and completed, which all wait. */
    private static String putOff(Person person) {
        try (var _ = psql.puttingOff(ALL)) {
            return completed(person);
        }
    }

    /** The waiting job of that kind, of the only task. */
    private static String waiting(Person person, String kind) {
        putOff(person);
        return ids("?state=waiting&kind=" + kind).getFirst();
    }

    /** A job that has used up its attempts, and the task it is about. */
    private record Dead(String id, Person person, String task) {
        /** As by a mistake in our SQL, which is mended meanwhile. */
        static Dead make() {
            var person = server.person();
            String task;
            try (var _ = psql.gone("activity")) {
                task = completed(person);
                server.awaitJobs();
            }
            return new Dead(ids("?state=failed").getFirst(), person, task);
        }
    }

    private static List<String> activity(Person person) {
        return server.get("/activity", person.token()).json().findValuesAsText("id");
    }

    /** As if a worker had it. */
    private static void running(String id) {
        psql.execute("UPDATE jobs SET picked = true, picked_by = 'somebody', last_heartbeat = now() + interval '1 day'"
                + " WHERE task_instance = '" + id + "'");
    }

    @Test
    void onlyAdministratorsSeeJobs() {
        var person = server.person();
        var id = waiting(person, "log_activity");
        var unscoped = server.token("admin", "read", "write");
        for (var token : List.of(person.token(), unscoped)) {
            assertEquals(403, server.get("/jobs", token).status());
            assertEquals(403, server.get("/jobs/" + id, token).status());
            assertEquals(
                    403,
                    server.send("POST", "/jobs/" + id + "/retry", token, null).status());
            assertEquals(403, server.send("DELETE", "/jobs/" + id, token, null).status());
        }
        assertEquals(200, get("/jobs/" + id).status(), "it is still there");
    }

    @Test
    void aWaitingJobIsShownWhole() {
        var person = server.person();
        var before = Instant.now();
        var task = putOff(person);
        var job = list("?kind=update_stats").getFirst();
        assertEquals("waiting", job.get("state").asText());
        assertEquals(0, job.get("attempts").asInt());
        assertTrue(job.get("last_error").isNull());
        assertEquals(
                "{\"total\":0,\"task_id\":\"%s\",\"user_id\":\"%s\",\"completed\":1}".formatted(task, person.id()),
                job.get("data").toString());
        assertTrue(before.isBefore(Instant.parse(job.get("run_at").asText())));
        assertEquals(
                Uuid7.time(UUID.fromString(job.get("id").asText())),
                Instant.parse(job.get("created_at").asText()));
        assertEquals(job, get("/jobs/" + job.get("id").asText()).json());
    }

    @Test
    void whatIsDoneIsGone() {
        var person = server.person();
        var id = waiting(person, "log_activity");
        psql.hurryJobs();
        server.awaitJobs();
        assertEquals(404, get("/jobs/" + id).status());
        assertEquals(List.of(), list(""));
        assertEquals(List.of(id), activity(person), "what it wrote has its id");
    }

    @Test
    void whatRecursIsNoJobOfThese() {
        assertTrue(psql.number("SELECT count(*) FROM jobs") > 0);
        assertEquals(List.of(), list(""));
        assertEquals(List.of(), list("?kind=reconcile_stats"));
    }

    // Lists

    @Test
    void allLanesAndTheDeadAreOneListNewestFirst() {
        var dead = Dead.make();
        var person = server.person();
        putOff(person);
        var all = list("");
        assertEquals(5, all.size());
        assertEquals(new TreeSet<>(List.of(ALL)), new TreeSet<>(kinds("").subList(0, 4)));
        assertEquals("send_notification", kinds("").get(3), "the task was created first");
        assertEquals(dead.id(), ids("").get(4));
        assertEquals(ids("").stream().sorted().toList().reversed(), ids(""));
    }

    @Test
    void stateAndKindChooseAmongThem() {
        var dead = Dead.make();
        putOff(server.person());
        var log = ids("?kind=log_activity&state=waiting").getFirst();
        running(log);
        assertEquals(List.of(log), ids("?state=running"));
        assertEquals("running", get("/jobs/" + log).json().get("state").asText());
        assertEquals(List.of(log, dead.id()), ids("?kind=log_activity"));
        assertEquals(List.of(log), ids("?kind=log_activity&state=running"));
        assertEquals(List.of(dead.id()), ids("?kind=log_activity&state=failed"));
        assertEquals(List.of(), ids("?kind=log_activity&state=waiting"));
        assertEquals(List.of(dead.id()), ids("?state=failed"));
        assertEquals(
                new TreeSet<>(List.of("send_notification", "send_email", "update_stats")),
                new TreeSet<>(kinds("?state=waiting")));
        assertEquals(List.of("send_email"), kinds("?kind=send_email"));
        assertEquals(List.of(), list("?kind=unheard_of"));
        assertEquals(List.of(), list("?kind=unheard_of&state=waiting"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "state=waiting&", "kind=update_stats&"})
    void pagesLeadThroughAllOfThem(String filter) {
        putOff(server.person());
        putOff(server.person());
        putOff(server.person());
        var all = ids("?" + filter + "limit=100");
        var walked = new ArrayList<String>();
        var path = "/jobs?" + filter + "limit=2";
        while (!path.isEmpty()) {
            var reply = get(path);
            walked.addAll(reply.json().findValuesAsText("id"));
            var link = NEXT.matcher(reply.header("Link").orElse(""));
            path = link.matches() ? link.group(1) : "";
        }
        assertEquals(all, walked);
        assertEquals(all.subList(1, 3), ids("?" + filter + "limit=2&skip=1"));
        assertEquals(List.of(), ids("?" + filter + "skip=" + all.size()));
    }

    @Test
    void aCursorIsGoodForItsFilterOnly() {
        putOff(server.person());
        var link =
                NEXT.matcher(get("/jobs?limit=1&state=waiting").header("Link").orElseThrow());
        assertTrue(link.matches());
        assertEquals(200, get(link.group(1)).status());
        assertEquals(422, get(link.group(1).replace("waiting", "failed")).status());
        assertEquals(422, get(link.group(1) + "&kind=send_email").status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"state=dead", "state=", "state=WAITING", "kind=", "limit=101", "user_id=admin"})
    void aBadQueryIs422(String query) {
        var reply = get("/jobs?" + query);
        assertEquals(422, reply.status());
        assertEquals(
                List.of(query.substring(0, query.indexOf('='))),
                reply.json().get("errors").findValuesAsText("parameter"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "sweep_dead_jobs", "recurring", "01a202c0-f64b-752e-bca9-6513269e0d37"})
    void anIdThatIsNoneIs404(String id) {
        for (var reply : List.of(get("/jobs/" + id), retry(id), delete(id))) {
            assertEquals(404, reply.status());
            assertEquals("Job not found", reply.json().get("detail").asText());
        }
    }

    // The dead

    @Test
    void aJobThatHasUsedUpItsAttemptsIsKeptAndSaysWhy() {
        var dead = Dead.make();
        var job = get("/jobs/" + dead.id()).json();
        assertEquals("log_activity", job.get("kind").asText());
        assertEquals("failed", job.get("state").asText());
        assertEquals(2, job.get("attempts").asInt());
        assertTrue(job.get("last_error").asText().startsWith("SQLSTATE 42P01"), job::toString);
        assertEquals(dead.task(), job.get("data").get("task_id").asText());
        assertEquals(dead.person().id(), job.get("data").get("user_id").asText());
        assertEquals("task_completed", job.get("data").get("action").asText());
        assertTrue(job.get("run_at").isNull());
        assertEquals(List.of(), activity(dead.person()));
        assertEquals(
                1,
                server.get("/stats", dead.person().token())
                        .json()
                        .get("completed")
                        .asInt(),
                "the others went on");
    }

    @Test
    void retryingADeadJobRunsItAgainAndClearsIt() {
        var dead = Dead.make();
        var reply = retry(dead.id());
        assertEquals(200, reply.status(), reply::text);
        assertEquals("waiting", reply.json().get("state").asText());
        assertEquals(0, reply.json().get("attempts").asInt());
        assertTrue(reply.json().get("last_error").asText().startsWith("SQLSTATE 42P01"), "until it runs");
        assertFalse(reply.json().get("run_at").isNull());
        server.awaitJobs();
        assertEquals(List.of(dead.id()), activity(dead.person()));
        assertEquals(404, get("/jobs/" + dead.id()).status());
        assertEquals(0, psql.number("SELECT count(*) FROM dead_jobs"));
        assertEquals(404, retry(dead.id()).status());
    }

    @Test
    void aRetriedJobHasAllItsAttemptsAgain() {
        var dead = Dead.make();
        try (var _ = psql.gone("activity")) {
            assertEquals(200, retry(dead.id()).status());
            server.awaitJobs();
        }
        var job = get("/jobs/" + dead.id()).json();
        assertEquals("failed", job.get("state").asText());
        assertEquals(2, job.get("attempts").asInt());
    }

    @Test
    void deletingADeadJobDeletesItForGood() {
        var dead = Dead.make();
        assertEquals(204, delete(dead.id()).status());
        assertEquals(404, get("/jobs/" + dead.id()).status());
        assertEquals(404, delete(dead.id()).status());
        assertEquals(List.of(), activity(dead.person()));
    }

    @Test
    void aDeadJobOfAKindThatIsNotKnownCanBeSeenAndDeletedButNotRetried() {
        var id = Uuid7.next().toString();
        psql.execute("""
            INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at)
            VALUES ('%s', 'from_the_future', '{"a": [1, {"b": null}]}', 3, 'x', now())
            """.formatted(id));
        assertEquals(List.of(id), ids("?kind=from_the_future"));
        assertEquals(
                "{\"a\":[1,{\"b\":null}]}",
                get("/jobs/" + id).json().get("data").toString());
        assertEquals(409, retry(id).status());
        assertEquals(204, delete(id).status());
    }

    // The living

    @Test
    void retryingAWaitingJobMakesItDue() {
        var person = server.person();
        var id = waiting(person, "log_activity");
        var reply = retry(id);
        assertEquals(200, reply.status(), reply::text);
        assertEquals("waiting", reply.json().get("state").asText());
        assertFalse(Instant.parse(reply.json().get("run_at").asText()).isAfter(Instant.now()));
        server.awaitJobs();
        assertEquals(List.of(id), activity(person));
        assertEquals(3, list("").size(), "the others wait on");
    }

    @Test
    void aJobThatIsDoneBeforeTheAnswerIsNoFailure() {
        var id = waiting(server.person(), "log_activity");
        // Quicker than any worker.
        psql.execute("""
            CREATE FUNCTION done() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN DELETE FROM jobs WHERE task_instance = NEW.task_instance; RETURN NULL; END $$;
            CREATE TRIGGER done AFTER UPDATE ON jobs FOR EACH ROW WHEN (NEW.task_name = 'log_activity')
                EXECUTE FUNCTION done();
            """);
        try {
            var reply = retry(id);
            assertEquals(200, reply.status(), reply::text);
            assertEquals(id, reply.json().get("id").asText());
        } finally {
            psql.execute("DROP FUNCTION done CASCADE");
        }
    }

    @Test
    void deletingAWaitingJobMeansThatItIsNeverDone() {
        var person = server.person();
        var id = waiting(person, "log_activity");
        assertEquals(204, delete(id).status());
        assertEquals(404, get("/jobs/" + id).status());
        psql.hurryJobs();
        server.awaitJobs();
        assertEquals(List.of(), activity(person));
    }

    @Test
    void anOutboundJobCanBeDeletedToo() {
        var id = waiting(server.person(), "send_email");
        assertEquals(204, delete(id).status());
        assertEquals(404, get("/jobs/" + id).status());
    }

    @Test
    void aRunningJobIsLeftAlone() {
        var id = waiting(server.person(), "log_activity");
        running(id);
        for (var reply : List.of(retry(id), delete(id))) {
            assertEquals(409, reply.status(), reply::text);
            assertEquals("conflict", reply.json().get("code").asText());
        }
        assertEquals("running", get("/jobs/" + id).json().get("state").asText());
    }
}
