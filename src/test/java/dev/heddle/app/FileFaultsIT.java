package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import dev.heddle.testing.TestPostgres;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of files when clients leave, the disk is full, the server is killed, and there is little memory. */
class FileFaultsIT {

    /** Of each, uploads and downloads. */
    private static final int CUTS = Integer.getInteger("files.cuts", 1000);

    /** Many times the heap; {@code -Dfiles.bytes=2147483648} is the figure of the issue. */
    private static final long BYTES = Long.getLong("files.bytes", 400L << 20);

    /** Connections of a server: four and the reserve for requests; eight workers, four, and the reserve for jobs. */
    private static final double POOLS = 5 + 13;

    private static final List<String> SMALL_HEAP = List.of("-Xmx64m", "-XX:+ExitOnOutOfMemoryError");

    @TempDir
    private Path data;

    private String schema;
    private HeddleProcess heddle;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @BeforeEach
    void start() throws IOException, InterruptedException {
        schema = TestPostgres.newSchema();
        heddle = launch(Map.of());
    }

    @AfterEach
    void stop() {
        client.close();
        heddle.close();
        new Psql(schema).execute("DROP SCHEMA " + schema + " CASCADE");
    }

    private HeddleProcess launch(Map<String, String> more) throws IOException, InterruptedException {
        var settings = new HashMap<>(Map.of(
                "DATABASE_MODE", "external",
                "DATABASE_URL", TestPostgres.url(schema),
                "DATABASE_USERNAME", TestPostgres.username(),
                "DATABASE_PASSWORD", TestPostgres.password(),
                "DATABASE_POOL_SIZE", "4",
                "FILES_MAX_SIZE", "8GiB",
                "FILES_KEEP_FREE", "0B"));
        settings.putAll(more);
        return HeddleProcess.start(data, settings, SMALL_HEAP).awaitReady();
    }

    private String token() throws IOException {
        return Files.readString(data.resolve("admin-token")).strip();
    }

