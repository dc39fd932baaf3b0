package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** A log that nobody reads stops nobody. */
class LogLinesTest {

    @Test
    void linesComeOutInOrderAndClosingWritesWhatIsLeft() {
        var out = new ByteArrayOutputStream();
        try (var lines = new LogLines(new PrintStream(out, true, StandardCharsets.UTF_8), null)) {
            for (int i = 0; i < 1000; i++) {
                lines.add("line " + i);
            }
        }
        var written = out.toString(StandardCharsets.UTF_8).split("\n", -1);
        assertEquals("line 0", written[0]);
        assertEquals("line 999", written[999]);
    }

    @Test
    void whileTheReaderIsStuckAddingGoesOnAndTheLossIsTold() {
        var unstuck = new CountDownLatch(1);
        var out = new ByteArrayOutputStream();
        var stuck = new OutputStream() {
            @Override
            public void write(int b) {
                awaitQuietly(unstuck);
                out.write(b);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                awaitQuietly(unstuck);
                out.write(bytes, offset, length);
            }
        };
        var lines = new LogLines(new PrintStream(stuck, true, StandardCharsets.UTF_8), null);
        for (int i = 0; i < 50_000; i++) {
            lines.add("line " + i);
        }
        unstuck.countDown();
        await().untilAsserted(() -> {
            lines.add("one more");
            assertTrue(out.toString(StandardCharsets.UTF_8).contains("log lines were dropped"));
        });
        lines.close();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
