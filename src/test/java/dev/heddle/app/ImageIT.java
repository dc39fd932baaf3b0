package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** What only the image has: a launcher, a Java of its own, a cache, and archives that are unpacked anywhere. */
@EnabledIfSystemProperty(named = "heddle.image", matches = ".+")
class ImageIT {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** Without PostgreSQL's programs; what a server may take on a disk that many of them share. */
    private static final long BYTES_MAX = 120L << 20;

    /** Nobody's. */
    private static final String STRANGER = "65534";

    /** A JVM with this option refuses to run without the cache, where it otherwise does without a word. */
    private static final String CACHE_OR_NOTHING = "-XX:AOTMode=on";

    /** What the launcher and PostgreSQL need of the machine. Nothing here is a Java. */
    private static final List<String> PROGRAMS = List.of("readlink", "stat", "setsid", "unshare");

    /** Shared: unpacking takes a second. It must not be changed. */
    @TempDir
    private static Path unpacked;

    @TempDir
    private Path directory;

    @BeforeAll
    static void unpack() throws IOException, InterruptedException {
        unpack("", unpacked.resolve("whole ünpacked"));
        unpack("-slim", unpacked.resolve("slim"));
    }

    private static void unpack(String variant, Path target) throws IOException, InterruptedException {
        Files.createDirectories(target);
        var archive = HeddleProcess.IMAGE
                .orElseThrow()
                .resolveSibling("heddle-" + Version.HEDDLE + "-linux-x64" + variant + ".tar.gz");
        run("tar", "--extract", "--file=" + archive, "--directory=" + target, "--strip-components=1");
    }

    private static void run(String... command) throws IOException, InterruptedException {
        int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
        assertEquals(0, exit, () -> String.join(" ", command));
    }

    private static Path whole() {
        return unpacked.resolve("whole ünpacked");
    }

    private static Path slim() {
        return unpacked.resolve("slim");
    }

    /** A machine that has nothing but a few programs, and says nothing about its language. */
    private ProcessBuilder bare(List<String> command, Map<String, String> environment) throws IOException {
        var path = Files.createDirectories(directory.resolve("programs"));
        for (var program : PROGRAMS) {
            var link = path.resolve(program);
            if (Files.notExists(link)) {
                Files.createSymbolicLink(link, program(program));
            }
        }
        var builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().clear();
        builder.environment().put("PATH", path.toString());
        builder.environment().putAll(environment);
        return builder;
    }

    private static Path program(String name) {
        return Stream.of("/usr/bin", "/bin")
                .map(place -> Path.of(place, name))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow();
    }

    private record Said(int exit, String text) {}

    private Said say(Path image, Map<String, String> environment, String... words)
            throws IOException, InterruptedException {
        return say(List.of(image.resolve("bin/heddle").toString()), environment, words);
    }

