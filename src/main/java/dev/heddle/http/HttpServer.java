package dev.heddle.http;

import dev.heddle.connection.ConnectionGuard;
import dev.heddle.connection.ConnectionLimits;
import dev.heddle.connection.ConnectionWatch;
import io.helidon.webserver.ErrorHandling;
import io.helidon.webserver.ListenerConfig;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.HttpRouting;
import java.time.Duration;

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

    /** How often idle connections are looked for. */
    private static final Duration IDLE_PERIOD = Duration.ofSeconds(5);

    /** Enough for an operator and a scraper; the rest of the file handles is for users. */
    private static final int ADMIN_CONNECTIONS = 64;

    private final WebServer server;
    private final ConnectionWatch watch;
    private final String addresses;

    /**
     * One address and its limits.
     *
     * @param host address or name to bind
     * @param port 0 lets the system choose
     * @param maxConnections more wait in the kernel's backlog
     * @param maxBodyBytes a longer body is 413, whatever the route; each has a smaller limit of its own
     * @param maxHeaderBytes longer header fields are 431
     * @param limits what a client may do with a connection
     */
    public record Address(
            String host,
            int port,
            int maxConnections,
            long maxBodyBytes,
            int maxHeaderBytes,
            ConnectionLimits limits) {}

    private HttpServer(WebServer server, ConnectionWatch watch, String addresses) {
        this.server = server;
        this.watch = watch;
        this.addresses = addresses;
    }

    /**
     * Puts both listeners together; {@link #start()} opens them.
     *
     * @param grace how long {@link #close()} lets running requests go on
     */
    public static HttpServer create(
            Address open, Kernel api, Address admin, Kernel operations, HttpMetrics metrics, Duration grace) {
        var handlers = DirectProblems.handlers(metrics);
        var watch = new ConnectionWatch();
        metrics.show(watch);
        var adminListener = ListenerConfig.builder();
        listener(adminListener, admin, watch, grace);
        adminListener
                .maxTcpConnections(ADMIN_CONNECTIONS)
                .directHandlers(handlers)
                .routing(routing(operations));
        var builder = WebServer.builder();
        listener(builder, open, watch, grace);
        builder.directHandlers(handlers)
                .routing(routing(api))
                // The order of shutting down is ours: the app room closes everything.
                .shutdownHook(false)
                .putSocket(ADMIN, adminListener.build());
        return new HttpServer(
                builder.build(), watch, open.host() + ":" + open.port() + " and " + admin.host() + ":" + admin.port());
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
            throw new IllegalStateException("cannot listen on " + addresses + ": is one of them in use?");
        }
    }

    private static HttpRouting.Builder routing(Kernel kernel) {
        return HttpRouting.builder().addFilter((chain, request, response) -> kernel.handle(request, response));
    }

    private static void listener(
            ListenerConfig.BuilderBase<?, ?> listener, Address address, ConnectionWatch watch, Duration grace) {
        listener.host(address.host())
                .port(address.port())
                .protocolsDiscoverServices(false)
                .addConnectionSelector(new ConnectionGuard(
                        REQUEST_LINE_BYTES,
                        address.maxHeaderBytes() * HEADER_BYTES_HARD_FACTOR,
                        address.limits(),
                        watch))
                .maxPayloadSize(address.maxBodyBytes())
                .maxTcpConnections(address.maxConnections())
                // For nobody: the guard says of each connection that it is not idle, and ends it itself.
                .idleConnectionTimeout(address.limits().idle().multipliedBy(2))
                .idleConnectionPeriod(IDLE_PERIOD)
                .shutdownGracePeriod(grace)
                // Else DirectProblems gets no message to tell one 400 from another; it sends none on.
                .errorHandling(ErrorHandling.builder().includeEntity(true).build());
    }

    /** The port of the API. */
    public int port() {
        return server.port();
    }

    /** The port for operators. */
    public int adminPort() {
        return server.port(ADMIN);
    }

    /** Whether both listeners still accept. */
    public boolean isRunning() {
        return server.isRunning();
    }

    /** Refuses new connections, lets running requests end within the grace, then cuts. */
    @Override
    public void close() {
        server.stop();
        watch.close();
    }
}
