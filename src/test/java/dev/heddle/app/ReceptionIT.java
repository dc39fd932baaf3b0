package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.Psql;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is let in, how often and how much at once, by the settings of {@code app.yaml}. */
@Timeout(120)
class ReceptionIT {

    private static final Executor EACH_ITS_OWN = Thread::startVirtualThread;

    /** Far from what any of these tests asks for. */
    private static final String MANY = "1000000";

    private static TestServer with(String... settings) {
        var all = new HashMap<String, String>();
        for (int i = 0; i < settings.length; i += 2) {
            all.put(settings[i], settings[i + 1]);
        }
        return TestServer.start(all);
    }

    private static List<Reply> times(int count, Callable<Reply> request) {
        var replies = new ArrayList<CompletableFuture<Reply>>();
        for (int i = 0; i < count; i++) {
            replies.add(CompletableFuture.supplyAsync(() -> called(request), EACH_ITS_OWN));
        }
        return replies.stream().map(CompletableFuture::join).toList();
    }

    private static Reply called(Callable<Reply> request) {
        try {
            return request.call();
        } catch (Exception e) {
            throw new CompletionException(e);
        }
    }

    private static long count(List<Reply> replies, int status) {
        return replies.stream().filter(reply -> reply.status() == status).count();
    }

    @Test
    void aTokenThatIsUsedTooOftenIsRefusedAndAnotherIsNot() {
        try (var server = with(
                "RATE_LIMIT_TOKEN",
                "1",
                "RATE_LIMIT_TOKEN_BURST",
                "20",
                "RATE_LIMIT_ADDRESS",
                MANY,
                "DATABASE_GATE_WAIT",
                "30s")) {
            var ada = server.person();
            var second = server.token(ada.id(), "read");
            var replies = times(60, () -> server.get("/tasks", ada.token()));
            // One a second comes back meanwhile.
            assertTrue(count(replies, 200) >= 20 && count(replies, 200) < 40, () -> count(replies, 200) + " of 60");
            assertEquals(60, count(replies, 200) + count(replies, 429));
            var refused = replies.stream()
                    .filter(reply -> reply.status() == 429)
                    .findFirst()
                    .orElseThrow();
            assertEquals("rate-limited", refused.json().get("code").asText());
            assertTrue(refused.header("Retry-After").map(Integer::valueOf).orElse(0) >= 1);
            assertEquals(Optional.of("\"token\";q=20;w=20"), refused.header("RateLimit-Policy"));
            assertTrue(refused.header("RateLimit").orElse("").startsWith("\"token\";r=0;t="));
            assertEquals(200, server.get("/tasks", second).status(), "of the same user");
            assertTrue(server.metric("heddle_rate_limited_total{limit=\"token\"}") >= 20);
        }
    }

    @Test
    void everyAnswerToACallerSaysWhatIsLeft() {
        try (var server = with("RATE_LIMIT_TOKEN", "5", "RATE_LIMIT_TOKEN_BURST", "20", "RATE_LIMIT_ADDRESS", MANY)) {
            var ada = server.person();
            assertEquals(
                    Optional.of("\"token\";r=19;t=1"),
                    server.get("/tasks", ada.token()).header("RateLimit"));
            var missing = server.get("/tasks/1", ada.token());
            assertEquals(404, missing.status());
            assertEquals(Optional.of("\"token\";q=20;w=4"), missing.header("RateLimit-Policy"));
            assertTrue(server.get("/", "").header("RateLimit").orElse("").startsWith("\"address\";"));
        }
    }

    @Test
    void whoGuessesTokensIsRefusedAndGoodTokensFromThereAreNot() {
        try (var server = with("RATE_LIMIT_BAD_TOKENS", "10", "DATABASE_GATE_WAIT", "30s")) {
            var ada = server.person();
            var bad = ada.token().substring(0, ada.token().length() - 1)
                    + (ada.token().endsWith("a") ? "b" : "a");
            var replies = times(100, () -> server.get("/tasks", bad));
            assertTrue(count(replies, 401) >= 10 && count(replies, 401) < 20, () -> count(replies, 401) + " of 100");
            assertEquals(100, count(replies, 401) + count(replies, 429));
            assertEquals(429, server.get("/tasks", "hdl_malformed").status());
            assertEquals(401, server.get("/tasks", "").status(), "who sends none guesses none");
            assertEquals(200, server.get("/tasks", ada.token()).status());
            assertEquals(
                    "\"bad-tokens\";q=10;w=60",
                    server.get("/tasks", bad).header("RateLimit-Policy").orElse(""));
        }
    }

    @Test
    void anAddressThatAsksTooOftenIsRefusedBeforeItsTokenIsLookedAt() {
        try (var server = with("RATE_LIMIT_ADDRESS", "1", "RATE_LIMIT_ADDRESS_BURST", "20")) {
            var replies = times(60, () -> server.get("/tasks", server.adminToken()));
            assertTrue(count(replies, 429) >= 20, () -> count(replies, 429) + " of 60");
            for (int i = 0; i < 50; i++) {
                assertEquals(200, server.operations("/health/ready").status(), "operators are never refused");
            }
            assertEquals(200, server.operations("/metrics").status());
        }
    }

    @Test
    void theLimitsOfAppYamlAreThereWithoutBeingWritten() {
        var unset = Map.of("RATE_LIMIT_TOKEN", "500", "RATE_LIMIT_ADDRESS", "1000", "RATE_LIMIT_BAD_TOKENS", "60");
        try (var server = TestServer.start(unset)) {
            var reply = server.get("/tasks", server.adminToken());
            assertEquals(Optional.of("\"token\";q=1000;w=2"), reply.header("RateLimit-Policy"));
            assertEquals(
                    Optional.of("\"address\";q=2000;w=2"), server.get("/", "").header("RateLimit-Policy"));
        }
    }

