package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.Psql;
import dev.heddle.testing.Race;
import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code Idempotency-Key}: done once, whoever asks how often, on how many replicas. */
class IdempotencyIT {

    private static final String TASK = "{\"title\": \"once\"}";

    private static TestServer server;
    private static TestServer replica;
    private static Psql psql;

    @BeforeAll
    static void start() {
        server = TestServer.start();
        replica = server.replica();
        psql = new Psql(server.schema());
    }

    @AfterAll
    static void stop() {
        replica.close();
        server.close();
    }

    private static Reply create(Person person, String key) {
        return create(server, person, key, TASK);
    }

    private static Reply create(TestServer at, Person person, String key, String body) {
        return at.send("POST", "/tasks", person.token(), body, "Idempotency-Key", key);
    }

    private static Reply complete(Person person, String task, String key) {
        return server.send("POST", "/tasks/" + task + "/complete", person.token(), null, "Idempotency-Key", key);
    }

    private static long tasksOf(Person person) {
        return server.get("/tasks/count", person.token()).json().get("count").asLong();
    }

    private static String freshKey() {
        return UUID.randomUUID().toString();
    }

    @Test
    void aRepeatGetsTheFirstAnswerAndDoesNothing() {
        var person = server.person();
        var key = freshKey();
        var first = create(person, key);
        var second = create(person, key);
        assertEquals(201, first.status());
        assertFalse(isReplayed(first));
        assertSameOutcome(first, second);
        assertSameOutcome(first, create(replica, person, key, TASK));
        assertEquals(1, tasksOf(person));
        assertEquals(1, rowsOf(person));
    }

    @Test
    void theHeadersOfTheFirstAnswerComeAgainAndNoOthers() {
        var person = server.person();
        var key = freshKey();
        var first = create(person, key);
        var second = create(person, key);
        for (var name : List.of("Location", "ETag", "Content-Type", "Cache-Control")) {
            assertTrue(first.header(name).isPresent(), name);
        }
        assertEquals(headersOfTheAnswer(first), headersOfTheAnswer(second));
        assertNotEquals(first.header("X-Request-Id"), second.header("X-Request-Id"));
    }

    @Test
    void aReplayIsTheOutcomeOfThenAndNotTheStateOfNow() {
        var person = server.person();
        var key = freshKey();
        var first = create(person, key);
        var path = first.header("Location").orElseThrow();
        server.send("DELETE", path, person.token(), null);
        assertSameOutcome(first, create(person, key));
        assertEquals(0, tasksOf(person));
    }

    @Test
    void completingIsDoneOnceToo() {
        var person = server.person();
        var task = server.task(person, TASK).get("id").asText();
        var key = freshKey();
        var first = complete(person, task, key);
        server.send("POST", "/tasks/" + task + "/reopen", person.token(), null);
        assertSameOutcome(first, complete(person, task, key));
        assertFalse(server.get("/tasks/" + task, person.token())
                .json()
                .get("completed")
                .asBoolean());
    }

    @Test
    void anotherRequestUnderTheSameKeyIsRefused() {
        var person = server.person();
        var task = server.task(person, TASK).get("id").asText();
        var key = freshKey();
        assertEquals(201, create(person, key).status());
        for (var reply : List.of(
                create(server, person, key, "{\"title\": \"twice\"}"),
                create(server, person, key, TASK + " "),
                server.send("POST", "/tasks?user_id=" + person.id(), person.token(), TASK, "Idempotency-Key", key),
                complete(person, task, key))) {
            assertEquals(422, reply.status(), reply::text);
            assertEquals("idempotency-key-reused", reply.json().get("code").asText());
        }
        assertEquals(2, tasksOf(person));
    }

    @Test
    void theKeyOfAnotherUserIsAnotherKey() {
        var key = freshKey();
        var one = server.person();
        var two = server.person();
        assertFalse(isReplayed(create(one, key)));
        assertFalse(isReplayed(create(two, key)));
        assertEquals(1, tasksOf(one));
        assertEquals(1, tasksOf(two));
    }

