package dev.heddle.identity;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.Psql;
import dev.heddle.testing.Race;
import dev.heddle.testing.TestPostgres;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens: how they are made, what they allow, and how they stop working. */
class TokensIT {

    private static final Duration REVOKED_WITHIN = Duration.ofSeconds(5);

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

    private static Reply make(String caller, String userId, String body) {
        return server.send("POST", "/users/" + userId + "/tokens", caller, body);
    }

    private static Reply revoke(String caller, String userId, String tokenId) {
        return server.send("DELETE", "/users/" + userId + "/tokens/" + tokenId, caller, null);
    }

    private static List<JsonNode> list(Person person) {
        var reply = server.get("/users/" + person.id() + "/tokens?limit=100", person.token());
        assertEquals(200, reply.status(), reply::text);
        return StreamSupport.stream(reply.json().spliterator(), false).toList();
    }

    // Making

    @Test
    void aNewTokenIsShownOnceAndListedWithoutItsText() {
        var person = server.person();
        var made = make(person.token(), person.id(), "{\"name\": \"laptop\", \"scopes\": [\"read\"]}");
        assertEquals(201, made.status());
        var token = (ObjectNode) made.json();
        var text = token.get("token").asText();
        assertTrue(text.matches("hdl_[A-Za-z0-9_-]{43}"), text);
        assertEquals(
                "/users/" + person.id() + "/tokens/" + token.get("id").asText(),
                made.header("Location").orElseThrow());
        assertEquals("no-store", made.header("Cache-Control").orElseThrow());
        token.remove("token");
        assertEquals(token, list(person).getFirst());
        assertTrue(list(person).stream().noneMatch(one -> one.has("token")));
        assertEquals(person.id(), server.get("/users/me", text).json().get("id").asText());
    }

    @Test
    void noTextOfATokenIsAnywhereInTheDatabase() throws SQLException, NoSuchAlgorithmException {
        var person = server.person();
        // A key, because it stores answers.
        server.send("POST", "/tasks", person.token(), "{\"title\": \"x\"}", "Idempotency-Key", "k");
        var secrets =
                List.of(person.token(), server.adminToken(), person.token().substring(4));
        int cells = 0;
        try (var connection = TestPostgres.connect(server.schema());
                var statement = connection.createStatement();
                var columns = connection.getMetaData().getColumns(null, server.schema(), null, null)) {
            while (columns.next()) {
                var query = "SELECT convert_to(\"%s\"::text, 'UTF8'), \"%s\"::text FROM \"%s\""
                        .formatted(
                                columns.getString("COLUMN_NAME"),
                                columns.getString("COLUMN_NAME"),
                                columns.getString("TABLE_NAME"));
                try (var rows = statement.executeQuery(query)) {
                    while (rows.next()) {
                        cells++;
                        var cell = String.valueOf(rows.getString(2));
                        for (var secret : secrets) {
                            var hex = HexFormat.of().formatHex(secret.getBytes(StandardCharsets.US_ASCII));
                            assertFalse(cell.contains(secret) || cell.contains(hex), query);
                        }
                    }
                }
            }
        }
        assertTrue(cells > 50, "looked at " + cells);
        var digest = MessageDigest.getInstance("SHA-256").digest(person.token().getBytes(StandardCharsets.US_ASCII));
        assertEquals(
                1,
                psql.number("SELECT count(*) FROM tokens WHERE digest = '\\x"
                        + HexFormat.of().formatHex(digest) + "'"));
    }

    @Test
    void everyTokenIsAnother() {
        var person = server.person();
        var texts = Stream.generate(() -> server.token(person.id(), "read"))
                .limit(20)
                .collect(Collectors.toSet());
        assertEquals(20, texts.size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{}                                                        | /name /scopes",
                "{\"name\": \"\", \"scopes\": []}                          | /name /scopes",
                "{\"name\": 1, \"scopes\": \"read\"}                       | /name /scopes",
                "{\"name\": \"a\\u0000\", \"scopes\": [\"read\", \"READ\"]} | /name /scopes",
                "{\"name\": \"a\", \"scopes\": [\"read\", \"read\"]}       | /scopes/1",
                "{\"name\": \"a\", \"scopes\": [\"root\"]}                 | /scopes",
                "{\"name\": \"a\", \"scopes\": [null]}                     | /scopes/0",
                "{\"name\": \"a\", \"scopes\": [\"read\"], \"token\": \"hdl_mine\"} | /token",
                "{\"name\": \"a\", \"scopes\": [\"read\"], \"expires_at\": \"soon\"} | /expires_at",
                "{\"name\": \"a\", \"scopes\": [\"read\"], \"expires_at\": \"2020-01-01T00:00:00Z\"} | /expires_at",
            })
    void whatIsWrongWithANewTokenIsNamedAllAtOnce(String body, String pointers) {
        var person = server.person();
        var reply = make(person.token(), person.id(), body);
        assertEquals(422, reply.status(), reply::text);
        assertEquals(
                new TreeSet<>(List.of(pointers.split(" ", -1))),
                new TreeSet<>(reply.json().get("errors").findValuesAsText("pointer")));
        assertEquals(1, list(person).size());
    }

