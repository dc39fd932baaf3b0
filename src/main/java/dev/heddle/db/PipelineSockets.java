package dev.heddle.db;

import java.net.InetAddress;
import java.net.Socket;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes the driver's sockets, and remembers each until it is asked for: the driver logs in, and then the {@link
 * PipelineConnection} speaks. Named by the driver's properties {@code socketFactory} and {@code socketFactoryArg}, so it is
 * public, as is its constructor; for nobody else.
 */
public final class PipelineSockets extends SocketFactory {

    /** By key, as long as somebody wants to know. */
    private static final Map<String, Expected> EXPECTED = new ConcurrentHashMap<>();

    private final String key;

    /** The socket of a connection that is being made. Closed by whoever expects it. */
    static final class Expected implements AutoCloseable {

        private final String key = UUID.randomUUID().toString();
        private volatile @Nullable Socket socket;

        Expected() {
            EXPECTED.put(key, this);
        }

        String key() {
            return key;
        }

        /** The last one: of several hosts, the one that the driver stayed with; of TLS, what lies around the inner one. */
        Socket socket() {
            return Objects.requireNonNull(socket, "the driver has made no socket");
        }

        @Override
        public void close() {
            EXPECTED.remove(key);
        }
    }

    /** For the connection with that key. */
    public PipelineSockets(String key) {
        this.key = key;
    }

    /** The driver goes on with this socket; nobody expects those that only carry a cancellation. */
    static void made(String key, Socket socket) {
        var expected = EXPECTED.get(key);
        if (expected != null) {
            expected.socket = socket;
        }
    }

    @Override
    public Socket createSocket() {
        var socket = new Socket();
        made(key, socket);
        return socket;
    }

    @Override
    public Socket createSocket(String host, int port) {
        throw new UnsupportedOperationException("the driver connects by itself");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) {
        throw new UnsupportedOperationException("the driver connects by itself");
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        throw new UnsupportedOperationException("the driver connects by itself");
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
        throw new UnsupportedOperationException("the driver connects by itself");
    }
}
