package dev.heddle.connection;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.testing.RawConnection;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The limits of {@link ConnectionLimitsIT} as a whole server has them from its settings, and tells operators about them. */
class ServerLimitsIT {

    private static final String HOST = "Host: a\r\n";

    @Test
    void oneConnectionMoreThanThereMayBeIsToldSoAtOnce() throws IOException {
        try (var full = TestServer.start(Map.of("SERVER_MAX_CONNECTIONS", "3"))) {
            var open = new ArrayList<RawConnection>();
            int refused = 0;
            while (refused < 100) {
                var more = RawConnection.to(full.port());
                more.send("GET / HTTP/1.1\r\n" + HOST + "\r\n");
                if (more.answer().status() == 503) {
                    assertEquals("", more.rest());
                    more.close();
                    refused++;
                } else {
                    // Its own client may keep one, and it looks after itself over another.
                    open.add(more);
                    assertTrue(open.size() <= 3, "there are three");
                }
            }
            assertTrue(full.metric("http_server_connections_ended_total{reason=\"total\"}") >= 100);
            for (var one : open) {
                one.close();
            }
            await().untilAsserted(() -> {
                try (var again = RawConnection.to(full.port())) {
                    again.send("GET / HTTP/1.1\r\n" + HOST + "\r\n");
                    assertEquals(200, again.answer().status());
                }
            });
        }
    }

    @Test
    void operatorsSeeHowManyWereEndedAndWhy() throws IOException {
        try (var whole = TestServer.start(Map.of("SERVER_HEAD_TIMEOUT", "100ms", "SERVER_STALL_TIMEOUT", "100ms"))) {
            try (var connection = RawConnection.to(whole.port())) {
                connection.send("GET /ta");
                connection.rest();
            }
            try (var connection = RawConnection.to(whole.port())) {
                connection.send("POST /hash HTTP/1.1\r\n" + HOST + "Authorization: Bearer " + whole.adminToken()
                        + "\r\nContent-Length: 10\r\n\r\nx");
                connection.rest();
            }
            assertEquals(1, whole.metric("http_server_connections_ended_total{reason=\"head\"}"));
            assertEquals(1, whole.metric("http_server_connections_ended_total{reason=\"stall\"}"));
            assertTrue(whole.metric("http_server_connections_open") >= 1);
        }
    }
}
