package dev.heddle.testing;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** One connection on which bytes are sent as they are, and answers read one after the other. For one thread. */
public final class RawConnection implements AutoCloseable {

    /** What does not come for so long does not come. */
    private static final int PATIENCE_MILLIS = 10_000;

    private final Socket socket;

    /**
     * An answer whose length was named.
     *
     * @param head with the status line
     * @param text the body in Latin-1
     */
    public record Answer(String head, String text) {
        public int status() {
            return Integer.parseInt(head.substring(9, 12));
        }

        public Optional<String> header(String name) {
            return head.lines()
                    .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst();
        }

        public boolean saysClose() {
            return header("Connection").orElse("").equalsIgnoreCase("close");
        }
    }

    private RawConnection(Socket socket) {
        this.socket = socket;
    }

    public static RawConnection to(int port) throws IOException {
        return to(port, 0);
    }

    /**
     * With little room for what the server sends.
     *
     * @param receiveBytes 0 for as much as the system gives
     */
    public static RawConnection to(int port, int receiveBytes) throws IOException {
        var socket = new Socket();
        if (receiveBytes > 0) {
            socket.setReceiveBufferSize(receiveBytes);
        }
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return new RawConnection(socket);
    }

    /** Sends the text in Latin-1. */
    public RawConnection send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    public RawConnection send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
        return this;
    }

    /** Says that nothing more will be sent. */
    public void finish() throws IOException {
        socket.shutdownOutput();
    }

    /** The next answer. */
    public Answer answer() throws IOException {
        var head = head();
        var length = new Answer(head, "").header("Content-Length").map(Integer::valueOf);
        return new Answer(head, new String(read(length.orElse(0)), StandardCharsets.ISO_8859_1));
    }

    /** The next answer, to a HEAD. */
    public Answer answerToHead() throws IOException {
        return new Answer(head(), "");
    }

    private String head() throws IOException {
        var head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
            int b = socket.getInputStream().read();
            if (b < 0) {
                throw new EOFException("the connection ended after " + head.size() + " bytes of a head");
            }
            head.write(b);
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    /** The next so many bytes; fewer at the end of the connection. */
    public byte[] read(int length) throws IOException {
        return socket.getInputStream().readNBytes(length);
    }

    /** Everything to the end of the connection, in Latin-1; a reset is an end too. */
    public String rest() throws IOException {
        var rest = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(rest);
        } catch (SocketException e) {
            return rest.toString(StandardCharsets.ISO_8859_1) + "(reset)";
        }
        return rest.toString(StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
