package dev.heddle.app;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Writes lines from any thread, on one of its own, to standard output and to a file. A reader of the log that stops reading must not stop the server: when
 * the queue is full, lines are dropped and counted, and the count is written as soon as there is room.
 */
final class LogLines implements AutoCloseable {

    /** About a second of access log at full speed, some megabytes. */
    private static final int QUEUE_LINES = 16_384;

    /** How long closing waits for a reader that does not read. */
    private static final long CLOSE_SECONDS = 2;

    private record Flush(CountDownLatch done) {}

    private final PrintStream out;
    // Only the thread that writes.
    private final @Nullable RollingFile file;
    // Strings are lines; a Flush is answered when everything before it is written.
    private final BlockingQueue<Object> queue = new ArrayBlockingQueue<>(QUEUE_LINES);
    private final LongAdder dropped = new LongAdder();
    private volatile boolean closed;

    /** Writes to both, or to the first only. */
    LogLines(PrintStream out, @Nullable RollingFile file) {
        this.out = out;
        this.file = file;
        Thread.ofPlatform().daemon().name("heddle-log").start(this::write);
    }

    void add(String line) {
        if (!queue.offer(line)) {
            dropped.increment();
        }
    }

    private void write() {
        var batch = new ArrayList<Object>(256);
        var text = new StringBuilder();
        try {
            while (!closed || !queue.isEmpty()) {
                batch.add(queue.take());
                queue.drainTo(batch, 255);
                for (var entry : batch) {
                    if (entry instanceof Flush flush) {
                        print(text);
                        flush.done().countDown();
                    } else {
                        text.append(entry).append('\n');
                    }
                }
                print(text);
                batch.clear();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            if (file != null) {
                file.close();
            }
        }
    }

    private void print(StringBuilder text) {
        long lost = dropped.sumThenReset();
        if (lost > 0) {
            text.append("… ").append(lost).append(" log lines were dropped: nobody read them fast enough\n");
        }
        if (!text.isEmpty()) {
            var bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            text.setLength(0);
            out.writeBytes(bytes);
            out.flush();
            keep(bytes);
        }
    }

    private void keep(byte[] bytes) {
        var told = file == null ? "" : file.write(bytes);
        if (!told.isEmpty()) {
            out.println("… " + told);
            out.flush();
        }
    }

    void flush() {
        var done = new CountDownLatch(1);
        if (queue.offer(new Flush(done))) {
            try {
                if (!done.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                    // Nobody reads: what is left stays unwritten, and there is nowhere to say so.
                    queue.clear();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        flush();
    }
}
