package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.Jazzer;
import com.code_intelligence.jazzer.sanitizers.Constants;
import dev.heddle.connection.ChunkedBodyFuzz;
import dev.heddle.content.ContentFuzz;
import dev.heddle.files.FileFormFuzz;
import dev.heddle.http.JsonFuzz;
import dev.heddle.http.RequestBytesFuzz;
import dev.heddle.http.TextFuzz;
import dev.heddle.testing.InThisJvm;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every reader of what comes from outside gets bytes that nobody has thought of, for a few seconds each; for longer by hand,
 * see CONTRIBUTING.md. What was found once is among the seeds, and is tried without the fuzzer too.
 */
@InThisJvm
class FuzzIT {

    /** For each of them, beside the second or two that its process takes to start. */
    private static final long SECONDS = Long.getLong("fuzz.seconds", 2);

    /**
     * Where chance begins; the same seed makes the same inputs. That of a build is always the same, so that it fails because
     * of what has changed; 0 is another one each time.
     */
    private static final long SEED = seed(Long.getLong("fuzz.seed", 4711));

    private static long seed(long given) {
        return given != 0 ? given : Math.max(1, System.nanoTime() & Integer.MAX_VALUE);
    }

    /** Only the one of this name, when there is one. */
    private static final String ONLY = System.getProperty("fuzz.only", "");

    @TempDir
    private Path corpus;

    private interface Code {
        void run(byte[] data) throws IOException;
    }

    /** What is fuzzed; the class is what the fuzzer starts, by the names that it asks for. */
    private record Target(Class<?> type, Stream<byte[]> seeds, Code one, Runnable stop) {

        Target(Class<?> type, Stream<byte[]> seeds, Code one) {
            this(type, seeds, one, () -> {});
        }

        @Override
        public String toString() {
            return type.getSimpleName();
        }
    }

    private static Stream<Target> targets() {
        return Stream.of(
                        new Target(
                                RequestBytesFuzz.class,
                                RequestBytesFuzz.seeds(),
                                RequestBytesFuzz::fuzzerTestOneInput,
                                RequestBytesFuzz::fuzzerTearDown),
                        new Target(ChunkedBodyFuzz.class, ChunkedBodyFuzz.seeds(), ChunkedBodyFuzz::fuzzerTestOneInput),
                        new Target(JsonFuzz.class, JsonFuzz.seeds(), JsonFuzz::fuzzerTestOneInput),
                        new Target(TextFuzz.class, TextFuzz.seeds(), TextFuzz::fuzzerTestOneInput),
                        new Target(ContentFuzz.class, ContentFuzz.seeds(), ContentFuzz::fuzzerTestOneInput),
                        new Target(FileFormFuzz.class, FileFormFuzz.seeds(), FileFormFuzz::fuzzerTestOneInput),
                        new Target(
                                MergePatchFuzz.class,
                                MergePatchFuzz.seeds(),
                                MergePatchFuzz::fuzzerTestOneInput,
                                MergePatchFuzz::fuzzerTearDown))
                .filter(target -> ONLY.isEmpty() || target.toString().equals(ONLY));
    }

    @TestFactory
    Stream<DynamicTest> whatWasFoundStaysMended() {
        return targets()
                .map(target -> DynamicTest.dynamicTest(target.toString(), () -> {
                    try {
                        for (var seed : target.seeds().toList()) {
                            target.one().run(seed);
                        }
                    } finally {
                        target.stop().run();
                    }
                }));
    }

    /** Two at once: while one of them starts, the other one fuzzes. */
    @Test
    void nothingMoreIsFound() {
        try (var two = Executors.newFixedThreadPool(2)) {
            var running = targets()
                    .map(target -> two.submit(() -> {
                        fuzz(target);
                        return target;
                    }))
                    .toList();
            assertAll(running.stream().map(one -> () -> assertDoesNotThrow(() -> one.get())));
        }
    }

    /** In a process of its own: the fuzzer changes the classes that it watches. */
    private void fuzz(Target target) throws IOException, InterruptedException {
        var directory = Files.createDirectories(corpus.resolve(target.toString()));
        int count = 0;
        for (var seed : target.seeds().toList()) {
            Files.write(directory.resolve("seed-" + count++), seed);
        }
        var findings = Files.createDirectories(Path.of("target", "fuzz"));
        var output = findings.resolve(target + ".log");
        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-preview",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-XX:+EnableDynamicAgentLoading",
                        // To start is most of its work.
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx512m",
                        "-Dtest.postgres=fuzz-postgres",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Jazzer.class.getName(),
                        "--target_class=" + target.type().getName(),
                        "--instrumentation_includes=dev.heddle.**",
                        // Its own detectors take a connection to our server for an attack.
                        "--disabled_hooks=" + String.join(File.pathSeparator, Constants.SANITIZER_HOOK_NAMES),
                        "--reproducer_path=" + findings,
                        "-artifact_prefix=" + findings + "/" + target + "-",
                        "-max_total_time=" + SECONDS,
                        "-seed=" + SEED,
                        "-timeout=30",
                        "-rss_limit_mb=0",
                        directory.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            process.waitFor(SECONDS + 60, TimeUnit.SECONDS);
            assertEquals(0, process.isAlive() ? -1 : process.exitValue(), () -> report(target, output));
        } finally {
            process.destroyForcibly();
        }
    }

    private static String report(Target target, Path output) {
        try {
            var log = Files.readString(output, StandardCharsets.ISO_8859_1);
            int begin = Math.max(0, log.indexOf("== Java Exception"));
            return "-Dfuzz.only=" + target + " -Dfuzz.seed=" + SEED + "\n"
                    + log.substring(begin, Math.min(log.length(), begin + 10_000));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
