package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Answers that are large and that nobody takes, in a process of its own with a small heap, which ends when that is full. */
@Timeout(120)
class HeldAnswersIT {

    private static final List<String> SMALL =
            List.of("-Xmx256m", "-XX:+UseCompactObjectHeaders", "-XX:+ExitOnOutOfMemoryError");

    /** Each list is eight megabytes: all of them are many times the heap. */
    private static final int CLIENTS = 120;

    @TempDir
    private Path data;

    private HeddleProcess start(String... words) throws IOException, InterruptedException {
        var settings = new HashMap<>(TestServer.NO_RATE_LIMITS);
        settings.putAll(Map.of(
                "DATABASE_MODE", "external",
                "DATABASE_URL", TestPostgres.url(TestPostgres.newSchema()),
                "DATABASE_USERNAME", TestPostgres.username(),
                "DATABASE_PASSWORD", TestPostgres.password(),
                "DATABASE_POOL_SIZE", "4"));
        return HeddleProcess.start(data, settings, SMALL, words).awaitReady();
    }

    private String authorized() throws IOException {
        return "Host: a\r\nAuthorization: Bearer "
                + Files.readString(data.resolve("admin-token")).strip() + "\r\n";
    }

    @Test
    void listsThatNobodyTakesDoNotFillTheHeap() throws IOException, InterruptedException {
        var connections = new ArrayList<RawConnection>();
        try (var heddle = start()) {
            var description = "\ud83d\ude00".repeat(20_000);
            var body =
                    ("{\"title\": \"t\", \"description\": \"" + description + "\"}").getBytes(StandardCharsets.UTF_8);
            try (var one = RawConnection.to(heddle.port())) {
                for (int i = 0; i < 100; i++) {
                    one.send("POST /tasks HTTP/1.1\r\n" + authorized()
                            + "Content-Type: application/json\r\nContent-Length: " + body.length + "\r\n\r\n");
                    assertEquals(201, one.send(body).answer().status());
                }
            }
            for (int i = 0; i < CLIENTS; i++) {
                connections.add(RawConnection.to(heddle.port(), 4096)
                        .send("GET /tasks?limit=100 HTTP/1.1\r\n" + authorized() + "\r\n"));
            }
            int refused = 0;
            for (var connection : connections.reversed()) {
                var status = new String(connection.read(12), StandardCharsets.US_ASCII);
                refused += status.equals("HTTP/1.1 503") ? 1 : 0;
                assertTrue(status.matches("HTTP/1.1 (200|503)"), status);
            }
            assertTrue(refused > CLIENTS / 2, refused + " were refused");
            assertEquals(
                    200,
                    RawHttp.exchange(heddle.port(), "GET /stats HTTP/1.1\r\n" + authorized() + "\r\n")
                            .status());
            for (var connection : connections) {
                connection.close();
            }
            // The machine may have much else to do, and this one has been left by more than a hundred at once.
            await().atMost(Duration.ofSeconds(60)).ignoreExceptions().until(() -> {
                try (var one = RawConnection.to(heddle.port())) {
                    one.send("GET /tasks?limit=100 HTTP/1.1\r\n" + authorized() + "\r\n");
                    return new String(one.read(12), StandardCharsets.US_ASCII).equals("HTTP/1.1 200");
                }
            });
        } finally {
            for (var connection : connections) {
                connection.close();
            }
        }
    }

    @Test
    void aBatchOfManyLargeBodiesHasThoseThatThereIsRoomFor() throws IOException, InterruptedException {
        var large = FakeUpstream.ok("\"" + "x".repeat((1 << 20) - 2) + "\"");
        try (var upstream = FakeUpstream.start((request, out) -> out.write(large))) {
            var yaml = Files.writeString(
                    data.resolve("app.yaml"),
                    "batch:\n  private-networks: 127.0.0.0/8\n  allow: " + upstream.url() + "\n");
            var urls = IntStream.range(0, 100)
                    .mapToObj(i -> "\"" + upstream.url() + "/" + i + "\"")
                    .collect(Collectors.joining(","));
            try (var heddle = start("serve", "--config", yaml.toString());
                    var client = HttpClient.newHttpClient()) {
                var asked = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + heddle.port() + "/batch"))
                        .header(
                                "Authorization",
                                "Bearer "
                                        + Files.readString(data.resolve("admin-token"))
                                                .strip())
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString("{\"urls\":[" + urls + "]}"))
                        .build();
                for (int i = 0; i < 3; i++) {
                    var reply = client.send(asked, BodyHandlers.ofByteArray());
                    assertEquals(200, reply.statusCode());
                    var items = new ObjectMapper().readTree(reply.body());
                    assertEquals(100, items.size());
                    int whole = 0;
                    for (var item : items) {
                        if (item.has("body")) {
                            assertEquals(
                                    (1 << 20) - 2, item.get("body").asText().length());
                            whole++;
                        } else {
                            assertEquals(503, item.at("/error/status").asInt(), item.toString());
                        }
                    }
                    // An eighth of the heap, for one caller.
                    assertTrue(whole >= 20 && whole <= 32, whole + " are there");
                }
            }
        }
    }
}
