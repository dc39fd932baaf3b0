package dev.heddle.app;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.heddle.db.EmbeddedPostgres;
import dev.heddle.notifications.Smtp.Security;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Makes {@link Settings} of the values of all keys, or reports everything that is wrong. */
final class SettingsReader {
    private static final Path USUAL_FILE = Path.of("app.yaml");
    /** What the server keeps open beside connections of callers: jars, the database pool, logs, files. */
    private static final long FILES_KEPT_BACK = 256;

    private final SettingsFile file;
    private final Properties systemProperties;
    private final List<String> complaints;
    private final SettingsValues values;
    private final RemoteSettings remote;

    private SettingsReader(
            SettingsFile file, Map<String, String> environment, Properties systemProperties, List<String> complaints) {
        this.file = file;
        this.systemProperties = systemProperties;
        this.complaints = complaints;
        this.values = new SettingsValues(file, environment, systemProperties, complaints);
        this.remote = new RemoteSettings(file, values);
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
        file.adopt(RemoteSettings.BUILT_IN);
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
        SettingsNames.instances(SettingsKey.ALL, file::names).forEach(values::take);
        refuseStrayProperties();
        refuseMoreConnectionsThan(openFileLimit - FILES_KEPT_BACK);
        // Of a file that was understood in part only, a contradiction may be a mistake of ours.
        if (file.isWhole()) {
            refuseCollision();
            refuseDatabaseContradictions();
            refuseEmailContradictions();
            remote.refuseContradictions();
        }
        if (!complaints.isEmpty()) {
            throw new SettingsException(complaints);
        }
        return new Settings(
                server(),
                EdgeSettings.of(values),
                admin(),
                data(),
                database(),
                jobs(),
                email(),
                remote.upstreams(),
                remote.dashboards(),
                remote.batch(),
                files(),
                new Settings.Import(values.get(SettingsKey.IMPORT_MAX_SIZE)),
                compute(),
                log(),
                values.description());
    }

    /** A misspelt {@code -D} would be ignored in silence. Only names under our sections are ours to judge. */
    private void refuseStrayProperties() {
        var known = values.names();
        for (var name : new TreeSet<>(systemProperties.stringPropertyNames())) {
            // What the file names is not known while parts of it could not be understood.
            boolean isUndecided = !file.isWhole() && SettingsNames.isKey(name);
            if (SettingsNames.isOurs(name) && !known.contains(name) && !isUndecided) {
                values.complain(name, SettingsNames.unknown(name, known), "-D" + name);
            }
        }
    }

    private void refuseMoreConnectionsThan(long most) {
        var key = SettingsKey.SERVER_MAX_CONNECTIONS;
        if (values.isRead(key) && values.get(key) >= most) {
            values.complain(
                    key,
                    "must stay below %d, the limit of open files less %d; found %d"
                            .formatted(most, FILES_KEPT_BACK, values.get(key)));
        }
    }

    private void refuseCollision() {
        var keys = List.of(
                SettingsKey.SERVER_HOST, SettingsKey.SERVER_PORT, SettingsKey.ADMIN_HOST, SettingsKey.ADMIN_PORT);
        if (keys.stream().allMatch(values::isRead)
                && admin().collidesWith(values.get(SettingsKey.SERVER_HOST), values.get(SettingsKey.SERVER_PORT))) {
            values.complain(
                    SettingsKey.ADMIN_PORT, Settings.Admin.COLLISION + "; found " + values.get(SettingsKey.ADMIN_PORT));
        }
    }

