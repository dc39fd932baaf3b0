package dev.heddle.app;

import dev.heddle.dashboard.PartObserver;
import dev.heddle.upstream.Batch;
import dev.heddle.upstream.UpstreamObserver;
import dev.heddle.upstream.Upstreams;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** How calls to upstreams end and what that makes of the answers that need them. */
final class RemoteMetrics implements UpstreamObserver, PartObserver {

    private static final String UPSTREAM = "upstream";

    private final PrometheusRegistry registry;
    private final Counter calls;
    private final Histogram duration;
    private final Counter saved;
    private final Counter parts;

    RemoteMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        calls = Counter.builder()
                .name("heddle_upstream_calls_total")
                .help("Calls by how they ended: ok, status, invalid, unreachable, timeout; full and open were not"
                        + " made.")
                .labelNames(UPSTREAM, "outcome")
                .register(registry);
        duration = Histogram.builder()
                .name("heddle_upstream_call_duration_seconds")
                .help("How long a call took, waiting for a connection included.")
                .labelNames(UPSTREAM)
                .classicUpperBounds(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
                .register(registry);
        saved = Counter.builder()
                .name("heddle_upstream_saved_total")
                .help("Answers without a call of their own: fresh and stale were kept, shared was somebody else's.")
                .labelNames(UPSTREAM, "how")
                .register(registry);
        parts = Counter.builder()
                .name("heddle_dashboard_parts_total")
                .help("Parts of composed answers by how they ended.")
                .labelNames("dashboard", "part", "status")
                .register(registry);
    }

    /** Shows how they are, whenever somebody looks. */
    void show(Upstreams upstreams) {
        gauge(upstreams, "heddle_upstream_connections_open", "Open connections.", Upstreams.Usage::open);
        gauge(upstreams, "heddle_upstream_connections_idle", "Open and unused.", Upstreams.Usage::idle);
        gauge(upstreams, "heddle_upstream_waiting", "Calls that wait for a connection.", Upstreams.Usage::waiting);
        gauge(upstreams, "heddle_upstream_breaker_open", "1 while no calls are made.", its -> its.isOpen() ? 1 : 0);
    }

    /** The same of what waits there. */
    void show(Batch batch) {
        GaugeWithCallback.builder()
                .name("heddle_batch_waiting")
                .help("URLs of /batch that wait for their turn.")
                .callback(callback -> callback.call(batch.waiting()))
                .register(registry);
        CounterWithCallback.builder()
                .name("heddle_batch_refused_total")
                .help("URLs of /batch whose turn did not come in time.")
                .callback(callback -> callback.call((double) batch.refused()))
                .register(registry);
    }

    private void gauge(Upstreams upstreams, String name, String help, ToDoubleFunction<Upstreams.Usage> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames(UPSTREAM)
                .callback(callback ->
                        upstreams.usage().forEach(its -> callback.call(value.applyAsDouble(its), its.name())))
                .register(registry);
    }

    @Override
    public void called(String upstream, Call call, Duration took) {
        calls.labelValues(upstream, word(call)).inc();
        if (call != Call.FULL && call != Call.OPEN) {
            duration.labelValues(upstream).observe(took.toNanos() / 1e9);
        }
    }

    @Override
    public void saved(String upstream, Saved how) {
        saved.labelValues(upstream, word(how)).inc();
    }

    @Override
    public void made(String composition, String part, String status, Duration took) {
        parts.labelValues(composition, part, status).inc();
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
