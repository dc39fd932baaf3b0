package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many connections on which nothing is asked, in a process of its own. */
@Timeout(120)
class IdleConnectionsIT {

    /** With the web server's own buffers they would take more than the heap has. */
    private static final int CONNECTIONS = 4000;

    private static final String REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    @TempDir
    private Path data;

    @Test
    void thousandsOfThemFitIntoASmallHeapAndAreServed() throws IOException, InterruptedException {
        assumeTrue(
                ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                        && unix.getMaxFileDescriptorCount() > CONNECTIONS + 1000,
                "this machine does not let a process have so many files open");
        var settings = Map.of(
                "DATABASE_MODE", "external",
                "DATABASE_URL", TestPostgres.url(TestPostgres.newSchema()),
                "DATABASE_USERNAME", TestPostgres.username(),
                "DATABASE_PASSWORD", TestPostgres.password(),
                "DATABASE_POOL_SIZE", "2",
                "SERVER_MAX_CONNECTIONS_PER_ADDRESS", "5000",
                "SERVER_MAX_CONNECTIONS", "5000");
        var jvm = List.of("-Xmx96m", "-XX:+UseCompactObjectHeaders", "-XX:+ExitOnOutOfMemoryError");
        var connections = new ArrayList<RawConnection>();
        try (var heddle = HeddleProcess.start(data, settings, jvm).awaitReady()) {
            for (int i = 0; i < CONNECTIONS; i++) {
                var connection = RawConnection.to(heddle.port());
                connections.add(connection);
                connection.send(REQUEST);
                assertEquals(200, connection.answer().status());
            }
            for (var connection : connections) {
                connection.send(REQUEST);
                assertEquals(200, connection.answer().status());
            }
            assertEquals(200, RawHttp.exchange(heddle.port(), REQUEST).status());
        } finally {
            for (var connection : connections) {
                connection.close();
            }
        }
    }

    @Test
    void longHeadsOfManyConnectionsDoNotFillIt() throws IOException, InterruptedException {
        var settings = Map.of(
                "DATABASE_MODE", "external",
                "DATABASE_URL", TestPostgres.url(TestPostgres.newSchema()),
                "DATABASE_USERNAME", TestPostgres.username(),
                "DATABASE_PASSWORD", TestPostgres.password(),
                "DATABASE_POOL_SIZE", "2");
        var jvm = List.of("-Xmx96m", "-XX:+UseCompactObjectHeaders", "-XX:+ExitOnOutOfMemoryError");
        var unfinished = "GET / HTTP/1.1\r\nHost: a\r\n" + ("a: " + "x".repeat(500) + "\r\n").repeat(60);
        var connections = new ArrayList<RawConnection>();
        try (var heddle = HeddleProcess.start(data, settings, jvm).awaitReady()) {
            for (int i = 0; i < 1000; i++) {
                connections.add(RawConnection.to(heddle.port()).send(unfinished));
            }
            // In the end some have no room: they are told so, and nobody else is.
            assertEquals(503, connections.getLast().answer().status());
            assertEquals(200, RawHttp.exchange(heddle.port(), REQUEST).status());
        } finally {
            for (var connection : connections) {
                connection.close();
            }
        }
    }
}
