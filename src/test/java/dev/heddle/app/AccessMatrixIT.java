package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.db.Uuid7;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every operation of the API against every kind of caller. An operation that is missing here fails the test. */
class AccessMatrixIT {

    /** Who asks, in the order of the columns. */
    private enum Who {
        /** No Authorization at all. */
        NOBODY,
        /** A bearer token that is none of ours by its form. */
        MALFORMED,
        /** One of our form that nobody has. */
        UNKNOWN,
        /** The owner, with a token that only reads. */
        READ,
        /** The owner, with a token that only writes. */
        WRITE,
        /** The owner, with a token that does both. */
        OWNER,
        /** Somebody else who knows the ids. */
        OTHER,
        /** Somebody else who knows the ids and names the owner. */
        NAMING,
        /** An administrator with a token that only reads and writes, who names the owner. */
        UNSCOPED,
        /** An administrator with a token for administration, who names the owner. */
        ADMIN
    }

    /** One line an operation; a dash where a caller has no other way to ask than the columns before. */
    private static final String EXPECTED = """
        operation                             NOBODY MALFORMED UNKNOWN READ WRITE OWNER OTHER NAMING UNSCOPED ADMIN
        GET /                                 200    200       200     200  200   200   200   -      200      200
        GET /openapi.yaml                     200    200       200     200  200   200   200   -      200      200
        GET /docs                             200    200       200     200  200   200   200   -      200      200
        GET /docs/{file}                      200    200       200     200  200   200   200   -      200      200
        GET /problems                         200    200       200     200  200   200   200   -      200      200
        GET /problems/{code}                  200    200       200     200  200   200   200   -      200      200
        GET /tasks                            401    401       401     200  403   200   200   403    403      200
        GET /tasks/count                      401    401       401     200  403   200   200   403    403      200
        POST /tasks                           401    401       401     403  201   201   201   403    403      201
        GET /tasks/{id}                       401    401       401     200  403   200   404   403    403      200
        PATCH /tasks/{id}                     401    401       401     403  200   200   404   403    403      200
        DELETE /tasks/{id}                    401    401       401     403  204   204   404   403    403      204
        POST /tasks/{id}/complete             401    401       401     403  200   200   404   403    403      200
        POST /tasks/{id}/reopen               401    401       401     403  200   200   404   403    403      200
        POST /process                         401    401       401     403  200   200   200   403    403      200
        GET /notifications                    401    401       401     200  403   200   200   403    403      200
        POST /notifications/{id}/read         401    401       401     403  200   200   404   403    403      200
        GET /activity                         401    401       401     200  403   200   200   403    403      200
        GET /stats                            401    401       401     200  403   200   200   403    403      200
        GET /dashboard                        401    401       401     200  403   200   200   403    403      200
        GET /aggregate                        401    401       401     200  403   200   200   403    403      200
        GET /dashboards/{name}                401    401       401     200  403   200   200   403    403      200
        GET /weather/{city}                   401    401       401     200  403   200   200   -      200      200
        GET /external                         401    401       401     200  403   200   200   -      200      200
        GET /external/{resource}              401    401       401     200  403   200   200   403    403      200
        GET /slow-external                    401    401       401     200  403   200   200   -      200      200
        GET /batch                            401    401       401     200  403   200   200   -      200      200
        POST /batch                           401    401       401     200  403   200   200   -      200      200
        POST /upload                          401    401       401     403  201   201   201   403    403      201
        GET /files                            401    401       401     200  403   200   200   403    403      200
        GET /download/{filename}              401    401       401     200  403   200   404   403    403      200
        DELETE /files/{filename}              401    401       401     403  204   204   404   403    403      204
        GET /hash                             401    401       401     200  403   200   200   -      200      200
        POST /hash                            401    401       401     200  403   200   200   -      200      200
        GET /compute                          401    401       401     200  403   200   200   -      200      200
        GET /logs                             401    401       401     403  403   403   403   -      403      200
        GET /logs/{filename}                  401    401       401     403  403   403   403   -      403      200
        GET /jobs                             401    401       401     403  403   403   403   -      403      200
        GET /jobs/{id}                        401    401       401     403  403   403   403   -      403      200
        POST /jobs/{id}/retry                 401    401       401     403  403   403   403   -      403      200
        DELETE /jobs/{id}                     401    401       401     403  403   403   403   -      403      204
        POST /users                           401    401       401     403  403   403   403   -      403      201
        GET /users                            401    401       401     403  403   403   403   -      403      200
        GET /users/me                         401    401       401     200  403   200   200   -      200      200
        DELETE /users/{id}                    401    401       401     403  403   403   403   403    403      204
        POST /users/{id}/tokens               401    401       401     403  201   201   201   403    403      201
        GET /users/{id}/tokens                401    401       401     200  403   200   200   403    403      200
        DELETE /users/{id}/tokens/{token_id}  401    401       401     403  204   204   404   403    403      204
        """;

