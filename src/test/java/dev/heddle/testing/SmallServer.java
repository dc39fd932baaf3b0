package dev.heddle.testing;

import dev.heddle.connection.ConnectionLimits;
import dev.heddle.http.AccessLog;
import dev.heddle.http.Edge;
import dev.heddle.http.HttpMetrics;
import dev.heddle.http.HttpServer;
import dev.heddle.http.Kernel;
import dev.heddle.http.Problems;
import dev.heddle.http.Routes;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** The kernel on real sockets with the routes of a test, and nothing behind it. Whoever starts it closes it. */
public final class SmallServer implements AutoCloseable {

    /** What any body may have here. */
    public static final long BODY_BYTES = 32L << 20;

    /** How many connections there may be at once. */
    public static final int CONNECTIONS = 64;

    private static final ConnectionLimits PATIENT = new ConnectionLimits(
            Duration.ofSeconds(60),
            Duration.ofSeconds(10),
            Duration.ofSeconds(30),
            0,
            Duration.ofSeconds(10),
            64,
            List.of());

    private static final Duration GRACE = Duration.ofSeconds(2);

    private static final int HEADER_BYTES = 16 * 1024;

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final HttpServer server;
    private final List<AccessLog.Entry> accessLog = new CopyOnWriteArrayList<>();

    private SmallServer(Routes routes, Edge edge, ConnectionLimits connections, Duration shutdownGrace) {
        var limits = new Kernel.Limits(Duration.ofSeconds(10), HEADER_BYTES, 1 << 20);
        var metrics = new HttpMetrics(registry);
        var kernel = new Kernel(
                routes,
                edge,
                (request, access, inside) -> inside.get(),
                new Problems(failure -> Optional.empty()),
                metrics,
                accessLog::add,
                limits);
        var address = new HttpServer.Address("127.0.0.1", 0, CONNECTIONS, BODY_BYTES, HEADER_BYTES, connections);
        server = HttpServer.create(address, kernel, address, kernel, metrics, shutdownGrace);
        server.start();
    }

    /** Answers by that table, whoever asks. */
    public static SmallServer of(Routes routes) {
        return of(routes, PATIENT);
    }

    /** The same, which when it is closed gives what is under way so long. */
    public static SmallServer of(Routes routes, Duration shutdownGrace) {
        return new SmallServer(routes, Edge.open(), PATIENT, shutdownGrace);
    }

    /** The same, with less patience. */
    public static SmallServer of(Routes routes, ConnectionLimits connections) {
        return new SmallServer(routes, Edge.open(), connections, GRACE);
    }

    /** The same, with something in front. */
    public static SmallServer behind(Edge edge, Routes routes) {
        return new SmallServer(routes, edge, PATIENT, GRACE);
    }

    public int port() {
        return server.port();
    }

    /** How many connections are open. */
    public int connections() {
        return registry.scrape("http_server_connections_open"::equals).stream()
                .flatMap(its -> its.getDataPoints().stream())
                .mapToInt(its -> (int) ((GaugeDataPointSnapshot) its).getValue())
                .sum();
    }

    /** What the access log was told. */
    public List<AccessLog.Entry> accessLog() {
        return accessLog;
    }

    /** Begins to say that each answer is the last one of its connection. */
    public void drain() {
        server.drain();
    }

    @Override
    public void close() {
        server.close();
    }
}
