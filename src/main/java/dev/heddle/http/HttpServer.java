package dev.heddle.http;

import dev.heddle.connection.ConnectionGuard;
import dev.heddle.connection.ConnectionLimits;
import dev.heddle.connection.ConnectionWatch;
import io.helidon.http.Header;
import io.helidon.http.HeaderValues;
import io.helidon.webserver.ErrorHandling;
import io.helidon.webserver.ListenerConfig;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.HttpRouting;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The listeners: a public one for the API and one for operators. Both speak HTTP/1.1 only; TLS and HTTP/2 belong to the
 * reverse proxy. Whoever creates it closes it.
 */
public final class HttpServer implements AutoCloseable {

    private static final String ADMIN = "admin";

    /** A request line that is longer is 414: ours are below one kilobyte, but a GET may carry data in its query. */
    private static final int REQUEST_LINE_BYTES = 8 * 1024;

    /** Above this the web server stops reading headers and says 400; below, the kernel says 431. */
    private static final int HEADER_BYTES_HARD_FACTOR = 4;

    /** Connections at once that are told that there are too many; further ones wait in the system's backlog. */
    private static final int CONNECTIONS_REFUSED_MAX = 64;

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
            return host + ":" + port;
        }
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
        var adminGuard = listener(adminListener, admin, watch, grace);
        adminListener
                .directHandlers(DirectProblems.handlers(metrics, operations.cors()))
                .routing(routing(operations));
        var builder = WebServer.builder();
        var openGuard = listener(builder, open, watch, grace);
        builder.directHandlers(DirectProblems.handlers(metrics, api.cors()))
                .routing(routing(api))
                // The order of shutting down is ours: the app room closes everything.
                .shutdownHook(false)
                .putSocket(ADMIN, adminListener.build());
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
                address.maxConnections() + CONNECTIONS_REFUSED_MAX);
    }

    private static HttpRouting.Builder routing(Kernel kernel) {
        return HttpRouting.builder().addFilter((chain, request, response) -> kernel.handle(request, response));
    }

    private static ConnectionGuard listener(
            ListenerConfig.BuilderBase<?, ?> listener, Address address, ConnectionWatch watch, Duration grace) {
        var guard = new ConnectionGuard(
                new ConnectionGuard.HeadSize(REQUEST_LINE_BYTES, address.maxHeaderBytes() * HEADER_BYTES_HARD_FACTOR),
                address.maxConnections(),
                address.limits(),
                watch,
                HttpServer::tooManyConnections);
        listener.host(address.host())
                .port(address.port())
                .protocolsDiscoverServices(false)
                .addConnectionSelector(guard)
                .maxPayloadSize(address.maxBodyBytes())
                .maxTcpConnections(address.maxConnections() + CONNECTIONS_REFUSED_MAX)
                // For nobody: the guard says of each connection that it is not idle, and ends it itself.
                .idleConnectionTimeout(address.limits().idle().multipliedBy(2))
                .idleConnectionPeriod(IDLE_PERIOD)
                .shutdownGracePeriod(grace)
                // Else DirectProblems gets no message to tell one 400 from another; it sends none on.
                .errorHandling(ErrorHandling.builder().includeEntity(true).build());
        return guard;
    }

    /** To one that has not been heard yet; it may ask for anything. */
    private static byte[] tooManyConnections() {
        var id = RequestIds.fresh();
        var problem = Problem.OVERLOADED.because("There are too many connections; try again.");
        var answer = Problems.answer(problem, "", id).header(HeaderValues.CONNECTION_CLOSE);
        var text = new StringBuilder("HTTP/1.1 503 Service Unavailable\r\n");
        Consumer<Header> write = header ->
                text.append(header.name()).append(": ").append(header.get()).append("\r\n");
        answer.headers().forEach(write);
        CommonHeaders.of(answer, id, write);
        text.append("Content-Length: ").append(answer.bytes().length).append("\r\n\r\n");
        var head = text.toString().getBytes(StandardCharsets.US_ASCII);
        var whole = Arrays.copyOf(head, head.length + answer.bytes().length);
        System.arraycopy(answer.bytes(), 0, whole, head.length, answer.bytes().length);
        return whole;
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

    /** Whether both listeners run; false when one has accepted nothing for too long, and will not again. */
    public boolean isRunning() {
        var its = check;
        return server.isRunning() && (its == null || !its.isDead());
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
