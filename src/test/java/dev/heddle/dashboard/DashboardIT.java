package dev.heddle.dashboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.ServerLog;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.Psql;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Answers in parts, put together by a whole Heddle. */
class DashboardIT {

    private static TestServer server(FakeUpstream upstream) {
        return TestServer.with("""
            upstreams:
              its:
                url: %s
                resources:
                  left: /left/{city}
                  right: /right?of={user_id}
              gone:
                url: http://127.0.0.1:1
                resources:
                  gone: /
            dashboards:
              two:
                left: {source: left, timeout: 1s, default: "{\\"a\\": [1]}"}
                right: {source: right, timeout: 10s, default: []}
              mixed:
                mine: {source: tasks, timeout: 5s, default: []}
                far: {source: left, timeout: 20s}
              gone:
                gone: {source: gone, timeout: 1s, default: {}}
            """.formatted(upstream.url()));
    }

    private static String status(Reply reply, String part) {
        return reply.json().at("/parts/" + part + "/status").asText();
    }

    private static String complete(Reply reply) {
        return reply.header("Aggregate-Complete").orElseThrow();
    }

    private static void finish(TestServer server, Person person, String title) {
        var task = server.task(person, "{\"title\": \"" + title + "\"}");
        var path = "/tasks/" + task.get("id").asText() + "/complete";
        assertEquals(200, server.send("POST", path, person.token(), null).status());
    }

    @Test
    void theDashboardIsTheCallersOwnThings() {
        try (var server = TestServer.start()) {
            var person = server.person();
            var other = server.person();
            server.task(person, "{\"title\": \"Open\"}");
            finish(server, person, "Done");
            server.task(other, "{\"title\": \"Not yours\"}");
            server.awaitJobs();
            var reply = server.get("/dashboard", person.token());
            assertEquals(200, reply.status(), reply.text());
            var json = reply.json();
            assertEquals(
                    List.of("tasks", "notifications", "stats", "parts"),
                    json.propertyStream().map(it -> it.getKey()).toList());
            assertEquals(1, json.get("tasks").size());
            assertEquals("Open", json.at("/tasks/0/title").asText());
            assertEquals(2, json.get("notifications").size());
            assertEquals(server.get("/stats", person.token()).json(), json.get("stats"));
            assertEquals(1, json.at("/stats/completed").asInt());
            for (var part : List.of("tasks", "notifications", "stats")) {
                assertEquals("ok", status(reply, part));
                assertTrue(json.at("/parts/" + part + "/ms").isIntegralNumber());
                assertTrue(reply.header("Server-Timing").orElseThrow().contains(part + ";dur="));
            }
            assertEquals("true", complete(reply));
            assertEquals(
                    200, server.send("HEAD", "/dashboard", person.token(), null).status());
            assertEquals(
                    json.get("stats"),
                    server.get("/dashboards/dashboard", person.token()).json().get("stats"));
            var path = "/dashboard?user_id=" + person.id();
            assertEquals(200, server.get(path, person.token()).status());
            assertEquals(403, server.get(path, other.token()).status());
            assertEquals(
                    "Open",
                    server.get(path, server.adminToken())
                            .json()
                            .at("/tasks/0/title")
                            .asText());
            assertEquals(422, server.get("/dashboard?limit=3", person.token()).status());
            assertEquals(401, server.get("/dashboard", "").status());
        }
    }

    @Test
    void theAggregateShowsUsersOnlyThemselves() {
        try (var server = TestServer.start()) {
            var person = server.person();
            server.person();
            var mine = server.get("/aggregate", person.token());
            assertEquals(1, mine.json().get("users").size(), mine.text());
            assertEquals(person.id(), mine.json().at("/users/0/id").asText());
            assertEquals(
                    List.of("tasks", "users", "stats", "parts"),
                    mine.json().propertyStream().map(it -> it.getKey()).toList());
            var all = server.get("/aggregate", server.adminToken());
            assertTrue(all.json().get("users").size() >= 3, all.text());
        }
    }

