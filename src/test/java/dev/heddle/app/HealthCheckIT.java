package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@code heddle health} against a Heddle, and against none. */
class HealthCheckIT {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int ask(String host, int port) {
        return HealthCheck.run(
                new Settings.Admin(host, port),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    @Test
    void aHeddleThatServesIsReady() {
        try (var server = TestServer.start()) {
            assertEquals(0, ask("127.0.0.1", server.adminPort()), err::toString);
            assertTrue(out.toString(StandardCharsets.UTF_8).contains("up"), out::toString);
            assertEquals("", err.toString(StandardCharsets.UTF_8));
        }
    }

    @Test
    void oneThatListensEverywhereIsAskedOnThisMachine() {
        try (var server = TestServer.start(Map.of("ADMIN_HOST", "0.0.0.0"))) {
            assertEquals(0, ask("0.0.0.0", server.adminPort()), err::toString);
        }
    }

    @Test
    void nobodyThereIsOneLineAndNotReady() throws IOException {
        int port;
        try (var free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        assertEquals(1, ask("127.0.0.1", port));
        assertEquals(1, err.toString(StandardCharsets.UTF_8).lines().count(), err::toString);
        assertTrue(err.toString(StandardCharsets.UTF_8).contains("http://127.0.0.1:" + port), err::toString);
    }

    @Test
    void oneThatIsDrainingIsNotReadyAndSaysWhy() throws InterruptedException {
        try (var server = TestServer.start(Map.of("SERVER_SHUTDOWN_DELAY", "3s"))) {
            var closing = Thread.ofPlatform().start(server::close);
            await().until(() -> ask("127.0.0.1", server.adminPort()) == 1);
            assertTrue(err.toString(StandardCharsets.UTF_8).contains("shutting down"), err::toString);
            closing.join();
        }
    }
}
