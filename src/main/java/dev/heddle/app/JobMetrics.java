package dev.heddle.app;

import dev.heddle.concurrent.BulkheadFullException;
import dev.heddle.db.DatabaseException;
import dev.heddle.jobs.Backlog;
import dev.heddle.jobs.JobKind;
import dev.heddle.jobs.JobObserver;
import dev.heddle.jobs.Jobs;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** What the jobs of all servers wait for, counted when somebody looks, and how those of this one end. */
final class JobMetrics implements JobObserver, MultiCollector {

    private final Jobs jobs;
    private final Counter attempts;
    private final Counter together;
    private final Histogram duration;

    JobMetrics(PrometheusRegistry registry, Jobs jobs, List<JobKind> kinds) {
        this.jobs = jobs;
        attempts = Counter.builder()
                .name("heddle_job_attempts_total")
                .help("Attempts of this server by how they ended: done, failed, dead, interrupted, lost.")
                .labelNames("kind", "outcome")
                .register(registry);
        together = Counter.builder()
                .name("heddle_job_together_failures_total")
                .help("How often jobs of a kind could not be done together, so that each had an attempt of its own.")
                .labelNames("kind")
                .register(registry);
        duration = Histogram.builder()
                .name("heddle_job_duration_seconds")
                .help("How long an attempt took.")
                .labelNames("kind")
                .classicUpperBounds(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
                .register(registry);
        for (var kind : kinds) {
            together.initLabelValues(kind.name());
            duration.labelValues(kind.name());
        }
        registry.register(this);
    }

    @Override
    public void ended(JobKind kind, Outcome outcome, Duration took) {
        attempts.labelValues(kind.name(), outcome.name().toLowerCase(Locale.ROOT))
                .inc();
        duration.labelValues(kind.name()).observe(took.toNanos() / 1e9);
    }

    @Override
    public void failedTogether(JobKind kind) {
        together.labelValues(kind.name()).inc();
    }

    @Override
    public MetricSnapshots collect() {
        try {
            var backlog = jobs.backlog();
            var now = Instant.now();
            return new MetricSnapshots(
                    gauge("heddle_jobs_queued", "Jobs that wait, on all servers.", backlog, Backlog::waiting),
                    gauge("heddle_jobs_running", "Jobs that run, on all servers.", backlog, Backlog::running),
                    gauge("heddle_jobs_dead", "Jobs that have failed for good.", backlog, Backlog::dead),
                    gauge(
                            "heddle_jobs_oldest_age_seconds",
                            "Age of the oldest job that is not done.",
                            backlog,
                            it -> age(it, now)));
        } catch (DatabaseException | BulkheadFullException e) {
            // Without the database there is nothing to say about it; the rest of the metrics must not suffer.
            return new MetricSnapshots();
        }
    }

    private static double age(Backlog backlog, Instant now) {
        var oldest = backlog.oldest();
        return oldest == null ? 0 : Math.max(0, Duration.between(oldest, now).toMillis() / 1e3);
    }

    private static GaugeSnapshot gauge(
            String name, String help, List<Backlog> backlog, ToDoubleFunction<Backlog> value) {
        var gauge = GaugeSnapshot.builder().name(name).help(help);
        for (var its : backlog) {
            gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("kind", its.kind()))
                    .value(value.applyAsDouble(its))
                    .build());
        }
        return gauge.build();
    }
}