    @Test
    void aUserHasAtMostAHundredTokensHoweverItAsksForThem() throws InterruptedException {
        var person = server.person();
        for (int i = 1; i < 95; i++) {
            server.token(person.id(), "read");
        }
        var asking = Stream.generate(() -> (Callable<Reply>)
                        () -> make(person.token(), person.id(), "{\"name\": \"x\", \"scopes\": [\"read\"]}"))
                .limit(12)
                .toList();
        var statuses = Race.between(asking).stream().map(Reply::status).toList();
        assertEquals(100, psql.number("SELECT count(*) FROM tokens WHERE user_id = '" + person.id() + "'"));
        assertEquals(5, statuses.stream().filter(status -> status == 201).count());
        assertEquals(7, statuses.stream().filter(status -> status == 409).count());
    }

    @Test
    void tokensAreListedPageByPageNewestFirst() {
        var person = server.person();
        for (int i = 0; i < 24; i++) {
            server.token(person.id(), "read");
        }
        var ids = list(person).stream().map(token -> token.get("id").asText()).toList();
        assertEquals(25, ids.size());
        assertEquals(ids.stream().sorted().toList().reversed(), ids);
        var seen = new ArrayList<String>();
        for (var at = Optional.of("/users/" + person.id() + "/tokens"); at.isPresent(); ) {
            var page = server.get(at.get(), person.token());
            assertTrue(page.json().size() <= 10);
            seen.addAll(page.json().findValuesAsText("id"));
            at = page.header("Link").map(link -> link.substring(1, link.indexOf('>')));
        }
        assertEquals(ids, seen);
        assertEquals(
                ids.subList(20, 25),
                server.get("/users/" + person.id() + "/tokens?skip=20", person.token())
                        .json()
                        .findValuesAsText("id"));
    }

    // What they allow

    @ParameterizedTest
    @CsvSource({"read, 200, 403", "write, 403, 201"})
    void aTokenAllowsWhatItsScopesSay(String scope, int reading, int writing) {
        var token = server.token(server.person().id(), scope);
        assertEquals(reading, server.get("/tasks", token).status());
        assertEquals(
                writing,
                server.send("POST", "/tasks", token, "{\"title\": \"x\"}").status());
    }

    @Test
    void aTokenThatLacksAScopeIsToldWhich() {
        var reply = server.send("POST", "/tasks", server.token(server.person().id(), "read"), "{\"title\": \"x\"}");
        assertEquals(
                "The token lacks the scope write.", reply.json().get("detail").asText());
        assertEquals(
                "Bearer realm=\"heddle\", error=\"insufficient_scope\"",
                reply.header("WWW-Authenticate").orElseThrow());
    }

    @Test
    void aTokenMakesNoneThatIsMightier() {
        var person = server.person();
        var writing = server.token(person.id(), "write");
        for (var scopes : List.of("\"read\"", "\"read\", \"write\"", "\"admin\"", "\"write\", \"admin\"")) {
            var reply = make(writing, person.id(), "{\"name\": \"x\", \"scopes\": [" + scopes + "]}");
            assertEquals(403, reply.status(), scopes);
        }
        var same = make(writing, person.id(), "{\"name\": \"x\", \"scopes\": [\"write\"]}");
        assertEquals(201, same.status());
        assertEquals(
                403,
                make(same.json().get("token").asText(), person.id(), "{\"name\": \"x\", \"scopes\": [\"read\"]}")
                        .status());
    }

    @Test
    void onlyAnAdministratorsTokenCanBeForAdministration() {
        var person = server.person();
        var reply = make(server.adminToken(), person.id(), "{\"name\": \"x\", \"scopes\": [\"read\", \"admin\"]}");
        assertEquals(422, reply.status());
        assertEquals("/scopes", reply.json().at("/errors/0/pointer").asText());
        assertEquals(1, list(person).size());
    }

    @Test
    void anAdministratorsTokenWithoutTheScopeAdministersNothing() {
        var unscoped = server.person("admin", "read", "write");
        assertEquals(403, server.get("/users", unscoped.token()).status());
        assertEquals(
                403,
                make(unscoped.token(), unscoped.id(), "{\"name\": \"x\", \"scopes\": [\"admin\"]}")
                        .status());
        assertEquals(
                200, server.get("/users", server.token(unscoped.id(), "admin")).status());
    }

