package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.heddle.testing.Psql;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with a heap of 64 MB, in a process of its own, exports far more than that. */
class ExportMemoryIT {

    /** Enough to need the heap many times over; {@code -Dexport.tasks=1000000} is the figure of the issue. */
    private static final long TASKS = Long.getLong("export.tasks", 200_000);

    private static final Duration LIMIT = Duration.ofMinutes(5);

    @TempDir
    private Path data;

    private String schema;
    private Psql psql;
    private HeddleProcess heddle;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        schema = TestPostgres.newSchema();
        psql = new Psql(schema);
        heddle = HeddleProcess.start(
                data,
                Map.of(
                        "DATABASE_MODE", "external",
                        "DATABASE_URL", TestPostgres.url(schema),
                        "DATABASE_USERNAME", TestPostgres.username(),
                        "DATABASE_PASSWORD", TestPostgres.password(),
                        "DATABASE_POOL_SIZE", "4"),
                List.of("-Xmx64m", "-XX:+ExitOnOutOfMemoryError"));
        heddle.awaitReady();
    }

    @AfterEach
    void stop() {
        heddle.close();
        psql.execute("DROP SCHEMA " + schema + " CASCADE");
    }

    private long exportedLines(String type) throws IOException, InterruptedException {
        var token = Files.readString(data.resolve("admin-token")).strip();
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + heddle.port() + "/tasks"))
                .header("Authorization", "Bearer " + token)
                .header("Accept", type)
                .timeout(LIMIT)
                .build();
        try (var client = HttpClient.newHttpClient();
                var body = client.send(request, BodyHandlers.ofInputStream()).body()) {
            var buffer = new byte[64 * 1024];
            long lines = 0;
            for (int n; (n = body.read(buffer)) >= 0; ) {
                for (int i = 0; i < n; i++) {
                    lines += buffer[i] == '\n' ? 1 : 0;
                }
            }
            return lines;
        }
    }

    @Test
    void manyTasksAreExportedWhole() throws IOException, InterruptedException {
        psql.execute("""
            INSERT INTO tasks (user_id, id, title, description, labels, created_at)
            SELECT 'admin', gen_random_uuid(), 'task ' || n, repeat('woof and warp ', 10), '{loom,urgent}',
                timestamptz '2026-11-22T12:00:00Z' + n * interval '1 ms'
            FROM generate_series(1, %d) n
            """.formatted(TASKS));
        psql.execute("ANALYZE tasks");
        for (var type : List.of("application/x-ndjson", "text/csv")) {
            long from = System.nanoTime();
            long lines = exportedLines(type);
            System.out.printf("%d tasks as %s in %d ms%n", TASKS, type, (System.nanoTime() - from) / 1_000_000);
            assertEquals(type.equals("text/csv") ? TASKS + 1 : TASKS, lines);
        }
        assertFalse(heddle.output().contains("OutOfMemory"), heddle::output);
    }

    @Test
    void tasksAsLargeAsTheyMayBeAreExportedWhole() throws IOException, InterruptedException {
        psql.execute("""
            INSERT INTO tasks (user_id, id, title, description)
            SELECT 'admin', gen_random_uuid(), 'task ' || n, repeat(chr(32340), 19990) || n
            FROM generate_series(1, 2500) n
            """);
        assertEquals(2500, exportedLines("application/x-ndjson"));
        assertEquals(2501, exportedLines("text/csv"));
        assertFalse(heddle.output().contains("OutOfMemory"), heddle::output);
    }
}
