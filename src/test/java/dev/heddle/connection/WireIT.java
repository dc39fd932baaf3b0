package dev.heddle.connection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Routes;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.SmallServer;
import io.helidon.common.socket.NioSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files on their way into the socket itself. */
@InThisJvm
class WireIT {

    private static final String HOST = "Host: a\r\n";

    private static final int FILE_BYTES = 12 << 20;

    private static final AtomicInteger OPEN = new AtomicInteger();

    /** Counted down when the first bytes of a file that will shrink have arrived. */
    private static volatile CountDownLatch shrunk = new CountDownLatch(0);

    @TempDir
    private static Path directory;

    private static Path file;
    private static byte[] content;
    private static SmallServer server;

    @BeforeAll
    static void start() throws IOException {
        content = new byte[FILE_BYTES];
        new Random(5).nextBytes(content);
        file = Files.write(directory.resolve("file"), content);
        server = SmallServer.of(new Routes()
                .add(
                        "GET",
                        "/part/{from}/{count}",
                        Access.PUBLIC,
                        request -> part(Long.parseLong(request.pathValue(0)), Long.parseLong(request.pathValue(1))))
                .add("GET", "/framed", Access.PUBLIC, request -> {
                    var channel = open();
                    return Answer.stream(206, 5 + 100_000 + 5 + 3 + 5, out -> {
                                out.write(ascii("head "));
                                out.write(channel, 10, 100_000);
                                out.write(ascii(" mid "));
                                out.write(channel, 0, 3);
                                out.write(ascii(" end."));
                            })
                            .owning(() -> close(channel));
                })
                .add("GET", "/chunked", Access.PUBLIC, request -> {
                    var channel = open();
                    return Answer.stream("text/plain", out -> out.write(channel, 0, 100_000))
                            .owning(() -> close(channel));
                })
                .add("GET", "/longer", Access.PUBLIC, request -> {
                    var channel = open();
                    return Answer.stream(200, 10_000, out -> out.write(channel, 0, 20_000))
                            .owning(() -> close(channel));
                })
                .add("GET", "/shrinks", Access.PUBLIC, request -> shrinking())
                .add("GET", "/next", Access.PUBLIC, request -> Answer.of(200, "text/plain", ascii("next"))));
    }

