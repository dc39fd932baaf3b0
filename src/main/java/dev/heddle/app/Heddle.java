package dev.heddle.app;

import dev.heddle.concurrent.SharedBytes;
import dev.heddle.connection.ConnectionLimits;
import dev.heddle.dashboard.DashboardRoutes;
import dev.heddle.db.Database;
import dev.heddle.db.EmbeddedPostgres;
import dev.heddle.files.FileRoutes;
import dev.heddle.http.AccessLog;
import dev.heddle.http.Edge;
import dev.heddle.http.Gatekeeper;
import dev.heddle.http.HttpMetrics;
import dev.heddle.http.HttpServer;
import dev.heddle.http.Idempotency;
import dev.heddle.http.Kernel;
import dev.heddle.http.Problems;
import dev.heddle.http.Routes;
import dev.heddle.identity.TokenCache;
import dev.heddle.identity.UserRoutes;
import dev.heddle.identity.Users;
import dev.heddle.jobs.JobQueue;
import dev.heddle.jobs.JobRoutes;
import dev.heddle.jobs.JobWorker;
import dev.heddle.jobs.Jobs;
import dev.heddle.logs.LogFiles;
import dev.heddle.logs.LogRoutes;
import dev.heddle.notifications.FollowUpJobs;
import dev.heddle.notifications.NotificationRoutes;
import dev.heddle.notifications.Notifications;
import dev.heddle.tasks.SpoolFolder;
import dev.heddle.tasks.TaskImportRoutes;
import dev.heddle.tasks.TaskRoutes;
import dev.heddle.tasks.Tasks;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** One running server: everything it is made of, opened in order and closed in reverse. Safe for any thread. */
final class Heddle implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Heddle.class.getName());

    /** A database that starts together with Heddle gets so long; a supervisor tries again after it. */
    private static final Duration DATABASE_START_MAX = Duration.ofSeconds(30);

    /** A slow start, and a pause, make nobody a slow client. */
    private static final Duration BODY_RATE_GRACE = Duration.ofSeconds(10);

    /** Enough for an operator and a scraper; the rest of the file handles is for users. */
    private static final int ADMIN_CONNECTIONS = 64;

    /** Below this PostgreSQL and the log are about to fail; better to be taken out of the balancer first. */
    private static final long DISK_FREE_BYTES_MIN = 64L << 20;

    /** Of the heap, as answers that are made and not taken; what makes them needs as much again, and the rest is for the rest. */
    private static final int HELD_PART = 4;

    // Set once, by start.
    private final Settings settings;
    private final Owned owned = new Owned();
    private final Routes routes = new Routes();
    private final SharedBytes held =
            new SharedBytes("answers that are held", Runtime.getRuntime().maxMemory() / HELD_PART);
    private final Problems problems = new Problems(Failures::translate);
    private final @Nullable EmbeddedPostgres postgres;
    private final Database database;
    private final JobWorker worker;
    private final HttpServer server;
    private final boolean isFirstStart;

    // Any thread.
    private volatile boolean draining;

    private Heddle(Settings settings, AccessLog accessLog) {
        this.settings = settings;
        try {
            makeDataDirectory();
            postgres = openPostgres();
            database = owned.add(Database.open(databaseOptions()));
            var jobDatabase = owned.add(Database.open("heddle-jobs", Database.Session.JOBS, jobDatabaseOptions()));
            var queue = new JobQueue();
            var jobs = new Jobs(database, queue, FollowUpJobs.ALL);
            var users = new Users(database, new TokenCache(), Background.errands(jobs));
            // Side by side: both mostly load classes, and a start has two cores to do it with.
            var schema = new FutureTask<>(() -> prepareDatabase(users));
            Thread.ofPlatform().name("heddle-start-database").start(schema);
            var registry = new PrometheusRegistry();
            var storage = owned.add(new Storage(settings));
            addRoutes(users, queue, jobs, storage, registry);
            DatabaseMetrics.register(registry, Map.of("requests", database, "jobs", jobDatabase));
            // Counted over the workers' pool: a long queue takes a moment, and no request is to wait for it.
            var counted = new Jobs(jobDatabase, queue, FollowUpJobs.ALL);
            var jobMetrics = new JobMetrics(registry, counted, FollowUpJobs.ALL);
            worker = Background.worker(settings, jobDatabase, queue, users::emails, storage, jobMetrics);
            server = listeners(registry, users, accessLog);
            isFirstStart = outcome(schema);
            // From here on in the order of closing, reversed: first the requests end, then the jobs.
            owned.add(said("stopping: the jobs have ended"));
            owned.add(worker).start();
            owned.add(said("stopping: the requests have ended"));
            owned.add(server).start();
        } catch (RuntimeException | Error e) {
            takeBack();
            throw e;
        }
    }

    /** Closes what a start has opened. An interruption has ended the start and is not to end this too. */
    private void takeBack() {
        boolean interrupted = Thread.interrupted();
        owned.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Starts everything and returns when requests are served. An interruption ends it early.
     *
     * @throws RuntimeException with a line for the operator when something cannot be opened; nothing is left open
     */
    static Heddle start(Settings settings, AccessLog accessLog) {
        return new Heddle(settings, accessLog);
    }

    /** Tells the operator, when it is closed, how far the shutdown has come. */
    private static AutoCloseable said(String words) {
        return () -> LOG.log(System.Logger.Level.INFO, words);
    }

    /** Whether it made the first administrator. */
    private boolean prepareDatabase(Users users) {
        awaitDatabase();
        database.migrate();
        return users.makeFirstAdministrator(token -> AdminToken.write(adminToken(), token));
    }

    private static <T> T outcome(Future<T> task) {
        try {
            return task.get();
        } catch (InterruptedException e) {
            task.cancel(true);
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while starting", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        }
    }

    private void makeDataDirectory() {
        try {
            Files.createDirectories(settings.data().directory());
        } catch (IOException e) {
            throw new IllegalStateException(
                    "cannot make the data directory " + settings.data().directory() + ": " + e, e);
        }
    }

    private @Nullable EmbeddedPostgres openPostgres() {
        return settings.database().postgres() instanceof Settings.Embedded
                ? owned.add(EmbeddedPostgres.start(settings.data().directory().resolve("postgres")))
                : null;
    }

    private Database.Options databaseOptions() {
        return options(settings.database().poolSize());
    }

    /** A small pool of their own: jobs neither wait behind requests nor make them wait. */
    private Database.Options jobDatabaseOptions() {
        return options(Background.options(settings.jobs()).connections());
    }

    private Database.Options options(int poolSize) {
        var its = settings.database();
        if (its.postgres() instanceof Settings.External external) {
            var password = external.password();
            return options(external.url(), external.username(), password == null ? null : password.value(), poolSize);
        }
        if (postgres == null) {
            throw new IllegalStateException("no database");
        }
        return options(postgres.url(), postgres.username(), postgres.password(), poolSize);
    }

    private Database.Options options(String url, @Nullable String username, @Nullable String password, int poolSize) {
        var its = settings.database();
        return new Database.Options(
                url, username, password, poolSize, its.gateQueue(), its.gateWait(), its.statementTimeout());
    }

    private void awaitDatabase() {
        long until = System.nanoTime() + DATABASE_START_MAX.toNanos();
        for (int attempt = 0; ; attempt++) {
            var failure = database.failure();
            if (failure.isEmpty()) {
                return;
            }
            if (!failure.get().mayPass()
                    || System.nanoTime() > until
                    || Thread.currentThread().isInterrupted()) {
                throw new IllegalStateException(
                        "the database cannot be used: " + failure.get().sentence());
            }
            if (attempt == 0) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "waiting for the database: " + failure.get().sentence());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
        }
    }

    private Path adminToken() {
        return settings.data().directory().resolve("admin-token");
    }

    private void addRoutes(Users users, JobQueue queue, Jobs jobs, Storage storage, PrometheusRegistry registry) {
        DocsRoutes.add(routes, settings.edge().proxy().linkPrefix());
        UserRoutes.add(routes, users);
        var notifications = new Notifications(database);
        NotificationRoutes.add(routes, notifications);
        JobRoutes.add(routes, jobs);
        var tasks = new Tasks(database, queue, Background.followUps());
        var idempotency = new Idempotency(new IdempotencyTable(database));
        TaskRoutes.add(routes, tasks, idempotency);
        storage.addRoutes(routes, database, idempotency);
        storage.register(registry);
        var spool = new SpoolFolder(
                settings.data().directory().resolve("import"), settings.files().keepFree());
        spool.sweep();
        TaskImportRoutes.add(
                routes, tasks, idempotency, spool, settings.imports().maxSize());
        var metrics = new RemoteMetrics(registry);
        var outbound = owned.add(new Outbound(settings, held, problems, metrics));
        metrics.show(outbound.upstreams());
        metrics.show(outbound.batch());
        outbound.addRoutes(routes);
        var dashboards = new Dashboards(tasks, notifications, users, outbound.upstreams());
        DashboardRoutes.add(routes, dashboards.of(settings, problems), metrics);
        owned.add(new Processing(settings.compute(), registry)).addRoutes(routes);
        LogRoutes.add(routes, new LogFiles(settings.log().directory()));
    }

    private HttpServer listeners(PrometheusRegistry registry, Users users, AccessLog accessLog) {
        var metrics = new HttpMetrics(registry);
        var operations = new Routes();
        OperationsRoutes.add(operations, registry, readiness());
        var reception = new Reception(settings, users, held, metrics);
        var api = kernel(routes, reception.edge(), reception.gatekeeper(), metrics, accessLog);
        // Health checks every few seconds would drown the requests in the access log.
        var admin = kernel(operations, Edge.open(), (request, access, inside) -> inside.get(), metrics, AccessLog.NONE);
        var its = settings.server();
        return HttpServer.create(
                address(its.host(), its.port(), its.maxConnections()),
                api,
                address(settings.admin().host(), settings.admin().port(), ADMIN_CONNECTIONS),
                admin,
                metrics,
                its.shutdownGrace());
    }

    private Kernel kernel(Routes table, Edge edge, Gatekeeper gatekeeper, HttpMetrics metrics, AccessLog accessLog) {
        var limits = new Kernel.Limits(
                settings.server().requestTimeout(),
                (int) settings.server().maxHeaderSize(),
                settings.server().maxBodySize());
        return new Kernel(table, edge, gatekeeper, problems, metrics, accessLog, limits);
    }

    private HttpServer.Address address(String host, int port, int maxConnections) {
        var its = settings.server();
        return new HttpServer.Address(
                host, port, maxConnections, longestBody(), (int) its.maxHeaderSize(), connectionLimits());
    }

    private ConnectionLimits connectionLimits() {
        var its = settings.server();
        return new ConnectionLimits(
                its.idleTimeout(),
                its.headTimeout(),
                its.stallTimeout(),
                its.minBodyRate(),
                BODY_RATE_GRACE,
                its.maxConnectionsPerAddress(),
                settings.edge().proxy().trusted());
    }

    /** Of all routes together; each has its own limit besides. */
    private long longestBody() {
        return LongStream.of(
                        settings.server().maxBodySize(),
                        FileRoutes.bodyBytes(settings.files().maxSize()),
                        settings.imports().maxSize(),
                        settings.compute().maxBodySize())
                .max()
                .orElseThrow();
    }

    private Map<String, BooleanSupplier> readiness() {
        var checks = new LinkedHashMap<String, BooleanSupplier>();
        checks.put("shutting down", () -> !draining);
        checks.put("listener", () -> server.isAccepting());
        checks.put("database", () -> database.failure().isEmpty());
        checks.put("disk", this::hasDisk);
        return checks;
    }

    private boolean hasDisk() {
        try {
            return Files.getFileStore(settings.data().directory()).getUsableSpace() >= DISK_FREE_BYTES_MIN;
        } catch (IOException e) {
            return false;
        }
    }

    /** The API's port. */
    int port() {
        return server.port();
    }

    /** The operators' port. */
    int adminPort() {
        return server.adminPort();
    }

    /** Every operation of the API. */
    Routes routes() {
        return routes;
    }

    /** Where the first administrator's token was written, if this start made it. */
    Optional<Path> newAdminToken() {
        return isFirstStart ? Optional.of(adminToken()) : Optional.empty();
    }

    /** How long the embedded PostgreSQL took, if there is one. */
    Optional<Duration> postgresStart() {
        return Optional.ofNullable(postgres).map(EmbeddedPostgres::startTime);
    }

    /** What of that which this process runs itself has ended, but for what is being ended in its order. */
    Optional<String> ended() {
        if (draining) {
            return Optional.empty();
        }
        return postgres != null && !postgres.isRunning() ? Optional.of("the embedded PostgreSQL") : server.ended();
    }

    /** Says "not ready", gives balancers time to notice, finishes what runs, and closes everything. */
    @Override
    public void close() {
        draining = true;
        server.drain();
        var delay = settings.server().shutdownDelay();
        LOG.log(
                System.Logger.Level.INFO,
                "stopping: not ready any more; the listeners close in " + delay.toMillis() + " ms");
        passTime(delay);
        worker.pause();
        LOG.log(
                System.Logger.Level.INFO,
                "stopping: no more jobs are taken, no more requests after those that have come");
        owned.close();
        LOG.log(System.Logger.Level.INFO, "stopped");
    }

    /** All of it: a thread may wake up before its time. */
    private static void passTime(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
