package dev.heddle.identity;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.Psql;
import dev.heddle.testing.Race;
import dev.heddle.testing.TestPostgres;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Users: made, listed and deleted by administrators. */
class UsersIT {

    private static final AtomicInteger NAMES = new AtomicInteger();

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

    private static String freshName() {
        return "u" + NAMES.incrementAndGet();
    }

    private static String user(String id, String email) {
        return "{\"id\": \"%s\", \"email\": \"%s\", \"name\": \"N\", \"role\": \"user\"}".formatted(id, email);
    }

    private static Reply make(String body) {
        return server.send("POST", "/users", server.adminToken(), body);
    }

    private static Reply delete(String id, String token) {
        return server.send("DELETE", "/users/" + id, token, null);
    }

    private static Map<String, String> complaints(Reply reply) {
        assertEquals(422, reply.status(), reply::text);
        var complaints = new TreeMap<String, String>();
        for (var error : reply.json().get("errors")) {
            complaints.put(error.path("pointer").asText(), error.get("code").asText());
        }
        return complaints;
    }

    @Test
    void aNewUserIsAnsweredAndListed() {
        var id = freshName();
        var made = make("""
            {"id": "%s", "email": "%s@Test.example", "name": "Ada \ud83e\uddf5", "role": "admin"}\
            """.formatted(id, id));
        assertEquals(201, made.status(), made::text);
        assertEquals("/users/" + id, made.header("Location").orElseThrow());
        assertEquals(id + "@Test.example", made.json().get("email").asText());
        assertEquals("Ada \ud83e\uddf5", made.json().get("name").asText());
        assertEquals("admin", made.json().get("role").asText());
        assertEquals(
                made.json(),
                server.get("/users?limit=1", server.adminToken()).json().get(0));
        assertEquals(
                made.json(), server.get("/users/me", server.token(id, "read")).json());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "me",
                "",
                "-a",
                ".a",
                "@a",
                "_a",
                "a b",
                "a/b",
                "a\\\\b",
                "\u00e9",
                "a\\u0000",
                "a\\n",
                "a%",
                "a:b",
                "\\ud800"
            })
    void anIdThatWouldBeTroubleIsRefused(String id) {
        assertEquals(Map.of("/id", "wrong_form"), complaints(make(user(id, freshName() + "@test.example"))));
    }

    @Test
    void anIdMayHave64Characters() {
        var id = freshName() + "-._@A0".repeat(20);
        assertEquals(
                201,
                make(user(id.substring(0, 64), freshName() + "@test.example")).status());
        assertEquals(
                422,
                make(user(id.substring(0, 65), freshName() + "@test.example")).status());
        assertEquals(204, delete(id.substring(0, 64), server.adminToken()).status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Me", "mee", "me.", "me-1"})
    void anIdThatOnlyLooksLikeMeIsTaken(String id) {
        assertEquals(201, make(user(id, freshName() + "@test.example")).status());
        assertEquals(
                200, server.get("/users/" + id + "/tokens", server.adminToken()).status());
        assertEquals(204, delete(id, server.adminToken()).status());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "a@",
                "@b",
                "a@b@c",
                "a b@c",
                "a@b c",
                "a\\u0000@b",
                "a\\n@b",
                "a\\ud800@b",
                "a@\\udc00",
                "a\u00a0@b",
                // To these nobody could write.
                "a,b@c",
                "\u00e4@b",
                "a@\u00e4",
                ".a@b",
                "a.@b",
                "a..b@c",
                "a@.b",
                "a@b.",
                "a@b..c",
                "a@b_c",
                "(a)@b",
                "<a@b>",
                "\\\"a\\\"@b",
                "a@[127.0.0.1]"
            })
    void anAddressThatIsNoneIsRefused(String email) {
        assertEquals(Map.of("/email", "wrong_form"), complaints(make(user(freshName(), email))));
    }

    @Test
    void anAddressMayBeAsLongAsAddressesAre() {
        var local = freshName() + "x".repeat(64);
        assertEquals(
                201,
                make(user(freshName(), local.substring(0, 64) + "@" + "d".repeat(189)))
                        .status());
        assertEquals(
                422,
                make(user(freshName(), local.substring(0, 64) + "@" + "d".repeat(190)))
                        .status());
        assertEquals(422, make(user(freshName(), "x".repeat(65) + "@d")).status());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"%s.o'brien+x@sub.example", "!#$%%&'*+/=?^_`{|}~-%s@x-y.z", "%s@xn--exmple-cua.example", "%s@1"})
    void anAddressMayHaveAllThatAddressesHave(String address) {
        assertEquals(
                201, make(user(freshName(), address.formatted(freshName()))).status());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{} | /email=required /id=required /name=required /role=required",
                "[] | =wrong_type",
                "{\"id\": 1, \"email\": 1, \"name\": 1, \"role\": 1} | /email=wrong_form /id=wrong_form"
                        + " /name=wrong_type /role=not_one_of",
                "{\"id\": null, \"email\": null, \"name\": null, \"role\": null} | /email=wrong_type /id=wrong_type"
                        + " /name=wrong_type /role=wrong_type",
                "{\"id\": \"x\", \"email\": \"x@y\", \"name\": \"\", \"role\": \"root\", \"created_at\": null} |"
                        + " /created_at=unknown /name=too_short /role=not_one_of",
            })
    void whatIsWrongWithANewUserIsNamedAllAtOnce(String body, String expected) {
        var actual = new ArrayList<String>();
        complaints(make(body)).forEach((pointer, code) -> actual.add(pointer + "=" + code));
        assertEquals(expected, String.join(" ", actual));
    }

    @Test
    void idAndAddressAreTakenOnceWhateverTheCase() {
        var id = freshName();
        assertEquals(201, make(user(id, id + "@test.example")).status());
        for (var body : List.of(
                user(id, freshName() + "@test.example"),
                user(freshName(), id + "@test.example"),
                user(freshName(), id.toUpperCase(Locale.ROOT) + "@TEST.Example"))) {
            var reply = make(body);
            assertEquals(409, reply.status(), reply::text);
            assertEquals("conflict", reply.json().get("code").asText());
        }
        assertEquals(
                201,
                make(user(id.toUpperCase(Locale.ROOT), freshName() + "@test.example"))
                        .status());
    }

    @Test
    void ofManyWhoTakeTheSameAddressOneGetsIt() throws InterruptedException {
        for (int round = 0; round < 10; round++) {
            var email = freshName() + "@test.example";
            var takers = IntStream.range(0, 6)
                    .mapToObj(i -> (Callable<Integer>)
                            () -> make(user(freshName(), email)).status())
                    .toList();
            var statuses = Race.between(takers);
            assertEquals(1, statuses.stream().filter(status -> status == 201).count());
            assertEquals(5, statuses.stream().filter(status -> status == 409).count());
        }
    }

    @Test
    void usersAreListedPageByPageNewestFirst() {
        for (int i = 0; i < 12; i++) {
            make(user(freshName(), freshName() + "@test.example"));
        }
        // Equal times, so that the id decides.
        psql.execute("UPDATE users SET created_at = date_trunc('second', created_at) WHERE id <> 'admin'");
        var seen = new ArrayList<JsonNode>();
        for (var at = Optional.of("/users?limit=5"); at.isPresent(); ) {
            var page = server.get(at.get(), server.adminToken());
            page.json().forEach(seen::add);
            at = page.header("Link").map(link -> link.substring(1, link.indexOf('>')));
        }
        assertEquals(psql.number("SELECT count(*) FROM users"), seen.size());
        assertEquals(seen.size(), new HashSet<>(seen).size());
        for (int i = 1; i < seen.size(); i++) {
            var before = seen.get(i - 1);
            var after = seen.get(i);
            int order = before.get("created_at")
                    .asText()
                    .compareTo(after.get("created_at").asText());
            assertTrue(order > 0
                    || (order == 0
                            && before.get("id")
                                            .asText()
                                            .compareTo(after.get("id").asText())
                                    > 0));
        }
    }

    @Test
    void aCursorOfUsersIsNoneOfTokens() {
        server.person();
        var link =
                server.get("/users?limit=1", server.adminToken()).header("Link").orElseThrow();
        var cursor = link.substring(link.indexOf("cursor=") + 7, link.indexOf('>'));
        assertEquals(
                200, server.get("/users?cursor=" + cursor, server.adminToken()).status());
        assertEquals(
                422,
                server.get("/users/admin/tokens?cursor=" + cursor, server.adminToken())
                        .status());
        assertEquals(
                422, server.get("/tasks?cursor=" + cursor, server.adminToken()).status());
    }

    // Deleting

    @Test
    void withAUserGoesAllThatIsItsOwn() {
        var person = server.person();
        server.send("POST", "/tasks", person.token(), "{\"title\": \"x\"}", "Idempotency-Key", "k");
        assertEquals(204, delete(person.id(), server.adminToken()).status());
        for (var table : List.of("tasks", "tokens", "idempotency_keys")) {
            assertEquals(0, psql.number("SELECT count(*) FROM " + table + " WHERE user_id = '" + person.id() + "'"));
        }
        var again = delete(person.id(), server.adminToken());
        assertEquals(404, again.status());
        assertEquals("User not found", again.json().get("detail").asText());
    }

    @Test
    void aUserDeletesNobodyNotEvenItself() {
        var person = server.person();
        for (var id : List.of(person.id(), "admin", "nobody")) {
            assertEquals(403, delete(id, person.token()).status());
        }
    }

    @Test
    void theLastAdministratorStays() {
        try (var alone = TestServer.start()) {
            var reply = alone.send("DELETE", "/users/admin", alone.adminToken(), null);
            assertEquals(409, reply.status());
            assertEquals(
                    "The last administrator cannot be deleted.",
                    reply.json().get("detail").asText());
            var second = alone.person("admin", "read", "write", "admin");
            assertEquals(
                    204,
                    alone.send("DELETE", "/users/admin", second.token(), null).status());
            assertEquals(401, alone.get("/users", alone.adminToken()).status());
            assertEquals(
                    409,
                    alone.send("DELETE", "/users/" + second.id(), second.token(), null)
                            .status());
            assertEquals(200, alone.get("/users", second.token()).status());
        }
    }

    @Test
    void twoAdministratorsWhoDeleteEachOtherAreNotBothGone() throws InterruptedException {
        try (var alone = TestServer.start();
                var replica = alone.replica()) {
            var it = new Psql(alone.schema());
            for (int round = 0; round < 30; round++) {
                var one = alone.person("admin", "admin");
                var two = alone.person("admin", "admin");
                // Both tokens are remembered, so neither deletion waits for the other's look-up.
                alone.get("/users", one.token());
                replica.get("/users", two.token());
                it.execute("UPDATE users SET role = 'user' WHERE id = 'admin'");
                var statuses = Race.between(List.<Callable<Integer>>of(
                        () -> alone.send("DELETE", "/users/" + two.id(), one.token(), null)
                                .status(),
                        () -> replica.send("DELETE", "/users/" + one.id(), two.token(), null)
                                .status()));
                assertEquals(
                        1, statuses.stream().filter(status -> status == 204).count(), statuses::toString);
                assertEquals(1, it.number("SELECT count(*) FROM users WHERE role = 'admin'"));
                it.execute("UPDATE users SET role = 'admin' WHERE id = 'admin'");
                it.execute("DELETE FROM users WHERE id <> 'admin'");
            }
        }
    }

    @Test
    void onlyAdministratorsSeeUsers() {
        var person = server.person();
        for (var reply : List.of(
                server.get("/users", person.token()),
                server.send("POST", "/users", person.token(), user(freshName(), freshName() + "@test.example")))) {
            assertEquals(403, reply.status());
            assertFalse(reply.text().contains("@"));
        }
        assertEquals(
                person.id(),
                server.get("/users/me", person.token()).json().get("id").asText());
    }

    @Test
    void anAdministratorWorksOnWhileADeletionTakesLong() throws SQLException {
        var person = server.person();
        server.task(person, "{\"title\": \"x\"}");
        CompletableFuture<Integer> deletion;
        try (var held = TestPostgres.connect(server.schema());
                var statement = held.createStatement()) {
            held.setAutoCommit(false);
            statement.execute("SELECT 1 FROM tasks WHERE user_id = '" + person.id() + "' FOR UPDATE");
            deletion = CompletableFuture.supplyAsync(
                    () -> delete(person.id(), server.adminToken()).status(), Thread::startVirtualThread);
            await().atMost(Duration.ofSeconds(4)).until(() -> psql.number("""
                SELECT count(*) FROM pg_stat_activity
                WHERE application_name = 'heddle' AND wait_event_type = 'Lock' AND query LIKE 'DELETE FROM users%'
                """) == 1);
            // Well below the time after which PostgreSQL gives up a lock.
            var made =
                    server.send("POST", "/tasks", server.adminToken(), "{\"title\": \"mine\"}", "Request-Timeout", "2");
            assertEquals(201, made.status(), made::text);
            assertFalse(deletion.isDone());
            held.rollback();
        }
        assertEquals(204, deletion.join());
    }

    private static long jobs(String userId) {
        return psql.number("SELECT count(*) FROM unfinished_jobs WHERE data->>'user_id' = '" + userId + "'");
    }

    @Test
    void withAUserGoesWhatWasStillToBeDoneForIt() {
        var person = server.person();
        var other = server.person();
        psql.execute("INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at) VALUES"
                + " (gen_random_uuid(), 'send_email', '{\"user_id\": \"" + person.id() + "\"}', 1, 'x', now())");
        try (var _ = psql.puttingOff("send_email", "send_notification", "update_stats", "log_activity")) {
            for (var who : List.of(person, other)) {
                var id = server.task(who, "{\"title\": \"x\"}").get("id").asText();
                server.send("POST", "/tasks/" + id + "/complete", who.token(), null);
            }
        }
        long others = jobs(other.id());
        assertTrue(others > 0);
        assertEquals(others + 1, jobs(person.id()));
        assertEquals(204, delete(person.id(), server.adminToken()).status());
        assertEquals(0, jobs(person.id()));
        assertEquals(others, jobs(other.id()));
    }

    @Test
    void whoGetsTheIdOfADeletedUserGetsNothingThatWasMeantForThatOne() throws SQLException {
        var person = server.person();
        try (var _ = psql.puttingOff("send_notification")) {
            server.task(person, "{\"title\": \"a secret\"}");
        }
        CompletableFuture<Integer> again;
        try (var held = TestPostgres.connect(server.schema());
                var statement = held.createStatement()) {
            held.setAutoCommit(false);
            // As a worker holds a job that it picks: the deletion does not wait for it.
            statement.execute("SELECT 1 FROM jobs WHERE data->>'user_id' = '" + person.id() + "' FOR UPDATE");
            assertEquals(204, delete(person.id(), server.adminToken()).status());
            assertEquals(1, jobs(person.id()));
            again = CompletableFuture.supplyAsync(
                    () -> make(user(person.id(), person.id() + "@again.example"))
                            .status(),
                    Thread::startVirtualThread);
            await().atMost(Duration.ofSeconds(4)).until(() -> again.isDone() || psql.number("""
                SELECT count(*) FROM pg_stat_activity
                WHERE application_name = 'heddle' AND wait_event_type = 'Lock' AND query LIKE 'DELETE FROM jobs%'
                """) == 1);
            held.rollback();
        }
        assertEquals(201, again.join());
        assertEquals(0, jobs(person.id()));
    }
}
