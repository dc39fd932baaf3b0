package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.Psql;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** When a request's time is over, its work is too, wherever it was being done. */
class DeadlineIT {

    /** Between the answer and the end of everything that it waited for. */
    private static final Duration AFTER = Duration.ofSeconds(2);

    /** Waits only in tables that the caller's authentication does not read. */
    private static final String YAML = """
        upstreams:
          far:
            url: %s
            resources:
              far: /far
        dashboards:
          mixed:
            mine: {source: tasks, timeout: 20s, default: []}
            again: {source: tasks, timeout: 20s, default: []}
            far: {source: far, timeout: 20s}
            stats: {source: stats, timeout: 20s}
        """;

    /** The connections of a test server's pool, its reserve included. */
    private static final double POOL = 5;

    private static double openConnections(TestServer server) {
        return server.metric("heddle_database_connections_open{pool=\"requests\"}");
    }

    private static long running(Psql psql) {
        return psql.number("""
            SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l USING (pid) JOIN pg_class c ON c.oid = l.relation
            WHERE a.state = 'active' AND a.pid <> pg_backend_pid() AND c.relname = 'tasks'
            AND c.relnamespace = '%s'::regnamespace
            """.formatted(psql.schema()));
    }

    @Test
    void allWorkOfARequestEndsWithItsDeadline() throws InterruptedException, ExecutionException {
        try (var upstream = FakeUpstream.silent();
                var server = TestServer.with(YAML.formatted(upstream.url()));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var person = server.person();
            server.task(person, "{\"title\": \"Locked away\"}");
            server.awaitJobs();
            var psql = new Psql(server.schema());
            // The pool fills itself behind the start, which on a busy machine takes a while: four, and the reserve.
            await().until(() -> openConnections(server) == POOL);
            try (var lock = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
                var asked = threads.submit(
                        () -> server.send("GET", "/dashboards/mixed", person.token(), null, "Request-Timeout", "3"));
                psql.awaitBlocked(2);
                await().until(() -> upstream.open() == 1);
                assertEquals(2, running(psql));
                var reply = asked.get();
                // Cancelled, or on a machine that is busy cut; long before the lock would have ended them.
                await().pollInterval(Duration.ofMillis(10)).atMost(AFTER).until(() -> running(psql) == 0);
                await().until(() -> upstream.open() == 0);
                // The one that asks is one of them.
                await().until(() -> server.metric("http_server_requests_in_flight") == 1);
                await().until(() -> server.metric("heddle_database_gate_inside{pool=\"requests\"}") == 0);
                await().until(() -> openConnections(server) == POOL);
                assertEquals(200, reply.status(), reply.text());
                assertEquals("timeout", reply.json().at("/parts/mine/status").asText());
                assertEquals("timeout", reply.json().at("/parts/again/status").asText());
                assertEquals("timeout", reply.json().at("/parts/far/status").asText());
                assertEquals("ok", reply.json().at("/parts/stats/status").asText());
                assertEquals("[]", reply.json().get("mine").toString());
                assertTrue(reply.json().get("far").isNull());
                lock.release();
            }
            var next = server.send("GET", "/dashboards/mixed", person.token(), null, "Request-Timeout", "1");
            assertEquals("Locked away", next.json().at("/mine/0/title").asText(), next.text());
            assertEquals(200, server.get("/tasks", person.token()).status());
        }
    }

    @Test
    void manyThatEndAtTheirDeadlinesLeaveThePoolWhole() throws InterruptedException, ExecutionException {
        try (var upstream = FakeUpstream.silent();
                var server = TestServer.with(YAML.formatted(upstream.url()));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var person = server.person();
            server.awaitJobs();
            try (var lock = new Psql(server.schema()).lock("tasks", "ACCESS EXCLUSIVE")) {
                var asked = new ArrayList<Future<TestServer.Reply>>();
                for (int i = 0; i < 12; i++) {
                    asked.add(threads.submit(() ->
                            server.send("GET", "/dashboards/mixed", person.token(), null, "Request-Timeout", "0.6")));
                }
                for (var one : asked) {
                    var reply = one.get();
                    assertTrue(reply.status() == 200 || reply.status() == 503, reply::text);
                }
                await().until(() -> upstream.open() == 0);
                await().until(() -> server.metric("heddle_database_gate_inside{pool=\"requests\"}") == 0);
                lock.release();
            }
            var next = server.get("/tasks", person.token());
            assertEquals(200, next.status(), next.text());
        }
    }
}
