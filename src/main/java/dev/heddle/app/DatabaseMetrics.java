package dev.heddle.app;

import dev.heddle.db.Database;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.ToDoubleFunction;

/** The pool and the gate, read when somebody looks. */
final class DatabaseMetrics {

    private DatabaseMetrics() {}

    static void register(PrometheusRegistry registry, Database database) {
        gauge(registry, database, "heddle_database_connections_open", "Open connections.", Database.Usage::open);
        gauge(registry, database, "heddle_database_connections_idle", "Open and unused.", Database.Usage::idle);
        gauge(
                registry,
                database,
                "heddle_database_gate_inside",
                "Units of work that hold a place.",
                Database.Usage::inUse);
        gauge(registry, database, "heddle_database_gate_waiting", "Units of work that wait.", Database.Usage::waiting);
        CounterWithCallback.builder()
                .name("heddle_database_gate_refused_total")
                .help("Units of work refused because no place became free in time.")
                .callback(callback -> callback.call((double) database.usage().refused()))
                .register(registry);
    }

    private static void gauge(
            PrometheusRegistry registry,
            Database database,
            String name,
            String help,
            ToDoubleFunction<Database.Usage> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call(value.applyAsDouble(database.usage())))
                .register(registry);
    }
}
