package dev.heddle.app;

import dev.heddle.testing.Forwarder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One of several servers over a database: a process at a time, always in the same directory. The test starts and ends it. */
final class ChaosReplica implements AutoCloseable {

    /** Small, as several of them share the machine with whatever else runs there. */
    private static final List<String> JVM = List.of("-Xmx256m");

    // Set once.
    private final Path data;
    private final Forwarder network;
    private final Map<String, String> settings;

    // Only the test.
    private HeddleProcess process;

    // Set by the test, read by the writers.
    private volatile Optional<URI> address = Optional.empty();

    private ChaosReplica(Path data, Forwarder network, Map<String, String> settings) {
        this.data = data;
        this.network = network;
        this.settings = settings;
        process = launch();
    }

    /** Starts one; it may not be ready yet. */
    static ChaosReplica start(Path data, ChaosPostgres postgres) {
        var network = postgres.network();
        var settings = new HashMap<>(postgres.settings(network));
        settings.put("LOG_ACCESS", "false");
        return new ChaosReplica(data, network, settings);
    }

    private HeddleProcess launch() {
        try {
            return HeddleProcess.start(data, settings, JVM);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void awaitReady() throws InterruptedException {
        process.awaitReady();
        address = Optional.of(URI.create("http://127.0.0.1:" + process.port()));
    }

    /** Where its API is; empty while it does not run. */
    Optional<URI> address() {
        return address;
    }

    /** SIGKILL. */
    void kill() throws InterruptedException {
        address = Optional.empty();
        process.kill();
    }

    /** Starts it again after a kill; it may not be ready yet. */
    void relaunch() {
        process = launch();
    }

    /** SIGSTOP. Callers are not told: they find out as they would. */
    void pause() {
        process.pause();
    }

    /** SIGCONT. */
    void resume() {
        process.resume();
    }

    /** Its way to the database. */
    Forwarder network() {
        return network;
    }

    /** The first administrator's token, for the one that made it. */
    String adminToken() throws IOException {
        return Files.readString(data.resolve("admin-token")).strip();
    }

    /** Where it leaves its e-mails. */
    Path mails() {
        return data.resolve("mail");
    }

    /** What it has counted itself under that name, with all labels that contain the words. */
    double metric(HttpClient client, String name, String words) throws IOException, InterruptedException {
        var uri = URI.create("http://127.0.0.1:" + process.adminPort() + "/metrics");
        return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString())
                .body()
                .lines()
                .filter(line -> line.startsWith(name + "{") && line.contains(words))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** What its last process said. */
    String output() {
        return process.output();
    }

    @Override
    public void close() {
        process.close();
    }
}