    @Test
    void whileTheFirstStillRunsTheSecondIsToldToWait() throws InterruptedException, ExecutionException {
        var person = server.person();
        var key = freshKey();
        Future<Reply> running;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                var lock = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
            running = threads.submit(() -> create(person, key));
            psql.awaitBlocked(1);
            for (var at : List.of(server, replica)) {
                var second = create(at, person, key, TASK);
                assertEquals(409, second.status(), second::text);
                assertEquals(
                        "idempotency-in-progress", second.json().get("code").asText());
                assertEquals("1", second.header("Retry-After").orElseThrow());
            }
            lock.release();
            assertEquals(201, running.get().status());
        }
        assertSameOutcome(running.get(), create(person, key));
        assertEquals(1, tasksOf(person));
    }

    @Test
    void aRefusalIsAnOutcomeAndIsReplayed() {
        var person = server.person();
        var missing = UUID.randomUUID();
        var key = freshKey();
        var first = complete(person, missing.toString(), key);
        assertEquals(404, first.status());
        assertEquals("Task not found", first.json().get("detail").asText());
        insertTask(person, missing);
        assertSameOutcome(first, complete(person, missing.toString(), key));
        assertEquals(200, complete(person, missing.toString(), freshKey()).status());
    }

    @Test
    void aRefusalNamesItsRequestAndItsPathLikeEveryOther() {
        var person = server.person();
        var missing = UUID.randomUUID().toString();
        var first = complete(person, missing, freshKey());
        assertEquals(
                first.header("X-Request-Id").orElseThrow(),
                first.json().get("request_id").asText());
        assertEquals(
                "/tasks/" + missing + "/complete", first.json().get("instance").asText());
    }

    @Test
    void aRefusedPreconditionIsReplayedEvenWhenItWouldHoldNow() {
        var person = server.person();
        var task = server.task(person, TASK).get("id").asText();
        var key = freshKey();
        var path = "/tasks/" + task + "/complete";
        var first = server.send("POST", path, person.token(), null, "Idempotency-Key", key, "If-Match", "\"2\"");
        assertEquals(412, first.status());
        server.send("PATCH", "/tasks/" + task, person.token(), "{\"priority\": 1}", "Content-Type", MERGE_PATCH);
        assertSameOutcome(
                first, server.send("POST", path, person.token(), null, "Idempotency-Key", key, "If-Match", "\"2\""));
    }

    private static final String MERGE_PATCH = "application/merge-patch+json";

    @Test
    void anUnknownOwnerIsRefusedAndReplayedAlthoughItsStatementFailed() {
        var key = freshKey();
        var body = "{\"title\": \"x\", \"user_id\": \"nobody-yet\"}";
        var admin = new Person("admin", server.adminToken());
        var first = create(server, admin, key, body);
        assertEquals(422, first.status());
        server.send("POST", "/users", server.adminToken(), """
            {"id": "nobody-yet", "email": "ny@test.example", "name": "N", "role": "user"}\
            """);
        assertSameOutcome(first, create(server, admin, key, body));
        assertEquals(201, create(server, admin, freshKey(), body).status());
    }

    @Test
    void theOutcomeOfARefusalIsKeptBeforeAnotherRequestMayUseTheKey() throws InterruptedException, ExecutionException {
        var person = server.person();
        var task = UUID.randomUUID();
        var key = freshKey();
        Future<Reply> refused;
        // Reading is let through, keeping an outcome is not.
        try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                var lock = psql.lock("idempotency_keys", "SHARE")) {
            refused = threads.submit(() -> complete(person, task.toString(), key));
            psql.awaitBlocked(1);
            insertTask(person, task);
            assertEquals(409, complete(person, task.toString(), key).status());
            lock.release();
            assertEquals(404, refused.get().status());
        }
        assertSameOutcome(refused.get(), complete(person, task.toString(), key));
    }

    @Test
    void ofManyThatAreRefusedAtOnceAllHearTheSame() throws InterruptedException {
        var person = server.person();
        for (int round = 0; round < 40; round++) {
            var task = UUID.randomUUID();
            var key = freshKey();
            var calls = new ArrayList<Callable<Reply>>();
            for (int i = 0; i < 6; i++) {
                var at = i % 2 == 0 ? server : replica;
                calls.add(() ->
                        at.send("POST", "/tasks/" + task + "/complete", person.token(), null, "Idempotency-Key", key));
            }
            calls.add(() -> {
                insertTask(person, task);
                return complete(person, task.toString(), key);
            });
            var outcomes = Race.between(calls).stream()
                    .filter(reply -> reply.status() != 409)
                    .map(Reply::text)
                    .distinct()
                    .toList();
            var last = complete(person, task.toString(), key);
            assertEquals(List.of(last.text()), outcomes);
        }
    }

    @Test
    void aRequestThatIsRefusedBeforeItRunsUsesNoKeyUp() {
        var person = server.person();
        var key = freshKey();
        assertEquals(422, create(server, person, key, "{\"title\": \"\"}").status());
        assertEquals(400, create(server, person, key, "{").status());
        assertEquals(0, rowsOf(person));
        assertEquals(201, create(person, key).status());
    }

    @Test
    void aMissedDeadlineIsNotKeptAndTheRetryWorks() {
        var person = server.person();
        var key = freshKey();
        try (var _ = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
            var late = server.send(
                    "POST", "/tasks", person.token(), TASK, "Idempotency-Key", key, "Request-Timeout", "0.3");
            assertEquals(503, late.status(), late::text);
        }
        assertEquals(0, rowsOf(person));
        var retry = create(person, key);
        assertEquals(201, retry.status());
        assertFalse(isReplayed(retry));
        assertEquals(1, tasksOf(person));
    }

    @Test
    void aFailureOfTheServerIsNotKeptAndTheRetryWorks() {
        var person = server.person();
        var key = freshKey();
        try (var _ = psql.broken("tasks", "XX000")) {
            var failed = create(person, key);
            assertEquals(500, failed.status());
            assertEquals("Database error", failed.json().get("detail").asText());
        }
        assertEquals(0, rowsOf(person));
        var retry = create(person, key);
        assertEquals(201, retry.status());
        assertFalse(isReplayed(retry));
    }

    @Test
    void whenTheOutcomeCannotBeKeptThereIsNeitherTaskNorKey() {
        var person = server.person();
        var key = freshKey();
        try (var _ = psql.broken("idempotency_keys", "XX000")) {
            assertEquals(500, create(person, key).status());
        }
        assertEquals(0, tasksOf(person));
        assertEquals(0, rowsOf(person));
        assertEquals(201, create(person, key).status());
        assertEquals(1, tasksOf(person));
    }

    @Test
    void aKeyIsForgottenAfter24Hours() {
        var person = server.person();
        var key = freshKey();
        var first = create(person, key);
        age(person, "23 hours 59 minutes");
        assertTrue(isReplayed(create(person, key)));
        age(person, "2 minutes");
        var later = create(server, person, key, "{\"title\": \"another\"}");
        assertEquals(201, later.status(), later::text);
        assertFalse(isReplayed(later));
        assertNotEquals(first.header("Location"), later.header("Location"));
        assertEquals(1, rowsOf(person));
        assertSameOutcome(later, create(server, person, key, "{\"title\": \"another\"}"));
    }

    static Stream<String> badKeys() {
        return Stream.of("", " ", "two words", "tab\there", "k".repeat(256), "caf\u00e9", "\u007f");
    }

    @ParameterizedTest
    @MethodSource("badKeys")
    void aBadKeyIsRefusedAndNothingIsDone(String key) throws IOException {
        var person = server.person();
        var answer = RawHttp.exchange(
                server.port(),
                "POST /tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                        + "Authorization: Bearer " + person.token() + "\r\nIdempotency-Key: " + key
                        + "\r\nContent-Length: " + TASK.length() + "\r\n\r\n" + TASK);
        assertEquals(400, answer.status(), answer::text);
        assertEquals(0, tasksOf(person));
    }

    @Test
    void theLongestKeyIsTaken() {
        var person = server.person();
        var key = "!~" + "k".repeat(253);
        assertSameOutcome(create(person, key), create(person, key));
    }

    @Test
    void ofManyThreadsOnTwoReplicasExactlyOneMakesTheTask() throws InterruptedException {
        for (int round = 0; round < 20; round++) {
            var person = server.person();
            var key = freshKey();
            var calls = new ArrayList<Callable<Reply>>();
            for (int i = 0; i < 12; i++) {
                var at = i % 2 == 0 ? server : replica;
                calls.add(() -> create(at, person, key, TASK));
            }
            var replies = Race.between(calls);
            var made = replies.stream().filter(reply -> reply.status() == 201).toList();
            var told = replies.stream().filter(reply -> reply.status() == 409).toList();
            assertEquals(replies.size(), made.size() + told.size());
            assertEquals(1, made.stream().filter(reply -> !isReplayed(reply)).count());
            assertEquals(1, made.stream().map(Reply::text).distinct().count());
            assertEquals(1, tasksOf(person));
            assertEquals(1, rowsOf(person));
        }
    }

    @Test
    void aUserThatIsGoneIsNoFailureOfTheServer() {
        var person = server.person();
        // The replica remembers the token for some seconds.
        assertEquals(200, replica.get("/tasks", person.token()).status());
        assertEquals(
                204,
                server.send("DELETE", "/users/" + person.id(), server.adminToken(), null)
                        .status());
        var reply = create(replica, person, freshKey(), TASK);
        assertEquals(401, reply.status(), reply::text);
    }

    private static void assertSameOutcome(Reply first, Reply repeat) {
        assertEquals(first.status(), repeat.status(), repeat::text);
        assertArrayEquals(first.raw().body(), repeat.raw().body());
        assertEquals(headersOfTheAnswer(first), headersOfTheAnswer(repeat));
        assertTrue(isReplayed(repeat));
    }

    private static boolean isReplayed(Reply reply) {
        return reply.header("Idempotent-Replayed").equals(Optional.of("true"));
    }

    /** Without what belongs to the exchange and not to the answer. */
    private static Map<String, List<String>> headersOfTheAnswer(Reply reply) {
        var headers = new TreeMap<String, List<String>>(String.CASE_INSENSITIVE_ORDER);
        headers.putAll(reply.raw().headers().map());
        List.of("Date", "Connection", "X-Request-Id", "Idempotent-Replayed").forEach(headers::remove);
        return headers;
    }

    private static long rowsOf(Person person) {
        return psql.number("SELECT count(*) FROM idempotency_keys WHERE user_id = '" + person.id() + "'");
    }

    private static void age(Person person, String by) {
        psql.execute("UPDATE idempotency_keys SET created_at = created_at - interval '%s' WHERE user_id = '%s'"
                .formatted(by, person.id()));
    }

    private static void insertTask(Person person, UUID id) {
        psql.execute("INSERT INTO tasks (user_id, id, title) VALUES ('%s', '%s', 'late')".formatted(person.id(), id));
    }
}
