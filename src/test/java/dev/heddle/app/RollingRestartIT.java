package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two servers behind haproxy, restarted in turn while clients ask them 200 times a second: nobody notices. When CI runs it no
 * other test takes processors away from it: haproxy gives up a server that twice lets it wait for half a second.
 */
@Tag("alone")
class RollingRestartIT {

    private static final int PER_SECOND = 200;

    /** {@code -Drolling.requests=20000} is the long run; the restarts go on for as long as the requests. */
    private static final int REQUESTS = Integer.getInteger("rolling.requests", 5_000);

    private static final Duration STOP_MAX = Duration.ofSeconds(40);

    @TempDir
    private Path directory;

    /** One of the two: always the same ports, always the same directory, one process after the other. */
    private static final class Replica implements AutoCloseable {
        private final Path data;
        private final Haproxy.Server address;
        private final Map<String, String> settings;
        private HeddleProcess process;

        Replica(Path data, Haproxy.Server address, Map<String, String> shared) throws IOException {
            this.data = data;
            this.address = address;
            settings = new HashMap<>(shared);
            settings.put("SERVER_PORT", String.valueOf(address.port()));
            settings.put("ADMIN_PORT", String.valueOf(address.adminPort()));
            process = launch();
        }

        private HeddleProcess launch() throws IOException {
            return HeddleProcess.start(data, settings, List.of("-Xmx256m"));
        }

        void restart() throws IOException, InterruptedException {
            process.terminate();
            assertEquals(0, process.awaitExit(STOP_MAX), process::output);
            process = launch();
            process.awaitReady();
        }

        @Override
        public void close() {
            process.close();
        }
    }

    @Test
    void haproxyHasNothingToComplainOf() throws IOException, InterruptedException {
        assertEquals("", Haproxy.complaints());
    }

    @Test
    void aRollingRestartUnderLoadLosesNothing() throws IOException, InterruptedException {
        Haproxy.program();
        var schema = TestPostgres.newSchema();
        var settings = settings(schema);
        var ports = freePorts(6);
        try (var one = new Replica(directory.resolve("one"), new Haproxy.Server(ports[0], ports[1]), settings);
                var two = new Replica(directory.resolve("two"), new Haproxy.Server(ports[2], ports[3]), settings)) {
            one.process.awaitReady();
            two.process.awaitReady();
            try (var haproxy = Haproxy.start(directory, ports[4], ports[5], one.address, two.address)) {
                haproxy.awaitBoth();
                var load = new RollingLoad(haproxy.port(), known(haproxy.port(), one, two), PER_SECOND, REQUESTS);
                int restarts = restartDuring(load, List.of(one, two), haproxy);
                System.out.println("rolling restart: " + restarts + " restarts, " + load.figures());
                assertEquals(List.of(), load.lost(), haproxy::output);
                assertTrue(restarts >= 2, "each was restarted at least once: " + restarts);
                assertNothingIsDoneTwice(new Psql(schema), load);
            }
        }
    }

    private Map<String, String> settings(String schema) {
        return Map.of(
                "DATABASE_MODE",
                "external",
                "DATABASE_URL",
                TestPostgres.url(schema),
                "DATABASE_USERNAME",
                TestPostgres.username(),
                "DATABASE_PASSWORD",
                TestPostgres.password(),
                "DATABASE_POOL_SIZE",
                "8",
                "FILES_DIRECTORY",
                directory.resolve("files").toString(),
                "PROXY_TRUSTED",
                "127.0.0.1/32",
                "LOG_ACCESS",
                "false",
                // What deploy/haproxy.cfg says that it takes; the default of idle-timeout is less than it asks for.
                "SERVER_SHUTDOWN_DELAY",
                System.getProperty("rolling.delay", "4s"),
                "SERVER_IDLE_TIMEOUT",
                "75s");
    }

    /** All open at once, so that they differ; nobody else is given one before the servers take them. */
    private static int[] freePorts(int count) throws IOException {
        var sockets = new ServerSocket[count];
        var ports = new int[count];
        for (int i = 0; i < count; i++) {
            sockets[i] = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
            ports[i] = sockets[i].getLocalPort();
        }
        for (var socket : sockets) {
            socket.close();
        }
        return ports;
    }

    private static RollingLoad.Known known(int port, Replica... replicas) throws IOException {
        String token = "";
        for (var replica : replicas) {
            var file = replica.data.resolve("admin-token");
            token = Files.exists(file) ? Files.readString(file).strip() : token;
        }
        var authorized = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " + token + "\r\n";
        var task = "{\"title\": \"known\"}";
        var made = RawHttp.exchange(
                port,
                "POST /tasks" + authorized + "Content-Type: application/json\r\nContent-Length: " + task.length()
                        + "\r\n\r\n" + task);
        assertEquals(201, made.status(), made.text());
        var form = Form.of("known.txt", "k".repeat(20_000));
        var uploaded = RawHttp.exchange(
                port,
                "POST /upload" + authorized + "Content-Type: " + Form.TYPE + "\r\nContent-Length: " + form.length()
                        + "\r\n\r\n" + form);
        assertEquals(201, uploaded.status(), uploaded.text());
        var id = new ObjectMapper().readTree(made.body()).get("id").asText();
        return new RollingLoad.Known(token, id, "known.txt");
    }

    /** As somebody does it who deploys: the next one when haproxy sends requests to both again. How often, in all. */
    private static int restartDuring(RollingLoad load, List<Replica> replicas, Haproxy haproxy)
            throws IOException, InterruptedException {
        var running = CompletableFuture.runAsync(load::run, Thread::startVirtualThread);
        int restarts = 0;
        while (!running.isDone()) {
            replicas.get(restarts % replicas.size()).restart();
            haproxy.awaitBoth();
            restarts++;
        }
        running.join();
        return restarts;
    }

    private static void assertNothingIsDoneTwice(Psql psql, RollingLoad load) {
        assertEquals(load.created(), psql.number("SELECT count(*) FROM tasks WHERE title LIKE 'rolling %'"));
        assertEquals(
                load.created(), psql.number("SELECT count(DISTINCT title) FROM tasks WHERE title LIKE 'rolling %'"));
        assertEquals(load.uploaded(), psql.number("SELECT count(*) FROM files WHERE name LIKE 'rolling-%'"));
    }
}