    @AfterAll
    static void stop() {
        server.close();
        assertEquals(0, OPEN.get(), "every file is closed");
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static FileChannel open() {
        try {
            OPEN.incrementAndGet();
            return FileChannel.open(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void close(FileChannel channel) throws IOException {
        OPEN.decrementAndGet();
        channel.close();
    }

    private static Answer part(long from, long count) {
        var channel = open();
        return Answer.stream(200, count, out -> out.write(channel, from, count)).owning(() -> close(channel));
    }

    /** Loses its second half when its client has begun to read. */
    private static Answer shrinking() {
        try {
            var path = Files.write(Files.createTempFile(directory, "shrinks", ""), content);
            var channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            OPEN.incrementAndGet();
            return Answer.stream(200, FILE_BYTES, out -> {
                        out.write(channel, 0, FILE_BYTES / 4);
                        channel.truncate(FILE_BYTES / 2);
                        shrunk.countDown();
                        out.write(channel, FILE_BYTES / 4, FILE_BYTES - FILE_BYTES / 4);
                    })
                    .owning(() -> close(channel));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static RawConnection connect(int receiveBytes) throws IOException {
        return RawConnection.to(server.port(), receiveBytes);
    }

    /** Without it files are sent by hand and refused bodies reset their connections: see {@link Wire}. */
    @Test
    void theSocketOfTheWebServerIsReached() throws IOException {
        try (var channel = SocketChannel.open()) {
            var socket = NioSocket.server(channel, "test", "test");
            assertTrue(Wire.of(socket, new Wait(), Duration.ofSeconds(1)).isPresent());
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {0, 1, 2, 4_095, 4_096, 4_097, 8_191, 8_192, 8_193, 65_535, 65_536, 73_728, 73_729, 4 << 20, 9 << 20
            })
    void exactlyThePartThatIsAskedForArrives(int count) throws IOException {
        try (var connection = connect(0)) {
            for (int from : new int[] {0, 1, FILE_BYTES - count}) {
                connection.send("GET /part/" + from + "/" + count + " HTTP/1.1\r\n" + HOST + "\r\n");
                var answer = connection.answer();
                assertEquals(Optional.of(Integer.toString(count)), answer.header("Content-Length"));
                assertArrayEquals(
                        Arrays.copyOfRange(content, from, from + count),
                        answer.text().getBytes(StandardCharsets.ISO_8859_1));
            }
            assertEquals("next", next(connection));
        }
    }

    private static String next(RawConnection connection) throws IOException {
        return connection
                .send("GET /next HTTP/1.1\r\n" + HOST + "\r\n")
                .answer()
                .text();
    }

    /** The socket is full again and again: the server waits for room, and nothing is lost or sent twice. */
    @Test
    void aSlowReaderGetsEveryByte() throws IOException {
        try (var connection = connect(4 * 1024)) {
            connection.send("GET /part/3/" + (FILE_BYTES - 3) + " HTTP/1.1\r\n" + HOST + "\r\n");
            var head = connection.answerToHead();
            assertEquals(Optional.of(Integer.toString(FILE_BYTES - 3)), head.header("Content-Length"));
            var received = ByteBuffer.allocate(FILE_BYTES - 3);
            var random = new Random(1);
            while (received.hasRemaining()) {
                received.put(connection.read(Math.min(received.remaining(), 1 + random.nextInt(20_000))));
            }
            assertArrayEquals(Arrays.copyOfRange(content, 3, FILE_BYTES), received.array());
            assertEquals("next", next(connection));
        }
    }

    @Test
    void whatIsWrittenAroundAFileStaysInItsOrder() throws IOException {
        try (var connection = connect(0)) {
            for (int i = 0; i < 20; i++) {
                var answer = connection
                        .send("GET /framed HTTP/1.1\r\n" + HOST + "\r\n")
                        .answer();
                var expected = "head " + latin1(10, 100_010) + " mid " + latin1(0, 3) + " end.";
                assertEquals(expected, answer.text());
            }
            assertEquals("next", next(connection));
        }
    }

    private static String latin1(int from, int to) {
        return new String(content, from, to - from, StandardCharsets.ISO_8859_1);
    }

    /** Between chunks there is no place for it in the socket itself. */
    @Test
    void aFileInAnAnswerOfUnknownLengthIsSentInChunks() throws IOException {
        try (var connection = connect(0)) {
            var head =
                    connection.send("GET /chunked HTTP/1.1\r\n" + HOST + "\r\n").answerToHead();
            assertEquals(Optional.of("chunked"), head.header("Transfer-Encoding"));
            var received = new StringBuilder();
            for (int size = -1; size != 0; ) {
                size = Integer.parseInt(line(connection), 16);
                received.append(new String(connection.read(size), StandardCharsets.ISO_8859_1));
                assertEquals("", line(connection));
            }
            assertEquals(latin1(0, 100_000), received.toString());
            var none = connection
                    .send("HEAD /chunked HTTP/1.1\r\n" + HOST + "\r\n")
                    .answerToHead();
            assertEquals(Optional.of("100000"), none.header("Content-Length"));
            assertEquals("next", next(connection));
        }
    }

    private static String line(RawConnection connection) throws IOException {
        var line = new StringBuilder();
        while (!line.toString().endsWith("\r\n")) {
            line.append(new String(connection.read(1), StandardCharsets.ISO_8859_1));
        }
        return line.substring(0, line.length() - 2);
    }

    @Test
    void headSendsNothingOfAFile() throws IOException {
        try (var connection = connect(0)) {
            connection.send("HEAD /part/0/" + FILE_BYTES + " HTTP/1.1\r\n" + HOST + "\r\n");
            assertEquals(
                    Optional.of(Integer.toString(FILE_BYTES)),
                    connection.answerToHead().header("Content-Length"));
            assertEquals("next", next(connection));
        }
    }

    @Test
    void aFileThatShrinksIsCutSoThatNobodyTakesThePartForTheWhole() throws IOException, InterruptedException {
        shrunk = new CountDownLatch(1);
        try (var connection = connect(0)) {
            var head =
                    connection.send("GET /shrinks HTTP/1.1\r\n" + HOST + "\r\n").answerToHead();
            assertEquals(Optional.of(Integer.toString(FILE_BYTES)), head.header("Content-Length"));
            var begin = connection.read(FILE_BYTES / 4);
            shrunk.await();
            var rest = connection.rest().replace("(reset)", "");
            assertEquals(FILE_BYTES / 2, begin.length + rest.length());
            assertTrue(begin.length + rest.length() < FILE_BYTES);
        }
    }

    /** What is beyond the length would be the next answer to the client, and its bytes are those of a user. */
    @Test
    void aFileThatIsLongerThanItsAnswerSaysIsNotSent() throws IOException {
        try (var connection = connect(0)) {
            connection.send("GET /longer HTTP/1.1\r\n" + HOST + "\r\n");
            assertEquals(500, connection.answer().status());
            assertEquals("next", next(connection));
        }
    }

    @Test
    void aClientThatLeavesInTheMiddleLeavesNoFileOpen() throws IOException {
        try (var connection = connect(4 * 1024)) {
            connection.send("GET /part/0/" + FILE_BYTES + " HTTP/1.1\r\n" + HOST + "\r\n");
            assertEquals(100_000, connection.read(100_000).length);
        }
        try (var connection = connect(0)) {
            assertEquals("next", next(connection));
        }
        // That every file is closed is seen at the end.
    }
}
