package dev.heddle.app;

import dev.heddle.db.Database;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The pools and their gates, read when somebody looks. */
final class DatabaseMetrics {

    /** Whom a pool is for. */
    private static final String POOL = "pool";

    private DatabaseMetrics() {}

    /** Registers the pools by whom they are for. */
    static void register(PrometheusRegistry registry, Map<String, Database> pools) {
        gauge(registry, pools, "heddle_database_connections_open", "Open connections.", Database.Usage::open);
        gauge(registry, pools, "heddle_database_connections_idle", "Open and unused.", Database.Usage::idle);
        gauge(
                registry,
                pools,
                "heddle_database_gate_inside",
                "Units of work that hold a place.",
                Database.Usage::inUse);
        gauge(registry, pools, "heddle_database_gate_waiting", "Units of work that wait.", Database.Usage::waiting);
        counter(
                registry,
                pools,
                "heddle_database_gate_refused_total",
                "Units of work refused because no place became free in time.",
                pool -> pool.usage().refused());
        counter(
                registry,
                pools,
                "heddle_database_together_statements_total",
                "Statements that were sent together with others.",
                pool -> pool.together().statements());
        counter(
                registry,
                pools,
                "heddle_database_together_batches_total",
                "How often they were sent.",
                pool -> pool.together().batches());
        counter(
                registry,
                pools,
                "heddle_database_together_alone_total",
                "Statements that did not come to their end so, and had a connection for themselves.",
                pool -> pool.together().alone());
    }

    private static void counter(
            PrometheusRegistry registry,
            Map<String, Database> pools,
            String name,
            String help,
            ToDoubleFunction<Database> value) {
        CounterWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames(POOL)
                .callback(callback -> pools.forEach((whose, pool) -> callback.call(value.applyAsDouble(pool), whose)))
                .register(registry);
    }

    private static void gauge(
            PrometheusRegistry registry,
            Map<String, Database> pools,
            String name,
            String help,
            ToDoubleFunction<Database.Usage> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames(POOL)
                .callback(callback ->
                        pools.forEach((whose, pool) -> callback.call(value.applyAsDouble(pool.usage()), whose)))
                .register(registry);
    }
}
