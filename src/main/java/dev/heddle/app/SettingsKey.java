package dev.heddle.app;

import dev.heddle.client.HttpUrl;
import dev.heddle.client.Origin;
import dev.heddle.connection.Network;
import dev.heddle.http.Proxies;
import dev.heddle.notifications.Smtp.Security;
import dev.heddle.upstream.Template;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A key of {@code app.yaml}: this table is the one place that knows names, defaults and ranges. The reasons for them
 * stand in {@code app.yaml} itself, where the operator reads them.
 *
 * @param name with a {@code *} for each segment that the operator chooses; such a key is a family, see {@link #in}
 * @param fallback the default as it would be written in the file, or null when there is none
 */
record SettingsKey<T>(String name, @Nullable String fallback, SettingsKind<T> kind) {
    static final SettingsKey<String> SERVER_HOST =
            new SettingsKey<>("server.host", "127.0.0.1", new SettingsKind.Host());
    static final SettingsKey<Integer> SERVER_PORT =
            new SettingsKey<>("server.port", "8080", new SettingsKind.Whole(0, 65_535));
    static final SettingsKey<Integer> SERVER_MAX_CONNECTIONS =
            new SettingsKey<>("server.max-connections", "4096", new SettingsKind.Whole(1, 100_000));
    static final SettingsKey<Long> SERVER_MAX_BODY_SIZE =
            new SettingsKey<>("server.max-body-size", "1MiB", new SettingsKind.Size("1KiB", "1GiB"));
    static final SettingsKey<Long> SERVER_MAX_HEADER_SIZE =
            new SettingsKey<>("server.max-header-size", "16KiB", new SettingsKind.Size("1KiB", "256KiB"));
    static final SettingsKey<Duration> SERVER_IDLE_TIMEOUT =
            new SettingsKey<>("server.idle-timeout", "60s", new SettingsKind.Span("1s", "1h"));
    static final SettingsKey<Duration> SERVER_HEAD_TIMEOUT =
            new SettingsKey<>("server.head-timeout", "10s", new SettingsKind.Span("100ms", "5m"));
    static final SettingsKey<Duration> SERVER_STALL_TIMEOUT =
            new SettingsKey<>("server.stall-timeout", "30s", new SettingsKind.Span("100ms", "1h"));
    static final SettingsKey<Long> SERVER_MIN_BODY_RATE =
            new SettingsKey<>("server.min-body-rate", "1KiB", new SettingsKind.Size("0B", "1GiB"));
    static final SettingsKey<Integer> SERVER_MAX_CONNECTIONS_PER_ADDRESS =
            new SettingsKey<>("server.max-connections-per-address", "1024", new SettingsKind.Whole(1, 100_000));
    static final SettingsKey<Duration> SERVER_REQUEST_TIMEOUT =
            new SettingsKey<>("server.request-timeout", "30s", new SettingsKind.Span("100ms", "1h"));
    static final SettingsKey<Duration> SERVER_SHUTDOWN_DELAY =
            new SettingsKey<>("server.shutdown-delay", "0s", new SettingsKind.Span("0s", "5m"));
    static final SettingsKey<Duration> SERVER_SHUTDOWN_GRACE =
            new SettingsKey<>("server.shutdown-grace", "20s", new SettingsKind.Span("0s", "10m"));

    static final SettingsKey<Integer> REQUESTS_MAX =
            new SettingsKey<>("requests.max", "256", new SettingsKind.Whole(1, 100_000));
    static final SettingsKey<Duration> REQUESTS_SLOW =
            new SettingsKey<>("requests.slow", "500ms", new SettingsKind.Span("10ms", "5m"));
    static final SettingsKey<Integer> REQUESTS_QUEUE =
            new SettingsKey<>("requests.queue", "1000", new SettingsKind.Whole(0, 100_000));
    static final SettingsKey<Duration> REQUESTS_QUEUE_WAIT =
            new SettingsKey<>("requests.queue-wait", "500ms", new SettingsKind.Span("10ms", "30s"));
    static final SettingsKey<Integer> REQUESTS_MAX_STREAMS =
            new SettingsKey<>("requests.max-streams", "512", new SettingsKind.Whole(1, 100_000));

    static final SettingsKey<Integer> RATE_LIMIT_TOKEN =
            new SettingsKey<>("rate-limit.token", "500", new SettingsKind.Whole(0, 1_000_000));
    static final SettingsKey<Integer> RATE_LIMIT_TOKEN_BURST =
            new SettingsKey<>("rate-limit.token-burst", "1000", new SettingsKind.Whole(1, 10_000_000));
    static final SettingsKey<Integer> RATE_LIMIT_ADDRESS =
            new SettingsKey<>("rate-limit.address", "1000", new SettingsKind.Whole(0, 1_000_000));
    static final SettingsKey<Integer> RATE_LIMIT_ADDRESS_BURST =
            new SettingsKey<>("rate-limit.address-burst", "2000", new SettingsKind.Whole(1, 10_000_000));
    static final SettingsKey<Integer> RATE_LIMIT_BAD_TOKENS =
            new SettingsKey<>("rate-limit.bad-tokens", "60", new SettingsKind.Whole(0, 1_000_000));

    static final SettingsKey<List<Network>> PROXY_TRUSTED = new SettingsKey<>(
            "proxy.trusted", null, new RemoteKind.Several<>("blocks of addresses such as 10.0.0.0/8", Network::of));
    static final SettingsKey<Proxies.Header> PROXY_HEADER =
            new SettingsKey<>("proxy.header", "x-forwarded-for", new SettingsKind.Choice<>(Proxies.Header.class));
    static final SettingsKey<HttpUrl> PROXY_PUBLIC_URL =
            new SettingsKey<>("proxy.public-url", null, new RemoteKind.BaseUrl());

    static final SettingsKey<List<String>> CORS_ORIGINS = new SettingsKey<>(
            "cors.origins",
            null,
            new RemoteKind.Several<>(
                    "origins as browsers send them, such as https://app.example.org, or *", EdgeSettings::origin));
    static final SettingsKey<Duration> CORS_MAX_AGE =
            new SettingsKey<>("cors.max-age", "10m", new SettingsKind.Span("0s", "24h"));

    static final SettingsKey<String> ADMIN_HOST = new SettingsKey<>("admin.host", "127.0.0.1", new SettingsKind.Host());
    static final SettingsKey<Integer> ADMIN_PORT =
            new SettingsKey<>("admin.port", "8081", new SettingsKind.Whole(0, 65_535));

    static final SettingsKey<Path> DATA_DIRECTORY =
            new SettingsKey<>("data.directory", "./data", new SettingsKind.Place());

    static final SettingsKey<Mode> DATABASE_MODE =
            new SettingsKey<>("database.mode", "embedded", new SettingsKind.Choice<>(Mode.class));
    static final SettingsKey<String> DATABASE_URL = new SettingsKey<>("database.url", null, new SettingsKind.JdbcUrl());
    static final SettingsKey<String> DATABASE_USERNAME =
            new SettingsKey<>("database.username", null, new SettingsKind.Words());
    static final SettingsKey<Settings.Secret> DATABASE_PASSWORD =
            new SettingsKey<>("database.password", null, SettingsKind.Password.ANY);
    static final SettingsKey<Integer> DATABASE_POOL_SIZE =
            new SettingsKey<>("database.pool-size", "16", new SettingsKind.Whole(2, 500));
    static final SettingsKey<Duration> DATABASE_GATE_WAIT =
            new SettingsKey<>("database.gate-wait", "1s", new SettingsKind.Span("10ms", "30s"));
    static final SettingsKey<Integer> DATABASE_GATE_QUEUE =
            new SettingsKey<>("database.gate-queue", "1000", new SettingsKind.Whole(0, 100_000));
    static final SettingsKey<Duration> DATABASE_STATEMENT_TIMEOUT =
            new SettingsKey<>("database.statement-timeout", "30s", new SettingsKind.Span("100ms", "1h"));

    static final SettingsKey<Integer> JOBS_WORKERS =
            new SettingsKey<>("jobs.workers", "8", new SettingsKind.Whole(1, 64));
    static final SettingsKey<Integer> JOBS_OUTBOUND_WORKERS =
            new SettingsKey<>("jobs.outbound-workers", "4", new SettingsKind.Whole(1, 64));
    static final SettingsKey<Duration> JOBS_RETRY_DELAY =
            new SettingsKey<>("jobs.retry-delay", "2s", new SettingsKind.Span("10ms", "10m"));
    static final SettingsKey<Integer> JOBS_SEND_NOTIFICATION_ATTEMPTS =
            new SettingsKey<>("jobs.send-notification-attempts", "8", new SettingsKind.Whole(1, 20));
    static final SettingsKey<Integer> JOBS_SEND_EMAIL_ATTEMPTS =
            new SettingsKey<>("jobs.send-email-attempts", "8", new SettingsKind.Whole(1, 20));
    static final SettingsKey<Integer> JOBS_UPDATE_STATS_ATTEMPTS =
            new SettingsKey<>("jobs.update-stats-attempts", "8", new SettingsKind.Whole(1, 20));
    static final SettingsKey<Integer> JOBS_LOG_ACTIVITY_ATTEMPTS =
            new SettingsKey<>("jobs.log-activity-attempts", "8", new SettingsKind.Whole(1, 20));
    static final SettingsKey<Duration> JOBS_DEAD_RETENTION =
            new SettingsKey<>("jobs.dead-retention", "720h", new SettingsKind.Span("1h", "87600h"));
    static final SettingsKey<Duration> JOBS_ACTIVITY_RETENTION =
            new SettingsKey<>("jobs.activity-retention", "8760h", new SettingsKind.Span("1h", "87600h"));

    static final SettingsKey<String> EMAIL_FROM =
            new SettingsKey<>("email.from", "heddle@localhost", new SettingsKind.Mailbox());
    static final SettingsKey<String> EMAIL_SMTP_HOST =
            new SettingsKey<>("email.smtp-host", null, new SettingsKind.Host());
    static final SettingsKey<Integer> EMAIL_SMTP_PORT =
            new SettingsKey<>("email.smtp-port", "587", new SettingsKind.Whole(1, 65_535));
    static final SettingsKey<Security> EMAIL_SMTP_SECURITY =
            new SettingsKey<>("email.smtp-security", "starttls", new SettingsKind.Choice<>(Security.class));
    static final SettingsKey<String> EMAIL_SMTP_USERNAME =
            new SettingsKey<>("email.smtp-username", null, new SettingsKind.Words());
    static final SettingsKey<Settings.Secret> EMAIL_SMTP_PASSWORD =
            new SettingsKey<>("email.smtp-password", null, SettingsKind.Password.ANY);
    static final SettingsKey<Duration> EMAIL_CONNECT_TIMEOUT =
            new SettingsKey<>("email.connect-timeout", "5s", new SettingsKind.Span("100ms", "30s"));
    static final SettingsKey<Duration> EMAIL_TIMEOUT =
            new SettingsKey<>("email.timeout", "10s", new SettingsKind.Span("100ms", "30s"));

    static final SettingsKey<HttpUrl> UPSTREAM_URL =
            new SettingsKey<>("upstreams.*.url", null, new RemoteKind.BaseUrl());
    static final SettingsKey<Settings.Secret> UPSTREAM_API_KEY =
            new SettingsKey<>("upstreams.*.api-key", null, SettingsKind.Password.IN_HEADER);
    static final SettingsKey<Integer> UPSTREAM_MAX_CONNECTIONS =
            new SettingsKey<>("upstreams.*.max-connections", "100", new SettingsKind.Whole(1, 1000));
    static final SettingsKey<Integer> UPSTREAM_KEPT_CONNECTIONS =
            new SettingsKey<>("upstreams.*.kept-connections", "20", new SettingsKind.Whole(0, 1000));
    static final SettingsKey<Integer> UPSTREAM_QUEUE =
            new SettingsKey<>("upstreams.*.queue", "1000", new SettingsKind.Whole(0, 100_000));
    static final SettingsKey<Duration> UPSTREAM_QUEUE_WAIT =
            new SettingsKey<>("upstreams.*.queue-wait", "1s", new SettingsKind.Span("10ms", "30s"));
    static final SettingsKey<Duration> UPSTREAM_CONNECT_TIMEOUT =
            new SettingsKey<>("upstreams.*.connect-timeout", "2s", new SettingsKind.Span("10ms", "30s"));
    static final SettingsKey<Duration> UPSTREAM_READ_TIMEOUT =
            new SettingsKey<>("upstreams.*.read-timeout", "10s", new SettingsKind.Span("10ms", "5m"));
    static final SettingsKey<Duration> UPSTREAM_TIMEOUT =
            new SettingsKey<>("upstreams.*.timeout", "30s", new SettingsKind.Span("10ms", "5m"));
    static final SettingsKey<Long> UPSTREAM_MAX_BODY_SIZE =
            new SettingsKey<>("upstreams.*.max-body-size", "1MiB", new SettingsKind.Size("1KiB", "16MiB"));
    static final SettingsKey<Duration> UPSTREAM_CACHE_FOR =
            new SettingsKey<>("upstreams.*.cache-for", "0s", new SettingsKind.Span("0s", "24h"));
    static final SettingsKey<Duration> UPSTREAM_STALE_IF_ERROR =
            new SettingsKey<>("upstreams.*.stale-if-error", "1h", new SettingsKind.Span("0s", "720h"));
    static final SettingsKey<Duration> UPSTREAM_BREAKER_PAUSE =
            new SettingsKey<>("upstreams.*.breaker-pause", "10s", new SettingsKind.Span("100ms", "1h"));
    static final SettingsKey<Template> UPSTREAM_RESOURCE =
            new SettingsKey<>("upstreams.*.resources.*", null, new RemoteKind.PathTemplate());

    static final SettingsKey<String> PART_SOURCE =
            new SettingsKey<>("dashboards.*.*.source", null, new RemoteKind.Source());
    static final SettingsKey<Duration> PART_TIMEOUT =
            new SettingsKey<>("dashboards.*.*.timeout", "2s", new SettingsKind.Span("10ms", "5m"));
    static final SettingsKey<String> PART_DEFAULT =
            new SettingsKey<>("dashboards.*.*.default", "null", new RemoteKind.JsonText());

    static final SettingsKey<List<Origin>> BATCH_ALLOW = new SettingsKey<>(
            "batch.allow", null, new RemoteKind.Several<>("origins such as https://api.example.org:8443", Origin::of));
    static final SettingsKey<List<Network>> BATCH_PRIVATE_NETWORKS = new SettingsKey<>(
            "batch.private-networks",
            null,
            new RemoteKind.Several<>("blocks of addresses such as 10.0.0.0/8", Network::of));
    static final SettingsKey<Duration> BATCH_TIMEOUT =
            new SettingsKey<>("batch.timeout", "5s", new SettingsKind.Span("10ms", "5m"));
    static final SettingsKey<Duration> BATCH_CONNECT_TIMEOUT =
            new SettingsKey<>("batch.connect-timeout", "1s", new SettingsKind.Span("10ms", "30s"));

    static final SettingsKey<Path> FILES_DIRECTORY =
            new SettingsKey<>("files.directory", null, new SettingsKind.Place());
    static final SettingsKey<Long> FILES_MAX_SIZE =
            new SettingsKey<>("files.max-size", "1GiB", new SettingsKind.Size("1KiB", "1024GiB"));
    static final SettingsKey<Long> FILES_QUOTA =
            new SettingsKey<>("files.quota", "10GiB", new SettingsKind.Size("1KiB", "1048576GiB"));
    static final SettingsKey<Integer> FILES_MAX_FILES =
            new SettingsKey<>("files.max-files", "10000", new SettingsKind.Whole(1, 1_000_000));
    static final SettingsKey<Integer> FILES_MAX_UPLOADS =
            new SettingsKey<>("files.max-uploads", "256", new SettingsKind.Whole(1, 100_000));
    static final SettingsKey<Long> FILES_KEEP_FREE =
            new SettingsKey<>("files.keep-free", "256MiB", new SettingsKind.Size("0B", "1024GiB"));

    static final SettingsKey<Long> IMPORT_MAX_SIZE =
            new SettingsKey<>("import.max-size", "256MiB", new SettingsKind.Size("1KiB", "64GiB"));

    static final SettingsKey<Integer> COMPUTE_THREADS =
            new SettingsKey<>("compute.threads", "1", new SettingsKind.Whole(1, 256));
    static final SettingsKey<Integer> COMPUTE_QUEUE =
            new SettingsKey<>("compute.queue", "32", new SettingsKind.Whole(0, 10_000));
    static final SettingsKey<Duration> COMPUTE_QUEUE_WAIT =
            new SettingsKey<>("compute.queue-wait", "2s", new SettingsKind.Span("10ms", "5m"));
    static final SettingsKey<Integer> COMPUTE_MAX_ROUNDS =
            new SettingsKey<>("compute.max-rounds", "10000000", new SettingsKind.Whole(1, 1_000_000_000));
    static final SettingsKey<Long> COMPUTE_MAX_BODY_SIZE =
            new SettingsKey<>("compute.max-body-size", "1GiB", new SettingsKind.Size("1KiB", "1024GiB"));

    static final SettingsKey<Settings.Log.Format> LOG_FORMAT =
            new SettingsKey<>("log.format", "text", new SettingsKind.Choice<>(Settings.Log.Format.class));
    static final SettingsKey<Settings.Log.Level> LOG_LEVEL =
            new SettingsKey<>("log.level", "info", new SettingsKind.Choice<>(Settings.Log.Level.class));
    static final SettingsKey<Boolean> LOG_ACCESS = new SettingsKey<>("log.access", "true", new SettingsKind.Truth());
    static final SettingsKey<Path> LOG_DIRECTORY = new SettingsKey<>("log.directory", null, new SettingsKind.Place());
    static final SettingsKey<Long> LOG_MAX_FILE_SIZE =
            new SettingsKey<>("log.max-file-size", "16MiB", new SettingsKind.Size("64KiB", "1GiB"));
    static final SettingsKey<Integer> LOG_MAX_FILES =
            new SettingsKey<>("log.max-files", "8", new SettingsKind.Whole(0, 100));

    /** Every key, in the order of the file. */
    static final List<SettingsKey<?>> ALL = List.of(
            SERVER_HOST,
            SERVER_PORT,
            SERVER_MAX_CONNECTIONS,
            SERVER_MAX_BODY_SIZE,
            SERVER_MAX_HEADER_SIZE,
            SERVER_IDLE_TIMEOUT,
            SERVER_HEAD_TIMEOUT,
            SERVER_STALL_TIMEOUT,
            SERVER_MIN_BODY_RATE,
            SERVER_MAX_CONNECTIONS_PER_ADDRESS,
            SERVER_REQUEST_TIMEOUT,
            SERVER_SHUTDOWN_DELAY,
            SERVER_SHUTDOWN_GRACE,
            REQUESTS_MAX,
            REQUESTS_SLOW,
            REQUESTS_QUEUE,
            REQUESTS_QUEUE_WAIT,
            REQUESTS_MAX_STREAMS,
            RATE_LIMIT_TOKEN,
            RATE_LIMIT_TOKEN_BURST,
            RATE_LIMIT_ADDRESS,
            RATE_LIMIT_ADDRESS_BURST,
            RATE_LIMIT_BAD_TOKENS,
            PROXY_TRUSTED,
            PROXY_HEADER,
            PROXY_PUBLIC_URL,
            CORS_ORIGINS,
            CORS_MAX_AGE,
            ADMIN_HOST,
            ADMIN_PORT,
            DATA_DIRECTORY,
            DATABASE_MODE,
            DATABASE_URL,
            DATABASE_USERNAME,
            DATABASE_PASSWORD,
            DATABASE_POOL_SIZE,
            DATABASE_GATE_WAIT,
            DATABASE_GATE_QUEUE,
            DATABASE_STATEMENT_TIMEOUT,
            JOBS_WORKERS,
            JOBS_OUTBOUND_WORKERS,
            JOBS_RETRY_DELAY,
            JOBS_SEND_NOTIFICATION_ATTEMPTS,
            JOBS_SEND_EMAIL_ATTEMPTS,
            JOBS_UPDATE_STATS_ATTEMPTS,
            JOBS_LOG_ACTIVITY_ATTEMPTS,
            JOBS_DEAD_RETENTION,
            JOBS_ACTIVITY_RETENTION,
            EMAIL_FROM,
            EMAIL_SMTP_HOST,
            EMAIL_SMTP_PORT,
            EMAIL_SMTP_SECURITY,
            EMAIL_SMTP_USERNAME,
            EMAIL_SMTP_PASSWORD,
            EMAIL_CONNECT_TIMEOUT,
            EMAIL_TIMEOUT,
            UPSTREAM_URL,
            UPSTREAM_API_KEY,
            UPSTREAM_MAX_CONNECTIONS,
            UPSTREAM_KEPT_CONNECTIONS,
            UPSTREAM_QUEUE,
            UPSTREAM_QUEUE_WAIT,
            UPSTREAM_CONNECT_TIMEOUT,
            UPSTREAM_READ_TIMEOUT,
            UPSTREAM_TIMEOUT,
            UPSTREAM_MAX_BODY_SIZE,
            UPSTREAM_CACHE_FOR,
            UPSTREAM_STALE_IF_ERROR,
            UPSTREAM_BREAKER_PAUSE,
            UPSTREAM_RESOURCE,
            PART_SOURCE,
            PART_TIMEOUT,
            PART_DEFAULT,
            BATCH_ALLOW,
            BATCH_PRIVATE_NETWORKS,
            BATCH_TIMEOUT,
            BATCH_CONNECT_TIMEOUT,
            FILES_DIRECTORY,
            FILES_MAX_SIZE,
            FILES_QUOTA,
            FILES_MAX_FILES,
            FILES_MAX_UPLOADS,
            FILES_KEEP_FREE,
            IMPORT_MAX_SIZE,
            COMPUTE_THREADS,
            COMPUTE_QUEUE,
            COMPUTE_QUEUE_WAIT,
            COMPUTE_MAX_ROUNDS,
            COMPUTE_MAX_BODY_SIZE,
            LOG_FORMAT,
            LOG_LEVEL,
            LOG_ACCESS,
            LOG_DIRECTORY,
            LOG_MAX_FILE_SIZE,
            LOG_MAX_FILES);

    /** The values of {@code database.mode}. */
    enum Mode {
        EMBEDDED,
        EXTERNAL
    }

    /** Reads a value as written; an {@link IllegalArgumentException} carries the phrase that follows the name. */
    T parse(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("must not be empty");
        }
        return kind.read(text)
                .filter(kind::accepts)
                .orElseThrow(() -> new IllegalArgumentException(kind.rule() + kind.hint(text)));
    }

    /** Refuses a value that did not come from {@link #parse}. */
    void check(T value) {
        if (!kind.accepts(value)) {
            throw new IllegalArgumentException(name + " " + kind.rule());
        }
    }

    /** The environment variable that sets this key: {@code SERVER_MAX_BODY_SIZE}. */
    String variable() {
        return name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    /** Whether the value must never be shown, and may come from a file of its own. */
    boolean isSecret() {
        return kind instanceof SettingsKind.Password;
    }

    /** Whether empty YAML may stand for the text of the value. */
    boolean isJson() {
        return kind instanceof RemoteKind.JsonText;
    }

    /** Whether this is one key for each name that the operator chose. */
    boolean isFamily() {
        return name.indexOf('*') >= 0;
    }

    /** This key for one of the names; what is left of a family with two names is a family still. */
    SettingsKey<T> in(String chosen) {
        int star = name.indexOf('*');
        return new SettingsKey<>(name.substring(0, star) + chosen + name.substring(star + 1), fallback, kind);
    }
}
