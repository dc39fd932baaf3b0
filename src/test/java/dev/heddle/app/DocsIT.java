package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.AccessLog;
import dev.heddle.http.Problem;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the server says about itself, without a token and without the internet; also in a real browser. */
class DocsIT {

    private static final Pattern LINK = Pattern.compile("(?:src|href)=\"([^\"]+)\"");

    private static final Pattern PARAMETER = Pattern.compile("<tr data-param-name=\"([^\"]*)\"");

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static TestServer.Reply get(String path) {
        return server.get(path, "");
    }

    @Test
    void theRootSaysWhatThisIsAndWhereToGoOn() {
        var root = get("/").json();
        assertEquals("Heddle", root.get("name").asText());
        assertEquals(Version.HEDDLE, root.get("version").asText());
        assertEquals(200, get(root.get("docs").asText()).status());
        assertEquals(200, get(root.get("openapi").asText()).status());
    }

    @Test
    void theContractIsServedAsItIsInTheSources() throws IOException {
        var reply = get("/openapi.yaml");
        assertEquals("application/yaml", reply.header("Content-Type").orElseThrow());
        try (var source = DocsIT.class.getResourceAsStream("/openapi.yaml")) {
            assertNotNull(source);
            assertArrayEquals(source.readAllBytes(), reply.raw().body());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/openapi.yaml", "/docs", "/docs/docs.js", "/problems", "/problems/not-found"})
    void everybodyMayReadAndKeepIt(String path) {
        for (var token : List.of("", "hdl_bad", server.adminToken())) {
            var reply = server.get(path, token);
            assertEquals(200, reply.status());
            assertEquals("public, max-age=3600", reply.header("Cache-Control").orElseThrow());
            assertEquals("nosniff", reply.header("X-Content-Type-Options").orElseThrow());
        }
        assertEquals(404, get(path.equals("/") ? "//" : path + "/").status());
        assertEquals(405, server.send("POST", path, "", null).status());
    }

    // Problems

    @ParameterizedTest
    @EnumSource(Problem.class)
    void everyProblemHasItsPage(Problem problem) {
        var page = get("/problems/" + problem.code());
        assertEquals(200, page.status());
        assertEquals(
                Map.of(
                        "type", "/problems/" + problem.code(),
                        "title", problem.title(),
                        "status", String.valueOf(problem.status()),
                        "code", problem.code(),
                        "description", problem.detail()),
                page.json().properties().stream()
                        .collect(Collectors.toMap(
                                Map.Entry::getKey, member -> member.getValue().asText())));
    }

    @Test
    void theCatalogueIsWholeAndOrderedByStatus() {
        var catalogue = StreamSupport.stream(get("/problems").json().spliterator(), false)
                .toList();
        assertEquals(
                Arrays.stream(Problem.values()).map(Problem::code).toList(),
                catalogue.stream().map(entry -> entry.get("code").asText()).toList());
        var statuses =
                catalogue.stream().map(entry -> entry.get("status").asInt()).toList();
        assertEquals(statuses.stream().sorted().toList(), statuses);
    }

    @Test
    void theTypeOfAProblemLeadsToItsPage() {
        var problem = get("/tasks").json();
        assertEquals(
                problem.get("title"), get(problem.get("type").asText()).json().get("title"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "NOT-FOUND", "NOT_FOUND", "not-found%20", "%2e%2e", "not%2Dfoundx"})
    void whatIsNoProblemHasNoPage(String code) {
        assertEquals(404, get("/problems/" + code).status());
    }

    @Test
    void theContractHasEveryRouteOfTheServerAndTheServerEveryOperationOfTheContract() {
        TestServer.assumeInside();
        var routes = server.operations().stream()
                .map(route -> route.method() + " " + route.pattern())
                .collect(Collectors.toCollection(TreeSet::new));
        var documented = Contract.of(get("/openapi.yaml").text()).operations().stream()
                .map(Contract.Operation::toString)
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(routes, documented);
    }

    // The page

    @Test
    void thePageRunsNothingButWhatThisServerSends() {
        var page = get("/docs");
        assertEquals("text/html; charset=utf-8", page.header("Content-Type").orElseThrow());
        assertEquals(
                "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                page.header("Content-Security-Policy").orElseThrow());
        var links =
                LINK.matcher(page.text()).results().map(link -> link.group(1)).toList();
        assertTrue(links.size() >= 5, links::toString);
        for (var link : links) {
            // Relative to the page, which may stand behind a path of a proxy.
            assertFalse(link.startsWith("/") || link.contains(":"), link);
            assertEquals(200, get("/" + link).status(), link);
        }
        assertFalse(page.text().contains("<script>"), "no script inside the page");
    }

    @ParameterizedTest
    @CsvSource({
        "docs.js,              text/javascript; charset=utf-8, SwaggerUIBundle",
        "swagger-ui-bundle.js, text/javascript; charset=utf-8, SwaggerUIBundle",
        "swagger-ui.css,       text/css; charset=utf-8,        .swagger-ui",
        "favicon-32x32.png,    image/png,                      PNG",
    })
    void theFilesOfThePageAreServed(String name, String type, String content) {
        var reply = get("/docs/" + name);
        assertEquals(200, reply.status());
        assertEquals(type, reply.header("Content-Type").orElseThrow());
        assertTrue(reply.text().contains(content));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "none",
                "docs.html",
                "docs.js.map",
                "index.html",
                "swagger-ui-bundle.js.map",
                "oauth2-redirect.html",
                "package.json",
                "SWAGGER-UI.CSS",
                "..%2Fopenapi.yaml",
                "%2e%2e%2f%2e%2e%2fopenapi.yaml",
                "..%5C..%5Cversion.properties",
                "%2Fetc%2Fpasswd",
                "version.properties",
                "swagger-ui.css%00",
                "swagger-ui.css/",
                "a/../swagger-ui.css"
            })
    void nothingElseOfTheJarIsServed(String name) {
        assertEquals(404, get("/docs/" + name).status());
    }

    // A browser

    @Test
    void aBrowserWithoutInternetShowsEveryOperationAndReportsNoError(@TempDir Path profile)
            throws IOException, InterruptedException {
        // The address opens one operation, with its parameters.
        var seen = Browser.open("http://127.0.0.1:" + server.port() + "/docs#/Tasks/patchTask", profile);
        assertEquals(List.of(), seen.console(), "the console is empty");
        for (var operation : Contract.of(get("/openapi.yaml").text()).operations()) {
            assertTrue(
                    seen.page().contains("data-path=\"" + operation.path() + "\""),
                    () -> "no " + operation + " in the page");
        }
        assertTrue(seen.page().contains("Create a task"));
        assertEquals(
                List.of("id", "user_id", "If-Match", "Request-Timeout", "X-Request-Id", "traceparent"),
                PARAMETER
                        .matcher(seen.page())
                        .results()
                        .map(parameter -> parameter.group(1))
                        .toList());
        assertFalse(seen.page().contains("Failed to load API definition"));
        var needed =
                Set.of("/docs", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/docs.js", "/openapi.yaml");
        // A request is logged after its answer has left.
        await().untilAsserted(() -> assertEquals(
                needed,
                server.accessLog().stream()
                        .map(AccessLog.Entry::path)
                        .filter(needed::contains)
                        .collect(Collectors.toSet())));
    }

    /**
     * What a real browser made of a page.
     *
     * @param page the document as its scripts have left it
     * @param console what was reported meanwhile: errors, warnings, refusals of the page's policy
     */
    private record Browser(String page, List<String> console) {

        private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome");

        static Browser open(String url, Path profile) throws IOException, InterruptedException {
            var command = executable();
            Assumptions.assumeTrue(command.isPresent(), "no browser to look with: install the package chromium");
            var page = profile.resolve("page.html");
            var log = profile.resolve("log.txt");
            var process = new ProcessBuilder(command(command.get(), profile, url))
                    .redirectOutput(page.toFile())
                    .redirectError(log.toFile())
                    .start();
            try {
                assertTrue(process.waitFor(90, TimeUnit.SECONDS), "the browser is done");
            } finally {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
            }
            try (Stream<String> lines = Files.lines(log)) {
                return new Browser(
                        Files.readString(page),
                        lines.filter(line -> line.contains(":CONSOLE")).toList());
            }
        }

        private static List<String> command(String executable, Path profile, String url) {
            return List.of(
                    executable,
                    "--headless",
                    // Containers of CI run as root and have no user namespaces.
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                    "--user-data-dir=" + profile.resolve("profile"),
                    "--virtual-time-budget=10000",
                    "--enable-logging=stderr",
                    "--dump-dom",
                    url);
        }

        private static Optional<String> executable() {
            var path = Optional.ofNullable(System.getenv("PATH")).orElse("");
            return NAMES.stream()
                    .flatMap(name -> Arrays.stream(path.split(File.pathSeparator, -1))
                            .map(directory -> Path.of(directory, name)))
                    .filter(Files::isExecutable)
                    .map(Path::toString)
                    .findFirst();
        }
    }
}