    /**
     * How an operation is sent.
     *
     * @param plain as somebody asks who means what is its own
     * @param naming the same, when the owner must be named
     * @param type of the body, where that is not for the method to say
     */
    private record Call(
            String plain, String naming, @Nullable String body, String type) {
        Call(String plain, String naming, @Nullable String body) {
            this(plain, naming, body, "application/json");
        }

        Call of(String another) {
            return new Call(plain, naming, body, another);
        }

        static Call to(String path) {
            return new Call(path, path, null);
        }

        static Call owned(String path, @Nullable String body) {
            return new Call(path, path + "?user_id={owner}", body);
        }
    }

    private static final String NEW_TOKEN = "{\"name\": \"made\", \"scopes\": [\"write\"]}";

    private static final Map<String, Call> CALLS = Map.ofEntries(
            Map.entry("GET /", Call.to("/")),
            Map.entry("GET /openapi.yaml", Call.to("/openapi.yaml")),
            Map.entry("GET /docs", Call.to("/docs")),
            Map.entry("GET /docs/{file}", Call.to("/docs/docs.js")),
            Map.entry("GET /problems", Call.to("/problems")),
            Map.entry("GET /problems/{code}", Call.to("/problems/not-found")),
            Map.entry("GET /tasks", Call.owned("/tasks", null)),
            Map.entry("GET /tasks/count", Call.owned("/tasks/count", null)),
            Map.entry("POST /tasks", Call.owned("/tasks", "{\"title\": \"made\"}")),
            Map.entry("GET /tasks/{id}", Call.owned("/tasks/{task}", null)),
            Map.entry("PATCH /tasks/{id}", Call.owned("/tasks/{task}", "{\"title\": \"changed\"}")),
            Map.entry("DELETE /tasks/{id}", Call.owned("/tasks/{task}", null)),
            Map.entry("POST /tasks/{id}/complete", Call.owned("/tasks/{task}/complete", null)),
            Map.entry("POST /tasks/{id}/reopen", Call.owned("/tasks/{task}/reopen", null)),
            Map.entry(
                    "POST /process",
                    Call.owned("/process", "title\r\nimported\r\n").of("text/csv")),
            Map.entry("GET /notifications", Call.owned("/notifications", null)),
            Map.entry("POST /notifications/{id}/read", Call.owned("/notifications/{notification}/read", null)),
            Map.entry("GET /activity", Call.owned("/activity", null)),
            Map.entry("GET /stats", Call.owned("/stats", null)),
            Map.entry("GET /dashboard", Call.owned("/dashboard", null)),
            Map.entry("GET /aggregate", Call.owned("/aggregate", null)),
            Map.entry("GET /dashboards/{name}", Call.owned("/dashboards/everything", null)),
            Map.entry("GET /weather/{city}", Call.to("/weather/Berlin")),
            Map.entry("GET /external", Call.to("/external")),
            Map.entry("GET /external/{resource}", Call.owned("/external/diary", null)),
            Map.entry("GET /slow-external", Call.to("/slow-external")),
            Map.entry("GET /batch", Call.to("/batch?urls={upstream}/a")),
            Map.entry("POST /batch", new Call("/batch", "/batch", "{\"urls\": [\"https://elsewhere.example/\"]}")),
            Map.entry(
                    "POST /upload",
                    new Call("/upload", "/upload?user_id={owner}", Form.of("made.txt", "made"), Form.TYPE)),
            Map.entry("GET /files", Call.owned("/files", null)),
            Map.entry("GET /download/{filename}", Call.owned("/download/{file}", null)),
            Map.entry("DELETE /files/{filename}", Call.owned("/files/{file}", null)),
            Map.entry("GET /hash", Call.to("/hash?data=warp")),
            Map.entry("POST /hash", new Call("/hash", "/hash", "warp")),
            Map.entry("GET /compute", Call.to("/compute?data=warp")),
            Map.entry("GET /logs", Call.to("/logs")),
            Map.entry("GET /logs/{filename}", Call.to("/logs/heddle.log")),
            Map.entry("GET /jobs", Call.to("/jobs")),
            Map.entry("GET /jobs/{id}", Call.to("/jobs/{job}")),
            Map.entry("POST /jobs/{id}/retry", Call.to("/jobs/{job}/retry")),
            Map.entry("DELETE /jobs/{id}", Call.to("/jobs/{job}")),
            Map.entry("POST /users", new Call("/users", "/users", """
                {"id": "{new}", "email": "{new}@test.example", "name": "New", "role": "user"}\
                """)),
            Map.entry("GET /users", Call.to("/users")),
            Map.entry("GET /users/me", Call.to("/users/me")),
            Map.entry("DELETE /users/{id}", new Call("/users/{caller}", "/users/{owner}", null)),
            Map.entry(
                    "POST /users/{id}/tokens", new Call("/users/{caller}/tokens", "/users/{owner}/tokens", NEW_TOKEN)),
            Map.entry("GET /users/{id}/tokens", new Call("/users/{caller}/tokens", "/users/{owner}/tokens", null)),
            Map.entry(
                    "DELETE /users/{id}/tokens/{token_id}",
                    new Call("/users/{caller}/tokens/{token}", "/users/{owner}/tokens/{token}", null)));

