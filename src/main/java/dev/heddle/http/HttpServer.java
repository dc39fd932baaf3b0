package dev.heddle.http;

import dev.heddle.connection.Answerer;
import dev.heddle.connection.ConnectionGuard;
import dev.heddle.connection.ConnectionLimits;
import dev.heddle.connection.ConnectionWatch;
import dev.heddle.connection.Exchange;
import dev.heddle.connection.RequestHead;
import io.helidon.webserver.ListenerConfig;
import io.helidon.webserver.WebServer;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The listeners: a public one for the API and one for operators. Both speak HTTP/1.1 only; TLS and HTTP/2 belong to the
 * reverse proxy. Whoever creates it closes it.
 */
public final class HttpServer implements AutoCloseable {

    private static final String ADMIN = "admin";

    /** A request line that is longer is 414: ours are below one kilobyte, but a GET may carry data in its query. */
    private static final int REQUEST_LINE_BYTES = 8 * 1024;

    /** Above this they are not read, and the connection ends with a 431; below, the kernel says it. */
    private static final int HEADER_BYTES_HARD_FACTOR = 2;

    /** How often idle connections are looked for. */
    private static final Duration IDLE_PERIOD = Duration.ofSeconds(5);

    private static final System.Logger LOG = System.getLogger(HttpServer.class.getName());

    /** For requests that were cut at the end of the grace: to undo what they have begun. */
    private static final Duration CLEANUP_MAX = Duration.ofSeconds(5);

    private final WebServer server;
    private final ConnectionWatch watch;
    private final Listener open;
    private final Listener admin;

    // Set by start.
    private volatile @Nullable SelfCheck check;

    /** One of the two, as far as the parts of it are needed later. */
    private record Listener(Address address, ConnectionGuard guard) {}

    /**
     * One address and its limits.
     *
     * @param host address or name to bind
     * @param port 0 lets the system choose
     * @param maxConnections more are refused with 503
     * @param maxBodyBytes a longer body is 413, whatever the route; each has a smaller limit of its own
     * @param maxHeaderBytes longer header fields are 431
     * @param limits what a client may do with a connection
     */
    public record Address(
            String host, int port, int maxConnections, long maxBodyBytes, int maxHeaderBytes, ConnectionLimits limits) {

        private String name() {
            return authority(host, port);
        }
    }

    /** Host and port as a URL has them: an IPv6 address in brackets (RFC 3986 §3.2.2). */
    public static String authority(String host, int port) {
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }

    private HttpServer(WebServer server, ConnectionWatch watch, Listener open, Listener admin) {
        this.server = server;
        this.watch = watch;
        this.open = open;
        this.admin = admin;
    }

    /**
     * Puts both listeners together; {@link #start()} opens them.
     *
     * @param grace how long {@link #close()} lets running requests go on
     */
    public static HttpServer create(
            Address open, Kernel api, Address admin, Kernel operations, HttpMetrics metrics, Duration grace) {
        var watch = new ConnectionWatch();
        metrics.show(watch);
        var adminListener = ListenerConfig.builder();
        var adminGuard = listener(adminListener, admin, new Answers(operations, metrics), watch, grace);
        var builder = WebServer.builder();
        var openGuard = listener(builder, open, new Answers(api, metrics), watch, grace);
        // The order of shutting down is ours: the app room closes everything.
        builder.shutdownHook(false).putSocket(ADMIN, adminListener.build());
        return new HttpServer(builder.build(), watch, new Listener(open, openGuard), new Listener(admin, adminGuard));
    }

    /**
     * Binds both listeners and serves.
     *
     * @throws IllegalStateException when an address cannot be bound
     */
    public void start() {
        server.start();
        if (!server.isRunning()) {
            // Helidon logs a failed bind and goes on without; we do not.
            throw new IllegalStateException("cannot listen on " + open.address().name() + " and "
                    + admin.address().name() + ": is one of them in use?");
        }
        check = new SelfCheck(
                List.of(target("for callers", open, port()), target("for operators", admin, adminPort())));
    }

    private static SelfCheck.Target target(String name, Listener its, int port) {
        var address = its.address();
        return new SelfCheck.Target(
                name,
                SelfCheck.Target.addressOf(address.host(), port),
                its.guard(),
                address.maxConnections() + ConnectionGuard.REFUSED_MAX);
    }

    private static ConnectionGuard listener(
            ListenerConfig.BuilderBase<?, ?> listener,
            Address address,
            Answerer answerer,
            ConnectionWatch watch,
            Duration grace) {
        var size = new ConnectionGuard.Size(
                address.maxConnections(),
                REQUEST_LINE_BYTES,
                address.maxHeaderBytes() * HEADER_BYTES_HARD_FACTOR,
                address.maxBodyBytes());
        var guard = new ConnectionGuard(size, address.limits(), watch, answerer);
        listener.host(address.host())
                .port(address.port())
                .protocolsDiscoverServices(false)
                .addConnectionSelector(guard)
                .maxTcpConnections(address.maxConnections() + ConnectionGuard.REFUSED_MAX)
                // For nobody: the guard says of each connection that it is not idle, and ends it itself.
                .idleConnectionTimeout(address.limits().idle().multipliedBy(2))
                .idleConnectionPeriod(IDLE_PERIOD)
                .shutdownGracePeriod(grace);
        return guard;
    }

    /** What one of the listeners says. */
    private static final class Answers implements Answerer {

        private final Kernel kernel;
        private final DirectProblems problems;

        Answers(Kernel kernel, HttpMetrics metrics) {
            this.kernel = kernel;
            this.problems = new DirectProblems(metrics, kernel.cors(), kernel.accessLog());
        }

        @Override
        public void answer(Exchange exchange) {
            kernel.handle(exchange);
        }

        @Override
        public byte[] refusal(int status, RequestHead head, @Nullable InetAddress peer) {
            return problems.answer(status, head, peer);
        }

        @Override
        public byte[] tooManyConnections() {
            return problems.tooManyConnections();
        }
    }

    /** The port of the API. */
    public int port() {
        return server.port();
    }

    /** The port for operators. */
    public int adminPort() {
        return server.port(ADMIN);
    }

    /** Whether both listeners accepted a connection the last time that one was tried, within the last seconds. */
    public boolean isAccepting() {
        var its = check;
        return its == null || its.isAccepting();
    }

    /** What of it has ended by itself, if anything has: a listener has accepted nothing for too long, and will not again. */
    public Optional<String> ended() {
        var its = check;
        return server.isRunning()
                ? Optional.ofNullable(its).flatMap(SelfCheck::dead).map(name -> "the listener " + name)
                : Optional.of("the server of both listeners");
    }

    /** Takes requests as before, but each answer says that it is the last one of its connection. */
    public void drain() {
        watch.drain();
    }

    /**
     * Refuses new connections and ends idle ones; requests that have begun to come are answered within the grace. Then it
     * cuts, and returns when what was cut has cleaned up behind itself.
     */
    @Override
    public void close() {
        var its = check;
        if (its != null) {
            its.close();
        }
        watch.drain();
        watch.finish();
        server.stop();
        int left = watch.awaitNone(CLEANUP_MAX);
        if (left > 0) {
            LOG.log(System.Logger.Level.WARNING, "{0} connections did not end", left);
        }
        watch.close();
    }
}
