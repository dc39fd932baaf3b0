package dev.heddle.app;

import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.Form;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Trains the image's cache: starts it as an operator does, asks everything that can be asked, and ends it, whereupon its JVM
 * writes down which classes it had loaded and linked, and which methods were busy. The build runs it, with the image to train
 * as {@code heddle.image}.
 */
final class ImageTraining {

    /** So often that methods of every request have a profile. More makes the cache larger and no start faster. */
    private static final int ROUNDS = 20;

    /** Writing the cache takes seconds on a quiet machine. */
    private static final Duration CACHE_WRITTEN_MAX = Duration.ofMinutes(5);

    private static final Pattern OPERATION = Pattern.compile("^  (/.*):$|^    (get|post|put|patch|delete):$");

    private static final String MERGE_PATCH = "application/merge-patch+json";

    private final TestServer server;
    private final String url;

    private ImageTraining(TestServer server, String url) {
        this.server = server;
        this.url = url;
    }

    /**
     * Makes the cache and the list of the jars that it is made of.
     *
     * @throws IllegalStateException when it cannot be made, or when there is a route that it knows nothing of
     */
    public static void main(String[] words) throws IOException, InterruptedException {
        var library = HeddleProcess.IMAGE.orElseThrow().resolve("lib");
        writeClassPath(library);
        // As seen from here: the options are words, and the path of the image may have blanks.
        var cache = Path.of("").toAbsolutePath().relativize(library.resolve("heddle.aot"));
        try (var upstream = FakeUpstream.json("{\"celsius\": 7}");
                var server = TestServer.with(yaml(upstream.url()), options(upstream.url(), cache))) {
            var training = new ImageTraining(server, upstream.url());
            for (int i = 0; i < ROUNDS; i++) {
                training.round(server.person("admin", "read", "write", "admin"));
            }
            server.awaitJobs();
            training.refuseRoutesThatWereNotAsked();
            server.process().terminate();
            int exit = server.process().awaitExit(CACHE_WRITTEN_MAX);
            if (exit != 0 || !Files.isRegularFile(cache)) {
                throw new IllegalStateException(
                        "no cache, exit " + exit + ": " + server.process().output());
            }
        }
        // The PostgreSQL of the tests ends with this JVM.
        System.exit(0);
    }

    /** The jars in their order, each with its size, by which the launcher knows them again. */
    private static void writeClassPath(Path library) throws IOException {
        var lines = new ArrayList<String>();
        try (var jars = Files.newDirectoryStream(library, "*.jar")) {
            for (var jar : jars) {
                lines.add(Files.size(jar) + " " + jar.getFileName());
            }
        }
        lines.sort(Comparator.comparing(line -> line.substring(line.indexOf(' '))));
        Files.write(library.resolve("classpath"), lines);
    }

    private static String yaml(String url) {
        return """
            upstreams:
              weather:
                url: %s
                resources:
                  weather: /current/{city}
                  slow-external: /slow
            dashboards:
              morning:
                tasks:
                  source: tasks
                weather:
                  source: slow-external
            """.formatted(url);
    }

    private static Map<String, String> options(String url, Path cache) {
        return Map.of(
                "HEDDLE_JAVA_OPTS",
                "-XX:AOTCacheOutput=" + cache,
                "BATCH_ALLOW",
                url,
                "BATCH_PRIVATE_NETWORKS",
                "127.0.0.0/8",
                "DATABASE_POOL_SIZE",
                "16",
                "LOG_MAX_FILES",
                "8",
                // Where a process may have 1024 open files, as in builds of containers, the default is refused.
                "SERVER_MAX_CONNECTIONS",
                "256",
                // Counted, so that what counts is in the cache, and never reached.
                "RATE_LIMIT_TOKEN",
                "1000000",
                "RATE_LIMIT_ADDRESS",
                "1000000",
                "RATE_LIMIT_BAD_TOKENS",
                "1000000");
    }