    private HttpRequest.Builder request(String path) throws IOException {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + heddle.port() + path))
                .header("Authorization", "Bearer " + token())
                .timeout(Duration.ofMinutes(5));
    }

    private HttpResponse<String> upload(BodyPublisher body) throws IOException, InterruptedException {
        return client.send(
                request("/upload").header("Content-Type", Form.TYPE).POST(body).build(), BodyHandlers.ofString());
    }

    private String get(String path) throws IOException, InterruptedException {
        return client.send(request(path).build(), BodyHandlers.ofString()).body();
    }

    private List<Path> filesUnder(String directory) throws IOException {
        try (var all = Files.walk(data.resolve(directory))) {
            return all.filter(file -> Files.isRegularFile(file) && !file.endsWith("lock"))
                    .toList();
        }
    }

    private long handles() {
        try (var all = Files.list(Path.of("/proc", String.valueOf(heddle.pid()), "fd"))) {
            return all.count();
        } catch (IOException e) {
            return -1;
        }
    }

    /** The handles of a server at rest: the pools fill themselves behind the start, for as long as that takes. */
    private long handlesAtRest() throws InterruptedException {
        await().atMost(Duration.ofSeconds(30)).until(() -> connectionsOpen() == POOLS);
        return handles();
    }

    private double connectionsOpen() throws IOException, InterruptedException {
        var metrics = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + heddle.adminPort() + "/metrics"))
                .build();
        return client.send(metrics, BodyHandlers.ofString())
                .body()
                .lines()
                .filter(line -> line.startsWith("heddle_database_connections_open{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' ') + 1)))
                .sum();
    }

    private String head(String line, long length) throws IOException {
        return line + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token() + "\r\nContent-Type: " + Form.TYPE
                + "\r\nContent-Length: " + length + "\r\n\r\n";
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), heddle.port());
    }

    /** A process that is gone has none, which is no success. */
    private static boolean isWithin(long handles, long base) {
        return handles > 0 && handles <= base;
    }

    private static void awaitBase(LongSupplier handles, long base) {
        await().pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .atMost(Duration.ofSeconds(30))
                .until(() -> isWithin(handles.getAsLong(), base));
    }

    /** Some leave with a FIN, as a program that ends does, and some with a reset, as one that crashes. */
    private static void leave(Socket socket, Random random) throws IOException {
        if (random.nextBoolean()) {
            socket.setSoLinger(true, 0);
        }
        socket.close();
    }

    @Test
    void uploadsThatAreCutAnywhereLeaveNothing() throws IOException, InterruptedException {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var form = Form.bytes("cut.bin", new byte[200_000]);
        assertEquals(
                201,
                upload(BodyPublishers.ofByteArray(Form.bytes("whole.bin", new byte[10])))
                        .statusCode());
        long base = handlesAtRest();
        for (int i = 0; i < CUTS; i++) {
            if (i % 20 == 0) {
                // Not a flood, which would be refused: each is to be received as far as it goes.
                awaitBase(this::handles, base + 20);
            }
            var head = head("POST /upload?overwrite=true", form.length).getBytes(StandardCharsets.US_ASCII);
            int cut = random.nextInt(head.length + form.length);
            try (var socket = connect()) {
                socket.getOutputStream().write(head, 0, Math.min(cut, head.length));
                socket.getOutputStream().write(form, 0, Math.max(0, cut - head.length));
                leave(socket, random);
            } catch (SocketException e) {
                // The server was quicker to end it.
            }
        }
        awaitBase(this::handles, base);
        // The handles are counted while others come and go, and a file goes a moment after its own.
        await().ignoreException(UncheckedIOException.class)
                .untilAsserted(() -> assertEquals(List.of(), filesUnder("files/incoming"), "seed " + seed));
        assertEquals(1, new ObjectMapper().readTree(get("/files")).size(), "seed " + seed);
        assertEquals(1, filesUnder("files").size(), "seed " + seed);
        assertFalse(heddle.output().contains("ERROR"), heddle::output);
    }

    @Test
    void downloadsThatAreCutAnywhereLeaveNothingOpen() throws IOException, InterruptedException {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var content = new byte[3_000_000];
        random.nextBytes(content);
        assertEquals(
                201,
                upload(BodyPublishers.ofByteArray(Form.bytes("cut.bin", content)))
                        .statusCode());
        long base = handlesAtRest();
        for (int i = 0; i < CUTS; i++) {
            try (var socket = connect()) {
                socket.getOutputStream().write(head("GET /download/cut.bin", 0).getBytes(StandardCharsets.US_ASCII));
                socket.getInputStream().readNBytes(random.nextInt(content.length));
                leave(socket, random);
            }
        }
        awaitBase(this::handles, base);
        var whole = client.send(request("/download/cut.bin").build(), BodyHandlers.ofByteArray());
        assertEquals(content.length, whole.body().length);
        assertFalse(heddle.output().contains("ERROR"), heddle::output);
    }

    @Test
    void aKillInTheMiddleOfAnUploadLeavesNothingOnceTheServerIsBack() throws IOException, InterruptedException {
        assertEquals(
                201,
                upload(BodyPublishers.ofByteArray(Form.bytes("whole.bin", new byte[10])))
                        .statusCode());
        try (var socket = connect()) {
            socket.getOutputStream()
                    .write((head("POST /upload", 10_000_000) + Form.head("half.bin") + "x".repeat(1_000_000))
                            .getBytes(StandardCharsets.US_ASCII));
            await().until(() -> filesUnder("files/incoming").size() == 1);
            heddle.kill();
        }
        assertEquals(1, filesUnder("files/incoming").size(), "nobody has cleared up yet");
        heddle = launch(Map.of());
        assertEquals(List.of(), filesUnder("files/incoming"));
        var files = new ObjectMapper().readTree(get("/files"));
        assertEquals(List.of("whole.bin"), files.findValuesAsText("filename"));
    }

    @Test
    void aFullDiskRefusesWhatDoesNotFitAndTakesWhatDoes(@TempDir Path disk) throws IOException, InterruptedException {
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk.toString()) == 0,
                "a small disk cannot be mounted here");
        try {
            heddle.close();
            heddle = launch(Map.of("FILES_DIRECTORY", disk.toString()));
            var large = Form.bytes("large.bin", new byte[20_000_000]);
            var announced = upload(BodyPublishers.ofByteArray(large));
            assertEquals(507, announced.statusCode(), announced.body());
            // Nothing says how long it will be: it fails when the disk does.
            var streamed = upload(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)));
            assertEquals(507, streamed.statusCode(), streamed.body());
            assertTrue(streamed.body().contains("storage-full"), streamed.body());
            assertEquals("[]", get("/files"));
            try (var left = Files.walk(disk)) {
                assertEquals(1, left.filter(Files::isRegularFile).count(), "the lock alone");
            }
            assertEquals(
                    201,
                    upload(BodyPublishers.ofByteArray(Form.bytes("small.bin", new byte[9_000_000])))
                            .statusCode());
            heddle.close();
        } finally {
            run("umount", disk.toString());
        }
    }

    private static int run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
    }

    @Test
    void aFileOfManyTimesTheHeapGoesInAndOut() throws IOException, InterruptedException {
        long from = System.nanoTime();
        var made = upload(BodyPublishers.ofInputStream(() -> Form.stream("huge.bin", new Zeros(BYTES))));
        assertEquals(201, made.statusCode(), made.body());
        long uploaded = System.nanoTime();
        var back = client.send(request("/download/huge.bin").build(), BodyHandlers.ofInputStream());
        assertEquals(BYTES, back.headers().firstValueAsLong("Content-Length").orElse(-1));
        try (var body = back.body()) {
            assertEquals(BYTES, body.transferTo(OutputStream.nullOutputStream()));
        }
        System.out.printf(
                "%d MiB in after %d ms, out after %d ms more%n",
                BYTES >> 20, (uploaded - from) / 1_000_000, (System.nanoTime() - uploaded) / 1_000_000);
        assertFalse(heddle.output().contains("OutOfMemory"), heddle::output);
    }

    /** So many bytes, each of them 0. */
    private static final class Zeros extends InputStream {
        private long left;

        Zeros(long count) {
            left = count;
        }

        @Override
        public int read() {
            return left-- > 0 ? 0 : -1;
        }

        @Override
        public int read(byte[] to, int offset, int length) {
            int count = (int) Math.min(left, length);
            left -= count;
            return count == 0 ? -1 : count;
        }
    }
}
