package dev.heddle.connection;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.common.task.InterruptableTask;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Takes the connections of a listener from the web server: on each, one request after the other is read and answered until
 * it ends (decision 11).
 */
public final class ConnectionGuard implements ServerConnectionSelector {

    /** Refused connections that are listened to at once, until they have heard why; others are closed at once. */
    public static final int REFUSED_MAX = 64;

    private static final System.Logger LOG = System.getLogger(ConnectionGuard.class.getName());

    private final Size size;
    private final ConnectionLimits limits;
    private final ConnectionWatch watch;
    private final Answerer answerer;
    private final Addresses addresses;
    private final Semaphore places;
    private final Semaphore refusals = new Semaphore(REFUSED_MAX);
    private final LongAdder accepted = new LongAdder();
    private final LongAdder gone = new LongAdder();

    /**
     * How much there may be.
     *
     * @param connections at once; whoever has one more is told so
     * @param requestLine in bytes; more is 414
     * @param headers in bytes, all of a request; more is 431
     * @param body in bytes, of any request; more is 413
     */
    public record Size(int connections, int requestLine, int headers, long body) {}

    /**
     * For connections of HTTP/1.1.
     *
     * @param watch keeps the limits
     * @param answerer makes what they send
     */
    public ConnectionGuard(Size size, ConnectionLimits limits, ConnectionWatch watch, Answerer answerer) {
        this.size = size;
        this.limits = limits;
        this.watch = watch;
        this.answerer = answerer;
        this.addresses = new Addresses(limits.perAddress(), limits.proxies());
        this.places = new Semaphore(size.connections());
    }

    @Override
    public int bytesToIdentifyConnection() {
        return 0;
    }

    @Override
    public Support supports(BufferData data) {
        return Support.SUPPORTED;
    }

    @Override
    public Set<String> supportedApplicationProtocols() {
        return Set.of("http/1.1");
    }

    @Override
    public ServerConnection connection(ConnectionContext context) {
        accepted.increment();
        return new Guarded(new GuardedConnection(context, limits, watch), this);
    }

    /** How many connections its listener has accepted since the start. */
    public long accepted() {
        return accepted.sum();
    }

    /** How many of them are open, those that are being refused among them. */
    public long open() {
        return accepted.sum() - gone.sum();
    }

    /** As the web server sees it. */
    private static final class Guarded implements ServerConnection, InterruptableTask<Void> {

        // Set once.
        private final GuardedConnection connection;
        private final ConnectionGuard guard;
        private final HeaderRules rules;

        // Any thread.
        private volatile @Nullable Thread thread;

        Guarded(GuardedConnection connection, ConnectionGuard guard) {
            this.connection = connection;
            this.guard = guard;
            this.rules = new HeaderRules(guard.size.body());
        }

        @Override
        public void handle(Limit limit) {
            thread = Thread.currentThread();
            try {
                admitted();
            } finally {
                guard.gone.increment();
            }
        }

        private void admitted() {
            var reason = enter();
            if (reason.isPresent()) {
                throw refused(reason.get());
            }
            try {
                serve();
            } finally {
                leave();
            }
        }

        /** Why there is no place for it; empty when it has one. Whoever is refused holds none, however long it is listened to. */
        private Optional<Wait.Reason> enter() {
            if (!guard.places.tryAcquire()) {
                return Optional.of(Wait.Reason.TOTAL);
            }
            if (!guard.addresses.enter(connection.peer())) {
                guard.places.release();
                return Optional.of(Wait.Reason.ADDRESS);
            }
            guard.watch.enter(connection);
            return Optional.empty();
        }

        private CloseConnectionException refused(Wait.Reason reason) {
            guard.watch.count(reason);
            boolean lingers = guard.refusals.tryAcquire();
            try {
                connection.refuse(guard.answerer.tooManyConnections(), lingers);
            } finally {
                if (lingers) {
                    guard.refusals.release();
                }
            }
            return new CloseConnectionException("too many connections");
        }

        private void serve() {
            while (!connection.isEnding()) {
                var exchange = next();
                if (exchange == null) {
                    return;
                }
                answer(exchange);
            }
        }

        /** The next request; null when there is none, or none that is to be answered. */
        private @Nullable GuardedExchange next() {
            var parser = new HeadParser(guard.size);
            var head = RequestHead.NONE;
            try {
                if (!connection.read(parser)) {
                    return null;
                }
                head = connection.head(parser);
                return new GuardedExchange(connection, head, rules.check(head), guard.size.body());
            } catch (RefusedException e) {
                refuse(e.status(), head == RequestHead.NONE ? connection.head(parser) : head);
                return null;
            }
        }

        private void refuse(int status, RequestHead head) {
            var answer = guard.answerer.refusal(status, head, connection.peer());
            connection.endSoon();
            connection.write(answer, 0, answer.length);
        }

        private void answer(GuardedExchange exchange) {
            try {
                guard.answerer.answer(exchange);
            } catch (CloseConnectionException e) {
                throw e;
            } catch (RuntimeException | Error e) {
                // Nobody has made an answer of it, so there is a mistake in what makes answers.
                LOG.log(System.Logger.Level.ERROR, "a request was not answered", e);
                if (exchange.hasBegun()) {
                    throw new CloseConnectionException("an answer broke off", e);
                }
                refuse(500, exchange.head());
            }
            if (!connection.isEnding()) {
                exchange.skipBody();
            }
        }

        private void leave() {
            try {
                connection.end();
            } finally {
                guard.addresses.leave(connection.peer());
                guard.places.release();
                guard.watch.leave(connection);
            }
        }

        @Override
        @SuppressWarnings("removal") // Part of the interface; the web server calls the other one.
        public void handle(Semaphore semaphore) {
            throw new UnsupportedOperationException("the web server gives a limit");
        }

        /** Never: the web server does not know when it is idle. The watch ends idle ones. */
        @Override
        public Duration idleTime() {
            return Duration.ZERO;
        }

        /** What is idle is ended by the watch, which interrupts nobody whose request has just begun. */
        @Override
        public void close(boolean interrupt) {
            var its = thread;
            if (interrupt && its != null) {
                its.interrupt();
            }
        }

        /** Never: the web server would not wait for it. */
        @Override
        public boolean canInterrupt() {
            return false;
        }
    }
}
