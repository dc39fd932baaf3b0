package dev.heddle.app;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.heddle.db.EmbeddedPostgres;
import dev.heddle.notifications.Smtp.Security;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds the value of each key (a system property beats an environment variable beats the file beats the default) and
 * makes {@link Settings} of them, or reports everything that is wrong. Only the value that wins is judged.
 */
final class SettingsReader {
    private static final Path USUAL_FILE = Path.of("app.yaml");
    /** Behind the name of a secret's variable: the variable names a file that holds the secret. */
    private static final String FILE_SUFFIX = "_FILE";
    /** A certificate chain would fit; whatever is larger is no password. */
    private static final int SECRET_FILE_MAX = 64 * 1024;
    /** What the server keeps open beside connections of callers: jars, the database pool, logs, files. */
    private static final long FILES_KEPT_BACK = 256;
    /** Enough to recognise a value by. */
    private static final int SHOWN_MAX = 60;

    private final SettingsFile file;
    private final Map<String, String> environment;
    private final Properties systemProperties;
    private final List<String> complaints;
    // What was written for a key, good or bad.
    private final Map<SettingsKey<?>, SettingsFile.Found> found = new HashMap<>();
    // What could be read of it.
    private final Map<SettingsKey<?>, Object> values = new HashMap<>();

    private SettingsReader(
            SettingsFile file, Map<String, String> environment, Properties systemProperties, List<String> complaints) {
        this.file = file;
        this.environment = environment;
        this.systemProperties = systemProperties;
        this.complaints = complaints;
    }

    /**
     * Reads the settings of this process.
     *
     * @param configFile null means {@code app.yaml} in the working directory, or no file when there is none
     * @throws SettingsException with every complaint at once
     */
    static Settings read(@Nullable Path configFile, Map<String, String> environment, Properties systemProperties) {
        return read(configFile, environment, systemProperties, openFileLimit());
    }

    /** The same for a process that may have that many files open. */
    static Settings read(
            @Nullable Path configFile,
            Map<String, String> environment,
            Properties systemProperties,
            long openFileLimit) {
        var complaints = new ArrayList<String>();
        var file = open(configFile, complaints);
        return new SettingsReader(file, environment, systemProperties, complaints).settings(openFileLimit);
    }

    private static SettingsFile open(@Nullable Path configFile, List<String> complaints) {
        if (configFile != null) {
            return SettingsFile.read(configFile, complaints);
        }
        // A link that leads nowhere counts as a file, and is complained about.
        return Files.notExists(USUAL_FILE, LinkOption.NOFOLLOW_LINKS)
                ? SettingsFile.none()
                : SettingsFile.read(USUAL_FILE, complaints);
    }

