package dev.heddle.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Sends bytes as they are and reads what comes back, for requests that no HTTP client would make. */
public final class RawHttp {

    /** An answer that takes longer is none. */
    private static final int PATIENCE_MILLIS = 30_000;

    private RawHttp() {}

    /**
     * What came back.
     *
     * @param text every byte as a character
     * @param closed whether the server ended the connection
     */
    public record Answer(String text, boolean closed) {
        /** The status of the first response, 0 when there was none. */
        public int status() {
            return text.startsWith("HTTP/1.1 ") ? Integer.parseInt(text.substring(9, 12)) : 0;
        }

        /** The first header of that name. */
        public Optional<String> header(String name) {
            return head().lines()
                    .skip(1)
                    .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst();
        }

        /** Everything behind the headers, in UTF-8. */
        public String body() {
            var bytes = text.substring(Math.min(text.length(), head().length() + 4));
            return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
        }

        private String head() {
            int end = text.indexOf("\r\n\r\n");
            return end < 0 ? text : text.substring(0, end);
        }

        /** Whether the server ends the connection with it. */
        public boolean saysClose() {
            return header("Connection").orElse("").equalsIgnoreCase("close");
        }

        /** Whether nothing is missing of the first response to a request of that method. */
        private boolean isWhole(boolean head) {
            if (!text.contains("\r\n\r\n")) {
                return false;
            }
            if (head) {
                return true;
            }
            if (header("Transfer-Encoding").isPresent()) {
                return text.endsWith("0\r\n\r\n");
            }
            int length = header("Content-Length").map(Integer::valueOf).orElse(0);
            return text.length() >= head().length() + 4 + length;
        }
    }

    /** Sends the text (Latin-1) and reads until the server closes, or has been silent for so long. */
    public static Answer send(int port, String bytes, int silenceMillis) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(silenceMillis);
            write(socket, bytes);
            return read(socket, false, true);
        }
    }

    /**
     * Sends the text (Latin-1) and reads one response; to the end of the connection when the server says that it closes.
     * Waits seconds for what should come, and not at all for what need not.
     */
    public static Answer exchange(int port, String bytes) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            write(socket, bytes);
            return read(socket, bytes.startsWith("HEAD "), false);
        }
    }

    private static void write(Socket socket, String bytes) throws IOException {
        try {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
        } catch (SocketException e) {
            // The server has heard enough and closed; its answer can still be read.
        }
    }

    private static Answer read(Socket socket, boolean head, boolean toTheEnd) throws IOException {
        var received = new ByteArrayOutputStream();
        try {
            var buffer = new byte[8192];
            for (int n; (n = socket.getInputStream().read(buffer)) >= 0; ) {
                received.write(buffer, 0, n);
                if (!toTheEnd) {
                    var soFar = new Answer(received.toString(StandardCharsets.ISO_8859_1), false);
                    if (!soFar.saysClose() && soFar.isWhole(head)) {
                        return soFar;
                    }
                }
            }
        } catch (SocketTimeoutException e) {
            return new Answer(received.toString(StandardCharsets.ISO_8859_1), false);
        } catch (SocketException e) {
            // Reset, because the server closed with bytes of ours unread: an end like the other.
        }
        return new Answer(received.toString(StandardCharsets.ISO_8859_1), true);
    }
}
