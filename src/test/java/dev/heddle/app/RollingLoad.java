package dev.heddle.app;

import dev.heddle.testing.Form;
import dev.heddle.testing.RawConnection;
import java.io.IOException;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;

/**
 * Requests of many kinds at a steady rate, whatever becomes of those before, by clients that try nothing again. What has no
 * answer of 2xx within ten seconds is lost.
 */
final class RollingLoad {

    /** Of every ten requests. */
    private enum Kind {
        LIST,
        READ,
        CREATE,
        CREATE_WITH_KEY,
        UPLOAD,
        DOWNLOAD,
        COUNT,
        COMPLETE,
        READ_ON_A_NEW_CONNECTION,
        CREATE_ON_A_NEW_CONNECTION;

        boolean isOnNewConnection() {
            return this == READ_ON_A_NEW_CONNECTION || this == CREATE_ON_A_NEW_CONNECTION;
        }
    }

    private static final int UPLOAD_BYTES = 5_000;

    /** What the clients find there. */
    record Known(String token, String task, String file) {}

    // Set once.
    private final int port;
    private final Known known;
    private final int perSecond;
    private final int count;
    private final long[] nanos;

    // Any thread.
    private final Deque<RawConnection> kept = new ConcurrentLinkedDeque<>();
    private final ConcurrentLinkedQueue<String> lost = new ConcurrentLinkedQueue<>();
    private final Map<Kind, LongAdder> done = new ConcurrentHashMap<>();
    private final AtomicInteger opened = new AtomicInteger();

    RollingLoad(int port, Known known, int perSecond, int count) {
        this.port = port;
        this.known = known;
        this.perSecond = perSecond;
        this.count = count;
        this.nanos = new long[count];
    }

    /** Sends them all; returns when the last has its answer. */
    void run() {
        long from = System.nanoTime();
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < count; i++) {
                int n = i;
                long at = from + n * 1_000_000_000L / perSecond;
                for (long left = at - System.nanoTime(); left > 0; left = at - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                clients.execute(() -> ask(n, at));
            }
        }
        kept.forEach(RollingLoad::close);
    }

    private void ask(int n, long at) {
        var kind = Kind.values()[n % Kind.values().length];
        try {
            int status = status(kind, n);
            if (status >= 200 && status < 300) {
                done.computeIfAbsent(kind, any -> new LongAdder()).increment();
            } else {
                lose(kind, n, at, String.valueOf(status));
            }
        } catch (IOException | RuntimeException e) {
            lose(kind, n, at, e.toString());
        }
        nanos[n] = System.nanoTime() - at;
    }

    private void lose(Kind kind, int n, long at, String why) {
        lost.add(kind + " " + n + " after " + (System.nanoTime() - at) / 1_000_000 + " ms: " + why);
    }

    private int status(Kind kind, int n) throws IOException {
        var connection = kind.isOnNewConnection() ? null : kept.poll();
        if (connection == null) {
            connection = RawConnection.to(port);
            opened.incrementAndGet();
        }
        boolean isKept = false;
        try {
            var answer = connection.send(request(kind, n)).answer();
            isKept = !kind.isOnNewConnection() && !answer.saysClose();
            return answer.status();
        } finally {
            if (isKept) {
                kept.add(connection);
            } else {
                close(connection);
            }
        }
    }

    private static void close(RawConnection connection) {
        try {
            connection.close();
        } catch (IOException e) {
            // It has done what it was for.
        }
    }

    private String request(Kind kind, int n) {
        return switch (kind) {
            case LIST -> head("GET /tasks?limit=10", "") + "\r\n";
            case COUNT -> head("GET /tasks/count", "") + "\r\n";
            case READ -> head("GET /tasks/" + known.task(), "") + "\r\n";
            case READ_ON_A_NEW_CONNECTION -> head("GET /tasks/" + known.task(), "Connection: close\r\n") + "\r\n";
            case DOWNLOAD -> head("GET /download/" + known.file(), "") + "\r\n";
            case COMPLETE -> head("POST /tasks/" + known.task() + "/complete", "Content-Length: 0\r\n") + "\r\n";
            case CREATE -> create(n, "");
            case CREATE_WITH_KEY -> create(n, "Idempotency-Key: rolling-" + n + "\r\n");
            case CREATE_ON_A_NEW_CONNECTION -> create(n, "Connection: close\r\n");
            case UPLOAD ->
                head("POST /upload", "Content-Type: " + Form.TYPE + "\r\n")
                        + body(Form.of("rolling-" + n + ".txt", "u".repeat(UPLOAD_BYTES)));
        };
    }

    private String create(int n, String headers) {
        return head("POST /tasks", "Content-Type: application/json\r\n" + headers)
                + body("{\"title\": \"rolling " + n + "\", \"description\": \"" + "d".repeat(n % 3_000) + "\"}");
    }

    private String head(String line, String headers) {
        return line + " HTTP/1.1\r\nHost: heddle\r\nAuthorization: Bearer " + known.token() + "\r\n" + headers;
    }

    private static String body(String body) {
        return "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    /** What had no good answer, and why. */
    List<String> lost() {
        return List.copyOf(lost);
    }

    /** Tasks whose creation was acknowledged. */
    long created() {
        return done(Kind.CREATE) + done(Kind.CREATE_WITH_KEY) + done(Kind.CREATE_ON_A_NEW_CONNECTION);
    }

    /** Files whose upload was acknowledged. */
    long uploaded() {
        return done(Kind.UPLOAD);
    }

    private long done(Kind kind) {
        return done.getOrDefault(kind, new LongAdder()).sum();
    }

    /** For the report, once it has run. */
    Map<String, Object> figures() {
        var sorted = LongStream.of(nanos).sorted().toArray();
        var figures = new TreeMap<String, Object>();
        figures.put("requests", count);
        figures.put("lost", lost.size());
        figures.put("connections of the clients", opened.get());
        figures.put("p50, ms", sorted[count / 2] / 1_000_000);
        figures.put("p99, ms", sorted[count * 99 / 100] / 1_000_000);
        figures.put("longest, ms", Arrays.stream(sorted).max().orElse(0) / 1_000_000);
        return figures;
    }
}