    private static long openFileLimit() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                        && unix.getMaxFileDescriptorCount() > 0
                ? unix.getMaxFileDescriptorCount()
                : Long.MAX_VALUE;
    }

    private Settings settings(long openFileLimit) {
        SettingsKey.ALL.forEach(this::take);
        refuseStrayProperties();
        refuseMoreConnectionsThan(openFileLimit - FILES_KEPT_BACK);
        // Of a file that was understood in part only, a contradiction may be a mistake of ours.
        if (file.isWhole()) {
            refuseCollision();
            refuseDatabaseContradictions();
            refuseEmailContradictions();
        }
        if (!complaints.isEmpty()) {
            throw new SettingsException(complaints);
        }
        return new Settings(server(), admin(), data(), database(), jobs(), email(), log(), description());
    }

    private <T> void take(SettingsKey<T> key) {
        var candidate = find(key);
        if (candidate == null) {
            return;
        }
        found.put(key, candidate);
        var text = candidate.text();
        if (text == null) {
            return;
        }
        try {
            values.put(key, key.parse(text));
        } catch (IllegalArgumentException refused) {
            complain(key, refused.getMessage() + shown(key, text));
        }
    }

    private SettingsFile.@Nullable Found find(SettingsKey<?> key) {
        var property = systemProperties.getProperty(key.name());
        if (property != null) {
            return new SettingsFile.Found(property, "-D" + key.name());
        }
        var variable = fromEnvironment(key);
        if (variable != null) {
            return variable;
        }
        var written = file.find(key.name());
        if (written != null) {
            return written;
        }
        return key.fallback() == null ? null : new SettingsFile.Found(key.fallback(), "default");
    }

    private SettingsFile.@Nullable Found fromEnvironment(SettingsKey<?> key) {
        var direct = environment.get(key.variable());
        var secretFile = key.isSecret() ? environment.get(key.variable() + FILE_SUFFIX) : null;
        if (direct != null && secretFile != null) {
            complain(key, "must be given once", "environment variables %s and %1$s_FILE".formatted(key.variable()));
        }
        if (direct != null) {
            return new SettingsFile.Found(direct, "environment variable " + key.variable());
        }
        return secretFile == null ? null : fromSecretFile(key, secretFile);
    }

    private SettingsFile.Found fromSecretFile(SettingsKey<?> key, String path) {
        var origin = "file named by " + key.variable() + FILE_SUFFIX;
        try {
            var text = SettingsFile.text(Path.of(path), SECRET_FILE_MAX);
            return new SettingsFile.Found(withoutLineEnd(text), origin);
        } catch (InvalidPathException _) {
            complain(key, "cannot be read: this is no path", origin);
        } catch (IOException failure) {
            complain(key, "cannot be read: " + SettingsFile.reason(failure), origin);
        }
        return new SettingsFile.Found(null, origin);
    }

    /** Editors and {@code echo} put one line end behind a secret, which is no part of it. */
    private static String withoutLineEnd(String text) {
        return text.endsWith("\r\n")
                ? text.substring(0, text.length() - 2)
                : text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }

    /** A misspelt {@code -D} would be ignored in silence. Only names under our sections are ours to judge. */
    private void refuseStrayProperties() {
        for (var name : new TreeSet<>(systemProperties.stringPropertyNames())) {
            if (SettingsKey.sections().anyMatch(section -> name.startsWith(section + "."))
                    && !SettingsKey.isKey(name)) {
                complain(name, SettingsKey.unknown(name), "-D" + name);
            }
        }
    }

    private void refuseMoreConnectionsThan(long most) {
        var key = SettingsKey.SERVER_MAX_CONNECTIONS;
        if (isRead(key) && get(key) >= most) {
            complain(
                    key,
                    "must stay below %d, the limit of open files less %d; found %d"
                            .formatted(most, FILES_KEPT_BACK, get(key)));
        }
    }

    private void refuseCollision() {
        var keys = List.of(
                SettingsKey.SERVER_HOST, SettingsKey.SERVER_PORT, SettingsKey.ADMIN_HOST, SettingsKey.ADMIN_PORT);
        if (keys.stream().allMatch(this::isRead)
                && admin().collidesWith(get(SettingsKey.SERVER_HOST), get(SettingsKey.SERVER_PORT))) {
            complain(SettingsKey.ADMIN_PORT, Settings.Admin.COLLISION + "; found " + get(SettingsKey.ADMIN_PORT));
        }
    }

    private void refuseDatabaseContradictions() {
        if (!isRead(SettingsKey.DATABASE_MODE)) {
            return;
        }
        if (get(SettingsKey.DATABASE_MODE) == SettingsKey.Mode.EMBEDDED) {
            refuseWhenEmbedded(SettingsKey.DATABASE_URL);
            refuseWhenEmbedded(SettingsKey.DATABASE_USERNAME);
            refuseWhenEmbedded(SettingsKey.DATABASE_PASSWORD);
            refuseTooLargePool();
        } else if (!found.containsKey(SettingsKey.DATABASE_URL)) {
            complain(
                    SettingsKey.DATABASE_URL.name(),
                    "is missing; database.mode external needs it",
                    origin(SettingsKey.DATABASE_MODE));
        }
    }

    private void refuseTooLargePool() {
        if (isRead(SettingsKey.DATABASE_POOL_SIZE)
                && get(SettingsKey.DATABASE_POOL_SIZE) > EmbeddedPostgres.POOL_SIZE_MAX) {
            complain(
                    SettingsKey.DATABASE_POOL_SIZE,
                    "must be at most " + EmbeddedPostgres.POOL_SIZE_MAX + " while database.mode is embedded; found "
                            + get(SettingsKey.DATABASE_POOL_SIZE));
        }
    }

    private void refuseWhenEmbedded(SettingsKey<?> key) {
        if (found.containsKey(key)) {
            complain(
                    key,
                    "is refused while database.mode is embedded (%s)".formatted(origin(SettingsKey.DATABASE_MODE)));
        }
    }

    private Settings.Server server() {
        return new Settings.Server(
                get(SettingsKey.SERVER_HOST),
                get(SettingsKey.SERVER_PORT),
                get(SettingsKey.SERVER_MAX_CONNECTIONS),
                get(SettingsKey.SERVER_MAX_BODY_SIZE),
                get(SettingsKey.SERVER_MAX_HEADER_SIZE),
                get(SettingsKey.SERVER_IDLE_TIMEOUT),
                get(SettingsKey.SERVER_REQUEST_TIMEOUT),
                get(SettingsKey.SERVER_SHUTDOWN_DELAY),
                get(SettingsKey.SERVER_SHUTDOWN_GRACE));
    }

    private Settings.Admin admin() {
        return new Settings.Admin(get(SettingsKey.ADMIN_HOST), get(SettingsKey.ADMIN_PORT));
    }

    private Settings.Data data() {
        return new Settings.Data(get(SettingsKey.DATA_DIRECTORY));
    }

    private Settings.Database database() {
        return new Settings.Database(
                postgres(),
                get(SettingsKey.DATABASE_POOL_SIZE),
                get(SettingsKey.DATABASE_GATE_WAIT),
                get(SettingsKey.DATABASE_GATE_QUEUE),
                get(SettingsKey.DATABASE_STATEMENT_TIMEOUT));
    }

    private Settings.Postgres postgres() {
        return switch (get(SettingsKey.DATABASE_MODE)) {
            case EMBEDDED -> new Settings.Embedded();
            case EXTERNAL ->
                new Settings.External(
                        get(SettingsKey.DATABASE_URL),
                        getOrNull(SettingsKey.DATABASE_USERNAME),
                        getOrNull(SettingsKey.DATABASE_PASSWORD));
        };
    }

    private void refuseEmailContradictions() {
        var user = SettingsKey.EMAIL_SMTP_USERNAME;
        var password = SettingsKey.EMAIL_SMTP_PASSWORD;
        if (found.containsKey(user) != found.containsKey(password)) {
            complain(
                    found.containsKey(user) ? password : user,
                    "is missing; email.smtp-username and email.smtp-password go together");
        }
        if (found.containsKey(user) && !found.containsKey(SettingsKey.EMAIL_SMTP_HOST)) {
            complain(SettingsKey.EMAIL_SMTP_HOST, "is missing; email.smtp-username needs it");
        }
        if (found.containsKey(password)
                && isRead(SettingsKey.EMAIL_SMTP_SECURITY)
                && get(SettingsKey.EMAIL_SMTP_SECURITY) == Security.NONE) {
            complain(SettingsKey.EMAIL_SMTP_SECURITY, "must not be none while there is a password to send");
        }
    }

    private Settings.Jobs jobs() {
        return new Settings.Jobs(
                get(SettingsKey.JOBS_WORKERS),
                get(SettingsKey.JOBS_OUTBOUND_WORKERS),
                get(SettingsKey.JOBS_RETRY_DELAY),
                new Settings.Attempts(
                        get(SettingsKey.JOBS_SEND_NOTIFICATION_ATTEMPTS),
                        get(SettingsKey.JOBS_SEND_EMAIL_ATTEMPTS),
                        get(SettingsKey.JOBS_UPDATE_STATS_ATTEMPTS),
                        get(SettingsKey.JOBS_LOG_ACTIVITY_ATTEMPTS)),
                get(SettingsKey.JOBS_DEAD_RETENTION),
                get(SettingsKey.JOBS_ACTIVITY_RETENTION));
    }

    private Settings.Email email() {
        return new Settings.Email(get(SettingsKey.EMAIL_FROM), isRead(SettingsKey.EMAIL_SMTP_HOST) ? smtp() : null);
    }

    private Settings.Smtp smtp() {
        return new Settings.Smtp(
                get(SettingsKey.EMAIL_SMTP_HOST),
                get(SettingsKey.EMAIL_SMTP_PORT),
                get(SettingsKey.EMAIL_SMTP_SECURITY),
                getOrNull(SettingsKey.EMAIL_SMTP_USERNAME),
                getOrNull(SettingsKey.EMAIL_SMTP_PASSWORD),
                get(SettingsKey.EMAIL_CONNECT_TIMEOUT),
                get(SettingsKey.EMAIL_TIMEOUT));
    }

    private Settings.Log log() {
        return new Settings.Log(get(SettingsKey.LOG_FORMAT), get(SettingsKey.LOG_LEVEL), get(SettingsKey.LOG_ACCESS));
    }

    private List<String> description() {
        return SettingsKey.ALL.stream().map(this::description).toList();
    }

    private String description(SettingsKey<?> key) {
        var candidate = found.get(key);
        if (candidate == null) {
            return key.name() + " = -  (not set)";
        }
        var value = key.isSecret() ? values.get(key) : candidate.text();
        return SettingsException.oneLine("%s = %s  (%s)".formatted(key.name(), value, candidate.origin()));
    }

    private boolean isRead(SettingsKey<?> key) {
        return values.containsKey(key);
    }

    private <T> T get(SettingsKey<T> key) {
        var value = values.get(key);
        if (value == null) {
            throw new IllegalStateException(key.name() + " has no value and no complaint");
        }
        return key.kind().type().cast(value);
    }

    private <T> @Nullable T getOrNull(SettingsKey<T> key) {
        return isRead(key) ? get(key) : null;
    }

    private String origin(SettingsKey<?> key) {
        var candidate = found.get(key);
        return candidate == null ? "not set" : candidate.origin();
    }

    /** What was found, unless it may hold a secret. Cut, so that a complaint stays a line that can be read. */
    private static String shown(SettingsKey<?> key, String text) {
        if (key.kind().confidential() || text.isBlank()) {
            return "";
        }
        return "; found \"" + (text.length() > SHOWN_MAX ? text.substring(0, SHOWN_MAX) + "…" : text) + "\"";
    }

    private void complain(SettingsKey<?> key, String what) {
        complain(key.name(), what, origin(key));
    }

    private void complain(SettingsKey<?> key, String what, String origin) {
        complain(key.name(), what, origin);
    }

    private void complain(String name, String what, String origin) {
        complaints.add(SettingsException.oneLine(name + ": " + what + " (" + origin + ")"));
    }
}
