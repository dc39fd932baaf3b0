package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.Psql;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with a heap of 64 MB, in a process of its own, imports far more than that, and is killed meanwhile. */
class ImportProcessIT {

    /** Enough to need the heap many times over; {@code -Dimport.tasks=700000} is about all that a body may have. */
    private static final long TASKS = Long.getLong("import.tasks", 200_000);

    private static final Duration LIMIT = Duration.ofMinutes(5);

    private static final String NDJSON = "application/x-ndjson";

    @TempDir
    private Path data;

    private String schema;
    private Psql psql;
    private HeddleProcess heddle;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        schema = TestPostgres.newSchema();
        psql = new Psql(schema);
        heddle = process();
    }

    private HeddleProcess process() throws IOException, InterruptedException {
        return HeddleProcess.start(
                        data,
                        Map.of(
                                "DATABASE_MODE", "external",
                                "DATABASE_URL", TestPostgres.url(schema),
                                "DATABASE_USERNAME", TestPostgres.username(),
                                "DATABASE_PASSWORD", TestPostgres.password(),
                                "DATABASE_POOL_SIZE", "4"),
                        List.of("-Xmx64m", "-XX:+ExitOnOutOfMemoryError"))
                .awaitReady();
    }

    @AfterEach
    void stop() {
        heddle.close();
        psql.execute("DROP SCHEMA " + schema + " CASCADE");
    }

    /** So many rows, made while they are read. */
    private static final class Rows extends InputStream {
        private final LongFunction<String> row;
        private final long count;
        private long made;
        private byte[] bytes = new byte[0];
        private int from;

        Rows(long count, LongFunction<String> row) {
            this.count = count;
            this.row = row;
        }

        @Override
        public int read() {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0];
        }

        @Override
        public int read(byte[] to, int offset, int length) {
            if (from == bytes.length) {
                if (made == count) {
                    return -1;
                }
                bytes = row.apply(++made).getBytes(StandardCharsets.UTF_8);
                from = 0;
            }
            int n = Math.min(length, bytes.length - from);
            System.arraycopy(bytes, from, to, offset, n);
            from += n;
            return n;
        }
    }

    private String token() throws IOException {
        return Files.readString(data.resolve("admin-token")).strip();
    }

    private HttpResponse<String> send(String type, InputStream body) {
        try (var client = HttpClient.newHttpClient()) {
            var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + heddle.port() + "/process"))
                    .header("Authorization", "Bearer " + token())
                    .header("Content-Type", type)
                    .timeout(LIMIT)
                    .POST(BodyPublishers.ofInputStream(() -> body))
                    .build();
            return client.send(request, BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private void assertImports(long count, String type, InputStream body) {
        long from = System.nanoTime();
        var reply = send(type, body);
        System.out.printf("%d tasks of %s in %d ms%n", count, type, (System.nanoTime() - from) / 1_000_000);
        assertEquals(200, reply.statusCode(), reply::body);
        assertEquals("{\"result\":{\"imported\":" + count + "}}", reply.body());
        assertEquals(count, tasks());
        psql.execute("TRUNCATE tasks");
        assertFalse(heddle.output().contains("OutOfMemory"), heddle::output);
    }

    private long tasks() {
        return psql.number("SELECT count(*) FROM tasks");
    }

    private static String json(long n) {
        return "{\"title\":\"task " + n + "\",\"description\":\"" + "woof and warp ".repeat(10)
                + "\",\"labels\":[\"loom\",\"urgent\"],\"completed\":" + (n % 4 == 0) + "}\n";
    }

    private static String csv(long n) {
        return n == 1
                ? "title,description,labels,completed\r\n"
                : "\"task " + n + "\",\"" + "woof\nand warp ".repeat(10) + "\",\"[\"\"loom\"\"]\"," + (n % 4 == 0)
                        + "\r\n";
    }

    @Test
    void manyTasksAreImportedWhole() {
        assertImports(TASKS, NDJSON, new Rows(TASKS, ImportProcessIT::json));
        assertImports(TASKS, "text/csv", new Rows(TASKS + 1, ImportProcessIT::csv));
    }

    @Test
    void tasksAsLargeAsTheyMayBeAreImportedWhole() {
        var description = "\u7e54".repeat(20_000);
        assertImports(2500, NDJSON, new Rows(2500, n -> "{\"title\":\"a\",\"description\":\"" + description + "\"}\n"));
        assertImports(
                2500,
                "text/csv",
                new Rows(2501, n -> n == 1 ? "title,description\n" : "\"a\",\"" + description + "\"\n"));
    }

    @Test
    void idsThatAreGivenAreFoundInConstantMemory() {
        var id = "01a202c0-f64b-752e-bca9-6513269e0d37";
        var reply = send(
                NDJSON, new Rows(TASKS, n -> n < TASKS - 1 ? json(n) : "{\"title\":\"x\",\"id\":\"" + id + "\"}\n"));
        assertEquals(400, reply.statusCode());
        assertTrue(
                reply.body().contains("{\"line\":" + TASKS + ",\"pointer\":\"/id\",\"code\":\"duplicate\""),
                reply::body);
        assertEquals(0, tasks());
        assertFalse(heddle.output().contains("OutOfMemory"), heddle::output);
    }

    // Killed

    private boolean isReceiving() {
        try (var files = Files.list(Path.of("/proc", String.valueOf(heddle.pid()), "fd"))) {
            return files.anyMatch(file -> {
                try {
                    return Files.readSymbolicLink(file).toString().endsWith(".rows (deleted)");
                } catch (IOException e) {
                    return false;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void assertNothingIsLeft() throws IOException {
        try (var files = Files.list(data.resolve("import"))) {
            assertEquals(List.of(), files.toList());
        }
        await().atMost(Duration.ofSeconds(20)).until(() -> copying() == 0);
    }

    private long copying() {
        return psql.number("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY tasks%' AND state <> 'idle'"
                + " AND application_name = 'heddle'");
    }

    @Test
    void killedWhileABodyComesItLeavesNothing() throws IOException, InterruptedException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), heddle.port())) {
            var part = "POST /process HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token()
                    + "\r\nContent-Type: application/x-ndjson\r\nContent-Length: 100000000\r\n\r\n"
                    + json(1).repeat(5000);
            socket.getOutputStream().write(part.getBytes(StandardCharsets.UTF_8));
            await().atMost(Duration.ofSeconds(20)).until(this::isReceiving);
            heddle.kill();
        }
        assertNothingIsLeft();
        assertEquals(0, tasks());
    }

    @Test
    void killedWhileItLoadsItLeavesNothingAndImportsAfterwards() throws IOException, InterruptedException {
        CompletableFuture<?> client;
        try (var _ = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
            client = CompletableFuture.runAsync(
                    () -> send(NDJSON, new Rows(1000, ImportProcessIT::json)), Thread::startVirtualThread);
            psql.awaitBlocked(1);
            heddle.kill();
        }
        assertTrue(client.handle((_, failure) -> failure != null).join(), "nothing was acknowledged");
        assertNothingIsLeft();
        assertEquals(0, tasks());
        heddle = process();
        assertImports(1000, NDJSON, new Rows(1000, ImportProcessIT::json));
    }

    @Test
    void killedAtAnyMomentOfLoadingItLeavesAllOrNothing() throws IOException, InterruptedException {
        var client = CompletableFuture.runAsync(
                () -> send(NDJSON, new Rows(50_000, ImportProcessIT::json)), Thread::startVirtualThread);
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(5)).until(() -> copying() > 0 || client.isDone());
        heddle.kill();
        client.handle((_, _) -> true).join();
        assertNothingIsLeft();
        assertTrue(tasks() == 0 || tasks() == 50_000, () -> tasks() + " of 50000");
    }
}
