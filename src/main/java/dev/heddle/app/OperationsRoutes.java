package dev.heddle.app;

import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

/** What operators and their tools ask: is it alive, is it ready, what does it do. For the admin listener. */
final class OperationsRoutes {

    private final PrometheusRegistry registry;
    private final Map<String, BooleanSupplier> readiness;
    private final AtomicBoolean jvmMetrics = new AtomicBoolean();

    private OperationsRoutes(PrometheusRegistry registry, Map<String, BooleanSupplier> readiness) {
        this.registry = registry;
        this.readiness = readiness;
    }

    /**
     * Adds the routes.
     *
     * @param readiness by name, what must be true before requests are welcome
     */
    static void add(Routes routes, PrometheusRegistry registry, Map<String, BooleanSupplier> readiness) {
        var its = new OperationsRoutes(registry, readiness);
        routes.add("GET", "/health/live", Access.PUBLIC, request -> up())
                // The listener opens when everything else has started.
                .add("GET", "/health/started", Access.PUBLIC, request -> up())
                .add("GET", "/health/ready", Access.PUBLIC, its::ready)
                .add("GET", "/metrics", Access.PUBLIC, its::metrics);
    }

    private static Answer up() {
        return Answer.ok(json -> {
            json.writeStartObject();
            json.writeStringField("status", "up");
            json.writeEndObject();
        });
    }

    private Answer ready(Request request) {
        var missing = readiness.entrySet().stream()
                .filter(check -> !check.getValue().getAsBoolean())
                .map(Map.Entry::getKey)
                .toList();
        if (!missing.isEmpty()) {
            throw Problem.NOT_READY.because("Not ready: " + String.join(", ", missing) + ".");
        }
        return up();
    }

    private Answer metrics(Request request) {
        if (jvmMetrics.compareAndSet(false, true)) {
            // Not at the start: it costs as much as opening the listeners, and nobody has asked yet.
            JvmMetrics.builder().register(registry);
        }
        var out = new ByteArrayOutputStream(16 * 1024);
        var writer = PrometheusTextFormatWriter.create();
        try {
            writer.write(out, registry.scrape());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Answer.of(200, writer.getContentType(), out.toByteArray());
    }
}
