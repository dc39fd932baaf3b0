package dev.heddle.app;

import dev.heddle.compute.ComputeRoutes;
import dev.heddle.compute.CpuPool;
import dev.heddle.http.Routes;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.ToDoubleFunction;

/** Work that takes nothing but processors, put together and shown. Whoever opens it closes it. */
final class Processing implements AutoCloseable {

    private final Settings.Compute its;
    private final CpuPool pool;

    /** No thread is started yet. */
    Processing(Settings.Compute its, PrometheusRegistry registry) {
        this.its = its;
        pool = new CpuPool(its.threads(), its.queue(), its.queueWait());
        gauge(registry, "heddle_compute_busy", "Threads that compute.", CpuPool.Usage::busy);
        gauge(registry, "heddle_compute_waiting", "Requests that wait for a thread.", CpuPool.Usage::waiting);
        CounterWithCallback.builder()
                .name("heddle_compute_refused_total")
                .help("Requests refused because no thread became free in time.")
                .callback(callback -> callback.call((double) pool.usage().refused()))
                .register(registry);
    }

    private void gauge(PrometheusRegistry registry, String name, String help, ToDoubleFunction<CpuPool.Usage> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call(value.applyAsDouble(pool.usage())))
                .register(registry);
    }

    /** Adds the routes. */
    void addRoutes(Routes routes) {
        ComputeRoutes.add(routes, pool, new ComputeRoutes.Limits(its.maxRounds(), its.maxBodySize()));
    }

    @Override
    public void close() {
        pool.close();
    }
}
