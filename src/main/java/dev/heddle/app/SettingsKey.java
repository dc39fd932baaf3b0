package dev.heddle.app;

import dev.heddle.notifications.Smtp.Security;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A key of {@code app.yaml}: this table is the one place that knows names, defaults and ranges. The reasons for them
 * stand in {@code app.yaml} itself, where the operator reads them.
 *
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
    static final SettingsKey<Duration> SERVER_REQUEST_TIMEOUT =
            new SettingsKey<>("server.request-timeout", "30s", new SettingsKind.Span("100ms", "1h"));
    static final SettingsKey<Duration> SERVER_SHUTDOWN_DELAY =
            new SettingsKey<>("server.shutdown-delay", "0s", new SettingsKind.Span("0s", "5m"));
    static final SettingsKey<Duration> SERVER_SHUTDOWN_GRACE =
            new SettingsKey<>("server.shutdown-grace", "20s", new SettingsKind.Span("0s", "10m"));

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
            new SettingsKey<>("database.password", null, new SettingsKind.Password());
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
            new SettingsKey<>("email.smtp-password", null, new SettingsKind.Password());
    static final SettingsKey<Duration> EMAIL_CONNECT_TIMEOUT =
            new SettingsKey<>("email.connect-timeout", "5s", new SettingsKind.Span("100ms", "30s"));
    static final SettingsKey<Duration> EMAIL_TIMEOUT =
            new SettingsKey<>("email.timeout", "10s", new SettingsKind.Span("100ms", "30s"));

    static final SettingsKey<Settings.Log.Format> LOG_FORMAT =
            new SettingsKey<>("log.format", "text", new SettingsKind.Choice<>(Settings.Log.Format.class));
    static final SettingsKey<Settings.Log.Level> LOG_LEVEL =
            new SettingsKey<>("log.level", "info", new SettingsKind.Choice<>(Settings.Log.Level.class));
    static final SettingsKey<Boolean> LOG_ACCESS = new SettingsKey<>("log.access", "true", new SettingsKind.Truth());

    /** Every key, in the order of the file. */
    static final List<SettingsKey<?>> ALL = List.of(
            SERVER_HOST,
            SERVER_PORT,
            SERVER_MAX_CONNECTIONS,
            SERVER_MAX_BODY_SIZE,
            SERVER_MAX_HEADER_SIZE,
            SERVER_IDLE_TIMEOUT,
            SERVER_REQUEST_TIMEOUT,
            SERVER_SHUTDOWN_DELAY,
            SERVER_SHUTDOWN_GRACE,
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
            LOG_FORMAT,
            LOG_LEVEL,
            LOG_ACCESS);

    /** How far a misspelt name may be from a known one and still be taken for it. */
    private static final int TYPOS_MAX = 2;

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

    private String section() {
        return name.substring(0, name.indexOf('.'));
    }

    static boolean isKey(String name) {
        return ALL.stream().anyMatch(key -> key.name.equals(name));
    }

    static boolean isSection(String name) {
        return sections().anyMatch(name::equals);
    }

    static Stream<String> sections() {
        return ALL.stream().map(SettingsKey::section).distinct();
    }

    /** What to say about a name that is no key: that, and which one may have been meant. */
    static String unknown(String name) {
        var closest = closestTo(name);
        return closest.isEmpty() ? "is not a known key" : "is not a known key; did you mean " + closest + "?";
    }

    private static String closestTo(String name) {
        var byName = closest(name.toLowerCase(Locale.ROOT), UnaryOperator.identity());
        return byName.isEmpty()
                ? closest(lastSegment(name.toLowerCase(Locale.ROOT)), SettingsKey::lastSegment)
                : byName;
    }

    /** The known names that are closest in the given part of them; empty when none is close. */
    private static String closest(String wanted, UnaryOperator<String> part) {
        var byDistance = Stream.concat(sections(), ALL.stream().map(SettingsKey::name))
                .collect(Collectors.groupingBy(
                        known -> distance(wanted, part.apply(known)),
                        TreeMap::new,
                        Collectors.mapping(known -> "`" + known + "`", Collectors.joining(" or "))));
        var closest = byDistance.firstEntry();
        return closest.getKey() <= TYPOS_MAX ? closest.getValue() : "";
    }

    private static String lastSegment(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /** Levenshtein's: how many letters to insert, delete or replace. Keeps one row of the table. */
    private static int distance(String from, String to) {
        var row = IntStream.rangeClosed(0, to.length()).toArray();
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
