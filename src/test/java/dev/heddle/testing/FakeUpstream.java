package dev.heddle.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server on a real socket that answers byte by byte what a test says, and knows who is connected. Each connection has a
 * thread of its own. Whoever starts it closes it.
 */
public final class FakeUpstream implements AutoCloseable {

    private final ServerSocket listener;
    private final Script script;
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();
    private final AtomicInteger atWork = new AtomicInteger();
    private final AtomicInteger peak = new AtomicInteger();

    /** What a request is answered with. */
    @FunctionalInterface
    public interface Script {
        /** Writes the answer; returning keeps the connection, throwing ends it. */
        void answer(Request request, OutputStream out) throws IOException;
    }

    /**
     * A request.
     *
     * @param head everything before the body, as it came
     * @param connection which connection it came over, counted from 1
     * @param socket the connection itself
     */
    public record Request(String head, int connection, Socket socket) {
        /** What was asked for. */
        public String target() {
            return head.split(" ", 3)[1];
        }

        /** Says nothing until the client has gone. */
        public void awaitHangUp() throws IOException {
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        }

        /** The first field of that name. */
        public Optional<String> header(String name) {
            return head.lines()
                    .skip(1)
                    .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst();
        }
    }

    private FakeUpstream(ServerSocket listener, Script script) {
        this.listener = listener;
        this.script = script;
        Thread.ofVirtual().name("fake-upstream").start(this::accept);
    }

    /** One that answers by that script. */
    public static FakeUpstream start(Script script) {
        try {
            return start(new ServerSocket(0, 1024, InetAddress.getLoopbackAddress()), script);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same on a listener of the caller's, such as one with TLS. */
    public static FakeUpstream start(ServerSocket listener, Script script) {
        return new FakeUpstream(listener, script);
    }

    /** One that answers everything with that JSON. */
    public static FakeUpstream json(String json) {
        return start((request, out) -> out.write(ok(json)));
    }

    /** One that takes connections and never says anything. */
    public static FakeUpstream silent() {
        return start((request, out) -> request.awaitHangUp());
    }

    /** 200 with that JSON and some fields, each with its line end. */
    public static byte[] ok(String json, String... fields) {
        return answer("200 OK", json, "Content-Type: application/json\r\n" + String.join("", fields));
    }

    /** An answer with a length. */
    public static byte[] answer(String status, String body, String fields) {
        var bytes = body.getBytes(StandardCharsets.UTF_8);
        return bytes("HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + bytes.length + "\r\n\r\n" + body);
    }

    /** As it is. */
    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                var socket = listener.accept();
                connections.add(socket);
                int number = accepted.incrementAndGet();
                Thread.ofVirtual().name("fake-upstream-" + number).start(() -> serve(socket, number));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket socket, int number) {
        try (socket) {
            var in = new BufferedInputStream(socket.getInputStream());
            for (var head = head(in); !head.isEmpty(); head = head(in)) {
                var request = new Request(head, number, socket);
                requests.add(request);
                peak.accumulateAndGet(atWork.incrementAndGet(), Math::max);
                try {
                    answerWhileConnected(socket, request);
                } finally {
                    atWork.decrementAndGet();
                }
            }
        } catch (IOException e) {
            // The connection ends, as its script wanted or because the client left.
        } finally {
            connections.remove(socket);
        }
    }

    private void answerWhileConnected(Socket socket, Request request) throws IOException {
        script.answer(request, socket.getOutputStream());
        socket.getOutputStream().flush();
    }

    private static String head(InputStream in) throws IOException {
        var head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
            int b = in.read();
            if (b < 0) {
                return "";
            }
            head.write(b);
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    /** Where it is: {@code http://127.0.0.1:12345}. */
    public String url() {
        return "http://127.0.0.1:" + port();
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** Every request so far. */
    public List<Request> requests() {
        return requests;
    }

    /** Connections taken so far. */
    public int accepted() {
        return accepted.get();
    }

    /** Connections that are open. */
    public int open() {
        return connections.size();
    }

    /** The most requests that were being answered at once. */
    public int peak() {
        return peak.get();
    }

    /** Ends all connections without a word; the listener stays. */
    public void hangUp() {
        connections.forEach(FakeUpstream::close);
    }

    private static void close(AutoCloseable what) {
        try {
            what.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        close(listener);
        hangUp();
    }
}
