package dev.heddle.notifications;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.db.Uuid7;
import dev.heddle.testing.Psql;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a user is told, from the creation of a task to the reading of its notification. */
class NotificationsIT {

    private static final ObjectMapper JSON = new ObjectMapper();

    private static final Pattern NEXT = Pattern.compile("<(/notifications\\?[^>]+)>; rel=\"next\"");

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode create(Person person, String title) {
        return server.task(person, JSON.createObjectNode().put("title", title).toString());
    }

    private static Reply get(Person person, String query) {
        return server.get("/notifications" + query, person.token());
    }

    private static List<String> ids(Reply reply) {
        assertEquals(200, reply.status(), reply::text);
        return reply.json().findValuesAsText("id");
    }

    private static Reply read(String token, String id, String query) {
        return server.send("POST", "/notifications/" + id + "/read" + query, token, null);
    }

    /** So many tasks of a new user, and their notifications, newest first. */
    private static List<String> many(Person person, int count) {
        var tasks = IntStream.range(0, count)
                .mapToObj(i -> create(person, "task " + i).get("id").asText())
                .toList();
        server.awaitJobs();
        var all = get(person, "?limit=100").json();
        assertEquals(tasks.reversed(), all.findValuesAsText("task_id"), "newest first");
        return all.findValuesAsText("id");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Buy milk",
                "it's",
                "'",
                "''; DROP TABLE tasks; --",
                "say \"hi\"",
                "a\\b\\n",
                "two\nlines",
                "%s $1 ? {x} ${y}",
                "Größe 日本語 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
                "🧵 👩‍👩‍👧‍👦 e\u0301"
            })
    void aNewTaskIsToldOfOnceWithItsTitle(String title) {
        var person = server.person();
        var task = create(person, title);
        server.awaitJobs();
        var all = get(person, "").json();
        assertEquals(1, all.size());
        var notification = all.get(0);
        assertEquals("Task '" + title + "' created", notification.get("message").asText());
        assertEquals(task.get("id"), notification.get("task_id"));
        assertEquals(person.id(), notification.get("user_id").asText());
        assertTrue(notification.get("read_at").isNull());
    }

    @Test
    void theLongestTitleFits() {
        var person = server.person();
        create(person, "😀".repeat(200));
        server.awaitJobs();
        assertEquals(
                "Task '" + "😀".repeat(200) + "' created",
                get(person, "").json().get(0).get("message").asText());
    }

    @Test
    void itsTimeIsThatOfItsId() {
        var person = server.person();
        create(person, "x");
        server.awaitJobs();
        var notification = get(person, "").json().get(0);
        assertEquals(
                Uuid7.time(UUID.fromString(notification.get("id").asText())),
                Instant.parse(notification.get("created_at").asText()));
    }

    @Test
    void aRepeatedRequestIsToldOfOnce() {
        var person = server.person();
        for (int i = 0; i < 3; i++) {
            var reply =
                    server.send("POST", "/tasks", person.token(), "{\"title\": \"once\"}", "Idempotency-Key", "order");
            assertEquals(201, reply.status(), reply::text);
        }
        server.awaitJobs();
        assertEquals(1, get(person, "").json().size());
    }

    @Test
    void aTaskThatIsRefusedIsNotToldOf() {
        var person = server.person();
        assertEquals(
                422,
                server.send("POST", "/tasks", person.token(), "{\"title\": \"\"}")
                        .status());
        assertEquals(
                422,
                server.send("POST", "/tasks?user_id=nobody", server.adminToken(), "{\"title\": \"x\"}")
                        .status());
        server.awaitJobs();
        assertEquals(0, get(person, "").json().size());
        assertEquals(
                0,
                new Psql(server.schema())
                        .number("SELECT count(*) FROM unfinished_jobs WHERE data->>'user_id' = 'nobody'"));
    }

    @Test
    void itStaysWhenTheTaskIsChangedOrGone() {
        var person = server.person();
        var id = create(person, "before").get("id").asText();
        server.send("DELETE", "/tasks/" + id, person.token(), null);
        server.awaitJobs();
        assertEquals(
                "Task 'before' created",
                get(person, "").json().get(0).get("message").asText());
    }

    // Reading

    @Test
    void readingIsIdempotentAndKeepsTheFirstTime() {
        var person = server.person();
        var id = many(person, 1).getFirst();
        var before = Instant.now().minusSeconds(60);
        var first = read(person.token(), id, "");
        assertEquals(200, first.status(), first::text);
        assertTrue(before.isBefore(Instant.parse(first.json().get("read_at").asText())));
        var again = read(person.token(), id, "");
        assertEquals(200, again.status());
        assertEquals(first.json(), again.json());
        assertEquals(first.json(), get(person, "").json().get(0));
    }

    @Test
    void unreadChoosesOneHalfOrTheOther() {
        var person = server.person();
        var all = many(person, 3);
        read(person.token(), all.get(1), "");
        assertEquals(all, ids(get(person, "")));
        assertEquals(List.of(all.get(0), all.get(2)), ids(get(person, "?unread=true")));
        assertEquals(List.of(all.get(1)), ids(get(person, "?unread=false")));
    }

    @Test
    void thoseOfOthersAreNotThere() {
        var person = server.person();
        var other = server.person();
        var id = many(person, 1).getFirst();
        assertEquals(List.of(), ids(get(other, "")));
        var foreign = read(other.token(), id, "");
        assertEquals(404, foreign.status());
        assertEquals("Notification not found", foreign.json().get("detail").asText());
        assertEquals(403, read(other.token(), id, "?user_id=" + person.id()).status());
        assertEquals(403, get(other, "?user_id=" + person.id()).status());
        assertEquals(List.of(id), ids(get(person, "?unread=true")), "it is as it was");
    }

    @Test
    void anAdministratorMayNameAnotherUser() {
        var person = server.person();
        var id = many(person, 1).getFirst();
        assertEquals(List.of(id), ids(server.get("/notifications?user_id=" + person.id(), server.adminToken())));
        assertEquals(404, read(server.adminToken(), id, "").status(), "not its own");
        assertEquals(
                200, read(server.adminToken(), id, "?user_id=" + person.id()).status());
        assertEquals(List.of(id), ids(get(person, "?unread=false")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"x", "1-1-1-1-1", "01a202c0-f64b-752e-bca9-6513269e0d37", "01a202c0f64b752ebca96513269e0d37"})
    void anIdThatIsNoneIs404(String id) {
        var reply = read(server.person().token(), id, "");
        assertEquals(404, reply.status());
        assertEquals("Notification not found", reply.json().get("detail").asText());
    }

    @Test
    void whatIsWrongWithTheQueryIsSaidAtOnce() {
        var person = server.person();
        var reply = get(person, "?unread=yes&limit=101&colour=red");
        assertEquals(422, reply.status());
        assertEquals(
                List.of("unread", "limit", "colour"), reply.json().get("errors").findValuesAsText("parameter"));
        assertEquals(
                422, read(person.token(), UUID.randomUUID().toString(), "?x=1").status());
    }

    // Pages

    @Test
    void cursorsLeadThroughAllOfThemNewestFirst() {
        var person = server.person();
        var all = many(person, 7);
        var pages = new ArrayList<List<String>>();
        var path = "/notifications?limit=3&unread=true";
        while (!path.isEmpty()) {
            var reply = server.get(path, person.token());
            pages.add(ids(reply));
            path = next(reply);
        }
        assertEquals(List.of(all.subList(0, 3), all.subList(3, 6), all.subList(6, 7)), pages);
    }

    @Test
    void whatIsNewDoesNotMoveAPageByCursor() {
        var person = server.person();
        var all = many(person, 4);
        var next = next(get(person, "?limit=2"));
        create(person, "newer");
        server.awaitJobs();
        assertEquals(all.subList(2, 4), ids(server.get(next, person.token())));
    }

    @Test
    void skippingLeadsThroughAllOfThemToo() {
        var person = server.person();
        var all = many(person, 5);
        assertEquals(all.subList(2, 4), ids(get(person, "?limit=2&skip=2")));
        assertEquals(all.subList(4, 5), ids(get(person, "?limit=2&skip=4")));
        assertEquals(List.of(), ids(get(person, "?skip=5")));
    }

    @Test
    void aCursorIsGoodForItsFilterAndItsUserOnly() {
        var person = server.person();
        many(person, 2);
        var other = server.person();
        many(other, 2);
        var next = next(get(person, "?limit=1&unread=true"));
        assertEquals(200, server.get(next, person.token()).status());
        assertEquals(
                422,
                server.get(next.replace("unread=true", "unread=false"), person.token())
                        .status());
        assertEquals(
                422,
                server.get(next.replace("&unread=true", ""), person.token()).status());
        assertEquals(422, server.get(next, other.token()).status());
        assertEquals(
                422,
                server.get(next.replace("/notifications", "/activity"), person.token())
                        .status());
        assertEquals(422, server.get(next + "&skip=0", person.token()).status());
    }

    @Test
    void manyTasksAtOnceAreToldOfOnceEach() {
        var people = List.of(server.person(), server.person());
        var tasks = IntStream.range(0, 60)
                .parallel()
                .mapToObj(i -> create(people.get(i % 2), "task " + i).get("id").asText())
                .toList();
        server.awaitJobs();
        var told = new ArrayList<String>();
        people.forEach(person -> told.addAll(get(person, "?limit=100").json().findValuesAsText("task_id")));
        assertEquals(tasks.size(), told.size());
        assertEquals(new HashSet<>(tasks), new HashSet<>(told));
    }

    private static String next(Reply reply) {
        var link = NEXT.matcher(reply.header("Link").orElse(""));
        boolean isThere = link.matches();
        assertFalse(!isThere && reply.header("Link").isPresent(), () -> "what is " + reply.header("Link"));
        return isThere ? link.group(1) : "";
    }
}
