package dev.heddle.connection;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.common.task.InterruptableTask;
import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionListener;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stands between the sockets and the web server's parser: each connection hands the parser one head at a time and the body
 * that belongs to it, and ends when it was said to (decision 11).
 */
public final class ConnectionGuard implements ServerConnectionSelector {

    private final ServerConnectionSelector next;
    private final int connections;
    private final ConnectionLimits limits;
    private final ConnectionWatch watch;
    private final Supplier<byte[]> refusal;
    private final Addresses addresses;
    private final LongAdder accepted = new LongAdder();
    private final LongAdder gone = new LongAdder();

    /**
     * How large the head of a request may be, in bytes.
     *
     * @param requestLine more is 414
     * @param headers more is not read
     */
    public record HeadSize(int requestLine, int headers) {}

    /**
     * For connections of HTTP/1.1.
     *
     * @param connections at once; whoever has one more is told so
     * @param watch keeps the limits
     * @param refusal what one is told who has one connection more than there may be: a whole answer, as it is sent
     */
    public ConnectionGuard(
            HeadSize size, int connections, ConnectionLimits limits, ConnectionWatch watch, Supplier<byte[]> refusal) {
        this.connections = connections;
        this.limits = limits;
        this.watch = watch;
        this.refusal = refusal;
        this.addresses = new Addresses(limits.perAddress(), limits.proxies());
        var config = Http1Config.builder()
                .maxPrologueLength(size.requestLine())
                .maxHeadersSize(size.headers())
                .addReceiveListener(new Received())
                .addSendListener(new Sent())
                .build();
        next = Http1ConnectionSelector.builder().config(config).build();
    }

    @Override
    public int bytesToIdentifyConnection() {
        return next.bytesToIdentifyConnection();
    }

    @Override
    public Support supports(BufferData data) {
        return next.supports(data);
    }

    @Override
    public Set<String> supportedApplicationProtocols() {
        return next.supportedApplicationProtocols();
    }

    @Override
    public ServerConnection connection(ConnectionContext context) {
        accepted.increment();
        var guarded = new GuardedConnection(context, limits, watch);
        return new Guarded(next.connection(guarded), guarded, addressOf(context), this);
    }

    /** How many connections its listener has accepted since the start. */
    public long accepted() {
        return accepted.sum();
    }

    /** How many of them are open. */
    public long open() {
        return accepted.sum() - gone.sum();
    }

    /** Tells the connection what the parser has read. */
    private static final class Received implements Http1ConnectionListener {

        @Override
        public void prologue(ConnectionContext context, HttpPrologue prologue) {
            if (context instanceof GuardedConnection connection) {
                connection.begin();
            }
        }

        @Override
        public void headers(ConnectionContext context, Headers headers) {
            if (context instanceof GuardedConnection connection) {
                connection.head(headers);
            }
        }
    }

    /** Tells it what is answered; called before the web server adds what the client has asked for. */
    private static final class Sent implements Http1ConnectionListener {

        @Override
        public void headers(ConnectionContext context, Headers headers) {
            if (context instanceof GuardedConnection connection) {
                connection.answered(HeaderRules.sayClose(headers));
            }
        }
    }

    private static @Nullable InetAddress addressOf(ConnectionContext context) {
        return context.remotePeer().address() instanceof InetSocketAddress peer ? peer.getAddress() : null;
    }

    private record Guarded(
            ServerConnection inner,
            GuardedConnection connection,
            @Nullable InetAddress address,
            ConnectionGuard guard) implements ServerConnection, InterruptableTask<Void> {

        @Override
        public void handle(Limit limit) throws InterruptedException {
            try {
                admitted(limit);
            } finally {
                guard.gone.increment();
            }
        }

        private void admitted(Limit limit) throws InterruptedException {
            if (guard.open() > guard.connections) {
                throw refused(Wait.Reason.TOTAL);
            }
            if (!guard.addresses.enter(address)) {
                throw refused(Wait.Reason.ADDRESS);
            }
            guard.watch.enter(connection);
            ScopedValue.where(GuardedConnection.CURRENT, connection).<Void, InterruptedException>call(() -> {
                try {
                    inner.handle(limit);
                } finally {
                    leave();
                }
                return null;
            });
        }

        @Override
        @SuppressWarnings("removal") // Part of the interface; the web server calls the other one.
        public void handle(Semaphore semaphore) throws InterruptedException {
            inner.handle(semaphore);
        }

        private CloseConnectionException refused(Wait.Reason reason) {
            guard.watch.count(reason);
            connection.refuse(guard.refusal.get());
            return new CloseConnectionException("too many connections");
        }

        private void leave() {
            try {
                connection.end();
            } finally {
                guard.watch.leave(connection);
                guard.addresses.leave(address);
            }
        }

        /**
         * Never: the web server would count the time of a request that is being answered, and end its connection behind
         * an answer that says otherwise. The watch ends idle ones.
         */
        @Override
        public Duration idleTime() {
            return Duration.ZERO;
        }

        /**
         * What is idle is ended by the watch. The web server would interrupt whoever reads a request line, and with it
         * those whose head is half there, and some whose request has just begun; it calls that an edge case.
         */
        @Override
        public void close(boolean interrupt) {
            if (interrupt) {
                inner.close(true);
            }
        }

        /** Never: the web server would not wait for it. */
        @Override
        public boolean canInterrupt() {
            return false;
        }
    }
}
