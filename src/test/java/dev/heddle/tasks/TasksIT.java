package dev.heddle.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.Race;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The tasks table of the API, one task at a time, over real sockets; lists and exports have tests of their own. */
class TasksIT {

    private static final String PATCH_TYPE = "application/merge-patch+json";

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply create(Person person, String body) {
        return server.send("POST", "/tasks", person.token(), body);
    }

    private static Reply patch(Person person, String id, String body, String... headers) {
        var all = new ArrayList<>(List.of("Content-Type", PATCH_TYPE));
        all.addAll(List.of(headers));
        return server.send("PATCH", "/tasks/" + id, person.token(), body, all.toArray(String[]::new));
    }

    private static Reply post(Person person, String id, String verb, String... headers) {
        return server.send("POST", "/tasks/" + id + "/" + verb, person.token(), null, headers);
    }

    private static String taskOf(Person person) {
        return server.task(person, "{\"title\": \"it\"}").get("id").asText();
    }

    private static JsonNode get(Person person, String id) {
        return server.get("/tasks/" + id, person.token()).json();
    }

    /** Where each complaint points, and its code. */
    private static Map<String, String> complaints(Reply reply) {
        assertEquals(422, reply.status(), reply::text);
        assertEquals("invalid", reply.json().get("code").asText());
        var complaints = new TreeMap<String, String>();
        for (var error : reply.json().get("errors")) {
            var place = error.has("pointer") ? error.get("pointer") : error.get("parameter");
            complaints.put(place.asText(), error.get("code").asText());
            assertTrue(error.get("detail").asText().length() > 5);
        }
        return complaints;
    }

    // Creating

    @Test
    void aNewTaskIsAnsweredWholeAndCanBeReadAtItsLocation() {
        var person = server.person();
        var made = create(person, """
            {"title": "Buy milk", "priority": 3, "labels": ["home"], "due_at": "2026-12-01T10:00:00+01:00"}\
            """);
        assertEquals(201, made.status());
        var task = made.json();
        assertEquals("2026-12-01T09:00:00.000000Z", task.get("due_at").asText());
        assertEquals(
                "/tasks/" + task.get("id").asText(), made.header("Location").orElseThrow());
        assertEquals("\"1\"", made.header("ETag").orElseThrow());
        var read = server.get(made.header("Location").orElseThrow(), person.token());
        assertEquals(task, read.json());
        assertEquals(made.header("ETag"), read.header("ETag"));
    }

    @Test
    void whatANewTaskDoesNotSayHasItsDefault() {
        var before = Instant.now().minusSeconds(60);
        var person = server.person();
        var task = (ObjectNode) create(person, "{\"title\": \"x\"}").json();
        var id = UUID.fromString(task.remove("id").asText());
        assertEquals(7, id.version());
        assertTrue(before.isBefore(Instant.parse(task.path("created_at").asText())));
        assertEquals(task.remove("created_at"), task.remove("updated_at"));
        assertEquals("""
            {"user_id":"%s","title":"x","description":null,"completed":false,"completed_at":null,"priority":0,\
            "labels":[],"due_at":null,"version":1}\
            """.formatted(person.id()), task.toString());
    }

    @Test
    void everyLimitCanBeReached() {
        var title = "\ud83e\uddf5".repeat(Task.TITLE_MAX);
        var description = "\u0001".repeat(Task.DESCRIPTION_MAX);
        var labels = IntStream.range(0, Task.LABELS_MAX)
                .mapToObj(i -> "\"" + (char) ('a' + i) + "\ud83e\uddf5".repeat(Task.LABEL_MAX - 1) + "\"")
                .collect(Collectors.joining(", ", "[", "]"));
        var made = create(server.person(), """
            {"title": "%s", "description": "%s", "priority": 4, "labels": %s}\
            """.formatted(title, "\\u0001".repeat(Task.DESCRIPTION_MAX), labels));
        assertEquals(201, made.status(), made::text);
        assertEquals(title, made.json().get("title").asText());
        assertEquals(description, made.json().get("description").asText());
        assertEquals(Task.LABELS_MAX, made.json().get("labels").size());
    }

