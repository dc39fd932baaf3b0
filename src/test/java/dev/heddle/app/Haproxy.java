package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** haproxy with the configuration of {@code deploy}, on this machine. Whoever starts it closes it. */
final class Haproxy implements AutoCloseable {

    private static final Path CONFIGURATION = Path.of("deploy/haproxy.cfg");

    private static final List<Path> PROGRAMS =
            List.of(Path.of("/usr/sbin/haproxy"), Path.of("/usr/local/sbin/haproxy"));

    private final Process process;
    private final Path log;
    private final int port;
    private final int statusPort;

    /** Where a server listens. */
    record Server(int port, int adminPort) {}

    private Haproxy(Process process, Path log, int port, int statusPort) {
        this.process = process;
        this.log = log;
        this.port = port;
        this.statusPort = statusPort;
    }

    /** The program; the test is skipped where there is none. */
    static Path program() {
        var found = PROGRAMS.stream().filter(Files::isExecutable).findFirst();
        assumeTrue(found.isPresent(), "there is no haproxy on this machine (apt-get install haproxy)");
        return found.orElseThrow();
    }

    /** What it says about the configuration as it stands there; empty when it has nothing to complain of. */
    static String complaints() throws IOException, InterruptedException {
        var process = new ProcessBuilder(program().toString(), "-c", "-q", "-f", CONFIGURATION.toString())
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        return status == 0 ? output : "exit code " + status + ": " + output;
    }

    /** Starts it with other addresses, and nothing else changed; it may not have seen the servers yet. */
    static Haproxy start(Path directory, int port, int statusPort, Server one, Server two)
            throws IOException, InterruptedException {
        var text = Files.readString(CONFIGURATION)
                .replace("bind :80\n", "bind 127.0.0.1:" + port + "\n")
                .replace(" port 8081", "")
                .replace("10.0.0.11:8080", "127.0.0.1:" + one.port() + " port " + one.adminPort())
                .replace("10.0.0.12:8080", "127.0.0.1:" + two.port() + " port " + two.adminPort());
        var file = Files.writeString(directory.resolve("haproxy.cfg"), text + """

            frontend status
                bind 127.0.0.1:%d
                http-request return status 200 if { nbsrv(heddle) ge 2 }
                http-request return status 503
            """.formatted(statusPort));
        var log = directory.resolve("haproxy.log");
        var process = new ProcessBuilder(program().toString(), "-db", "-f", file.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        return new Haproxy(process, log, port, statusPort);
    }

    int port() {
        return port;
    }

    /** Waits until it sends requests to both servers. */
    void awaitBoth() {
        await().alias("both servers are ready for haproxy")
                .pollDelay(Duration.ZERO)
                // It may not listen yet.
                .ignoreExceptionsInstanceOf(IOException.class)
                .pollInterval(Duration.ofMillis(50))
                .atMost(Duration.ofSeconds(60))
                .until(() -> RawHttp.exchange(statusPort, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                                .status()
                        == 200);
    }

    /** What it said. */
    String output() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit()
                .orTimeout(5, TimeUnit.SECONDS)
                .exceptionally(late -> process.destroyForcibly())
                .join();
    }
}
