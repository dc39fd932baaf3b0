package dev.heddle.app;

import dev.heddle.notifications.Smtp.Security;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The whole of {@code app.yaml}. What exists is valid: each record refuses values outside the ranges that
 * {@code app.yaml} documents, so nobody behind it checks again.
 *
 * @param description what {@link #describe()} answers
 */
public record Settings(
        Server server,
        Admin admin,
        Data data,
        Database database,
        Jobs jobs,
        Email email,
        Log log,
        List<String> description) {

    /** Refuses two listeners on one address. */
    public Settings {
        if (admin.collidesWith(server.host(), server.port())) {
            throw new IllegalArgumentException("admin.port " + Admin.COLLISION);
        }
        description = List.copyOf(description);
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

    /** What is logged, and how. */
    public record Log(Format format, Level level, boolean access) {
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