    private void refuseDatabaseContradictions() {
        if (!values.isRead(SettingsKey.DATABASE_MODE)) {
            return;
        }
        if (values.get(SettingsKey.DATABASE_MODE) == SettingsKey.Mode.EMBEDDED) {
            refuseWhenEmbedded(SettingsKey.DATABASE_URL);
            refuseWhenEmbedded(SettingsKey.DATABASE_USERNAME);
            refuseWhenEmbedded(SettingsKey.DATABASE_PASSWORD);
            refuseTooLargePool();
        } else if (!values.isGiven(SettingsKey.DATABASE_URL)) {
            values.complain(
                    SettingsKey.DATABASE_URL.name(),
                    "is missing; database.mode external needs it",
                    values.origin(SettingsKey.DATABASE_MODE));
        }
    }

    private void refuseTooLargePool() {
        if (values.isRead(SettingsKey.DATABASE_POOL_SIZE)
                && values.get(SettingsKey.DATABASE_POOL_SIZE) > EmbeddedPostgres.POOL_SIZE_MAX) {
            values.complain(
                    SettingsKey.DATABASE_POOL_SIZE,
                    "must be at most " + EmbeddedPostgres.POOL_SIZE_MAX + " while database.mode is embedded; found "
                            + values.get(SettingsKey.DATABASE_POOL_SIZE));
        }
    }

    private void refuseWhenEmbedded(SettingsKey<?> key) {
        if (values.isGiven(key)) {
            values.complain(
                    key,
                    "is refused while database.mode is embedded (%s)"
                            .formatted(values.origin(SettingsKey.DATABASE_MODE)));
        }
    }

    private Settings.Server server() {
        return new Settings.Server(
                values.get(SettingsKey.SERVER_HOST),
                values.get(SettingsKey.SERVER_PORT),
                values.get(SettingsKey.SERVER_MAX_CONNECTIONS),
                values.get(SettingsKey.SERVER_MAX_BODY_SIZE),
                values.get(SettingsKey.SERVER_MAX_HEADER_SIZE),
                values.get(SettingsKey.SERVER_IDLE_TIMEOUT),
                values.get(SettingsKey.SERVER_HEAD_TIMEOUT),
                values.get(SettingsKey.SERVER_STALL_TIMEOUT),
                values.get(SettingsKey.SERVER_MIN_BODY_RATE),
                values.get(SettingsKey.SERVER_MAX_CONNECTIONS_PER_ADDRESS),
                values.get(SettingsKey.SERVER_REQUEST_TIMEOUT),
                values.get(SettingsKey.SERVER_SHUTDOWN_DELAY),
                values.get(SettingsKey.SERVER_SHUTDOWN_GRACE));
    }

    private Settings.Admin admin() {
        return new Settings.Admin(values.get(SettingsKey.ADMIN_HOST), values.get(SettingsKey.ADMIN_PORT));
    }

    private Settings.Data data() {
        return new Settings.Data(values.get(SettingsKey.DATA_DIRECTORY));
    }

    private Settings.Database database() {
        return new Settings.Database(
                postgres(),
                values.get(SettingsKey.DATABASE_POOL_SIZE),
                values.get(SettingsKey.DATABASE_GATE_WAIT),
                values.get(SettingsKey.DATABASE_GATE_QUEUE),
                values.get(SettingsKey.DATABASE_STATEMENT_TIMEOUT));
    }

    private Settings.Postgres postgres() {
        return switch (values.get(SettingsKey.DATABASE_MODE)) {
            case EMBEDDED -> new Settings.Embedded();
            case EXTERNAL ->
                new Settings.External(
                        values.get(SettingsKey.DATABASE_URL),
                        values.getOrNull(SettingsKey.DATABASE_USERNAME),
                        values.getOrNull(SettingsKey.DATABASE_PASSWORD));
        };
    }