    private static final AtomicInteger NAMES = new AtomicInteger();

    private static FakeUpstream upstream;
    private static TestServer server;

    // Nobody deletes these, so that every case can share them.
    private static Person other;
    private static Person unscoped;

    @BeforeAll
    static void start() {
        upstream = FakeUpstream.start((request, out) -> out.write(FakeUpstream.ok("\"" + request.target() + "\"")));
        server = TestServer.with("""
            upstreams:
              elsewhere:
                url: {url}
                resources:
                  weather: /weather/{city}
                  slow-external: /slow
                  diary: /diaries/{user_id}
            dashboards:
              everything:
                tasks: {source: tasks}
                notifications: {source: notifications}
                activity: {source: activity}
                stats: {source: stats}
                users: {source: users}
                diary: {source: diary}
            batch:
              allow: {url}
              private-networks: 127.0.0.0/8
            """.replace("{url}", upstream.url()));
        server.log("heddle.log", "one line\n");
        other = server.person();
        unscoped = server.person("admin", "read", "write");
    }

    @AfterAll
    static void stop() {
        server.close();
        upstream.close();
    }

    /** A user with one task, its notification, a job and a token beside the one it calls with, fresh for every case. */
    private record Owned(
            Person owner, String task, String notification, String job, String tokenId, String file, String marker) {
        static Owned fresh() {
            var owner = server.person();
            var marker = "marker-" + NAMES.incrementAndGet();
            var task = server.task(owner, "{\"title\": \"" + marker + "\"}");
            var token = server.send("POST", "/users/" + owner.id() + "/tokens", owner.token(), """
                {"name": "%s", "scopes": ["read"]}\
                """.formatted(marker));
            var owned = new Owned(
                    owner,
                    task.get("id").asText(),
                    Uuid7.next().toString(),
                    Uuid7.next().toString(),
                    token.json().get("id").asText(),
                    Uuid7.next() + ".txt",
                    marker);
            owned.makeWhatJobsMake();
            server.send("POST", "/upload", owner.token(), Form.of(owned.file(), marker), "Content-Type", Form.TYPE);
            return owned;
        }

        /** By hand, so that it is there at once and stays. */
        private void makeWhatJobsMake() {
            new Psql(server.schema()).execute("""
                INSERT INTO notifications (user_id, id, task_id, message, created_at)
                    VALUES ('{owner}', '{notification}', '{task}', '{marker}', now());
                INSERT INTO activity (user_id, id, task_id, action, created_at)
                    VALUES ('{owner}', '{notification}', '{task}', '{marker}', now());
                INSERT INTO jobs (task_name, task_instance, execution_time, data) VALUES
                    ('log_activity', '{job}', now() + interval '1 day',
                    '{"user_id": "{owner}", "task_id": "{task}", "action": "{marker}"}');
                """.replace("{owner}", owner.id())
                    .replace("{notification}", notification)
                    .replace("{task}", task)
                    .replace("{job}", job)
                    .replace("{marker}", marker));
        }
    }

