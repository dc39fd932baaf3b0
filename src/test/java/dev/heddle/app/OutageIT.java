package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.Forwarder;
import dev.heddle.testing.TestPostgres;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The database goes away and comes back, seen from outside the server. */
class OutageIT {

    /** The gate's wait, a connection attempt and some air: a request during an outage takes no longer. */
    private static final Duration ANSWER_MAX = Duration.ofMillis(2500);

    private Forwarder network;
    private TestServer server;
    private TestServer.Person person;

    @BeforeEach
    void startBehindANetworkThatCanBeSpoilt() {
        var url = TestPostgres.url(TestPostgres.newSchema());
        network = new Forwarder(URI.create(url.substring("jdbc:".length())).getPort());
        server = TestServer.start(Map.of(
                "DATABASE_URL", url.replaceFirst(":\\d+/", ":" + network.port() + "/"), "DATABASE_GATE_WAIT", "500ms"));
        person = server.person();
    }

    @AfterEach
    void stop() {
        server.close();
        network.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = Forwarder.Mode.class,
            names = {"REFUSE", "RESET"})
    void anOutageIsAPrompt503AndNotReadyAndEndsByItself(Forwarder.Mode outage) {
        var before = server.task(person, "{\"title\": \"before\"}");
        network.mode(outage);
        for (int i = 0; i < 5; i++) {
            long start = System.nanoTime();
            var reply = server.get("/tasks", person.token());
            assertEquals(503, reply.status(), reply.text());
            assertTrue(reply.header("Retry-After").isPresent());
            assertEquals(
                    "application/problem+json", reply.header("Content-Type").orElseThrow());
            assertTrue(System.nanoTime() - start < ANSWER_MAX.toNanos(), "took too long");
        }
        assertEquals(503, server.operations("/health/ready").status());
        assertEquals(200, server.operations("/health/live").status());
        network.mode(Forwarder.Mode.FORWARD);
        await().atMost(Duration.ofSeconds(10))
                .until(() -> server.operations("/health/ready").status() == 200);
        await().atMost(Duration.ofSeconds(10))
                .until(() -> server.get("/tasks", person.token()).status() == 200);
        assertEquals(before, server.get("/tasks", person.token()).json().get(0));
    }

    @ParameterizedTest
    @EnumSource(value = Forwarder.Mode.class, names = "BLACK_HOLE")
    void aDatabaseThatHangsEndsRequestsAtTheirDeadlineAndNothingIsLeftOver(Forwarder.Mode outage) {
        server.task(person, "{\"title\": \"before\"}");
        network.mode(outage);
        IntStream.range(0, 8).parallel().forEach(i -> {
            long start = System.nanoTime();
            var reply = server.send("GET", "/tasks", person.token(), null, "Request-Timeout", "0.5");
            assertEquals(503, reply.status(), reply.text());
            assertTrue(System.nanoTime() - start < ANSWER_MAX.toNanos(), "took too long");
        });
        network.mode(Forwarder.Mode.FORWARD);
        await().atMost(Duration.ofSeconds(15))
                .until(() -> server.get("/tasks", person.token()).status() == 200);
        await().until(() ->
                server.operations("/metrics").text().contains("heddle_database_gate_inside{pool=\"requests\"} 0.0"));
    }
}