    private void round(Person person) {
        documents();
        tasks(person);
        lists(person);
        composed(person);
        files(person);
        work(person);
        people(person);
        errors(person);
        server.operations("/health/ready");
        server.operations("/health/live");
        server.operations("/metrics");
    }

    private void documents() {
        for (var path : List.of("/", "/docs", "/docs/swagger-ui.css", "/openapi.yaml", "/problems")) {
            expect(200, server.get(path, ""));
        }
        expect(200, server.get("/problems/not-found", ""));
    }

    private void tasks(Person person) {
        var made = expect(
                201,
                send(
                        person,
                        "POST",
                        "/tasks",
                        "{\"title\": \"Warp the loom\", \"description\": \"Kette schären\", \"priority\": 3,"
                                + " \"labels\": [\"workshop\", \"loom\"], \"due_at\": \"2026-12-24T18:00:00Z\"}",
                        "Idempotency-Key",
                        "train-" + person.id()));
        var task = "/tasks/" + made.json().get("id").asText();
        expect(200, send(person, "GET", task, null));
        expect(304, send(person, "GET", task, null, "If-None-Match", "\"1\""));
        expect(200, send(person, "PATCH", task, "{\"priority\": 4, \"due_at\": null}", "Content-Type", MERGE_PATCH));
        expect(412, send(person, "DELETE", task, null, "If-Match", "\"1\""));
        expect(200, send(person, "POST", task + "/complete", null));
        expect(200, send(person, "POST", task + "/reopen", null));
        expect(200, send(person, "HEAD", task, null));
        expect(204, send(person, "DELETE", task, null));
        expect(
                200,
                send(
                        person,
                        "POST",
                        "/process",
                        "{\"title\": \"one\", \"labels\": [\"a\"]}\n{\"title\": \"two\"}\n",
                        "Content-Type",
                        "application/x-ndjson"));
        expect(200, send(person, "POST", "/process", "title,priority\nWarp,3\nWeft,1\n", "Content-Type", "text/csv"));
    }

    private void lists(Person person) {
        var first = expect(200, send(person, "GET", "/tasks?limit=2&completed=false&priority=3&q=warp", null));
        expect(200, send(person, "GET", "/tasks?limit=1", null));
        expect(200, send(person, "GET", "/tasks?skip=1&label=a&due_before=2027-01-01T00:00:00Z", null));
        expect(200, send(person, "GET", "/tasks/count", null));
        expect(200, send(person, "GET", "/tasks", null, "Accept", "application/x-ndjson"));
        expect(200, send(person, "GET", "/tasks", null, "Accept", "text/csv"));
        var next = send(person, "GET", "/tasks?limit=1", null).header("Link").orElse("<>");
        if (next.startsWith("</")) {
            expect(200, send(person, "GET", next.substring(1, next.indexOf('>')), null));
        }
        for (var path : List.of("/activity", "/stats", "/notifications?unread=true", "/jobs?state=failed", "/users")) {
            expect(200, send(person, "GET", path, null));
        }
        for (var notification : send(person, "GET", "/notifications", null).json()) {
            send(person, "POST", "/notifications/" + notification.get("id").asText() + "/read", null);
        }
        expect(200, first);
    }

    private void composed(Person person) {
        for (var path : List.of("/dashboard", "/aggregate?require=tasks", "/dashboards/morning")) {
            expect(200, send(person, "GET", path, null));
        }
        for (var path : List.of("/weather/Oslo", "/external", "/external/weather?city=Oslo", "/slow-external")) {
            expect(200, send(person, "GET", path, null));
        }
        expect(200, send(person, "POST", "/batch", "{\"urls\": [\"" + url + "/a\", \"http://127.0.0.1:1/\"]}"));
        expect(200, send(person, "GET", "/batch?urls=" + url + "/b", null));
    }

