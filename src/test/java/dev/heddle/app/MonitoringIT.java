package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.testing.FakeUpstream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the dashboard, the alerts and the handbook say about metrics, held against a server that has them all. */
class MonitoringIT {

    private static final Path HANDBOOK = Path.of("docs/operations.md");
    private static final Path RULES = Path.of("deploy/prometheus-rules.yaml");
    private static final Path DASHBOARD = Path.of("deploy/grafana-dashboard.json");

    private static final Pattern OURS = Pattern.compile("\\b(?:heddle|http_server)_[a-z0-9_]+");
    private static final Pattern ANY = Pattern.compile("\\b(?:heddle|http_server|jvm|process)_[a-z0-9_]+");

    private static FakeUpstream elsewhere;
    private static TestServer server;
    private static String metrics;

    @BeforeAll
    static void start() {
        elsewhere = FakeUpstream.json("{}");
        server = TestServer.with("""
            upstreams:
              weather:
                url: %s
                cache-for: 1h
                resources:
                  weather: /{city}
            """.formatted(elsewhere.url()));
        server.get("/dashboard", server.adminToken());
        // Twice: what was kept is counted too.
        server.get("/weather/x", server.adminToken());
        server.get("/weather/x", server.adminToken());
        var person = server.person();
        server.task(person, "{\"title\": \"counted\"}");
        server.awaitJobs();
        // An attempt counts a moment after its job has gone.
        await().until(() -> server.operations("/metrics").text().contains("heddle_job_attempts_total{"));
        metrics = server.operations("/metrics").text();
    }

    @AfterAll
    static void stop() {
        server.close();
        elsewhere.close();
    }

    private static Set<String> found(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(MatchResult::group).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The names of families, as Prometheus has them: one for all that belongs to a histogram. */
    private static Set<String> families() {
        return metrics.lines()
                .filter(line -> line.startsWith("# TYPE "))
                .map(line -> line.split(" ", -1)[2])
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The names of samples. */
    private static Set<String> samples() {
        return metrics.lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.split("[{ ]", -1)[0])
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theHandbookExplainsEveryMetricOfHeddlesAndNoOther() throws IOException {
        var ours = families();
        ours.removeIf(name -> !OURS.matcher(name).matches());
        assertTrue(ours.size() > 30, ours::toString);
        assertEquals(
                ours,
                found(
                        Pattern.compile("(?<=^\\| `)(?:heddle|http_server)_[a-z0-9_]+", Pattern.MULTILINE),
                        Files.readString(HANDBOOK)));
    }

    @Test
    void theAlertsAskForWhatThereIs() throws IOException {
        assertAllThere(Files.readString(RULES));
    }

    @Test
    void theDashboardShowsWhatThereIs() throws IOException {
        var json = new ObjectMapper().readTree(DASHBOARD.toFile());
        assertTrue(json.at("/panels").size() > 10);
        json.at("/panels").forEach(panel -> assertTrue(panel.at("/targets").size() > 0, panel::toString));
        assertAllThere(json.toString());
    }

    @Test
    void theHandbookSaysWhatToDoAboutEachAlert() throws IOException {
        var alerts = found(Pattern.compile("(?<=alert: )\\w+"), Files.readString(RULES));
        assertTrue(alerts.size() > 5, alerts::toString);
        assertEquals(
                alerts, found(Pattern.compile("(?<=^\\| `)Heddle\\w+", Pattern.MULTILINE), Files.readString(HANDBOOK)));
    }

    private static void assertAllThere(String text) {
        var asked = found(ANY, text);
        assertTrue(asked.size() > 5, asked::toString);
        asked.removeAll(samples());
        assertEquals(Set.of(), asked);
    }
}
