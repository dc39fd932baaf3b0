package dev.heddle.client;

import dev.heddle.client.HttpFailure.Kind;
import dev.heddle.concurrent.Deadline;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** A connection to a server: one exchange at a time, as many as both sides like. Not for two threads. */
final class HttpConnection implements AutoCloseable {

    private static final String[] PROTOCOLS = {"http/1.1"};

    private final TimedSocket wire;
    private final Socket socket;
    private final OutputStream out;
    private final AnswerReader answers;

    private HttpConnection(TimedSocket wire, Socket socket) throws IOException {
        this.wire = wire;
        this.socket = socket;
        this.out = socket.getOutputStream();
        this.answers = new AnswerReader(socket.getInputStream());
    }

    /**
     * Connects to the first address that takes it; each has its share of the time.
     *
     * @param readTimeout of silence, in this and every exchange to come
     * @param tls null for a connection without it
     * @param deadline for the connection to be made, encryption included
     * @throws CancellationException when this thread is interrupted; the flag stays set
     */
    static HttpConnection open(
            Origin origin,
            List<InetAddress> addresses,
            Duration readTimeout,
            @Nullable SSLContext tls,
            Deadline deadline)
            throws HttpFailure {
        var failure = new HttpFailure(Kind.UNRESOLVED, origin + " has no address");
        for (int i = 0; i < addresses.size(); i++) {
            // One that swallows everything leaves the others their share.
            var share = Deadline.after(deadline.remaining().dividedBy(addresses.size() - i));
            try {
                var address = new InetSocketAddress(addresses.get(i), origin.port());
                return open(origin, address, readTimeout, tls, share);
            } catch (HttpFailure e) {
                failure = e;
                if (e.kind() != Kind.UNREACHABLE && e.kind() != Kind.TIMEOUT) {
                    break;
                }
            }
        }
        throw failure;
    }

    private static HttpConnection open(
            Origin origin, InetSocketAddress address, Duration readTimeout, @Nullable SSLContext tls, Deadline deadline)
            throws HttpFailure {
        var wire = new TimedSocket(readTimeout);
        try {
            // Requests are written whole; waiting for more would only delay them.
            wire.setTcpNoDelay(true);
            wire.connect(address, TimedSocket.millis(deadline));
            return new HttpConnection(wire, tls == null ? wire : encrypted(origin, wire, tls, deadline));
        } catch (IOException e) {
            closeQuietly(wire);
            throw failure(e, Kind.UNREACHABLE, "no connection to " + origin);
        }
    }

    private static Socket encrypted(Origin origin, TimedSocket wire, SSLContext tls, Deadline deadline)
            throws IOException {
        var socket = (SSLSocket) tls.getSocketFactory().createSocket(wire, origin.host(), origin.port(), true);
        var parameters = socket.getSSLParameters();
        // Without it any certificate of anybody would do.
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        parameters.setApplicationProtocols(PROTOCOLS);
        socket.setSSLParameters(parameters);
        wire.begin(deadline);
        try {
            socket.startHandshake();
        } finally {
            wire.rest();
        }
        return socket;
    }

    /** Sends a request and reads its answer. After a failure the connection must be closed. */
    HttpAnswer exchange(byte[] request, int bodyBytesMax, Deadline deadline) throws HttpFailure {
        wire.begin(deadline);
        try {
            out.write(request);
            var answer = answers.read(bodyBytesMax);
            if (socket != wire && wire.isAtEnd()) {
                // The JDK takes that for a goodbye, but anybody on the way can end a connection.
                throw new HttpFailure(Kind.CUT, "the connection ended without the goodbye of TLS");
            }
            return answer;
        } catch (IOException e) {
            throw failure(e, Kind.CUT, "the connection broke");
        } finally {
            wire.rest();
        }
    }

    /** Whether the next exchange can use it. */
    boolean isReusable() {
        return answers.isReusable();
    }

    /** Whether nothing has come that nobody asked for, such as a 408 with which a server ends it. RFC 9112 §9.2. */
    boolean isQuiet() {
        try {
            return wire.getInputStream().available() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether a server that hung up cannot have begun to answer. */
    boolean isUntouched() {
        return answers.isUntouched();
    }

    private static HttpFailure failure(IOException e, Kind otherwise, String what) {
        if (Thread.currentThread().isInterrupted()) {
            throw (CancellationException) new CancellationException("interrupted while calling").initCause(e);
        }
        return switch (root(e)) {
            case HttpFailure known -> known;
            case SocketTimeoutException _ -> new HttpFailure(Kind.TIMEOUT, "no answer in time", e);
            case SSLException _ -> new HttpFailure(Kind.UNTRUSTED, what + ": " + e.getMessage(), e);
            default -> new HttpFailure(otherwise, what + ": " + e.getMessage(), e);
        };
    }

    /** What TLS cannot read because the line broke is no matter of trust. */
    private static IOException root(IOException e) {
        var root = e;
        while (root instanceof SSLException && root.getCause() instanceof IOException cause) {
            root = cause;
        }
        return root;
    }

    @Override
    public void close() {
        closeQuietly(socket);
        // Closing TLS says goodbye first, which a dead connection cannot hear.
        closeQuietly(wire);
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // Whatever it held is lost either way.
            var _ = e;
        }
    }
}