    @Test
    void aTokenIsMadeForAUserThatIsThere() {
        var body = "{\"name\": \"x\", \"scopes\": [\"read\"]}";
        var missing = make(server.adminToken(), "nobody", body);
        assertEquals(404, missing.status());
        assertEquals("User not found", missing.json().get("detail").asText());
        assertEquals(
                404, server.get("/users/nobody/tokens", server.adminToken()).status());
        var person = server.person();
        assertEquals(403, make(person.token(), "nobody", body).status());
        assertEquals(403, make(person.token(), "admin", body).status());
    }

    // Bad tokens

    private static Reply withAuthorization(String value) {
        return server.send("GET", "/tasks", "", null, "Authorization", value);
    }

    @Test
    void everyBadTokenIsAnsweredAlike() {
        var person = server.person();
        var revoked = make(person.token(), person.id(), "{\"name\": \"x\", \"scopes\": [\"read\"]}")
                .json();
        revoke(person.token(), person.id(), revoked.get("id").asText());
        var gone = server.person();
        server.send("DELETE", "/users/" + gone.id(), server.adminToken(), null);
        var expired = server.person();
        psql.execute("UPDATE tokens SET expires_at = now() WHERE user_id = '" + expired.id() + "'");
        var texts = List.of(
                "hdl_" + "x".repeat(43),
                "hdl_" + "x".repeat(42),
                "hdl_" + "x".repeat(44),
                "hdl_" + "!".repeat(43),
                "x".repeat(47),
                "hdl_ hdl_",
                person.token().toLowerCase(Locale.ROOT),
                person.token() + ", Bearer " + person.token(),
                revoked.get("token").asText(),
                gone.token(),
                expired.token());
        var answers = texts.stream()
                .map(text -> withAuthorization("Bearer " + text))
                .map(TokensIT::withoutId)
                .collect(Collectors.toSet());
        assertEquals(1, answers.size(), answers::toString);
        assertEquals(
                "Bearer realm=\"heddle\", error=\"invalid_token\"",
                withAuthorization("Bearer x").header("WWW-Authenticate").orElseThrow());
    }

