package dev.heddle.http;

import dev.heddle.admission.Admission;
import dev.heddle.admission.RateLimit;
import dev.heddle.concurrent.SharedBytes;
import dev.heddle.concurrent.SharedPlaces;
import dev.heddle.connection.ConnectionWatch;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** How many requests, how long, with what outcome. Labels are route patterns, so hostile paths make no new series. */
public final class HttpMetrics {

    private static final String NO_ROUTE = "none";

    private final PrometheusRegistry registry;
    private final Histogram durations;
    private final Gauge inFlight;
    private final Map<Integer, DistributionDataPoint> withoutRoute = new ConcurrentHashMap<>();

    /** Registers itself. */
    public HttpMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        durations = Histogram.builder()
                .name("http_server_request_duration_seconds")
                .help("Time from the request's first line to the last byte of its answer.")
                .labelNames("method", "route", "status")
                .classicOnly()
                .classicUpperBounds(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
                .register(registry);
        inFlight = Gauge.builder()
                .name("http_server_requests_in_flight")
                .help("Requests that are being answered.")
                .register(registry);
    }

    /** Shows the connections of the server. */
    void show(ConnectionWatch watch) {
        GaugeWithCallback.builder()
                .name("http_server_connections_open")
                .help("Connections that are open.")
                .callback(callback -> callback.call(watch.connections()))
                .register(registry);
        CounterWithCallback.builder()
                .name("http_server_connections_ended_total")
                .help("Connections that were ended because of their clients.")
                .labelNames("reason")
                .callback(callback -> watch.ended((reason, count) -> callback.call((double) count, reason)))
                .register(registry);
    }

    /** Shows what is let in, and what is not. */
    public void show(Admission admission, SharedPlaces streams, SharedBytes held, List<RateLimit> limits) {
        gauge("heddle_requests_admitted", "Ordinary requests that are worked on.", admission::inside);
        gauge("heddle_requests_waiting", "Ordinary requests that wait for others to be done.", admission::waiting);
        gauge("heddle_requests_limit", "Ordinary requests that are let in at once, as of now.", admission::places);
        gauge("heddle_streams_open", "Answers that are sent for as long as their clients take.", streams::taken);
        gauge("heddle_answers_held_bytes", "Large answers until their clients have taken them.", held::taken);
        CounterWithCallback.builder()
                .name("heddle_requests_refused_total")
                .help("Ordinary requests refused because too many were worked on.")
                .callback(callback -> callback.call((double) admission.refused()))
                .register(registry);
        CounterWithCallback.builder()
                .name("heddle_rate_limited_total")
                .help("Requests refused because their caller had used up a limit.")
                .labelNames("limit")
                .callback(callback -> limits.forEach(limit -> callback.call((double) limit.refused(), limit.name())))
                .register(registry);
    }

    private void gauge(String name, String help, LongSupplier value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call((double) value.getAsLong()))
                .register(registry);
    }

    void started() {
        inFlight.inc();
    }

    void ended(@Nullable Route route, int status, long nanos) {
        inFlight.dec();
        timing(route, status).observe(nanos / 1e9);
    }

    /** A request that was refused before the kernel saw it. */
    void refused(int status) {
        timing(null, status).observe(0);
    }

    private DistributionDataPoint timing(@Nullable Route route, int status) {
        if (route == null) {
            return withoutRoute.computeIfAbsent(
                    status, s -> durations.labelValues(NO_ROUTE, NO_ROUTE, String.valueOf(s)));
        }
        return route.timings()
                .computeIfAbsent(
                        status, s -> durations.labelValues(route.method(), route.pattern(), String.valueOf(s)));
    }
}