    @TestFactory
    Stream<DynamicTest> everyOperationAnswersEveryCallerAsTheTableSays() {
        return table().entrySet().stream()
                .flatMap(line -> line.getValue().entrySet().stream()
                        .map(cell -> dynamicTest(
                                line.getKey() + " as " + cell.getKey() + " is " + cell.getValue(),
                                () -> check(line.getKey(), cell.getKey(), cell.getValue()))));
    }

    private static void check(String operation, Who who, int expected) {
        var owned = Owned.fresh();
        if (operation.startsWith("GET ")) {
            assertEquals(expected, send("HEAD", operation, who, owned).status(), "HEAD");
        }
        var reply = send(operation.substring(0, operation.indexOf(' ')), operation, who, owned);
        assertEquals(expected, reply.status(), reply::text);
        assertTrue(expected != 401 || reply.header("WWW-Authenticate").isPresent(), "401 says how to authenticate");
        if (who == Who.OTHER || who == Who.NAMING) {
            assertFalse(reply.text().contains(owned.marker()), reply::text);
            assertTrue(isUntouched(owned), "the owner's task, notification and token are as they were");
        }
    }

    private static boolean isUntouched(Owned owned) {
        var task = server.get("/tasks/" + owned.task(), owned.owner().token()).json();
        var tokens = server.get(
                        "/users/" + owned.owner().id() + "/tokens",
                        owned.owner().token())
                .json();
        var notifications =
                server.get("/notifications?unread=true", owned.owner().token()).json();
        var files = server.get("/files", owned.owner().token()).json();
        return notifications.findValuesAsText("id").contains(owned.notification())
                && files.findValuesAsText("filename").equals(List.of(owned.file()))
                && task.path("version").asLong() == 1
                && tokens.findValuesAsText("id").contains(owned.tokenId())
                && tokens.size() == 2;
    }

    private static Reply send(String method, String operation, Who who, Owned owned) {
        var call = call(operation);
        var isNamed = who == Who.NAMING || who == Who.UNSCOPED || who == Who.ADMIN;
        var path = isNamed ? call.naming() : call.plain();
        return send(method, filled(path, who, owned), who, owned, call);
    }

    private static Reply send(String method, String path, Who who, Owned owned, Call call) {
        var type = method.equals("PATCH") ? "application/merge-patch+json" : call.type();
        var body = call.body();
        var text = body == null ? null : body.replace("{new}", "n" + NAMES.incrementAndGet());
        return body == null
                ? server.send(method, path, token(who, owned), null)
                : server.send(method, path, token(who, owned), text, "Content-Type", type);
    }

    private static Call call(String operation) {
        var call = CALLS.get(operation);
        if (call == null) {
            throw new AssertionError("nobody says how to send " + operation);
        }
        return call;
    }

    private static String filled(String path, Who who, Owned owned) {
        return path.replace("{owner}", owned.owner().id())
                .replace("{task}", owned.task())
                .replace("{notification}", owned.notification())
                .replace("{job}", owned.job())
                .replace("{token}", owned.tokenId())
                .replace("{file}", owned.file())
                .replace("{upstream}", upstream.url())
                .replace(
                        "{caller}",
                        who == Who.OTHER ? other.id() : owned.owner().id());
    }

    private static String token(Who who, Owned owned) {
        return switch (who) {
            case NOBODY -> "";
            case MALFORMED -> "hdl_short";
            case UNKNOWN -> "hdl_" + "x".repeat(43);
            case READ -> server.token(owned.owner().id(), "read");
            case WRITE -> server.token(owned.owner().id(), "write");
            case OWNER -> owned.owner().token();
            case OTHER, NAMING -> other.token();
            case UNSCOPED -> unscoped.token();
            case ADMIN -> server.adminToken();
        };
    }

