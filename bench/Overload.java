import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Asks for one path over so many connections at once, each as soon as it has an answer, and says how many answers of each
 * status came a second and how long they took.
 *
 * <p>{@code java bench/Overload.java PORT TOKEN PATH SECONDS CONNECTIONS...}
 */
final class Overload {

    private Overload() {}

    public static void main(String[] words) throws InterruptedException {
        int port = Integer.parseInt(words[0]);
        int seconds = Integer.parseInt(words[3]);
        var request = ("GET " + words[2] + " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + words[1] + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        System.out.println("| connections | status | a second | p50, ms | p99, ms | longest, ms |");
        System.out.println("|---:|---:|---:|---:|---:|---:|");
        for (int i = 4; i < words.length; i++) {
            int connections = Integer.parseInt(words[i]);
            var warm = run(port, request, 2, connections);
            if (warm.isEmpty()) {
                throw new IllegalStateException("no answers");
            }
            run(port, request, seconds, connections).forEach((status, nanos) -> {
                var sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
                System.out.printf(
                        "| %d | %s | %.0f | %.1f | %.1f | %.1f |%n",
                        connections,
                        status,
                        sorted.length / (double) seconds,
                        at(sorted, 0.5),
                        at(sorted, 0.99),
                        at(sorted, 1));
            });
        }
    }

    private static double at(long[] sorted, double part) {
        return sorted[(int) Math.min(sorted.length - 1, sorted.length * part)] / 1e6;
    }

    private static Map<String, ConcurrentLinkedQueue<Long>> run(int port, byte[] request, int seconds, int connections)
            throws InterruptedException {
        var times = new ConcurrentHashMap<String, ConcurrentLinkedQueue<Long>>();
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        var threads = new Thread[connections];
        for (int i = 0; i < connections; i++) {
            threads[i] = Thread.startVirtualThread(() -> ask(port, request, end, times));
        }
        for (var thread : threads) {
            thread.join();
        }
        return new TreeMap<>(times);
    }

    private static void ask(int port, byte[] request, long end, Map<String, ConcurrentLinkedQueue<Long>> times) {
        while (System.nanoTime() < end) {
            try (var socket = new Socket("127.0.0.1", port)) {
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(30_000);
                var in = new BufferedInputStream(socket.getInputStream(), 16 * 1024);
                while (System.nanoTime() < end) {
                    long began = System.nanoTime();
                    socket.getOutputStream().write(request);
                    var status = answer(in);
                    note(times, status, began);
                }
            } catch (IOException e) {
                note(times, "broken", System.nanoTime());
            }
        }
    }

    private static void note(Map<String, ConcurrentLinkedQueue<Long>> times, String status, long began) {
        times.computeIfAbsent(status, _ -> new ConcurrentLinkedQueue<>()).add(System.nanoTime() - began);
    }

    private static String answer(InputStream in) throws IOException {
        var status = line(in).substring(9, 12);
        int length = 0;
        for (var header = line(in); !header.isEmpty(); header = line(in)) {
            if (header.regionMatches(true, 0, "content-length:", 0, 15)) {
                length = Integer.parseInt(header.substring(15).strip());
            }
        }
        in.skipNBytes(length);
        return status;
    }

    private static String line(InputStream in) throws IOException {
        var bytes = new byte[512];
        int length = 0;
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new IOException("the connection ended");
            }
            if (length == bytes.length) {
                bytes = Arrays.copyOf(bytes, length * 2);
            }
            bytes[length++] = (byte) b;
        }
        return new String(bytes, 0, Math.max(0, length - 1), StandardCharsets.ISO_8859_1);
    }
}
