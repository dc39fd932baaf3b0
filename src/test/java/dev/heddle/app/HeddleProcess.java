package dev.heddle.app;

import dev.heddle.testing.Signals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Heddle as a process of its own, the way an operator runs it: from the class path of the tests, or from the image that the
 * system property {@code heddle.image} names. Closing it kills it if it still lives.
 */
final class HeddleProcess implements AutoCloseable {

    /** The image under test; empty when it is the class path. */
    static final Optional<Path> IMAGE = Optional.ofNullable(System.getProperty("heddle.image"))
            .map(directory -> Path.of(directory).toAbsolutePath());

    private static final Pattern API = Pattern.compile("API\\s+http://127\\.0\\.0\\.1:(\\d+)");
    private static final Pattern ADMIN = Pattern.compile("admin\\s+http://[0-9.]+:(\\d+)");

    private final Process process;
    private final List<String> output = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final CountDownLatch ready = new CountDownLatch(1);

    private HeddleProcess(Process process) {
        this.process = process;
        Thread.ofPlatform().daemon().name("output-of-" + process.pid()).start(this::read);
    }

    /** Starts one; the settings are named as environment variables. */
    static HeddleProcess start(Path data, Map<String, String> settings, List<String> jvm, String... words)
            throws IOException {
        var command = new ArrayList<>(IMAGE.map(HeddleProcess::fromImage).orElseGet(() -> fromClassPath(jvm)));
        command.addAll(List.of(words));
        var builder = new ProcessBuilder(command);
        builder.environment().put("HEDDLE_JAVA_OPTS", String.join(" ", jvm));
        builder.environment().putAll(Map.of("SERVER_PORT", "0", "ADMIN_PORT", "0", "DATA_DIRECTORY", data.toString()));
        builder.environment().putAll(TestServer.NO_RATE_LIMITS);
        builder.environment().putAll(settings);
        return start(builder);
    }

    /** The same with a command and an environment of the test's own. */
    static HeddleProcess start(ProcessBuilder builder) throws IOException {
        return new HeddleProcess(builder.redirectErrorStream(true).start());
    }

    private static List<String> fromImage(Path image) {
        return List.of(image.resolve("bin/heddle").toString());
    }

    private static List<String> fromClassPath(List<String> jvm) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(jvm);
        command.addAll(
                List.of("--enable-preview", "-cp", System.getProperty("java.class.path"), "dev.heddle.app.Main"));
        return command;
    }

    private void read() {
        try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line; (line = lines.readLine()) != null; ) {
                synchronized (output) {
                    output.add(line);
                }
                if (ADMIN.matcher(line).find()) {
                    ready.countDown();
                }
            }
        } catch (IOException e) {
            // The process is gone, and its output with it.
        } finally {
            ready.countDown();
            ended.countDown();
        }
    }

    /** Waits for its greeting; one that does not come to that is closed, as nobody else could. */
    HeddleProcess awaitReady() throws InterruptedException {
        boolean isReady = false;
        try {
            // Not whether it lives: a moment after its last word it still does.
            isReady =
                    ready.await(60, TimeUnit.SECONDS) && ADMIN.matcher(output()).find();
        } finally {
            if (!isReady) {
                close();
            }
        }
        if (!isReady) {
            throw new IllegalStateException("not ready: " + output());
        }
        return this;
    }

    int awaitExit(Duration limit) throws InterruptedException {
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS) || !ended.await(5, TimeUnit.SECONDS)) {
            throw new IllegalStateException("still running: " + output());
        }
        return process.exitValue();
    }

    /** SIGTERM. What it says until it has ended is still read, which {@code destroy} would put an end to. */
    void terminate() {
        Signals.send("TERM", process.pid());
    }

    /** SIGKILL. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** SIGSTOP: it stands still, and its connections stay open. */
    void pause() {
        Signals.send("STOP", process.pid());
    }

    /** SIGCONT. */
    void resume() {
        Signals.send("CONT", process.pid());
    }

    long pid() {
        return process.pid();
    }

    String output() {
        synchronized (output) {
            return String.join("\n", output);
        }
    }

    /** The lines of its output so far. */
    List<String> lines() {
        synchronized (output) {
            return List.copyOf(output);
        }
    }

    int port() {
        return find(API);
    }

    int adminPort() {
        return find(ADMIN);
    }

    /** Among the first lines, however many have come since: it is asked for before each request. */
    private int find(Pattern pattern) {
        synchronized (output) {
            for (var line : output) {
                var matcher = pattern.matcher(line);
                if (matcher.find()) {
                    return Integer.parseInt(matcher.group(1));
                }
            }
        }
        throw new IllegalStateException(output());
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit()
                .orTimeout(30, TimeUnit.SECONDS)
                .exceptionally(late -> process.destroyForcibly())
                .join();
    }
}