    private void files(Person person) {
        var form = Form.of("train-" + person.id() + ".txt", "warp and weft\n".repeat(100));
        expect(201, send(person, "POST", "/upload", form, "Content-Type", Form.TYPE));
        var file = "/download/train-" + person.id() + ".txt";
        expect(200, send(person, "GET", file, null));
        expect(206, send(person, "GET", file, null, "Range", "bytes=0-9"));
        expect(206, send(person, "GET", file, null, "Range", "bytes=0-9,20-29"));
        expect(416, send(person, "GET", file, null, "Range", "bytes=90000-"));
        expect(200, send(person, "GET", "/files", null));
        expect(204, send(person, "DELETE", file.replace("download", "files"), null));
    }

    private void work(Person person) {
        expect(200, send(person, "GET", "/hash?data=warp", null));
        expect(200, send(person, "POST", "/hash", "warp", "Content-Type", "application/octet-stream"));
        expect(200, send(person, "GET", "/compute?data=warp&rounds=1000", null));
        expect(200, send(person, "GET", "/logs", null));
        expect(200, send(person, "GET", "/logs/heddle.log?tail=5", null));
        expect(200, send(person, "GET", "/logs/heddle.log", null, "Accept", "text/plain"));
    }

    private void people(Person person) {
        expect(200, send(person, "GET", "/users/me", null));
        var other = server.person();
        var tokens = "/users/" + other.id() + "/tokens";
        for (var token : expect(200, send(person, "GET", tokens, null)).json()) {
            expect(204, send(person, "DELETE", tokens + "/" + token.get("id").asText(), null));
        }
        expect(204, send(person, "DELETE", "/users/" + other.id(), null));
    }

    private void errors(Person person) {
        var nobody = "01a202c0-f64b-752e-bca9-6513269e0d37";
        expect(401, server.get("/tasks", "hdl_wrong"));
        expect(404, send(person, "GET", "/tasks/" + nobody, null));
        expect(404, send(person, "GET", "/nowhere", null));
        expect(404, send(person, "GET", "/jobs/" + nobody, null));
        expect(404, send(person, "POST", "/jobs/" + nobody + "/retry", null));
        expect(404, send(person, "DELETE", "/jobs/" + nobody, null));
        expect(404, send(person, "POST", "/notifications/" + nobody + "/read", null));
        expect(404, send(person, "GET", "/logs/..%2fpasswd", null));
        expect(405, send(person, "DELETE", "/tasks", null));
        expect(400, send(person, "POST", "/tasks", "{\"title\": "));
        expect(415, send(person, "POST", "/tasks", "title", "Content-Type", "text/plain"));
        expect(422, send(person, "POST", "/tasks", "{\"title\": \"\", \"priority\": 9, \"lables\": []}"));
        expect(422, send(person, "GET", "/tasks?colour=red", null));
        expect(400, send(person, "POST", "/process", "title\n\"\"\n", "Content-Type", "text/csv"));
    }

    private Reply send(Person person, String method, String path, @Nullable String body, String... headers) {
        return server.send(method, path, person.token(), body, headers);
    }

    private static Reply expect(int status, Reply reply) {
        if (reply.status() != status) {
            throw new IllegalStateException("expected " + status + " of " + reply.raw() + ": " + reply.text());
        }
        return reply;
    }

    /** A route that nobody thought of here would start as slowly as if there were no cache. */
    private void refuseRoutesThatWereNotAsked() {
        var asked = server.operations("/metrics").text();
        var missing = new TreeSet<String>();
        var path = "";
        for (var line : server.get("/openapi.yaml", "").text().lines().toList()) {
            var found = OPERATION.matcher(line);
            if (!found.matches()) {
                continue;
            }
            if (found.group(1) != null) {
                path = found.group(1);
            } else if (!asked.contains(
                    "method=\"" + found.group(2).toUpperCase(Locale.ROOT) + "\",route=\"" + path + "\"")) {
                missing.add(found.group(2) + " " + path);
            }
        }
        if (!missing.isEmpty()) {
            throw new IllegalStateException("the training of the image asks nothing of " + missing);
        }
    }
}