    @Test
    void whatIsMoreThanCanBeDoneIsRefusedInTimeAndTheRestIsDone() {
        try (var server = with(
                "REQUESTS_MAX",
                "4",
                "REQUESTS_QUEUE",
                "10",
                "REQUESTS_QUEUE_WAIT",
                "300ms",
                "DATABASE_POOL_SIZE",
                "4")) {
            var ada = server.person();
            var psql = new Psql(server.schema());
            List<CompletableFuture<Reply>> all = new ArrayList<>();
            assertEquals(200, server.get("/tasks", ada.token()).status(), "from here on it is known whose token it is");
            try (var _ = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
                for (int i = 0; i < 40; i++) {
                    all.add(CompletableFuture.supplyAsync(() -> server.get("/tasks", ada.token()), EACH_ITS_OWN));
                }
                // Those inside wait five seconds for the lock.
                await().pollInterval(Duration.ofMillis(10))
                        .until(() ->
                                all.stream().filter(CompletableFuture::isDone).count() == 36);
                assertEquals(404, server.get("/external/nothing", ada.token()).status(), "it has limits of its own");
                assertEquals(4, server.metric("heddle_requests_admitted"));
                assertEquals(0, server.metric("heddle_requests_waiting"));
                assertEquals(36, server.metric("heddle_requests_refused_total"));
                assertEquals(200, server.operations("/health/ready").status(), "health is never refused");
            }
            var statuses = new TreeSet<Integer>();
            for (var reply : all) {
                statuses.add(reply.join().status());
                if (reply.join().status() == 503) {
                    assertEquals(Optional.of("1"), reply.join().header("Retry-After"));
                    assertEquals("overloaded", reply.join().json().get("code").asText());
                }
            }
            assertEquals(new TreeSet<>(List.of(200, 503)), statuses);
            assertEquals(
                    4,
                    all.stream().filter(reply -> reply.join().status() == 200).count());
            assertEquals(0, server.metric("heddle_requests_admitted"));
        }
    }

    @Test
    void whoeverIsNewIsRecognizedWhileSlowWorkHasAllConnections() {
        try (var server = with("DATABASE_POOL_SIZE", "2", "DATABASE_GATE_WAIT", "200ms")) {
            var ada = server.person();
            var bob = server.person();
            // What is read together with others has its connections once many have asked at the same time.
            await().until(() -> {
                times(20, () -> server.get("/tasks", ada.token()));
                return server.metric("heddle_database_together_batches_total{pool=\"requests\"}") > 0;
            });
            var psql = new Psql(server.schema());
            try (var lock = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
                var slow = IntStream.range(0, 2)
                        .mapToObj(_ ->
                                CompletableFuture.supplyAsync(() -> server.get("/tasks", ada.token()), EACH_ITS_OWN))
                        .toList();
                psql.awaitBlocked(2);
                // A statement that once was slow in company goes alone for two seconds; the lock is kept for five.
                await().atMost(Duration.ofSeconds(4))
                        .until(() ->
                                server.get("/external/nothing", bob.token()).status() == 404);
                lock.release();
                slow.forEach(its -> assertEquals(200, its.join().status()));
            }
        }
    }

    @Test
    void linksOfAServerWithAPublicUrlLeadThere() {
        try (var server = with("PROXY_PUBLIC_URL", "https://tasks.example.org/api")) {
            var ada = server.person();
            var made = server.send("POST", "/tasks", ada.token(), "{\"title\": \"Warp\"}", "Idempotency-Key", "k");
            var location = "https://tasks.example.org/api/tasks/"
                    + made.json().get("id").asText();
            assertEquals(Optional.of(location), made.header("Location"));
            var again = server.send("POST", "/tasks", ada.token(), "{\"title\": \"Warp\"}", "Idempotency-Key", "k");
            assertEquals(Optional.of("true"), again.header("Idempotent-Replayed"));
            assertEquals(Optional.of(location), again.header("Location"), "also of an answer that was kept");
            assertTrue(server.get("/openapi.yaml", "").text().contains("\n  - url: https://tasks.example.org/api\n"));
            server.task(ada, "{\"title\": \"Weft\"}");
            var link = server.get("/tasks?limit=1", ada.token()).header("Link").orElse("");
            assertTrue(link.startsWith("<https://tasks.example.org/api/tasks?limit=1&cursor="), link);
        }
    }

    @Test
    void theAccessLogHasWhomATrustedProxyNames() {
        try (var server = with("PROXY_TRUSTED", "127.0.0.0/8,::1/128", "PROXY_HEADER", "forwarded")) {
            server.send(
                    "GET",
                    "/",
                    "",
                    null,
                    "Forwarded",
                    "for=192.0.2.7",
                    "X-Forwarded-For",
                    "192.0.2.9",
                    "X-Request-Id",
                    "p-1");
            assertEquals("192.0.2.7", server.logged("p-1").client());
        }
    }

    @Test
    void aPageOfAnOriginThatIsSetMayAsk() {
        try (var server = with("CORS_ORIGINS", "https://app.example.org,capacitor://localhost")) {
            for (var origin : List.of("https://app.example.org", "capacitor://localhost")) {
                var preflight = server.send(
                        "OPTIONS", "/tasks", "", null, "Origin", origin, "Access-Control-Request-Method", "POST");
                assertEquals(204, preflight.status());
                assertEquals(Optional.of(origin), preflight.header("Access-Control-Allow-Origin"));
                assertEquals(
                        Optional.of(origin),
                        server.send("GET", "/tasks", "", null, "Origin", origin).header("Access-Control-Allow-Origin"),
                        "a 401 too");
            }
        }
    }
}
