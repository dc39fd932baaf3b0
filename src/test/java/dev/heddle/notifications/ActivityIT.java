package dev.heddle.notifications;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.db.Uuid7;
import dev.heddle.testing.Psql;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the log says that somebody has done. */
class ActivityIT {

    private static final Pattern NEXT = Pattern.compile("<(/activity\\?[^>]+)>; rel=\"next\"");

    private static TestServer server;
    private static Psql psql;

    @BeforeAll
    static void start() {
        server = TestServer.start();
        psql = new Psql(server.schema());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static String create(Person person) {
        return server.task(person, "{\"title\": \"it\"}").get("id").asText();
    }

    private static Reply complete(Person person, String id, String... headers) {
        return server.send("POST", "/tasks/" + id + "/complete", person.token(), null, headers);
    }

    private static Reply reopen(Person person, String id, String... headers) {
        return server.send("POST", "/tasks/" + id + "/reopen", person.token(), null, headers);
    }

    private static Reply delete(Person person, String id, String... headers) {
        return server.send("DELETE", "/tasks/" + id, person.token(), null, headers);
    }

    private static JsonNode log(Person person, String query) {
        server.awaitJobs();
        var reply = server.get("/activity" + query, person.token());
        assertEquals(200, reply.status(), reply::text);
        return reply.json();
    }

    private static List<String> actions(Person person, String query) {
        return log(person, query).findValuesAsText("action");
    }

    private static long jobsOf(Person person) {
        return psql.number("SELECT count(*) FROM unfinished_jobs WHERE data->>'user_id' = '" + person.id() + "'");
    }

    @Test
    void whatIsDoneToATaskIsLoggedNewestFirst() {
        var person = server.person();
        var task = create(person);
        assertEquals(List.of(), actions(person, ""), "creating is told of by a notification");
        complete(person, task);
        reopen(person, task);
        complete(person, task);
        delete(person, task);
        assertEquals(List.of("task_deleted", "task_completed", "task_reopened", "task_completed"), actions(person, ""));
        for (var entry : log(person, "")) {
            assertEquals(person.id(), entry.get("user_id").asText());
            assertEquals(task, entry.get("task_id").asText());
            assertEquals(
                    Uuid7.time(UUID.fromString(entry.get("id").asText())),
                    Instant.parse(entry.get("created_at").asText()));
        }
    }

    @Test
    void oneTaskOfSeveralCanBeAskedFor() {
        var person = server.person();
        var one = create(person);
        var two = create(person);
        complete(person, one);
        complete(person, two);
        reopen(person, one);
        assertEquals(List.of("task_reopened", "task_completed"), actions(person, "?task_id=" + one));
        assertEquals(List.of("task_completed"), actions(person, "?task_id=" + two));
        assertEquals(List.of(), actions(person, "?task_id=" + UUID.randomUUID()));
        assertEquals(List.of(one, two, one), log(person, "").findValuesAsText("task_id"));
    }

    @Test
    void whatChangesNothingEnqueuesNothing() {
        var person = server.person();
        var task = create(person);
        server.awaitJobs();
        try (var _ = psql.puttingOff("send_notification", "send_email", "update_stats", "log_activity")) {
            assertEquals(200, reopen(person, task).status(), "it is open");
            assertEquals(412, complete(person, task, "If-Match", "\"99\"").status());
            assertEquals(412, delete(person, task, "If-Match", "\"99\"").status());
            assertEquals(404, complete(person, UUID.randomUUID().toString()).status());
            assertEquals(404, delete(person, UUID.randomUUID().toString()).status());
            assertEquals(404, complete(server.person(), task).status());
            assertEquals(
                    200,
                    server.send(
                                    "PATCH",
                                    "/tasks/" + task,
                                    person.token(),
                                    "{\"title\": \"changed\"}",
                                    "Content-Type",
                                    "application/merge-patch+json")
                            .status());
            assertEquals(0, jobsOf(person));
            assertEquals(200, complete(person, task).status());
            assertEquals(3, jobsOf(person));
            assertEquals(200, complete(person, task).status(), "it is completed");
            assertEquals(3, jobsOf(person));
        }
    }

    @Test
    void aRepeatedCompletionIsLoggedOnce() {
        var person = server.person();
        var task = create(person);
        for (int i = 0; i < 3; i++) {
            assertEquals(200, complete(person, task, "Idempotency-Key", "done").status());
        }
        assertEquals(List.of("task_completed"), actions(person, ""));
    }

    @Test
    void theLogOfOthersIsNotThere() {
        var person = server.person();
        var task = create(person);
        complete(person, task);
        var other = server.person();
        assertEquals(List.of(), actions(other, ""));
        assertEquals(List.of(), actions(other, "?task_id=" + task));
        assertEquals(
                403,
                server.get("/activity?user_id=" + person.id(), other.token()).status());
        assertEquals(
                List.of("task_completed"),
                server.get("/activity?user_id=" + person.id(), server.adminToken())
                        .json()
                        .findValuesAsText("action"));
    }

    @Test
    void whatAnAdministratorDoesForAUserIsInTheLogOfThatUser() {
        var person = server.person();
        var task = create(person);
        server.send("POST", "/tasks/" + task + "/complete?user_id=" + person.id(), server.adminToken(), null);
        assertEquals(List.of("task_completed"), actions(person, ""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"task_id=x", "task_id=", "task_id=1-1-1-1-1", "unread=true", "limit=0", "user_id="})
    void aBadQueryIs422(String query) {
        var reply = server.get("/activity?" + query, server.person().token());
        assertEquals(422, reply.status());
        assertEquals(
                List.of(query.substring(0, query.indexOf('='))),
                reply.json().get("errors").findValuesAsText("parameter"));
    }

    @Test
    void pagesLeadThroughTheLogAndACursorIsGoodForItsTaskOnly() {
        var person = server.person();
        var task = create(person);
        for (int i = 0; i < 3; i++) {
            complete(person, task);
            reopen(person, task);
        }
        var all = log(person, "").findValuesAsText("id");
        assertEquals(6, all.size());
        assertEquals(all.subList(4, 6), log(person, "?limit=2&skip=4").findValuesAsText("id"));
        var first = server.get("/activity?limit=4&task_id=" + task, person.token());
        assertEquals(all.subList(0, 4), first.json().findValuesAsText("id"));
        var link = NEXT.matcher(first.header("Link").orElseThrow());
        assertTrue(link.matches());
        var rest = server.get(link.group(1), person.token());
        assertEquals(all.subList(4, 6), rest.json().findValuesAsText("id"));
        assertTrue(rest.header("Link").isEmpty(), "it is the last");
        assertEquals(
                422,
                server.get(link.group(1).replace(task, UUID.randomUUID().toString()), person.token())
                        .status());
    }
}