    @Test
    void whatAnUpstreamKeepsOfAUserIsAskedForWithTheUserOfTheCaller() {
        var owned = Owned.fresh();
        for (var who : List.of(Who.OWNER, Who.ADMIN)) {
            var diary = send("GET", "GET /external/{resource}", who, owned);
            assertEquals("/diaries/" + owned.owner().id(), diary.json().asText());
            var dashboard = send("GET", "GET /dashboards/{name}", who, owned);
            assertEquals(
                    "/diaries/" + owned.owner().id(),
                    dashboard.json().get("diary").asText());
        }
        assertEquals(
                "/diaries/" + other.id(),
                send("GET", "GET /external/{resource}", Who.OTHER, owned).json().asText());
    }

    @Test
    void anAdministratorNamesNoOtherPath() {
        for (var dots : List.of(".", "..")) {
            var reply = server.get("/external/diary?user_id=" + dots, server.adminToken());
            assertEquals(422, reply.status(), reply::text);
        }
    }

    @Test
    void everyRouteOfTheServerIsInTheTableAndNoOther() {
        var routes = server.operations().stream()
                .map(operation -> operation.method() + " " + operation.pattern())
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(routes, new TreeSet<>(table().keySet()));
        assertEquals(routes, new TreeSet<>(CALLS.keySet()));
    }

    @TestFactory
    Stream<DynamicTest> whatBelongsToSomebodyElseAnswersExactlyLikeWhatIsMissing() {
        return table().entrySet().stream()
                .filter(line -> Integer.valueOf(404).equals(line.getValue().get(Who.OTHER)))
                .map(line -> dynamicTest(line.getKey(), () -> checkForeignIsLikeMissing(line.getKey())));
    }

    private static void checkForeignIsLikeMissing(String operation) {
        var owned = Owned.fresh();
        var missing = new Owned(
                owned.owner(),
                UUID.randomUUID().toString(),
                UUID.randomUUID().toString(),
                UUID.randomUUID().toString(),
                UUID.randomUUID().toString(),
                UUID.randomUUID().toString(),
                owned.marker());
        var method = operation.substring(0, operation.indexOf(' '));
        var toForeign = send(method, operation, Who.OTHER, owned);
        var toMissing = send(method, operation, Who.OTHER, missing);
        assertEquals(404, toForeign.status());
        assertEquals(404, toMissing.status());
        assertEquals(withoutNames(toMissing), withoutNames(toForeign));
        assertEquals(headerNames(toMissing), headerNames(toForeign));
        assertNotEquals(toForeign.json().get("request_id"), toMissing.json().get("request_id"));
    }

    /** The problem without what differs for every request: its own id and its own path. */
    private static JsonNode withoutNames(Reply reply) {
        var problem = (ObjectNode) reply.json();
        problem.remove(List.of("request_id", "instance"));
        return problem;
    }

    private static Set<String> headerNames(Reply reply) {
        return new TreeSet<>(reply.raw().headers().map().keySet());
    }

    private static Map<String, Map<Who, Integer>> table() {
        var lines = EXPECTED.lines().map(AccessMatrixIT::words).toList();
        var columns = lines.getFirst().stream().skip(1).map(Who::valueOf).toList();
        return lines.stream()
                .skip(1)
                .collect(Collectors.toMap(
                        words -> words.get(0) + " " + words.get(1),
                        words -> cells(columns, words.subList(2, words.size()))));
    }

    private static List<String> words(String line) {
        return List.of(line.strip().split(" +", -1));
    }

    private static Map<Who, Integer> cells(List<Who> columns, List<String> words) {
        assertEquals(columns.size(), words.size());
        var cells = new EnumMap<Who, Integer>(Who.class);
        for (int i = 0; i < columns.size(); i++) {
            if (!words.get(i).equals("-")) {
                cells.put(columns.get(i), Integer.valueOf(words.get(i)));
            }
        }
        return cells;
    }
}