    private void refuseEmailContradictions() {
        var user = SettingsKey.EMAIL_SMTP_USERNAME;
        var password = SettingsKey.EMAIL_SMTP_PASSWORD;
        if (values.isGiven(user) != values.isGiven(password)) {
            values.complain(
                    values.isGiven(user) ? password : user,
                    "is missing; email.smtp-username and email.smtp-password go together");
        }
        if (values.isGiven(user) && !values.isGiven(SettingsKey.EMAIL_SMTP_HOST)) {
            values.complain(SettingsKey.EMAIL_SMTP_HOST, "is missing; email.smtp-username needs it");
        }
        if (values.isGiven(password)
                && values.isRead(SettingsKey.EMAIL_SMTP_SECURITY)
                && values.get(SettingsKey.EMAIL_SMTP_SECURITY) == Security.NONE) {
            values.complain(SettingsKey.EMAIL_SMTP_SECURITY, "must not be none while there is a password to send");
        }
    }

    private Settings.Jobs jobs() {
        return new Settings.Jobs(
                values.get(SettingsKey.JOBS_WORKERS),
                values.get(SettingsKey.JOBS_OUTBOUND_WORKERS),
                values.get(SettingsKey.JOBS_RETRY_DELAY),
                new Settings.Attempts(
                        values.get(SettingsKey.JOBS_SEND_NOTIFICATION_ATTEMPTS),
                        values.get(SettingsKey.JOBS_SEND_EMAIL_ATTEMPTS),
                        values.get(SettingsKey.JOBS_UPDATE_STATS_ATTEMPTS),
                        values.get(SettingsKey.JOBS_LOG_ACTIVITY_ATTEMPTS)),
                values.get(SettingsKey.JOBS_DEAD_RETENTION),
                values.get(SettingsKey.JOBS_ACTIVITY_RETENTION));
    }

    private Settings.Email email() {
        return new Settings.Email(
                values.get(SettingsKey.EMAIL_FROM), values.isRead(SettingsKey.EMAIL_SMTP_HOST) ? smtp() : null);
    }

    private Settings.Smtp smtp() {
        return new Settings.Smtp(
                values.get(SettingsKey.EMAIL_SMTP_HOST),
                values.get(SettingsKey.EMAIL_SMTP_PORT),
                values.get(SettingsKey.EMAIL_SMTP_SECURITY),
                values.getOrNull(SettingsKey.EMAIL_SMTP_USERNAME),
                values.getOrNull(SettingsKey.EMAIL_SMTP_PASSWORD),
                values.get(SettingsKey.EMAIL_CONNECT_TIMEOUT),
                values.get(SettingsKey.EMAIL_TIMEOUT));
    }

    private Settings.Files files() {
        return new Settings.Files(
                place(SettingsKey.FILES_DIRECTORY, "files"),
                values.get(SettingsKey.FILES_MAX_SIZE),
                values.get(SettingsKey.FILES_QUOTA),
                values.get(SettingsKey.FILES_MAX_FILES),
                values.get(SettingsKey.FILES_MAX_UPLOADS),
                values.get(SettingsKey.FILES_KEEP_FREE));
    }

    private Settings.Compute compute() {
        return new Settings.Compute(
                values.get(SettingsKey.COMPUTE_THREADS),
                values.get(SettingsKey.COMPUTE_QUEUE),
                values.get(SettingsKey.COMPUTE_QUEUE_WAIT),
                values.get(SettingsKey.COMPUTE_MAX_ROUNDS),
                values.get(SettingsKey.COMPUTE_MAX_BODY_SIZE));
    }

    /** A directory of its own, or else the one of that name in the data directory. */
    private Path place(SettingsKey<Path> key, String otherwise) {
        var own = values.getOrNull(key);
        return own == null ? values.get(SettingsKey.DATA_DIRECTORY).resolve(otherwise) : own;
    }

    private Settings.Log log() {
        return new Settings.Log(
                values.get(SettingsKey.LOG_FORMAT),
                values.get(SettingsKey.LOG_LEVEL),
                values.get(SettingsKey.LOG_ACCESS),
                place(SettingsKey.LOG_DIRECTORY, "logs"),
                values.get(SettingsKey.LOG_MAX_FILE_SIZE),
                values.get(SettingsKey.LOG_MAX_FILES));
    }
}