    @Test
    void allComplaintsComeAtOnce() {
        var labels = IntStream.rangeClosed(0, Task.LABELS_MAX)
                .mapToObj(i -> "\"" + i + "\"")
                .collect(Collectors.joining(", ", "[", "]"));
        var reply =
                server.send("POST", "/tasks?color=red&limit=1", server.person().token(), """
                    {"title": "%s", "description": "%s", "priority": 5, "labels": %s, "due_at": "tomorrow", "a/b~c": 1,
                     "completed": true, "priority": 6}\
                    """.formatted(
                                "x".repeat(201), "x".repeat(20_001), labels));
        assertEquals(
                Map.of(
                        "color", "unknown",
                        "limit", "unknown",
                        "/title", "too_long",
                        "/description", "too_long",
                        "/priority", "out_of_range",
                        "/labels", "wrong_size",
                        "/due_at", "not_a_timestamp",
                        "/a~1b~0c", "unknown",
                        "/completed", "unknown"),
                complaints(reply));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{}                                                | /title       | required",
                "{\"title\": null}                                 | /title       | wrong_type",
                "{\"title\": \"\"}                                 | /title       | too_short",
                "{\"title\": 1}                                    | /title       | wrong_type",
                "{\"title\": [\"x\"]}                              | /title       | wrong_type",
                "{\"title\": \"a\\u0000b\"}                        | /title       | invalid_character",
                "{\"title\": \"a\\ud800b\"}                        | /title       | invalid_character",
                "{\"title\": \"a\\udc00\"}                         | /title       | invalid_character",
                "{\"title\": \"x\", \"title\": \"y\"}              | /title       | duplicate",
                "{\"title\": \"x\", \"description\": false}        | /description | wrong_type",
                "{\"title\": \"x\", \"description\": \"\\u0000\"}  | /description | invalid_character",
                "{\"title\": \"x\", \"priority\": -1}              | /priority    | out_of_range",
                "{\"title\": \"x\", \"priority\": 5}               | /priority    | out_of_range",
                "{\"title\": \"x\", \"priority\": 1.0}             | /priority    | out_of_range",
                "{\"title\": \"x\", \"priority\": \"1\"}           | /priority    | wrong_type",
                "{\"title\": \"x\", \"priority\": 1e99}            | /priority    | out_of_range",
                "{\"title\": \"x\", \"priority\": null}            | /priority    | wrong_type",
                "{\"title\": \"x\", \"labels\": null}              | /labels      | wrong_type",
                "{\"title\": \"x\", \"labels\": {}}                | /labels      | wrong_type",
                "{\"title\": \"x\", \"labels\": [\"a\", 1]}        | /labels/1    | wrong_type",
                "{\"title\": \"x\", \"labels\": [null]}            | /labels/0    | wrong_type",
                "{\"title\": \"x\", \"labels\": [\"\"]}            | /labels/0    | too_short",
                "{\"title\": \"x\", \"labels\": [\"a\", \"a\"]}    | /labels/1    | duplicate",
                "{\"title\": \"x\", \"labels\": [\"\\ud800\"]}     | /labels/0    | invalid_character",
                "{\"title\": \"x\", \"due_at\": 1}                 | /due_at      | not_a_timestamp",
                "{\"title\": \"x\", \"due_at\": \"2026-02-30T00:00:00Z\"} | /due_at | not_a_timestamp",
                "{\"title\": \"x\", \"due_at\": \"2026-12-01\"}    | /due_at      | not_a_timestamp",
                "{\"title\": \"x\", \"id\": \"y\"}                 | /id          | unknown",
                "[]                                                | ''           | wrong_type",
                "\"x\"                                             | ''           | wrong_type",
                "null                                              | ''           | wrong_type",
            })
    void whatIsWrongWithANewTaskIsNamed(String body, String pointer, String code) {
        assertEquals(Map.of(pointer.replace("''", ""), code), complaints(create(server.person(), body)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{\"title\": \"x\"} {}", "{title: 1}", "{\"title\": \"x\",}", "NaN", "\ufeff{}"})
    void whatIsNoJsonIsRefused(String body) {
        var reply = create(server.person(), body);
        assertEquals(400, reply.status(), reply::text);
        assertEquals("invalid-json", reply.json().get("code").asText());
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", PATCH_TYPE, "application/json; charset=latin1", "application/jsonx"})
    void aNewTaskOfAnotherMediaTypeIsRefused(String type) {
        var reply = server.send("POST", "/tasks", server.person().token(), "{\"title\": \"x\"}", "Content-Type", type);
        assertEquals(415, reply.status());
        assertEquals("application/json", reply.header("Accept-Post").orElseThrow());
    }

    @Test
    void theCallerMayNameItselfAndNobodyElse() {
        var person = server.person();
        var other = server.person();
        var own = "{\"title\": \"x\", \"user_id\": \"%s\"}".formatted(person.id());
        assertEquals(201, create(person, own).status());
        var inQuery = "/tasks?user_id=" + person.id();
        assertEquals(
                201,
                server.send("POST", inQuery, person.token(), "{\"title\": \"x\"}")
                        .status());
        assertEquals(201, server.send("POST", inQuery, person.token(), own).status());
        assertEquals(403, create(other, own).status());
        assertEquals(
                403,
                server.send("POST", inQuery, other.token(), "{\"title\": \"x\"}")
                        .status());
        assertEquals(
                0, server.get("/tasks/count", other.token()).json().get("count").asInt());
        assertEquals(
                3,
                server.get("/tasks/count", person.token()).json().get("count").asInt());
    }

    @Test
    void anAdministratorMayActForOthersButMustSayForWhom() {
        var person = server.person();
        var admin = new Person("admin", server.adminToken());
        var made = create(admin, "{\"title\": \"x\", \"user_id\": \"%s\"}".formatted(person.id()));
        assertEquals(201, made.status());
        assertEquals(person.id(), made.json().get("user_id").asText());
        var id = made.json().get("id").asText();
        assertEquals(200, server.get("/tasks/" + id, person.token()).status());
        assertEquals(404, server.get("/tasks/" + id, admin.token()).status());
        assertEquals(
                200,
                server.get("/tasks/" + id + "?user_id=" + person.id(), admin.token())
                        .status());
        assertEquals(
                204,
                server.send("DELETE", "/tasks/" + id + "?user_id=" + person.id(), admin.token(), null)
                        .status());
    }

    @Test
    void anUnknownOwnerIsNamedWhereItWasNamed() {
        var admin = new Person("admin", server.adminToken());
        assertEquals(
                Map.of("/user_id", "no_such_user"),
                complaints(create(admin, "{\"title\": \"x\", \"user_id\": \"nobody\"}")));
        var inQuery = server.send("POST", "/tasks?user_id=nobody", admin.token(), "{\"title\": \"x\"}");
        assertEquals(Map.of("user_id", "no_such_user"), complaints(inQuery));
        assertEquals(
                "user_id", inQuery.json().at("/errors/0/parameter").asText(), "not a pointer into a body without it");
        var contradiction = server.send(
                "POST", "/tasks?user_id=admin", admin.token(), "{\"title\": \"x\", \"user_id\": \"nobody\"}");
        assertEquals(Map.of("user_id", "contradiction"), complaints(contradiction));
    }

    // Reading

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x",
                "01a202c0-f64b-752e-bca9-6513269e0d37",
                "01a202c0f64b752ebca96513269e0d37",
                "1-2-3-4-5",
                "00000001-0002-0003-0004-00000000005",
                "%7B01a202c0-f64b-752e-bca9-6513269e0d37%7D",
                "01a202c0-f64b-752e-bca9-6513269e0d37%20",
                "..%2Ftasks",
                "%F0%9F%A7%B5",
                "'%20OR%20true--",
                "count%00"
            })
    void whatIsNotThereIsNotFoundHoweverItIsWritten(String id) {
        var person = server.person();
        var expected = notFound(server.get("/tasks/" + taskOf(server.person()), person.token()));
        for (var method : List.of("GET", "DELETE")) {
            var reply = server.send(method, "/tasks/" + id, person.token(), null);
            if (id.equals("count%00")) {
                assertEquals(404, reply.status());
            } else {
                assertEquals(expected, notFound(reply));
            }
        }
    }

    /** The problem without what differs for every request. */
    private static JsonNode notFound(Reply reply) {
        assertEquals(404, reply.status(), reply::text);
        var problem = (ObjectNode) reply.json();
        assertEquals("Task not found", problem.get("detail").asText());
        return problem.without(List.of("request_id", "instance"));
    }

    @Test
    void anotherUsersTaskAnswersToEverythingLikeNone() {
        var owner = server.person();
        var id = taskOf(owner);
        var other = server.person();
        var replies = List.of(
                server.get("/tasks/" + id, other.token()),
                patch(other, id, "{\"title\": \"mine\"}"),
                patch(other, id, "{}"),
                patch(other, id, "{}", "If-Match", "\"99\""),
                server.send("DELETE", "/tasks/" + id, other.token(), null),
                server.send("DELETE", "/tasks/" + id, other.token(), null, "If-Match", "*"),
                post(other, id, "complete"),
                post(other, id, "reopen"));
        assertEquals(1, replies.stream().map(TasksIT::notFound).distinct().count());
        assertEquals(1, get(owner, id).get("version").asInt());
    }

    @Test
    void anIdMayBeWrittenInUpperCase() {
        var person = server.person();
        var id = taskOf(person);
        assertEquals(get(person, id), get(person, id.toUpperCase(Locale.ROOT)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "\"1\"           | 304",
                "W/\"1\"         | 304",
                "*               | 304",
                "\"9\", \"1\"    | 304",
                "\"9\",W/\"1\"   | 304",
                "\"2\"           | 200",
                "\"x\"           | 200",
                "\"01\"          | 200",
                "1               | 200",
            })
    void aClientThatHasTheTaskGetsNoBody(String tags, int status) {
        var person = server.person();
        var path = "/tasks/" + taskOf(person);
        for (var method : List.of("GET", "HEAD")) {
            var reply = server.send(method, path, person.token(), null, "If-None-Match", tags);
            assertEquals(status, reply.status());
            assertEquals("\"1\"", reply.header("ETag").orElseThrow());
            assertEquals(status == 304 || method.equals("HEAD"), reply.text().isEmpty());
        }
    }

    // Changing

    @Test
    void aPatchChangesWhatItNamesAndNothingElse() {
        var person = server.person();
        var before = (ObjectNode) server.task(person, """
            {"title": "a", "description": "b", "priority": 2, "labels": ["c"], "due_at": "2026-12-01T10:00:00Z"}\
            """);
        var id = before.get("id").asText();
        var changes = Map.of(
                "title", "\"other\"",
                "description", "\"other\"",
                "priority", "4",
                "labels", "[\"d\",\"e\"]",
                "due_at", "\"2027-01-01T00:00:00.000000Z\"");
        var expected = before.deepCopy();
        for (var change : changes.entrySet()) {
            var reply = patch(person, id, "{\"%s\": %s}".formatted(change.getKey(), change.getValue()));
            assertEquals(200, reply.status());
            var after = (ObjectNode) reply.json();
            assertEquals(change.getValue(), after.get(change.getKey()).toString());
            assertEquals(
                    expected.get("version").asInt() + 1, after.get("version").asInt());
            assertEquals(
                    "\"" + after.get("version") + "\"", reply.header("ETag").orElseThrow());
            assertTrue(after.get("updated_at")
                            .asText()
                            .compareTo(expected.get("updated_at").asText())
                    > 0);
            expected.set(change.getKey(), after.get(change.getKey()));
            expected.set("version", after.get("version"));
            expected.set("updated_at", after.get("updated_at"));
            assertEquals(expected, after);
            assertEquals(expected, get(person, id));
        }
    }

    @Test
    void nullTakesAwayWhatCanBeMissing() {
        var person = server.person();
        var id = server.task(person, """
            {"title": "a", "description": "b", "due_at": "2026-12-01T10:00:00Z"}\
            """).get("id").asText();
        var after =
                patch(person, id, "{\"description\": null, \"due_at\": null}").json();
        assertTrue(after.get("description").isNull());
        assertTrue(after.get("due_at").isNull());
        assertEquals("a", after.get("title").asText());
        assertEquals(
                Map.of("/title", "wrong_type", "/priority", "wrong_type", "/labels", "wrong_type"),
                complaints(patch(person, id, "{\"title\": null, \"priority\": null, \"labels\": null}")));
    }

    @Test
    void aPatchWithoutMembersChangesNothing() {
        var person = server.person();
        var id = taskOf(person);
        var before = get(person, id);
        var reply = patch(person, id, "{}");
        assertEquals(200, reply.status());
        assertEquals(before, reply.json());
        assertEquals("\"1\"", reply.header("ETag").orElseThrow());
        assertEquals(412, patch(person, id, "{}", "If-Match", "\"2\"").status());
        assertEquals(404, patch(person, UUID.randomUUID().toString(), "{}").status());
    }

    @Test
    void aPatchMayNotTouchWhatTheServerKeeps() {
        var person = server.person();
        var id = taskOf(person);
        var before = get(person, id);
        var reply = patch(person, id, """
            {"id": "x", "user_id": "x", "completed": true, "completed_at": null, "created_at": null,
             "updated_at": null, "version": 7, "title": 1, "priority": "high", "labels": "a", "due_at": true,
             "description": {}}\
            """);
        assertEquals(
                Map.ofEntries(
                        Map.entry("/id", "unknown"),
                        Map.entry("/user_id", "unknown"),
                        Map.entry("/completed", "unknown"),
                        Map.entry("/completed_at", "unknown"),
                        Map.entry("/created_at", "unknown"),
                        Map.entry("/updated_at", "unknown"),
                        Map.entry("/version", "unknown"),
                        Map.entry("/title", "wrong_type"),
                        Map.entry("/priority", "wrong_type"),
                        Map.entry("/labels", "wrong_type"),
                        Map.entry("/due_at", "not_a_timestamp"),
                        Map.entry("/description", "wrong_type")),
                complaints(reply));
        assertEquals(before, get(person, id));
    }

    @Test
    void aPatchThatIsNoMergePatchIsRefused() {
        var person = server.person();
        var id = taskOf(person);
        for (var type : List.of("application/json", "application/json-patch+json", "text/plain")) {
            var reply =
                    server.send("PATCH", "/tasks/" + id, person.token(), "{\"title\": \"b\"}", "Content-Type", type);
            assertEquals(415, reply.status());
            assertEquals(PATCH_TYPE, reply.header("Accept-Patch").orElseThrow());
        }
        assertEquals(1, get(person, id).get("version").asInt());
    }

    // Completing, reopening, deleting

    @Test
    void completingTwiceIsNoErrorAndChangesNothing() {
        var person = server.person();
        var id = taskOf(person);
        var first = post(person, id, "complete");
        assertEquals(200, first.status());
        assertTrue(first.json().get("completed").asBoolean());
        assertEquals(first.json().get("completed_at"), first.json().get("updated_at"));
        assertEquals("\"2\"", first.header("ETag").orElseThrow());
        var second = post(person, id, "complete");
        assertEquals(200, second.status());
        assertEquals(first.json(), second.json());
        assertEquals(first.header("ETag"), second.header("ETag"));
        assertEquals(first.json(), get(person, id));
    }

    @Test
    void reopeningTakesTheCompletionBackAndTwiceIsNoError() {
        var person = server.person();
        var id = taskOf(person);
        assertEquals(1, post(person, id, "reopen").json().get("version").asInt());
        post(person, id, "complete");
        var first = post(person, id, "reopen");
        assertEquals(200, first.status());
        assertFalse(first.json().get("completed").asBoolean());
        assertTrue(first.json().get("completed_at").isNull());
        assertEquals("\"3\"", first.header("ETag").orElseThrow());
        assertEquals(first.json(), post(person, id, "reopen").json());
    }

    @Test
    void aDeletedTaskIsGone() {
        var person = server.person();
        var id = taskOf(person);
        var reply = server.send("DELETE", "/tasks/" + id, person.token(), null);
        assertEquals(204, reply.status());
        assertEquals("", reply.text());
        assertEquals(404, server.get("/tasks/" + id, person.token()).status());
        assertEquals(
                404, server.send("DELETE", "/tasks/" + id, person.token(), null).status());
        assertEquals(404, post(person, id, "complete").status());
        assertEquals(404, post(person, id, "reopen").status());
        assertEquals(404, patch(person, id, "{\"title\": \"x\"}").status());
        assertEquals("[]", server.get("/tasks", person.token()).text());
    }

    // Preconditions

    /** Every form of If-Match on a task of version 1, and whether it lets a write pass. */
    static Stream<String[]> tags() {
        return Stream.of(
                new String[] {"\"1\"", "yes"},
                new String[] {"*", "yes"},
                new String[] {"\"9\", \"1\"", "yes"},
                new String[] {"\"9\",\"1\",\"8\"", "yes"},
                new String[] {"\"x\" , \"1\"", "yes"},
                new String[] {"\"2\"", "no"},
                new String[] {"W/\"1\"", "no"},
                new String[] {"\"9\", \"8\"", "no"},
                new String[] {"\"01\"", "no"},
                new String[] {"\"\"", "no"},
                new String[] {"\"x\"", "no"},
                new String[] {"\"-1\"", "no"},
                new String[] {"\"99999999999999999999\"", "no"},
                new String[] {"\"0\"", "no"});
    }

    private interface Write {
        Reply send(Person person, String id, String... headers);
    }

    private static final Map<String, Write> WRITES = Map.of(
            "patch", (person, id, headers) -> patch(person, id, "{\"title\": \"b\"}", headers),
            "delete", (person, id, headers) -> server.send("DELETE", "/tasks/" + id, person.token(), null, headers),
            "complete", (person, id, headers) -> post(person, id, "complete", headers),
            "reopen", (person, id, headers) -> post(person, id, "reopen", headers));

    @Test
    void everyFormOfIfMatchCountsOnEveryWrite() {
        var person = server.person();
        WRITES.forEach((name, write) -> tags().forEach(form -> {
            var id = taskOf(person);
            var reply = write.send(person, id, "If-Match", form[0]);
            var what = name + " If-Match: " + form[0];
            if (form[1].equals("yes")) {
                assertEquals(name.equals("delete") ? 204 : 200, reply.status(), what);
            } else {
                assertEquals(412, reply.status(), what);
                assertEquals("precondition-failed", reply.json().get("code").asText());
                assertEquals(1, get(person, id).get("version").asInt(), what);
            }
        }));
    }

    @Test
    void aPreconditionOnWhatIsMissingIs404() {
        var person = server.person();
        var id = UUID.randomUUID().toString();
        WRITES.forEach((name, write) -> {
            assertEquals(404, write.send(person, id, "If-Match", "*").status(), name);
            assertEquals(404, write.send(person, id, "If-Match", "\"1\"").status(), name);
        });
    }

    @Test
    void completingWhatIsCompletedStillNeedsTheRightTag() {
        var person = server.person();
        var id = taskOf(person);
        post(person, id, "complete");
        assertEquals(412, post(person, id, "complete", "If-Match", "\"1\"").status());
        assertEquals(200, post(person, id, "complete", "If-Match", "\"2\"").status());
    }

    // Races

    @Test
    void ofManyWritersWithTheSameTagExactlyOneWins() throws InterruptedException {
        var person = server.person();
        try (var replica = server.replica()) {
            for (int round = 0; round < 60; round++) {
                var id = taskOf(person);
                var writers = new ArrayList<Callable<Reply>>();
                for (int i = 0; i < 4; i++) {
                    var at = i % 2 == 0 ? server : replica;
                    var body = "{\"title\": \"by " + i + "\"}";
                    writers.add(() -> at.send(
                            "PATCH",
                            "/tasks/" + id,
                            person.token(),
                            body,
                            "Content-Type",
                            PATCH_TYPE,
                            "If-Match",
                            "\"1\""));
                }
                var replies = Race.between(writers);
                var won =
                        replies.stream().filter(reply -> reply.status() == 200).toList();
                assertEquals(1, won.size());
                assertEquals(
                        3,
                        replies.stream().filter(reply -> reply.status() == 412).count());
                assertEquals(won.getFirst().json(), get(person, id));
                assertEquals(2, get(person, id).get("version").asInt());
            }
        }
    }

    @Test
    void aDeleteAndAPatchWithTheSameTagDoNotBothWin() throws InterruptedException {
        var person = server.person();
        var outcomes = new TreeSet<List<Integer>>((a, b) -> a.toString().compareTo(b.toString()));
        for (int round = 0; round < 60; round++) {
            var id = taskOf(person);
            var replies = Race.between(List.<Callable<Reply>>of(
                    () -> patch(person, id, "{\"title\": \"b\"}", "If-Match", "\"1\""),
                    () -> server.send("DELETE", "/tasks/" + id, person.token(), null, "If-Match", "\"1\"")));
            outcomes.add(replies.stream().map(Reply::status).toList());
        }
        outcomes.removeAll(List.of(List.of(200, 412), List.of(404, 204), List.of(412, 204)));
        assertEquals(List.of(), List.copyOf(outcomes));
    }

    @Test
    void completingAtOnceIsOneCompletion() throws InterruptedException {
        var person = server.person();
        for (int round = 0; round < 40; round++) {
            var id = taskOf(person);
            var replies = Race.between(Stream.generate(() -> (Callable<Reply>) () -> post(person, id, "complete"))
                    .limit(4)
                    .toList());
            assertEquals(
                    List.of(200, 200, 200, 200),
                    replies.stream().map(Reply::status).toList());
            assertEquals(1, replies.stream().map(Reply::text).distinct().count());
            assertEquals(2, get(person, id).get("version").asInt());
        }
    }

    @Test
    void whatACompletionAnswersIsCompletedWhateverOthersDo() throws InterruptedException {
        var person = server.person();
        for (int round = 0; round < 60; round++) {
            var id = taskOf(person);
            post(person, id, "complete");
            var replies = Race.between(
                    List.<Callable<Reply>>of(() -> post(person, id, "complete"), () -> post(person, id, "reopen")));
            assertTrue(replies.get(0).json().get("completed").asBoolean());
            assertFalse(replies.get(1).json().get("completed").asBoolean());
        }
    }

    @Test
    void idsOfTasksMadeOneAfterTheOtherGrow() {
        var person = server.person();
        var ids = Stream.generate(() -> taskOf(person)).limit(20).toList();
        var listed = StreamSupport.stream(
                        server.get("/tasks?limit=100", person.token()).json().spliterator(), false)
                .map(task -> task.get("id").asText())
                .toList();
        assertEquals(ids.reversed(), listed);
        assertNotEquals(ids.get(0), ids.get(1));
    }
}
