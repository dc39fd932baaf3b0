package dev.heddle.app;

import dev.heddle.client.HttpUrl;
import dev.heddle.client.Origin;
import dev.heddle.connection.Network;
import dev.heddle.notifications.Smtp.Security;
import dev.heddle.upstream.Template;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The whole of {@code app.yaml}. What exists is valid: each record refuses values outside the ranges that
 * {@code app.yaml} documents, so nobody behind it checks again.
 *
 * @param upstreams by their names, in the order of the file
 * @param dashboards by their names, in the order of the file; two are there without being written
 * @param description what {@link #describe()} answers
 */
public record Settings(
        Server server,
        EdgeSettings edge,
        Admin admin,
        Data data,
        Database database,
        Jobs jobs,
        Email email,
        Map<String, Upstream> upstreams,
        Map<String, Dashboard> dashboards,
        Batch batch,
        Files files,
        Import imports,
        Compute compute,
        Log log,
        List<String> description) {

    /** Refuses two listeners on one address, two resources of one name, and a source that is not there. */
    public Settings {
        if (admin.collidesWith(server.host(), server.port())) {
            throw new IllegalArgumentException("admin.port " + Admin.COLLISION);
        }
        SettingsFamily.UPSTREAMS.check(upstreams.keySet());
        SettingsFamily.DASHBOARDS.check(dashboards.keySet());
        upstreams = ordered(upstreams);
        dashboards = ordered(dashboards);
        refuseUnknownSources(dashboards, sources(upstreams));
        description = List.copyOf(description);
    }

    private static Set<String> sources(Map<String, Upstream> upstreams) {
        var sources = new HashSet<>(Part.OWN_SOURCES);
        for (var upstream : upstreams.values()) {
            for (var resource : upstream.resources().keySet()) {
                if (!sources.add(resource)) {
                    throw new IllegalArgumentException("two upstreams have a resource " + resource);
                }
            }
        }
        return sources;
    }

    private static void refuseUnknownSources(Map<String, Dashboard> dashboards, Set<String> sources) {
        dashboards.forEach((name, dashboard) -> dashboard.parts().forEach((part, made) -> {
            if (!sources.contains(made.source())) {
                throw new IllegalArgumentException("dashboards." + name + "." + part + ".source is unknown");
            }
        }));
    }

    /** A copy that keeps the order, which {@link Map#copyOf} does not. */
    private static <T> Map<String, T> ordered(Map<String, T> map) {
        return Collections.unmodifiableMap(new LinkedHashMap<>(map));
    }

    /** One line per key, in the order of the file: {@code key = value  (where it came from)}; secrets are masked. */
    public List<String> describe() {
        return description;
    }

    /**
     * The listener for callers.
     *
     * @param port 0 lets the system choose
     * @param maxBodySize in bytes
     * @param maxHeaderSize in bytes
     * @param headTimeout from the first byte of a request's head to its last
     * @param stallTimeout the longest silence of a client in the middle of a body or an answer
     * @param minBodyRate what a body must come at on average, in bytes a second
     * @param maxConnectionsPerAddress of them at once
     * @param requestTimeout the deadline of a request that names none, and the longest that one may ask for
     * @param shutdownDelay between "not ready" and closing the listener
     * @param shutdownGrace what running requests get to finish
     */
    public record Server(
            String host,
            int port,
            int maxConnections,
            long maxBodySize,
            long maxHeaderSize,
            Duration idleTimeout,
            Duration headTimeout,
            Duration stallTimeout,
            long minBodyRate,
            int maxConnectionsPerAddress,
            Duration requestTimeout,
            Duration shutdownDelay,
            Duration shutdownGrace) {

        /** Refuses values out of range. */
        public Server {
            SettingsKey.SERVER_HOST.check(host);
            SettingsKey.SERVER_PORT.check(port);
            SettingsKey.SERVER_MAX_CONNECTIONS.check(maxConnections);
            SettingsKey.SERVER_MAX_BODY_SIZE.check(maxBodySize);
            SettingsKey.SERVER_MAX_HEADER_SIZE.check(maxHeaderSize);
            SettingsKey.SERVER_IDLE_TIMEOUT.check(idleTimeout);
            SettingsKey.SERVER_HEAD_TIMEOUT.check(headTimeout);
            SettingsKey.SERVER_STALL_TIMEOUT.check(stallTimeout);
            SettingsKey.SERVER_MIN_BODY_RATE.check(minBodyRate);
            SettingsKey.SERVER_MAX_CONNECTIONS_PER_ADDRESS.check(maxConnectionsPerAddress);
            SettingsKey.SERVER_REQUEST_TIMEOUT.check(requestTimeout);
            SettingsKey.SERVER_SHUTDOWN_DELAY.check(shutdownDelay);
            SettingsKey.SERVER_SHUTDOWN_GRACE.check(shutdownGrace);
        }
    }

    /**
     * The listener for operators: health and metrics.
     *
     * @param port 0 lets the system choose
     */
    public record Admin(String host, int port) {
        static final String COLLISION = "must differ from server.port when both listen on the same host";

        /** Refuses values out of range. */
        public Admin {
            SettingsKey.ADMIN_HOST.check(host);
            SettingsKey.ADMIN_PORT.check(port);
        }

        /** Port 0 never collides: the system chooses a free one. */
        boolean collidesWith(String otherHost, int otherPort) {
            return port != 0 && port == otherPort && overlaps(otherHost);
        }

        private boolean overlaps(String otherHost) {
            return host.equalsIgnoreCase(otherHost) || isWildcard(host) || isWildcard(otherHost);
        }

        private static boolean isWildcard(String host) {
            return host.equals("0.0.0.0") || host.equals("::");
        }
    }

    /** Where the embedded database, the admin token and later files live. */
    public record Data(Path directory) {
        /** Refuses an impossible directory; whether it can be written shows when it is used. */
        public Data {
            SettingsKey.DATA_DIRECTORY.check(directory);
        }
    }

    /**
     * How PostgreSQL is reached and how much of it requests may use.
     *
     * @param gateWait how long a request waits for a connection before it is refused
     * @param gateQueue how many requests may wait at once
     * @param statementTimeout the backstop that PostgreSQL itself keeps
     */
    public record Database(
            Postgres postgres, int poolSize, Duration gateWait, int gateQueue, Duration statementTimeout) {

        /** Refuses values out of range. */
        public Database {
            SettingsKey.DATABASE_POOL_SIZE.check(poolSize);
            SettingsKey.DATABASE_GATE_WAIT.check(gateWait);
            SettingsKey.DATABASE_GATE_QUEUE.check(gateQueue);
            SettingsKey.DATABASE_STATEMENT_TIMEOUT.check(statementTimeout);
        }
    }

    /** Which PostgreSQL, {@code database.mode}: only an external one has an address and credentials. */
    public sealed interface Postgres {}

    /** The server brings its own and keeps it under {@code data.directory}. */
    public record Embedded() implements Postgres {}

    /** One that somebody else runs. */
    public record External(
            String url, @Nullable String username, @Nullable Secret password) implements Postgres {
        /** Refuses an address of another database, and one that carries credentials. */
        public External {
            SettingsKey.DATABASE_URL.check(url);
        }
    }

    /**
     * What is done after a response.
     *
     * @param workers jobs on the database at once
     * @param outboundWorkers jobs that wait for somebody else at once
     * @param retryDelay before the second attempt; it doubles with every further one
     * @param attempts how often each kind is tried
     * @param deadRetention how long jobs are kept that have failed for good
     */
    public record Jobs(
            int workers,
            int outboundWorkers,
            Duration retryDelay,
            Attempts attempts,
            Duration deadRetention,
            Duration activityRetention) {

        /** Refuses values out of range. */
        public Jobs {
            SettingsKey.JOBS_WORKERS.check(workers);
            SettingsKey.JOBS_OUTBOUND_WORKERS.check(outboundWorkers);
            SettingsKey.JOBS_RETRY_DELAY.check(retryDelay);
            SettingsKey.JOBS_DEAD_RETENTION.check(deadRetention);
            SettingsKey.JOBS_ACTIVITY_RETENTION.check(activityRetention);
        }
    }

    /** After so many failed attempts a job is kept among the dead letters. */
    public record Attempts(int sendNotification, int sendEmail, int updateStats, int logActivity) {
        /** Refuses values out of range. */
        public Attempts {
            SettingsKey.JOBS_SEND_NOTIFICATION_ATTEMPTS.check(sendNotification);
            SettingsKey.JOBS_SEND_EMAIL_ATTEMPTS.check(sendEmail);
            SettingsKey.JOBS_UPDATE_STATS_ATTEMPTS.check(updateStats);
            SettingsKey.JOBS_LOG_ACTIVITY_ATTEMPTS.check(logActivity);
        }
    }

    /**
     * How e-mail is sent.
     *
     * @param smtp the server that takes it; null writes files into the data directory
     */
    public record Email(String from, @Nullable Smtp smtp) {
        /** Refuses an address that is none. */
        public Email {
            SettingsKey.EMAIL_FROM.check(from);
        }
    }

    /** A server that takes e-mail. */
    public record Smtp(
            String host,
            int port,
            Security security,
            @Nullable String username,
            @Nullable Secret password,
            Duration connectTimeout,
            Duration timeout) {

        /** Refuses values out of range. */
        public Smtp {
            SettingsKey.EMAIL_SMTP_HOST.check(host);
            SettingsKey.EMAIL_SMTP_PORT.check(port);
            SettingsKey.EMAIL_CONNECT_TIMEOUT.check(connectTimeout);
            SettingsKey.EMAIL_TIMEOUT.check(timeout);
        }
    }

    /**
     * A server elsewhere that answers are made of.
     *
     * @param url where it is, and the path that all of its resources begin with; {@code /} for none
     * @param keptConnections how many idle ones are kept open
     * @param queue how many requests may wait for a connection
     * @param queueWait how long each of them waits before it is refused
     * @param readTimeout the longest silence while an answer is awaited
     * @param timeout for the whole call
     * @param maxBodySize of an answer, in bytes
     * @param cacheFor how long an answer is fresh whose headers do not say
     * @param staleIfError how long an outdated answer may stand in for one that cannot be had
     * @param breakerPause how long it is left alone when it fails
     * @param resources by their names, which no other upstream uses, in the order of the file
     */
    public record Upstream(
            HttpUrl url,
            @Nullable Secret apiKey,
            int maxConnections,
            int keptConnections,
            int queue,
            Duration queueWait,
            Duration connectTimeout,
            Duration readTimeout,
            Duration timeout,
            long maxBodySize,
            Duration cacheFor,
            Duration staleIfError,
            Duration breakerPause,
            Map<String, Template> resources) {

        static final String TOO_MANY_KEPT = "must not be more than max-connections";

        /** Refuses values out of range. */
        public Upstream {
            SettingsKey.UPSTREAM_URL.check(url);
            if (apiKey != null) {
                SettingsKey.UPSTREAM_API_KEY.check(apiKey);
            }
            SettingsKey.UPSTREAM_MAX_CONNECTIONS.check(maxConnections);
            SettingsKey.UPSTREAM_KEPT_CONNECTIONS.check(keptConnections);
            SettingsKey.UPSTREAM_QUEUE.check(queue);
            SettingsKey.UPSTREAM_QUEUE_WAIT.check(queueWait);
            SettingsKey.UPSTREAM_CONNECT_TIMEOUT.check(connectTimeout);
            SettingsKey.UPSTREAM_READ_TIMEOUT.check(readTimeout);
            SettingsKey.UPSTREAM_TIMEOUT.check(timeout);
            SettingsKey.UPSTREAM_MAX_BODY_SIZE.check(maxBodySize);
            SettingsKey.UPSTREAM_CACHE_FOR.check(cacheFor);
            SettingsKey.UPSTREAM_STALE_IF_ERROR.check(staleIfError);
            SettingsKey.UPSTREAM_BREAKER_PAUSE.check(breakerPause);
            SettingsFamily.RESOURCES.check(resources.keySet());
            if (keptConnections > maxConnections) {
                throw new IllegalArgumentException("kept-connections " + TOO_MANY_KEPT);
            }
            resources = ordered(resources);
        }
    }

    /**
     * An answer put together from parts.
     *
     * @param parts by their names, in the order of the file; at least one
     */
    public record Dashboard(Map<String, Part> parts) {
        /** Refuses a dashboard of nothing, and names that cannot be. */
        public Dashboard {
            SettingsFamily.PARTS.check(parts.keySet());
            if (parts.isEmpty() || parts.size() > SettingsFamily.PARTS.most()) {
                throw new IllegalArgumentException("a dashboard has 1 to " + SettingsFamily.PARTS.most() + " parts");
            }
            parts = ordered(parts);
        }
    }

    /**
     * A part of a dashboard.
     *
     * @param source one of ours, or the name of a resource
     * @param timeout after which the default stands in
     * @param fallback the default, one document of JSON in its shortest form
     */
    public record Part(String source, Duration timeout, String fallback) {
        /** What can be shown without asking anybody else. */
        public static final List<String> OWN_SOURCES = List.of("tasks", "notifications", "stats", "users", "activity");

        /** Refuses values out of range. */
        public Part {
            SettingsKey.PART_SOURCE.check(source);
            SettingsKey.PART_TIMEOUT.check(timeout);
            SettingsKey.PART_DEFAULT.check(fallback);
        }
    }

    /**
     * Which URLs of callers are asked, and for how long.
     *
     * @param allow servers that may be asked; nobody else may
     * @param privateNetworks blocks of addresses that may be asked although they are not public
     * @param timeout for each URL
     */
    public record Batch(List<Origin> allow, List<Network> privateNetworks, Duration timeout, Duration connectTimeout) {

        /** Refuses values out of range. */
        public Batch {
            SettingsKey.BATCH_ALLOW.check(allow);
            SettingsKey.BATCH_PRIVATE_NETWORKS.check(privateNetworks);
            SettingsKey.BATCH_TIMEOUT.check(timeout);
            SettingsKey.BATCH_CONNECT_TIMEOUT.check(connectTimeout);
            allow = List.copyOf(allow);
            privateNetworks = List.copyOf(privateNetworks);
        }
    }

    /**
     * What users keep here.
     *
     * @param directory where their bytes are
     * @param maxSize of one file, in bytes
     * @param quota of all files of a user together, in bytes
     * @param maxFiles of a user
     * @param maxUploads at once
     * @param keepFree what uploads leave free on the disk, in bytes
     */
    public record Files(Path directory, long maxSize, long quota, int maxFiles, int maxUploads, long keepFree) {
        /** Refuses values out of range. */
        public Files {
            SettingsKey.FILES_DIRECTORY.check(directory);
            SettingsKey.FILES_MAX_SIZE.check(maxSize);
            SettingsKey.FILES_QUOTA.check(quota);
            SettingsKey.FILES_MAX_FILES.check(maxFiles);
            SettingsKey.FILES_MAX_UPLOADS.check(maxUploads);
            SettingsKey.FILES_KEEP_FREE.check(keepFree);
        }
    }

    /**
     * Tasks that come many at once.
     *
     * @param maxSize of a body, in bytes
     */
    public record Import(long maxSize) {
        /** Refuses values out of range. */
        public Import {
            SettingsKey.IMPORT_MAX_SIZE.check(maxSize);
        }
    }

    /**
     * Work that takes nothing but processors.
     *
     * @param threads how much of it at once
     * @param queue how many more may wait
     * @param queueWait how long each of them waits before it is refused
     * @param maxRounds of one request
     * @param maxBodySize of what is hashed, in bytes
     */
    public record Compute(int threads, int queue, Duration queueWait, int maxRounds, long maxBodySize) {
        /** Refuses values out of range. */
        public Compute {
            SettingsKey.COMPUTE_THREADS.check(threads);
            SettingsKey.COMPUTE_QUEUE.check(queue);
            SettingsKey.COMPUTE_QUEUE_WAIT.check(queueWait);
            SettingsKey.COMPUTE_MAX_ROUNDS.check(maxRounds);
            SettingsKey.COMPUTE_MAX_BODY_SIZE.check(maxBodySize);
        }
    }

    /**
     * What is logged, and how.
     *
     * @param directory where it is kept
     * @param maxFileSize after which a new file begins, in bytes
     * @param maxFiles how many are kept; 0 for none, then there is only standard output
     */
    public record Log(Format format, Level level, boolean access, Path directory, long maxFileSize, int maxFiles) {

        /** Refuses values out of range. */
        public Log {
            SettingsKey.LOG_DIRECTORY.check(directory);
            SettingsKey.LOG_MAX_FILE_SIZE.check(maxFileSize);
            SettingsKey.LOG_MAX_FILES.check(maxFiles);
        }

        /** How a line looks. */
        public enum Format {
            TEXT,
            JSON
        }

        /** From which level on lines are written. */
        public enum Level {
            ERROR,
            WARNING,
            INFO,
            DEBUG
        }
    }

    /** A value that must not reach logs or errors by accident: only {@link #value()} shows it. */
    public record Secret(String value) {
        /** Refuses an empty secret, which is a forgotten one. */
        public Secret {
            if (value.isEmpty()) {
                throw new IllegalArgumentException("a secret must not be empty");
            }
        }

        @Override
        public String toString() {
            return "***";
        }
    }
}