    private static List<Object> withoutId(Reply reply) {
        var headers = new TreeMap<>(reply.raw().headers().map());
        headers.keySet().removeAll(Set.of("date", "x-request-id"));
        return List.of(reply.status(), ((ObjectNode) reply.json()).without("request_id"), headers);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Basic YWRtaW46eA==", "hdl_x", "Bearer", "Digest x", "Bearerx"})
    void withoutABearerTokenItIsSaidWhatToSend(String value) {
        var reply = withAuthorization(value);
        assertEquals(401, reply.status());
        assertEquals("Bearer realm=\"heddle\"", reply.header("WWW-Authenticate").orElseThrow());
    }

    @Test
    void theSchemeMayBeWrittenInAnyCase() {
        var token = server.person().token();
        for (var scheme : List.of("bearer", "BEARER", "BeArEr")) {
            assertEquals(200, withAuthorization(scheme + " " + token).status());
        }
    }

    // How they stop

    @Test
    void aRevokedTokenStopsAtOnceHereAndWithinFiveSecondsElsewhere() {
        var person = server.person();
        var made = make(person.token(), person.id(), "{\"name\": \"x\", \"scopes\": [\"read\", \"write\"]}")
                .json();
        var text = made.get("token").asText();
        assertEquals(200, server.get("/tasks", text).status());
        assertEquals(200, replica.get("/tasks", text).status());
        assertEquals(204, revoke(text, person.id(), made.get("id").asText()).status());
        assertEquals(401, server.get("/tasks", text).status());
        await().atMost(REVOKED_WITHIN).until(() -> replica.get("/tasks", text).status() == 401);
        assertEquals(200, replica.get("/tasks", person.token()).status());
        assertEquals(
                404,
                revoke(person.token(), person.id(), made.get("id").asText()).status());
    }

    @Test
    void theTokensOfADeletedUserStopAtOnceHereAndWithinFiveSecondsElsewhere() {
        var person = server.person();
        var second = server.token(person.id(), "read");
        for (var text : List.of(person.token(), second)) {
            assertEquals(200, server.get("/tasks", text).status());
            assertEquals(200, replica.get("/tasks", text).status());
        }
        assertEquals(
                204,
                server.send("DELETE", "/users/" + person.id(), server.adminToken(), null)
                        .status());
        for (var text : List.of(person.token(), second)) {
            assertEquals(401, server.get("/tasks", text).status());
            await().atMost(REVOKED_WITHIN)
                    .until(() -> replica.get("/tasks", text).status() == 401);
        }
    }

    @Test
    void whileARevocationIsNotKnownAReplicaStillFailsNoRequest() {
        var person = server.person();
        assertEquals(200, replica.get("/tasks", person.token()).status());
        server.send("DELETE", "/users/" + person.id(), server.adminToken(), null);
        for (var path : List.of("/tasks", "/tasks/count", "/users/me", "/users/" + person.id() + "/tokens")) {
            var status = replica.get(path, person.token()).status();
            assertTrue(Set.of(200, 401, 404).contains(status), path + " " + status);
        }
        var making = replica.send("POST", "/tasks", person.token(), "{\"title\": \"x\"}");
        assertTrue(making.status() < 500, making::text);
        var token = replica.send(
                "POST",
                "/users/" + person.id() + "/tokens",
                person.token(),
                "{\"name\": \"x\", \"scopes\": [\"read\"]}");
        assertTrue(token.status() < 500, token::text);
    }

    @Test
    void aTokenStopsWhenItExpires() {
        var person = server.person();
        var expiresAt = Instant.now().plusSeconds(2);
        var made = make(person.token(), person.id(), """
            {"name": "x", "scopes": ["read"], "expires_at": "%s"}\
            """.formatted(expiresAt)).json();
        var text = made.get("token").asText();
        assertEquals(200, server.get("/tasks", text).status());
        await().atMost(REVOKED_WITHIN.plusSeconds(2))
                .until(() -> server.get("/tasks", text).status() == 401);
        assertFalse(Instant.now().isBefore(expiresAt));
        assertEquals(200, server.get("/tasks", person.token()).status());
        assertEquals(2, list(person).size(), "it is still listed, and can be revoked");
    }

    @Test
    void anExpiryIsWrittenInUtcAndMayBeLeftOut() {
        var person = server.person();
        var made = make(person.token(), person.id(), """
            {"name": "x", "scopes": ["write", "read"], "expires_at": "2999-01-01T00:00:00+01:00"}\
            """).json();
        assertEquals("2998-12-31T23:00:00.000000Z", made.get("expires_at").asText());
        assertEquals("[\"read\",\"write\"]", made.get("scopes").toString());
        for (var body : List.of(
                "{\"name\": \"x\", \"scopes\": [\"read\"], \"expires_at\": null}",
                "{\"name\": \"x\", \"scopes\": [\"read\"]}")) {
            assertTrue(make(person.token(), person.id(), body)
                    .json()
                    .get("expires_at")
                    .isNull());
        }
    }

    @Test
    void onlyItsOwnerAndAdministratorsRevokeAToken() {
        var person = server.person();
        var other = server.person();
        var id = list(person).getFirst().get("id").asText();
        var missing = Map.of(
                revoke(other.token(), person.id(), id).status(), 403,
                revoke(other.token(), other.id(), id).status(), 404);
        missing.forEach((actual, expected) -> assertEquals(expected, actual));
        assertEquals(
                "Token not found",
                revoke(other.token(), other.id(), "x").json().get("detail").asText());
        assertEquals(200, server.get("/tasks", person.token()).status());
        assertEquals(204, revoke(server.adminToken(), person.id(), id).status());
        assertNotEquals(200, server.get("/tasks", person.token()).status());
    }

    @Test
    void aUserThatIsDeletedWhileATokenIsMadeIsNoFailureOfTheServer() throws InterruptedException {
        for (int round = 0; round < 40; round++) {
            var person = server.person();
            var statuses = Race.between(List.<Callable<Integer>>of(
                    () -> make(server.adminToken(), person.id(), "{\"name\": \"x\", \"scopes\": [\"read\"]}")
                            .status(),
                    () -> server.send("DELETE", "/users/" + person.id(), server.adminToken(), null)
                            .status()));
            assertTrue(Set.of(201, 404).contains(statuses.get(0)), statuses::toString);
            assertEquals(204, statuses.get(1));
        }
    }

    @Test
    void tokensThatHaveExpiredLeaveRoomForNewOnes() {
        var person = server.person();
        psql.execute("INSERT INTO tokens (user_id, id, name, scopes, digest, expires_at) SELECT '" + person.id()
                + "', gen_random_uuid(), 'ci', '{read}', sha256(convert_to('expired ' || n, 'UTF8')),"
                + " now() - interval '30 days' FROM generate_series(1, 99) n");
        assertEquals(
                201,
                make(person.token(), person.id(), "{\"name\": \"x\", \"scopes\": [\"read\"]}")
                        .status());
        assertEquals(2, psql.number("SELECT count(*) FROM tokens WHERE user_id = '" + person.id() + "'"));
    }
}