    @Test
    void partsAreMadeSideBySideWithTheCallersValues() {
        var both = new CyclicBarrier(2);
        try (var upstream = FakeUpstream.start((request, out) -> {
                    try {
                        both.await(20, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw new IOException(e);
                    } catch (BrokenBarrierException | TimeoutException e) {
                        throw new IOException(e);
                    }
                    out.write(FakeUpstream.ok("{\"at\": \"" + request.target() + "\"}"));
                });
                var server = server(upstream)) {
            var person = server.person();
            var reply = server.get("/dashboards/two?city=S%C3%A3o%2FPaulo", person.token());
            assertEquals("/left/S%C3%A3o%2FPaulo", reply.json().at("/left/at").asText(), reply.text());
            assertEquals(
                    "/right?of=" + person.id(), reply.json().at("/right/at").asText());
            assertEquals("true", complete(reply));
            assertEquals(422, server.get("/dashboards/two", person.token()).status());
            assertEquals(
                    422, server.get("/dashboards/two?city=..", person.token()).status());
            assertEquals(
                    422,
                    server.get("/dashboards/two?city=a&of=b", person.token()).status());
            var none = server.get("/dashboards/none", person.token());
            assertEquals(404, none.status());
            assertEquals("Dashboard not found", none.json().get("detail").asText());
        }
    }

    @Test
    void aLatePartHasItsDefaultAndTheOthersAreThere() {
        try (var upstream = FakeUpstream.start((request, out) -> {
                    if (request.target().startsWith("/left")) {
                        request.awaitHangUp();
                    }
                    out.write(FakeUpstream.ok("[7]"));
                });
                var server = server(upstream)) {
            var token = server.person().token();
            var reply = server.get("/dashboards/two?city=x", token);
            assertEquals(200, reply.status());
            assertEquals("{\"a\":[1]}", reply.json().get("left").toString());
            assertEquals("[7]", reply.json().get("right").toString());
            assertEquals("timeout", status(reply, "left"));
            assertEquals("ok", status(reply, "right"));
            assertTrue(reply.json().at("/parts/left/ms").asInt() >= 990, reply.text());
            assertEquals("false", complete(reply));
            var timing = reply.header("Server-Timing").orElseThrow();
            assertTrue(timing.contains("left;desc=\"timeout\";dur=") && timing.contains("right;dur="), timing);
            for (var all : List.of("all", "left", "right,left")) {
                var late = server.get("/dashboards/two?city=x&require=" + all, token);
                assertEquals(504, late.status(), late.text());
                assertEquals("part-timeout", late.json().get("code").asText());
                assertTrue(late.json().get("detail").asText().contains("left (timeout)"), late.text());
            }
            assertEquals(
                    200,
                    server.get("/dashboards/two?city=x&require=right", token).status());
            for (var wrong : List.of("nobody", "right,nobody", "", "right,", "ALL", "all,right")) {
                assertEquals(
                        422,
                        server.get("/dashboards/two?city=x&require=" + wrong, token)
                                .status(),
                        wrong);
            }
        }
    }

    @Test
    void aShortDeadlineGetsWhatIsThereByThen() {
        try (var upstream = FakeUpstream.silent();
                var server = server(upstream)) {
            var person = server.person();
            server.task(person, "{\"title\": \"Quick\"}");
            assertEquals(200, server.get("/dashboard", person.token()).status(), "what a first request costs is paid");
            long began = System.nanoTime();
            var reply = server.send("GET", "/dashboards/mixed?city=x", person.token(), null, "Request-Timeout", "1.5");
            var took = Duration.ofNanos(System.nanoTime() - began);
            assertEquals(200, reply.status(), reply.text());
            assertTrue(took.toMillis() < 4500, took::toString);
            assertEquals("Quick", reply.json().at("/mine/0/title").asText());
            assertTrue(reply.json().get("far").isNull());
            assertEquals("timeout", status(reply, "far"));
        }
    }

    @Test
    void aPartThatCannotBeReachedIsAnErrorAndLaterUnavailable() {
        try (var upstream = FakeUpstream.json("{}");
                var server = server(upstream)) {
            var token = server.person().token();
            var reply = server.get("/dashboards/gone", token);
            assertEquals("error", status(reply, "gone"));
            assertEquals("{}", reply.json().get("gone").toString());
            var missing = server.get("/dashboards/gone?require=gone", token);
            assertEquals(502, missing.status());
            assertEquals("part-missing", missing.json().get("code").asText());
            for (int i = 0; i < 8; i++) {
                assertEquals("error", status(server.get("/dashboards/gone", token), "gone"));
            }
            assertEquals("unavailable", status(server.get("/dashboards/gone", token), "gone"));
            var unavailable = server.get("/dashboards/gone?require=all", token);
            assertEquals(503, unavailable.status());
            assertEquals("part-unavailable", unavailable.json().get("code").asText());
            assertTrue(unavailable.header("Retry-After").isPresent());
            assertTrue(server.operations("/metrics")
                    .text()
                    .contains("heddle_dashboard_parts_total{dashboard=\"gone\",part=\"gone\",status=\"error\"} 10.0"));
        }
    }

    @Test
    void aBrokenSourceIsAnErrorInTheAnswerAndInTheLog() {
        try (var server = TestServer.start()) {
            var person = server.person();
            server.task(person, "{\"title\": \"Still here\"}");
            server.awaitJobs();
            try (var log = server.log("dev.heddle.http");
                    var _ = new Psql(server.schema()).gone("stats")) {
                var reply = server.send("GET", "/dashboard", person.token(), null, "X-Request-Id", "broken-1");
                assertEquals(200, reply.status(), reply.text());
                assertEquals("error", status(reply, "stats"));
                assertEquals("{}", reply.json().get("stats").toString());
                assertEquals("ok", status(reply, "tasks"));
                assertEquals("Still here", reply.json().at("/tasks/0/title").asText());
                assertEquals("false", complete(reply));
                assertFalse(reply.text().contains("relation"));
                log.awaitLine("broken-1");
                assertEquals(
                        List.of("request broken-1: database-error"),
                        log.lines().stream()
                                .filter(line -> line.level().equals("error"))
                                .map(ServerLog.Line::message)
                                .toList());
                assertEquals(
                        502,
                        server.get("/dashboard?require=stats", person.token()).status());
                assertEquals(
                        200,
                        server.get("/dashboard?require=tasks", person.token()).status());
            }
            assertEquals("ok", status(server.get("/dashboard", person.token()), "stats"));
        }
    }
}