    private Said say(List<String> launcher, Map<String, String> environment, String... words)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(launcher);
        command.addAll(List.of(words));
        try (var process = HeddleProcess.start(bare(command, environment))) {
            return new Said(process.awaitExit(LIMIT), process.output());
        }
    }

    private Map<String, String> settings(Path data) {
        return Map.of("SERVER_PORT", "0", "ADMIN_PORT", "0", "DATA_DIRECTORY", data.toString());
    }

    private Map<String, String> external() {
        var settings = new HashMap<>(settings(directory.resolve("data")));
        settings.put("DATABASE_MODE", "external");
        settings.put("DATABASE_URL", TestPostgres.url(TestPostgres.newSchema()));
        settings.put("DATABASE_USERNAME", TestPostgres.username());
        settings.put("DATABASE_PASSWORD", TestPostgres.password());
        return settings;
    }

    private static int status(int port, String path) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
        try (var client = HttpClient.newHttpClient()) {
            return client.send(request.build(), BodyHandlers.discarding()).statusCode();
        }
    }

    private static void assertServesAndStops(HeddleProcess heddle) throws IOException, InterruptedException {
        assertEquals(200, status(heddle.port(), "/"));
        assertEquals(200, status(heddle.adminPort(), "/health/ready"));
        heddle.terminate();
        assertEquals(0, heddle.awaitExit(LIMIT), heddle::output);
    }

    private static long bytes(Path tree) throws IOException {
        try (var files = Files.walk(tree)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> {
                        try {
                            return Files.size(file);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    })
                    .sum();
        }
    }

    // A machine without Java

    @Test
    void itServesOnItsOwnPostgresWhereThereIsNoJavaAndNoLanguage() throws IOException, InterruptedException {
        var builder = bare(
                List.of(whole().resolve("bin/heddle").toString()), settings(directory.resolve("däta with blanks")));
        try (var heddle = HeddleProcess.start(builder).awaitReady()) {
            assertServesAndStops(heddle);
        }
        assertTrue(Files.exists(directory.resolve("däta with blanks/admin-token")));
    }

    @Test
    void itServesAsAUserWhoMayWriteNothingButItsData() throws IOException, InterruptedException {
        assumeTrue(System.getProperty("user.name").equals("root"), "only root can become somebody else");
        var open = PosixFilePermissions.fromString("rwxr-xr-x");
        Files.setPosixFilePermissions(unpacked, open);
        Files.setPosixFilePermissions(directory, open);
        var data = Files.createDirectory(directory.resolve("data"));
        run("chown", STRANGER + ":" + STRANGER, data.toString());
        var command = List.of(
                "/usr/bin/setpriv",
                "--reuid=" + STRANGER,
                "--regid=" + STRANGER,
                "--clear-groups",
                whole().resolve("bin/heddle").toString());
        try (var heddle = HeddleProcess.start(bare(command, settings(data))).awaitReady()) {
            assertServesAndStops(heddle);
        }
    }

    @Test
    void theSlimVariantServesOnAnotherPostgresAndSaysThatItBringsNone() throws IOException, InterruptedException {
        assertFalse(Files.exists(slim().resolve("lib/postgresql")));
        var settings = new HashMap<>(external());
        settings.put("HEDDLE_JAVA_OPTS", CACHE_OR_NOTHING);
        var builder = bare(List.of(slim().resolve("bin/heddle").toString()), settings);
        try (var heddle = HeddleProcess.start(builder).awaitReady()) {
            assertServesAndStops(heddle);
        }
        var said = say(slim(), settings(directory.resolve("none")), "serve");
        assertEquals(1, said.exit());
        assertTrue(said.text().contains("brings no PostgreSQL"), said::text);
    }

    @Test
    void itIsSmall() throws IOException {
        long bytes = bytes(slim());
        assertTrue(bytes <= BYTES_MAX, () -> bytes + " bytes");
    }

    @Test
    void itSaysWhatItIsMadeOf() throws IOException {
        for (var file : List.of("sbom.cdx.json", "licences/THIRD-PARTY.txt", "licences/PostgreSQL.txt", "README.md")) {
            assertTrue(Files.size(whole().resolve(file)) > 0, file);
        }
        var sbom = Files.readString(whole().resolve("sbom.cdx.json"));
        assertTrue(sbom.contains("helidon-webserver"));
        assertFalse(sbom.contains("junit"));
    }

    // The cache

    @Test
    void theCacheIsUsedWhereverItIsUnpacked() throws IOException, InterruptedException {
        for (var image : List.of(whole(), slim())) {
            var said = say(image, Map.of("HEDDLE_JAVA_OPTS", CACHE_OR_NOTHING), "version");
            assertEquals(new Said(0, "heddle " + Version.HEDDLE), said);
        }
    }

    @Test
    void nearlyAllClassesOfAStartAreInTheCache() throws IOException, InterruptedException {
        var log = directory.resolve("classes.txt");
        var settings = new HashMap<>(external());
        settings.put("HEDDLE_JAVA_OPTS", "-Xlog:class+load:file=" + log);
        try (var heddle = HeddleProcess.start(
                        bare(List.of(whole().resolve("bin/heddle").toString()), settings))
                .awaitReady()) {
            assertServesAndStops(heddle);
        }
        var classes = Files.readAllLines(log);
        long cached = classes.stream()
                .filter(line -> line.contains("shared objects file"))
                .count();
        assertTrue(cached > classes.size() * 0.95, () -> cached + " of " + classes.size());
    }

    private Path copy() throws IOException, InterruptedException {
        var copy = directory.resolve("copy");
        run("cp", "--archive", slim().toString(), copy.toString());
        return copy;
    }

    @Test
    void aCacheThatIsMissingOrDamagedCostsNothingButTime() throws IOException, InterruptedException {
        var copy = copy();
        var cache = copy.resolve("lib/heddle.aot");
        var whole = Files.readAllBytes(cache);
        Files.delete(cache);
        assertEquals(new Said(0, "heddle " + Version.HEDDLE), say(copy, Map.of(), "version"));
        Files.write(cache, new byte[100]);
        assertEquals(new Said(0, "heddle " + Version.HEDDLE), say(copy, Map.of(), "version"));
        Files.write(cache, Arrays.copyOf(whole, whole.length / 2));
        assertEquals(new Said(0, "heddle " + Version.HEDDLE), say(copy, Map.of(), "version"));
    }

    @Test
    void aCacheOfOtherJarsIsNotUsed() throws IOException, InterruptedException {
        var copy = copy();
        Path jar;
        try (var jars = Files.newDirectoryStream(copy.resolve("lib"), "snakeyaml-*.jar")) {
            jar = jars.iterator().next();
        }
        try (var changed = FileSystems.newFileSystem(jar)) {
            Files.writeString(changed.getPath("/another"), "another");
        }
        var said = say(copy, Map.of("HEDDLE_JAVA_OPTS", "-Xlog:class+load"), "version");
        assertEquals(0, said.exit());
        assertTrue(said.text().contains("starting without the cache"), said::text);
        assertTrue(said.text().contains("heddle " + Version.HEDDLE), said::text);
        assertFalse(
                said.text().lines().anyMatch(line -> line.contains("dev.heddle") && line.contains("shared objects")));
    }

    // The launcher

    @Test
    void itStartsThroughLinks() throws IOException, InterruptedException {
        var first = Files.createSymbolicLink(directory.resolve("first"), whole().resolve("bin/heddle"));
        var second = Files.createSymbolicLink(directory.resolve("heddle"), Path.of("first"));
        assertEquals(
                "heddle " + Version.HEDDLE,
                say(List.of(first.toString()), Map.of(), "version").text());
        assertEquals(
                "heddle " + Version.HEDDLE,
                say(List.of(second.toString()), Map.of(), "version").text());
        assertEquals(
                "heddle " + Version.HEDDLE,
                say(List.of("./heddle"), Map.of(), "version").text());
    }

    @Test
    void whatIsMissingIsOneLine() throws IOException, InterruptedException {
        var copy = copy();
        for (var file : List.of("lib/HikariCP-7.1.0.jar", "lib/classpath", "runtime/bin/java")) {
            Files.delete(copy.resolve(file));
            var said = say(copy, Map.of(), "version");
            assertEquals(1, said.exit());
            assertEquals(1, said.text().lines().count(), said::text);
            assertTrue(said.text().contains(copy.resolve(file) + " is missing"), said::text);
        }
    }

    @Test
    void theJvmTakesThePlaceOfTheLauncherSoThatSignalsArrive() throws IOException, InterruptedException {
        var builder = bare(List.of(slim().resolve("bin/heddle").toString()), external());
        try (var heddle = HeddleProcess.start(builder).awaitReady()) {
            var program = Files.readSymbolicLink(Path.of("/proc", String.valueOf(heddle.pid()), "exe"));
            assertEquals(slim().resolve("runtime/bin/java").toRealPath(), program);
            assertServesAndStops(heddle);
        }
    }

    @Test
    void theOptionsOfTheOperatorWin() throws IOException, InterruptedException {
        for (var options : List.of("-XX:+UseZGC", "-Xmx300m -XX:-UseCompactObjectHeaders", "-Dserver.port=4711")) {
            var said = say(whole(), Map.of("HEDDLE_JAVA_OPTS", options), "check-config");
            assertEquals(0, said.exit(), said::text);
            assertEquals(options.contains("4711"), said.text().contains("server.port = 4711"), said::text);
        }
    }

    /** In place of living on without whatever thread it struck. */
    @Test
    void aFullHeapEndsItWithItsOwnExitCode() throws IOException, InterruptedException {
        var settings = new HashMap<>(settings(directory.resolve("data")));
        settings.put("HEDDLE_JAVA_OPTS", "-Xmx8m");
        var said = say(whole(), settings);
        assertEquals(3, said.exit(), said::text);
        assertTrue(said.text().contains("OutOfMemoryError"), said::text);
    }

    @Test
    void settingsAreThoseNamedElseThoseOfTheDirectoryElseThoseOfTheImage() throws IOException, InterruptedException {
        assertTrue(say(whole(), Map.of(), "check-config").text().contains(whole().resolve("conf/app.yaml") + ":"));
        Files.writeString(directory.resolve("app.yaml"), "server:\n  port: 4711\n");
        assertTrue(say(whole(), Map.of(), "check-config").text().contains("server.port = 4711"));
        var named = Files.writeString(directory.resolve("named.yaml"), "server:\n  port: 4712\n");
        assertTrue(say(whole(), Map.of(), "check-config", "--config", named.toString())
                .text()
                .contains("server.port = 4712"));
        Files.delete(directory.resolve("app.yaml"));
        Files.createSymbolicLink(directory.resolve("app.yaml"), Path.of("nowhere"));
        assertEquals(2, say(whole(), Map.of(), "check-config").exit(), "a link that leads nowhere was meant");
    }

    @Test
    void itTellsItsOwnHealth() throws IOException, InterruptedException {
        var settings = new HashMap<>(external());
        settings.put("ADMIN_PORT", String.valueOf(freePort()));
        assertEquals(1, say(slim(), settings, "health").exit());
        var builder = bare(List.of(slim().resolve("bin/heddle").toString()), settings);
        try (var heddle = HeddleProcess.start(builder).awaitReady()) {
            var said = say(slim(), settings, "health");
            assertEquals(0, said.exit(), said::text);
            assertServesAndStops(heddle);
        }
    }

    private static int freePort() throws IOException {
        try (var free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }
}
