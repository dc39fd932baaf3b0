package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.client.HttpUrl;
import dev.heddle.client.Origin;
import dev.heddle.connection.Network;
import dev.heddle.upstream.Template;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The sections in which operators choose names, and the one that belongs to them. */
class SettingsFamiliesTest {
    private static final long PLENTY_OF_FILES = 1_000_000;
    private static final String HIDDEN = "hunter2";
    private static final String WEATHER = "upstreams:\n  weather:\n    url: https://api.weather.example/v1\n";
    private static final String MORNING = "dashboards:\n  morning:\n    tasks:\n      source: tasks\n";

    @TempDir
    private Path folder;

    private final Map<String, String> environment = new HashMap<>();
    private final Properties properties = new Properties();

    @Test
    void anUpstreamNeedsNothingButItsAddress() {
        assertEquals(
                new Settings.Upstream(
                        url("https://api.weather.example/v1"),
                        null,
                        100,
                        20,
                        1000,
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30),
                        1 << 20,
                        Duration.ZERO,
                        Duration.ofHours(1),
                        Duration.ofSeconds(10),
                        Map.of()),
                upstream(read(WEATHER)));
    }

    @Test
    void everyKeyOfAnUpstreamIsItsOwn() {
        var upstream = upstream(read("""
            upstreams:
              weather:
                url: http://10.0.0.1:8080
                api-key: hunter2
                max-connections: 1
                kept-connections: 0
                queue: 2
                queue-wait: 10ms
                connect-timeout: 11ms
                read-timeout: 12ms
                timeout: 13ms
                max-body-size: 1KiB
                cache-for: 24h
                stale-if-error: 720h
                breaker-pause: 100ms
                resources:
                  current: /current?city={city}
                  alerts: /alerts
            """));
        assertEquals(
                new Settings.Upstream(
                        url("http://10.0.0.1:8080"),
                        new Settings.Secret(HIDDEN),
                        1,
                        0,
                        2,
                        Duration.ofMillis(10),
                        Duration.ofMillis(11),
                        Duration.ofMillis(12),
                        Duration.ofMillis(13),
                        1024,
                        Duration.ofDays(1),
                        Duration.ofDays(30),
                        Duration.ofMillis(100),
                        upstream.resources()),
                upstream);
        assertEquals(
                List.of("current", "alerts"), List.copyOf(upstream.resources().keySet()));
        assertEquals(
                List.of("city"),
                List.copyOf(Objects.requireNonNull(upstream.resources().get("current"))
                        .names()));
    }

    @ParameterizedTest
    @CsvSource({
        "max-connections, 0, 1001",
        "kept-connections, -1, 1001",
        "queue, -1, 100001",
        "queue-wait, 9ms, 31s",
        "connect-timeout, 9ms, 31s",
        "read-timeout, 9ms, 301s",
        "timeout, 9ms, 301s",
        "max-body-size, 1023B, 17MiB",
        "cache-for, -1s, 25h",
        "stale-if-error, -1s, 721h",
        "breaker-pause, 99ms, 61m",
    })
    void aValueOutsideItsRangeIsRefused(String key, String below, String above) {
        for (var written : List.of(below, above)) {
            var complaints = complaints(WEATHER + "    " + key + ": " + written + "\n");
            assertEquals(1, complaints.size(), complaints::toString);
            assertTrue(complaints.getFirst().startsWith("upstreams.weather." + key + ": must be "));
            assertTrue(complaints.getFirst().endsWith("found \"" + written + "\" (FILE:4)"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "max-connections, 1000",
        "kept-connections, 100",
        "queue, 100000",
        "queue-wait, 30s",
        "connect-timeout, 30s",
        "read-timeout, 5m",
        "timeout, 5m",
        "max-body-size, 16MiB",
        "breaker-pause, 1h",
    })
    void theLargestValueIsAllowed(String key, String written) {
        var settings = read(WEATHER + "    " + key + ": " + written + "\n");
        assertTrue(settings.describe().contains("upstreams.weather." + key + " = " + written + "  (" + file() + ":4)"));
    }

    @Test
    void anUpstreamWithoutAnAddressIsRefused() {
        assertComplaints(
                "upstreams:\n  weather: {queue: 1}\n  news: {}\n",
                "upstreams.weather.url: is missing; there is no default (FILE:2)",
                "upstreams.news.url: is missing; there is no default (FILE:3)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://api.example/hunter2/",
                "https://hunter2.example/",
                "https://api.example/v1?key=hunter2",
                "https://me:hunter2@api.example",
                "https://api.example/../hunter2",
                "ftp://hunter2.example",
                "hunter2.example",
            })
    void anAddressWithMoreOrLessThanAPathIsRefusedAndNotShown(String url) {
        assertComplaints(
                "upstreams: {weather: {url: '" + url + "'}}",
                "upstreams.weather.url: must be like https://api.example.org or http://10.0.0.1:8080/v1: a scheme,"
                        + " a host, perhaps a port and a path; no user, no password, no query and no slash at the end"
                        + " (FILE:1)");
    }

    @Test
    void noMoreConnectionsAreKeptThanThereMayBe() {
        assertComplaints(
                WEATHER + "    max-connections: 19\n",
                "upstreams.weather.kept-connections: must not be more than max-connections, 19 (FILE:4); found 20"
                        + " (default)");
        assertEquals(20, upstream(read(WEATHER + "    max-connections: 20\n")).keptConnections());
    }

    @Test
    void aResourceIsAPath() {
        assertComplaints(
                WEATHER + "    resources:\n      now: https://me:hunter2@api.example/now\n      then: /{Then}\n",
                "upstreams.weather.resources.now: must be a path that starts with a slash, perhaps with a query, and"
                        + " with places for values as in /current?city={city}; a place is not called require (FILE:5)",
                "upstreams.weather.resources.then: must be a path that starts with a slash, perhaps with a query, and"
                        + " with places for values as in /current?city={city}; a place is not called require (FILE:6)");
    }

    @Test
    void whatThePathsOfTheContractAreMadeOfTakesTheirValuesOnly() {
        assertComplaints(
                WEATHER + "    resources:\n      weather: /current?place={place}\n      slow-external: /{city}\n",
                "upstreams.weather.resources.weather: must have no place but city, because a path of the API is made of"
                        + " it (FILE:5)",
                "upstreams.weather.resources.slow-external: must have no places, because a path of the API is made of"
                        + " it (FILE:6)");
    }

    @Test
    void aPlaceCannotBeCalledLikeAParameterOfDashboards() {
        assertComplaints(
                WEATHER + "    resources:\n      now: /{require}\n",
                "upstreams.weather.resources.now: must be a path that starts with a slash, perhaps with a query, and"
                        + " with places for values as in /current?city={city}; a place is not called require (FILE:5)");
    }

    @Test
    void twoUpstreamsCannotHaveAResourceOfOneName() {
        assertComplaints(
                """
                upstreams:
                  one: {url: https://one.example, resources: {weather: /weather}}
                  two: {url: https://two.example, resources: {weather: /weather}}
                """,
                "upstreams.two.resources.weather: needs a name of its own; there is upstreams.one.resources.weather"
                        + " (FILE:2) (FILE:3)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"tasks", "notifications", "stats", "users", "activity", "Now", "a_b", "1a", "\"\"", "a.b"})
    void aResourceHasANameThatNothingElseHas(String name) {
        assertComplaints(
                WEATHER + "    resources:\n      " + name + ": /now\n",
                "upstreams.weather.resources." + name.replace("\"", "")
                        + ": must be a name of lower-case letters, digits and dashes, 40 at most, a letter first, and"
                        + " not tasks, notifications, stats, users, activity (FILE:5)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Weather", "a_b", "1a", "-a", "a b", "ä", "\"\"", "api.example", "\"*\""})
    void anUpstreamAndADashboardHaveNamesThatFitIntoAVariable(String name) {
        var rule = ": must be a name of lower-case letters, digits and dashes, 40 at most, a letter first (FILE:2)";
        var shown = name.replace("\"", "");
        assertComplaints("upstreams:\n  " + name + ": {url: hunter2}\n", "upstreams." + shown + rule);
        assertComplaints("dashboards:\n  " + name + ": {tasks: {sorce: 1}}\n", "dashboards." + shown + rule);
    }

    @ParameterizedTest
    @ValueSource(strings = {"parts", "all", "Tasks", "a-b", "_a"})
    void aPartHasANameThatCanBeAMember(String name) {
        assertComplaints(
                "dashboards:\n  morning:\n    " + name + ": {source: tasks}\n",
                "dashboards.morning." + name + ": must be a name of lower-case letters, digits and underscores,"
                        + " 40 at most, a letter first, and not parts, all (FILE:3)");
    }

    @Test
    void aNameHasAtMostFortyLetters() {
        var longest = "a".repeat(40);
        var written = "upstreams: {NAME: {url: 'https://a', resources: {NAME: /}}}\n"
                + "dashboards: {NAME: {NAME: {source: NAME}}}\n";
        assertTrue(read(written.replace("NAME", longest)).upstreams().containsKey(longest));
        assertEquals(2, complaints(written.replace("NAME", longest + "a")).size());
        assertEquals(
                1,
                complaints(written.replaceFirst("resources: \\{NAME", "resources: {" + longest + "a")
                                .replace("NAME", longest))
                        .size());
        assertEquals(
                1,
                complaints("dashboards: {a: {" + longest + "a: {source: tasks}}}")
                        .size());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        50  | upstreams.          | {url: 'https://a'}
        50  | dashboards.         | {tasks: {source: tasks}}
        100 | upstreams.a.resources. | /
        16  | dashboards.a.       | {source: tasks}
        """)
    void aSectionHasAtMostSoManyNames(int most, String prefix, String value) {
        var rest = prefix.startsWith("upstreams.a") ? "upstreams.a.url: https://a\n" : "";
        assertFalse(read(rest + many(most, prefix, value)).describe().isEmpty());
        assertComplaints(
                rest + many(most + 1, prefix, value),
                prefix + "n" + (most + 1) + ": is one too many; " + most + " are allowed (FILE:"
                        + (most + 1 + rest.lines().count()) + ")");
    }

    private static String many(int count, String prefix, String value) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(number -> prefix + "n" + number + ": " + value + "\n")
                .collect(Collectors.joining());
    }

    @Test
    void sectionsOfNamesMayBeEmpty() {
        var settings = read("upstreams: {}\ndashboards: {}\n");
        assertEquals(Map.of(), settings.upstreams());
        assertEquals(2, settings.dashboards().size());
        assertEquals(Map.of(), upstream(read(WEATHER + "    resources: {}\n")).resources());
    }

    @Test
    void aSectionThatNeedsKeysAndHasNoneIsRefused() {
        assertComplaints(
                "upstreams:\n  weather:\n  news: https://me:hunter2@news.example\ndashboards:\n",
                "upstreams.weather: is a section and needs keys below it, or must go (FILE:2)",
                "upstreams.news: is a section and needs keys below it, or must go (FILE:3)",
                "dashboards: is a section and needs keys below it, or must go (FILE:4)");
        assertComplaints(
                "dashboards:\n  morning: {}\n  evening: {tasks: {}}\n",
                "dashboards.morning: needs parts, 1 to 16 (FILE:2)",
                "dashboards.evening.tasks.source: is missing; there is no default (FILE:3)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        upstream: {weather: {url: 'https://a'}}  | upstream: is not a known key; did you mean `upstreams`? (FILE:1)
        upstreams: {weather: {url: 'https://a', quue: 1}} | upstreams.weather.quue: is not a known key; did you mean `upstreams.weather.queue`? (FILE:1)
        upstreams: {weather: {url: 'https://a', resorces: {}}} | upstreams.weather.resorces: is not a known key; did you mean `upstreams.weather.resources`? (FILE:1)
        upstreams: {weather: {url: 'https://a', resources: {now: {path: /}}}} | upstreams.weather.resources.now: needs a single value, not a list or a section (FILE:1)
        dashboards: {morning: {tasks: {source: tasks, defalt: 1}}} | dashboards.morning.tasks.defalt: is not a known key; did you mean `dashboards.morning.tasks.default`? (FILE:1)
        batch: {alow: x}                         | batch.alow: is not a known key; did you mean `batch.allow`? (FILE:1)
        breaker-pause: 1s                        | breaker-pause: is not a known key; did you mean `upstreams.*.breaker-pause`? (FILE:1)
        x: 1                                     | x: is not a known key (FILE:1)
        """)
    void anUnknownKeyIsRefusedWithTheOneThatWasMeant(String yaml, String complaint) {
        assertComplaints(yaml, complaint);
    }

    @Test
    void anythingGivenTwiceIsRefused() {
        assertComplaints(
                WEATHER + "    url: https://b\n  weather: {}\nupstreams.weather.url: https://c\n",
                "upstreams.weather.url: is given twice, first in line 3 (FILE:4)",
                "upstreams.weather: is given twice, first in line 2 (FILE:5)",
                "upstreams.weather.url: is given twice, first in line 3 (FILE:6)");
    }

    @Test
    void aNameMayStandInAKeyWithDots() {
        assertEquals(
                url("https://a"),
                upstream(read("upstreams.weather.url: https://a\n")).url());
    }

    @Test
    void aPropertyBeatsTheEnvironmentBeatsTheFile() {
        environment.put("UPSTREAMS_WEATHER_URL", "https://b");
        environment.put("UPSTREAMS_WEATHER_QUEUE", "5");
        environment.put("UPSTREAMS_WEATHER_RESOURCES_NOW_AND_THEN", "/b");
        environment.put("DASHBOARDS_MORNING_TASKS_TIMEOUT", "4s");
        environment.put("DASHBOARDS_DASHBOARD_STATS_TIMEOUT", "6s");
        environment.put("BATCH_ALLOW", "https://c");
        properties.setProperty("upstreams.weather.url", "https://c");
        properties.setProperty("upstreams.weather.resources.alerts", "/c");
        var settings = read(WEATHER + "    resources: {now-and-then: /a, alerts: /a}\n" + MORNING);
        var upstream = upstream(settings);
        assertEquals(url("https://c"), upstream.url());
        assertEquals(5, upstream.queue());
        assertEquals(
                "/b",
                Objects.requireNonNull(upstream.resources().get("now-and-then")).fill(Map.of()));
        assertEquals(
                "/c", Objects.requireNonNull(upstream.resources().get("alerts")).fill(Map.of()));
        assertEquals(Duration.ofSeconds(4), part(settings, "morning", "tasks").timeout());
        assertEquals(Duration.ofSeconds(6), part(settings, "dashboard", "stats").timeout());
        assertEquals(List.of(origin("https://c")), settings.batch().allow());
    }

    @Test
    void whatIsMissingInTheFileMayComeFromOutside() {
        environment.put("UPSTREAMS_WEATHER_URL", "https://b");
        properties.setProperty("dashboards.morning.tasks.source", "users");
        var settings = read("upstreams: {weather: {}}\ndashboards: {morning: {tasks: {}}}\n");
        assertEquals(url("https://b"), upstream(settings).url());
        assertEquals("users", part(settings, "morning", "tasks").source());
    }

    @Test
    void aPropertyOfWhatTheFileDoesNotNameIsRefused() {
        properties.setProperty("upstreams.news.url", "https://me:hunter2@b");
        properties.setProperty("upstreams.wether.url", "https://b");
        properties.setProperty("upstreams.weather.urls", "https://b");
        properties.setProperty("upstreams.weather.resources.now", "/b");
        properties.setProperty("dashboards.morning.users.source", "users");
        properties.setProperty("batch.alow", "https://b");
        var unnamed = "is not a known key, because the file does not name it";
        assertComplaints(
                WEATHER + MORNING,
                "batch.alow: is not a known key; did you mean `batch.allow`? (-Dbatch.alow)",
                "dashboards.morning.users.source: " + unnamed + " (-Ddashboards.morning.users.source)",
                "upstreams.news.url: " + unnamed + " (-Dupstreams.news.url)",
                "upstreams.weather.resources.now: " + unnamed + " (-Dupstreams.weather.resources.now)",
                "upstreams.weather.urls: is not a known key; did you mean `upstreams.weather.url`?"
                        + " (-Dupstreams.weather.urls)",
                "upstreams.wether.url: " + unnamed + "; did you mean `upstreams.weather.url`?"
                        + " (-Dupstreams.wether.url)");
    }

    @Test
    void aPropertyIsNotBlamedForAFileThatCannotBeUnderstood() {
        properties.setProperty("upstreams.weather.url", "https://b");
        assertComplaints(
                "upstreams: [", "FILE:1: this is not valid YAML; check indentation (no tabs), colons and quotes");
        assertComplaints(
                "upstreams: [weather]\ndashboards: {a: {b: {source: now}}}\n",
                "upstreams: is a section and needs keys below it, or must go (FILE:1)");
    }

    @Test
    void aVariableThatTwoNamesShareIsRefused() {
        var two = """
            upstreams:
              a: {url: https://a}
              a-connect: {url: https://b}
            """;
        assertEquals(2, read(two).upstreams().size());
        environment.put("UPSTREAMS_A_CONNECT_TIMEOUT", "3s");
        assertComplaints(
                two,
                "upstreams.a-connect.timeout: must be set in another way, because upstreams.a.connect-timeout has the"
                        + " same variable (environment variable UPSTREAMS_A_CONNECT_TIMEOUT)");
    }

    @Test
    void anApiKeyComesFromAFileToo() throws IOException {
        environment.put(
                "UPSTREAMS_WEATHER_API_KEY_FILE",
                Files.writeString(folder.resolve("key"), HIDDEN + "\n").toString());
        var settings = read(WEATHER);
        assertEquals(new Settings.Secret(HIDDEN), upstream(settings).apiKey());
        assertFalse(settings.toString().contains(HIDDEN));
        assertTrue(settings.describe()
                .contains("upstreams.weather.api-key = ***  (file named by UPSTREAMS_WEATHER_API_KEY_FILE)"));
        environment.put("UPSTREAMS_WEATHER_API_KEY", HIDDEN);
        assertComplaints(
                WEATHER,
                "upstreams.weather.api-key: must be given once"
                        + " (environment variables UPSTREAMS_WEATHER_API_KEY and UPSTREAMS_WEATHER_API_KEY_FILE)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"hunter2schlüssel", "hunter2 two", "hunter2\\n", "hunter2\\u0000"})
    void aKeyIsWhatCanBeSentInAHeader(String key) {
        assertComplaints(
                WEATHER + "    api-key: \"" + key + "\"\n",
                "upstreams.weather.api-key: must be of ASCII's letters, digits and signs only, without spaces"
                        + " (FILE:4)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "upstreams: {weather: {api-key: [hunter2]}}",
                "upstreams: {weather: {apikey: hunter2}}",
                "upstreams: {weather: {api-key: hunter2, url: x}}",
                "upstreams: {weather: {api-key: hunter2é, url: 'https://a'}}",
                "upstreams: {Weather: {api-key: hunter2}}",
                "upstreams: {weather: hunter2}",
                "upstreams: {weather: {resources: hunter2}}",
                "batch: {allow: 'https://me:hunter2@a'}",
                "batch: {private-networks: hunter2}",
            })
    void aSecretIsInNoComplaint(String yaml) {
        var refused = refusal(yaml);
        assertFalse(refused.toString().contains(HIDDEN), refused::toString);
    }

    @Test
    void twoDashboardsAreThereWithoutBeingWritten() {
        var tasks = new Settings.Part("tasks", Duration.ofSeconds(2), "[]");
        var stats = new Settings.Part("stats", Duration.ofSeconds(1), "{}");
        var dashboards = read("").dashboards();
        assertEquals(
                List.of(
                        Map.entry("tasks", tasks),
                        Map.entry("notifications", new Settings.Part("notifications", Duration.ofSeconds(2), "[]")),
                        Map.entry("stats", stats)),
                entries(dashboards, "dashboard"));
        assertEquals(
                List.of(
                        Map.entry("tasks", tasks),
                        Map.entry("users", new Settings.Part("users", Duration.ofSeconds(3), "[]")),
                        Map.entry("stats", stats)),
                entries(dashboards, "aggregate"));
    }

    @Test
    void aDashboardThatIsWrittenReplacesTheOneOfItsName() {
        var settings = read("dashboards: {aggregate: {users: {source: activity}}}");
        assertEquals(
                List.of(Map.entry("users", new Settings.Part("activity", Duration.ofSeconds(2), "null"))),
                entries(settings.dashboards(), "aggregate"));
        assertEquals(3, entries(settings.dashboards(), "dashboard").size());
        properties.setProperty("dashboards.aggregate.tasks.timeout", "1s");
        assertEquals(
                1,
                complaints("dashboards: {aggregate: {users: {source: activity}}}")
                        .size());
    }

    @Test
    void dashboardsAndTheirPartsKeepTheOrderOfTheFile() {
        var settings = read("""
            dashboards:
              zebra:
                z: {source: tasks}
                a: {source: users}
                m: {source: stats}
              ant: {a: {source: tasks}}
            """);
        assertEquals(
                List.of("zebra", "ant", "dashboard", "aggregate"),
                List.copyOf(settings.dashboards().keySet()));
        assertEquals(
                List.of("z", "a", "m"),
                entries(settings.dashboards(), "zebra").stream()
                        .map(Map.Entry::getKey)
                        .toList());
    }

    @Test
    void theDescriptionHoldsEveryKeyInForce() {
        var lines = read(WEATHER + "    resources: {now: /now}\ndashboards.dashboard.a.source: now\n")
                .describe();
        assertEquals(
                List.of(
                        "upstreams.weather.url = https://api.weather.example/v1  (" + file() + ":3)",
                        "upstreams.weather.api-key = -  (not set)",
                        "upstreams.weather.max-connections = 100  (default)"),
                lines.stream()
                        .filter(line -> line.startsWith("upstreams."))
                        .limit(3)
                        .toList());
        assertEquals(
                List.of(
                        "upstreams.weather.breaker-pause = 10s  (default)",
                        "upstreams.weather.resources.now = /now  (" + file() + ":4)",
                        "dashboards.dashboard.a.source = now  (" + file() + ":5)",
                        "dashboards.dashboard.a.timeout = 2s  (default)",
                        "dashboards.dashboard.a.default = null  (default)",
                        "dashboards.aggregate.tasks.source = tasks  (default)",
                        "dashboards.aggregate.tasks.timeout = 2s  (default)",
                        "dashboards.aggregate.tasks.default = []  (default)"),
                lines.stream()
                        .dropWhile(line -> !line.startsWith("upstreams.weather.breaker-pause"))
                        .limit(8)
                        .toList());
    }

    @Test
    void aSourceIsOneOfOursOrAResource() {
        var rule = "must be tasks, notifications, stats, users, activity or the name of a resource";
        assertEquals(
                "now",
                part(
                                read("dashboards: {morning: {now: {source: now}}}\n" + WEATHER
                                        + "    resources: {now: /}\n"),
                                "morning",
                                "now")
                        .source());
        assertComplaints(
                "dashboards:\n  morning:\n    a: {source: task}\n    b: {source: weather}\n    c: {source: No}\n",
                "dashboards.morning.c.source: " + rule + "; found \"No\" (FILE:5)",
                "dashboards.morning.a.source: " + rule + "; did you mean `tasks`?; found \"task\" (FILE:3)",
                "dashboards.morning.b.source: " + rule + "; found \"weather\" (FILE:4)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
        []                        | []
        {}                        | {}
        [ ]                       | []
        null                      | null
        "null"                    | null
        true                      | true
        0                         | 0
        1.50                      | 1.50
        1e400                     | 1E+400
        '"none"'                  | "none"
        '{"a": [1, {"b": null}]}' | {"a":[1,{"b":null}]}
        """)
    void aDefaultIsOneDocumentOfJson(String written, String compact) {
        assertEquals(
                compact,
                part(read(MORNING + "      default: " + written + "\n"), "morning", "tasks")
                        .fallback());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "none",
                "'[] []'",
                "'[] x'",
                "'['",
                "\"'a'\"",
                "'{\"a\":1,\"a\":2}'",
                "'{a: 1}'",
                "NaN",
                "01",
                "'\"\\ud800\"'",
                "'{\"\\udc00\": 1}'"
            })
    void anyOtherDefaultIsRefused(String written) {
        var complaints = complaints(MORNING + "      default: " + written + "\n");
        assertEquals(1, complaints.size());
        assertTrue(complaints
                .getFirst()
                .startsWith(
                        "dashboards.morning.tasks.default: must be one JSON document such as \"[]\", in at most 4096"
                                + " characters and 32 levels, no name twice in an object; found"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
        [1]    | needs a single value, not a list or a section
        {a: 1} | needs a single value, not a list or a section
        ``     | must not be empty
        ~      | must not be empty
        ''     | must not be empty
        """)
    void aDefaultOfMoreThanNothingNeedsQuotes(String written, String what) {
        assertComplaints(
                MORNING + "      default: " + written + "\n",
                "dashboards.morning.tasks.default: " + what + " (FILE:5)");
    }

    @Test
    void aDefaultIsShortAndShallow() {
        var longest = MORNING + "      default: '\"" + "a".repeat(4094) + "\"'\n";
        assertEquals(4096, part(read(longest), "morning", "tasks").fallback().length());
        assertEquals(1, complaints(longest.replace("aa\"'", "aaa\"'")).size());
        var deepest = MORNING + "      default: '" + "[".repeat(32) + "]".repeat(32) + "'\n";
        assertEquals(64, part(read(deepest), "morning", "tasks").fallback().length());
        assertEquals(
                1, complaints(deepest.replace("'[", "'[[").replace("]'", "]]'")).size());
    }

    @Test
    void emptyYamlIsNoValueAnywhereElse() {
        assertComplaints(
                MORNING + "      timeout: []\nbatch: {allow: null}\n",
                "dashboards.morning.tasks.timeout: needs a single value, not a list or a section (FILE:5)",
                "batch.allow: must not be empty (FILE:6)");
    }

    @ParameterizedTest
    @CsvSource({"9ms", "301s", "2"})
    void aPartHasATimeInItsRange(String written) {
        assertEquals(1, complaints(MORNING + "      timeout: " + written + "\n").size());
    }

    @Test
    void whatABatchMayAskIsListedWithCommas() {
        var batch = read("""
            batch:
              allow: https://api.example.org, https://other.example:8443 ,http://third
              private-networks: 10.0.0.0/8,fc00::/7
              timeout: 10ms
              connect-timeout: 30s
            """).batch();
        assertEquals(
                new Settings.Batch(
                        List.of(
                                origin("https://api.example.org"),
                                origin("https://other.example:8443"),
                                origin("http://third")),
                        List.of(network("10.0.0.0/8"), network("fc00::/7")),
                        Duration.ofMillis(10),
                        Duration.ofSeconds(30)),
                batch);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"https://a,", ",https://a", "https://a https://b", "https://a/", "https://a/b", "a.example", "*"
            })
    void anythingButAnOriginIsRefused(String written) {
        assertComplaints(
                "batch: {allow: '" + written + "'}",
                "batch.allow: must be at most 100 origins such as https://api.example.org:8443, separated by commas"
                        + " (FILE:1)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "localhost/8", "10.0.0.0/8;11.0.0.0/8"})
    void anythingButABlockOfAddressesIsRefused(String written) {
        assertComplaints(
                "batch: {private-networks: '" + written + "'}",
                "batch.private-networks: must be at most 100 blocks of addresses such as 10.0.0.0/8, separated by"
                        + " commas (FILE:1)");
    }

    @Test
    void aListHasAtMostAHundredThings() {
        var hundred =
                IntStream.range(0, 100).mapToObj(number -> "https://a" + number).collect(Collectors.joining(","));
        assertEquals(
                100, read("batch: {allow: '" + hundred + "'}").batch().allow().size());
        assertEquals(
                1, complaints("batch: {allow: '" + hundred + ",https://b'}").size());
    }

    @ParameterizedTest
    @CsvSource({"timeout, 9ms", "timeout, 301s", "connect-timeout, 9ms", "connect-timeout, 31s"})
    void aBatchHasTimesInTheirRange(String key, String written) {
        assertEquals(1, complaints("batch: {" + key + ": " + written + "}").size());
    }

    /** The example is commented out line by line; whoever takes the signs away gets an upstream that changes nothing. */
    @Test
    void theDeliveredFileShowsEveryKeyOfAnUpstreamWithItsDefault() throws IOException {
        var example = Files.readString(Path.of("app.yaml"))
                .replaceAll("(?m)^( *)# ((upstreams|weather|resources):|[a-z-]+: \\S+)$", "$1$2");
        var written = example.substring(example.indexOf("\nupstreams:"), example.indexOf("\ndashboards:"));
        var settings = read(written);
        var lines = settings.describe().stream()
                .filter(line -> line.startsWith("upstreams.weather."))
                .toList();
        var keys = SettingsKey.ALL.stream()
                .filter(key -> key.name().startsWith("upstreams."))
                .toList();
        assertEquals(keys.size(), lines.size());
        for (var key : keys) {
            var line = lines.get(keys.indexOf(key));
            assertTrue(line.contains("(" + file() + ":"), line);
            assertTrue(key.fallback() == null || line.contains(" = " + key.fallback() + "  ("), line);
        }
    }

    @Test
    void theDeliveredFileExplainsEveryKeyOfAPartWithItsDefault() throws IOException {
        var text = Files.readString(Path.of("app.yaml"));
        var head = text.substring(text.indexOf("# Answers put together"), text.indexOf("\ndashboards:"));
        for (var key : List.of(SettingsKey.PART_SOURCE, SettingsKey.PART_TIMEOUT, SettingsKey.PART_DEFAULT)) {
            var last = key.name().substring(key.name().lastIndexOf('.') + 1);
            var line = head.lines()
                    .filter(explained -> explained.startsWith("#   " + last + " "))
                    .findFirst()
                    .orElse("");
            assertTrue(
                    line.contains(key.fallback() == null ? "No default; required." : "Default " + key.fallback()),
                    last);
        }
        assertEquals(
                3,
                SettingsKey.ALL.stream()
                        .filter(key -> key.name().startsWith("dashboards."))
                        .count());
    }

    @Test
    void recordsRefuseWhatTheReaderWouldRefuse() {
        var good = read(WEATHER + "    resources: {now: /}\n");
        var upstream = upstream(good);
        var part = new Settings.Part("now", Duration.ofSeconds(1), "[]");
        assertRefused(() -> new Settings.Part("No", Duration.ofSeconds(1), "[]"));
        assertRefused(() -> new Settings.Part("now", Duration.ZERO, "[]"));
        assertRefused(() -> new Settings.Part("now", Duration.ofSeconds(1), "["));
        assertRefused(() -> new Settings.Dashboard(Map.of()));
        assertRefused(() -> new Settings.Dashboard(Map.of("parts", part)));
        assertRefused(() -> new Settings.Batch(List.of(), List.of(), Duration.ZERO, Duration.ofSeconds(1)));
        assertRefused(() -> upstream(upstream, "https://a/", 1, Map.of()));
        assertRefused(() -> upstream(upstream, "https://a", 101, Map.of()));
        assertRefused(() -> upstream(upstream, "https://a", 1, Map.of("tasks", template("/"))));
        assertEquals(
                1,
                with(good, Map.of("a", upstream), Map.of("a", part)).upstreams().size());
        assertRefused(() -> with(good, Map.of(), Map.of("a", part)));
        assertRefused(() -> with(good, Map.of("a", upstream, "b", upstream), Map.of("a", part)));
        assertRefused(() -> with(good, Map.of("A", upstream), Map.of("a", part)));
    }

    private static Settings.Upstream upstream(
            Settings.Upstream like, String url, int kept, Map<String, Template> resources) {
        return new Settings.Upstream(
                url.endsWith("/") ? new HttpUrl(url("https://a").origin(), "/a/") : url(url),
                null,
                like.maxConnections(),
                kept,
                like.queue(),
                like.queueWait(),
                like.connectTimeout(),
                like.readTimeout(),
                like.timeout(),
                like.maxBodySize(),
                like.cacheFor(),
                like.staleIfError(),
                like.breakerPause(),
                resources);
    }

    private static Settings with(
            Settings like, Map<String, Settings.Upstream> upstreams, Map<String, Settings.Part> parts) {
        return new Settings(
                like.server(),
                like.edge(),
                like.admin(),
                like.data(),
                like.database(),
                like.jobs(),
                like.email(),
                upstreams,
                Map.of("morning", new Settings.Dashboard(parts)),
                like.batch(),
                like.files(),
                like.imports(),
                like.compute(),
                like.log(),
                List.of());
    }

    private static void assertRefused(Supplier<?> making) {
        assertThrows(IllegalArgumentException.class, making::get);
    }

    private static HttpUrl url(String text) {
        return HttpUrl.of(text).orElseThrow();
    }

    private static Origin origin(String text) {
        return Origin.of(text).orElseThrow();
    }

    private static Network network(String text) {
        return Network.of(text).orElseThrow();
    }

    private static Template template(String text) {
        return Template.of(text).orElseThrow();
    }

    private static Settings.Upstream upstream(Settings settings) {
        return Objects.requireNonNull(settings.upstreams().get("weather"));
    }

    private static Settings.Part part(Settings settings, String dashboard, String part) {
        return Objects.requireNonNull(
                Objects.requireNonNull(settings.dashboards().get(dashboard))
                        .parts()
                        .get(part));
    }

    private static List<Map.Entry<String, Settings.Part>> entries(
            Map<String, Settings.Dashboard> dashboards, String name) {
        return Optional.ofNullable(dashboards.get(name)).orElseThrow().parts().entrySet().stream()
                .map(entry -> Map.entry(entry.getKey(), entry.getValue()))
                .toList();
    }

    private Settings read(String yaml) {
        return SettingsReader.read(write(yaml), environment, properties, PLENTY_OF_FILES);
    }

    private SettingsException refusal(String yaml) {
        return assertThrows(SettingsException.class, () -> read(yaml));
    }

    /** What is wrong, with the path of the file put as FILE. */
    private List<String> complaints(String yaml) {
        return refusal(yaml).complaints().stream()
                .map(line -> line.replace(file().toString(), "FILE"))
                .toList();
    }

    private void assertComplaints(String yaml, String... expected) {
        assertEquals(String.join("\n", expected), String.join("\n", complaints(yaml)));
    }

    private Path file() {
        return folder.resolve("app.yaml");
    }

    private Path write(String yaml) {
        try {
            return Files.writeString(file(), yaml);
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
    }
}
