package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A listener that accepts nothing any more, in a process of its own. */
@Timeout(120)
class SelfCheckIT {

    @TempDir
    private Path data;

    private HeddleProcess start(Map<String, String> more) throws IOException, InterruptedException {
        var settings = new HashMap<>(Map.of(
                "DATABASE_MODE", "external",
                "DATABASE_URL", TestPostgres.url(TestPostgres.newSchema()),
                "DATABASE_USERNAME", TestPostgres.username(),
                "DATABASE_PASSWORD", TestPostgres.password(),
                "DATABASE_POOL_SIZE", "2"));
        settings.putAll(more);
        return HeddleProcess.start(data, settings, List.of("-Xmx96m")).awaitReady();
    }

    private static void openFiles(HeddleProcess heddle, String limit) throws IOException, InterruptedException {
        var changed = new ProcessBuilder("prlimit", "--pid", String.valueOf(heddle.pid()), "--nofile=" + limit)
                .inheritIO()
                .start()
                .waitFor();
        assertEquals(0, changed);
    }

    private static int status(int port, String path) throws IOException {
        return RawHttp.exchange(port, "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .status();
    }

    private static boolean isRefused(int port) throws IOException {
        try (var _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return false;
        } catch (ConnectException e) {
            return true;
        }
    }

    @Test
    void aServerWhoseListenerHasDiedEndsSoThatItsSupervisorStartsItAnew() throws IOException, InterruptedException {
        try (var heddle = start(Map.of());
                // Made before: afterwards there is no file handle for it.
                var operator = RawConnection.to(heddle.adminPort())) {
            operator.send("GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n");
            assertEquals(200, operator.answer().status());
            long began = System.nanoTime();
            // Fewer than are open: the next connection cannot be accepted, and the listener ends for good.
            openFiles(heddle, "16:");
            try (var last = new Socket(InetAddress.getLoopbackAddress(), heddle.port())) {
                assertTrue(last.isConnected());
            }
            // Not before it has tried.
            await().pollInterval(Duration.ofMillis(10)).until(() -> isRefused(heddle.port()));
            openFiles(heddle, "4096:");
            await().pollInterval(Duration.ofMillis(50)).until(() -> {
                operator.send("GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n");
                var ready = operator.answer();
                return ready.status() == 503 && ready.text().contains("listener");
            });
            assertEquals(1, heddle.awaitExit(Duration.ofSeconds(30)));
            var took = Duration.ofNanos(System.nanoTime() - began);
            assertTrue(heddle.output().contains("does not accept"), heddle::output);
            assertTrue(heddle.output().contains("the listener for callers has ended by itself"), heddle::output);
            assertTrue(took.compareTo(Duration.ofSeconds(20)) < 0, took::toString);
        }
    }

    @Test
    void aServerThatIsFullIsNotDead() throws IOException, InterruptedException {
        try (var heddle = start(Map.of("SERVER_MAX_CONNECTIONS", "5", "SERVER_IDLE_TIMEOUT", "60s"))) {
            var connections = new ArrayList<RawConnection>();
            try {
                for (int i = 0; i < 5; i++) {
                    var connection = RawConnection.to(heddle.port());
                    connections.add(connection);
                    connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                    assertEquals(200, connection.answer().status());
                }
                // Longer than a dead one would be left alive.
                var until = System.nanoTime() + Duration.ofSeconds(6).toNanos();
                await().atMost(Duration.ofSeconds(20)).until(() -> System.nanoTime() > until);
                assertEquals(200, status(heddle.adminPort(), "/health/ready"));
            } finally {
                for (var connection : connections) {
                    connection.close();
                }
            }
            // It finds out a moment later that they are closed.
            await().untilAsserted(() -> assertEquals(200, status(heddle.port(), "/")));
        }
    }

    @Test
    void aServerThatStoodStillIsNotDead() throws IOException, InterruptedException {
        try (var heddle = start(Map.of())) {
            heddle.pause();
            var until = System.nanoTime() + Duration.ofSeconds(6).toNanos();
            await().atMost(Duration.ofSeconds(20)).until(() -> System.nanoTime() > until);
            heddle.resume();
            var later = System.nanoTime() + Duration.ofSeconds(5).toNanos();
            await().atMost(Duration.ofSeconds(20)).until(() -> System.nanoTime() > later);
            assertEquals(200, status(heddle.port(), "/"));
        }
    }
}
