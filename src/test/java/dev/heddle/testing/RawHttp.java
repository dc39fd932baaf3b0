package dev.heddle.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;

/** Sends bytes as they are and reads what comes back, for requests that no HTTP client would make. */
public final class RawHttp {

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
    }

    /** Sends the text (Latin-1) and reads until the server closes, or has been silent for so long. */
    public static Answer send(int port, String bytes, int silenceMillis) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(silenceMillis);
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            var received = new ByteArrayOutputStream();
            boolean closed = false;
            try {
                var buffer = new byte[8192];
                for (int n; (n = socket.getInputStream().read(buffer)) >= 0; ) {
                    received.write(buffer, 0, n);
                }
                closed = true;
            } catch (SocketTimeoutException e) {
                // Silent: the connection is kept open.
            }
            return new Answer(received.toString(StandardCharsets.ISO_8859_1), closed);
        }
    }
}
