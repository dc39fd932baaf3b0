package dev.heddle.db;

import dev.heddle.db.EmbeddedPostgres.EmbeddedPostgresException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/**
 * The directory of an embedded PostgreSQL while it belongs to this process: locked, with the programs unpacked, the
 * data directory complete and no server running on it.
 *
 * <pre>
 *   lock          held as long as this is open
 *   bin-…/        the programs
 *   cluster/      PostgreSQL's data directory; under this name it is complete
 *   password      of the role Heddle connects as
 *   log, log.1    what PostgreSQL said
 * </pre>
 */
final class PostgresCluster implements AutoCloseable {
    /** The role Heddle connects as, and the database this role owns. */
    static final String ROLE = "heddle";

    private static final Logger LOG = System.getLogger(PostgresCluster.class.getName());

    /**
     * The directories this process has open. The lock file alone would not do: the second {@code tryLock} in one
     * process fails as it should, but closing the file again then drops the first one's lock with it (POSIX).
     */
    private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

    /** Making a data directory takes under a second on a good disk; a very slow one still manages it in this time. */
    private static final Duration CREATE_MAX = Duration.ofMinutes(2);

    /** How long an orphaned server gets to bring its data to disk before its connections and itself are cut off. */
    private static final Duration ORPHAN_STOP_MAX = Duration.ofSeconds(30);

    /** An end by signal that does no work takes a moment; this is for a machine that is very busy. */
    private static final Duration IMMEDIATE_STOP_MAX = Duration.ofSeconds(5);

    /** A log longer than this is set aside at the next start; one old log is kept. */
    private static final long LOG_MAX_BYTES = 10L * 1024 * 1024;

    /** As long as the hash that protects it: nobody guesses it, so nothing has to slow guessing down. */
    private static final int PASSWORD_BYTES = 32;

    private static final Pattern PASSWORD = Pattern.compile("[A-Za-z0-9_-]{43}");

    private static final String ATTEMPT_PREFIX = "cluster.new-";

    /** One flush of the whole file system, faster than file by file; it takes newly unpacked programs along. */
    private static final String FLUSH_ALL = "--sync-method=syncfs";

    /** Lines of postmaster.pid, see PostgreSQL's pidfile.h. */
    private static final int PID_LINE = 0;

    private static final int PORT_LINE = 3;
    private static final int STATUS_LINE = 7;

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path directory;
    private final Path data;
    private final FileChannel lock;
    private final PostgresBinaries binaries;
    private final String password;

    private PostgresCluster(Path directory, FileChannel lock) throws IOException, InterruptedException {
        this.directory = directory;
        this.data = directory.resolve("cluster");
        this.lock = lock;
        Path log = directory.resolve("log");
        rotate(log);
        this.binaries = PostgresBinaries.unpack(directory, log);
        this.password = Files.exists(data) ? adopt() : create();
    }

    /**
     * Takes the directory: makes what is missing, repairs what a crash left, stops a server that outlived its Heddle.
     *
     * @throws EmbeddedPostgresException when another Heddle has it, or its data is not for this server
     */
    static PostgresCluster open(Path wanted) throws IOException, InterruptedException {
        Path directory = makeDirectory(wanted);
        if (!OPEN.add(directory)) {
            throw new EmbeddedPostgres.DirectoryInUse(directory);
        }
        try {
            return openLocked(directory);
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            OPEN.remove(directory);
            throw e;
        }
    }

    private static PostgresCluster openLocked(Path directory) throws IOException, InterruptedException {
        FileChannel lock = FileChannel.open(
                directory.resolve("lock"), Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), OWNER_ONLY);
        try {
            if (lock.tryLock() == null) {
                throw new EmbeddedPostgres.DirectoryInUse(directory);
            }
            return new PostgresCluster(directory, lock);
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            lock.close();
            throw e;
        }
    }

    /** How to reach the server that somebody else runs in a directory. */
    record Access(int port, String password) {}

    /** Empty when none is ready there. Its password is in the directory, for its owner to read. */
    static Optional<Access> access(Path directory) throws IOException {
        List<String> lines = pidFile(directory.resolve("cluster"));
        return lines.size() > STATUS_LINE && lines.get(STATUS_LINE).strip().equals("ready")
                ? Optional.of(new Access(
                        Integer.parseInt(lines.get(PORT_LINE).strip()), readPassword(directory.resolve("password"))))
                : Optional.empty();
    }

    /** PostgreSQL's own directory. */
    Path data() {
        return data;
    }

    PostgresBinaries binaries() {
        return binaries;
    }

    String password() {
        return password;
    }

    /** Whether the server with this process id and port says that it accepts connections. */
    boolean isReady(long pid, int port) throws IOException {
        // The file may still be the one of a server that crashed; that one had another port or another id.
        List<String> lines = pidFile();
        return lines.size() > STATUS_LINE
                && lines.get(PID_LINE).strip().equals(Long.toString(pid))
                && lines.get(PORT_LINE).strip().equals(Integer.toString(port))
                && lines.get(STATUS_LINE).strip().equals("ready");
    }

    /**
     * Ends a server: politely to its data, then at once (it recovers at its next start).
     *
     * @param limit how long the polite way may take
     * @param ended whether the server has ended
     */
    void stop(long pid, Duration limit, BooleanSupplier ended) {
        if (binaries.signal("INT", pid) && PostgresBinaries.await(ended, limit)) {
            return;
        }
        LOG.log(Level.WARNING, "PostgreSQL {0} did not stop in time, ending it at once", Long.toString(pid));
        if (binaries.signal("QUIT", pid) && PostgresBinaries.await(ended, IMMEDIATE_STOP_MAX)) {
            return;
        }
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        if (!PostgresBinaries.await(ended, IMMEDIATE_STOP_MAX)) {
            LOG.log(Level.ERROR, "PostgreSQL {0} cannot be ended", Long.toString(pid));
        }
    }

    /** Leaves the directory to the next Heddle; the server must have ended. */
    @Override
    public void close() throws IOException {
        try {
            lock.close();
        } finally {
            OPEN.remove(directory);
        }
    }

    private static Path makeDirectory(Path wanted) throws IOException {
        Path directory = wanted.toAbsolutePath().normalize();
        if (!Files.exists(directory)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        return directory.toRealPath();
    }

    private static void rotate(Path log) throws IOException {
        if (Files.exists(log) && Files.size(log) > LOG_MAX_BYTES) {
            Files.move(log, log.resolveSibling("log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        if (!Files.exists(log)) {
            Files.createFile(log, OWNER_ONLY);
        }
    }

    /** Takes over the data directory of an earlier start. */
    private String adopt() throws IOException, InterruptedException {
        requireSameMajor();
        stopOrphan();
        removeAttempts();
        if (binaries.isNew()) {
            binaries.run(CREATE_MAX, "initdb", "", List.of("--sync-only", FLUSH_ALL, "--pgdata=" + data));
        }
        Path file = passwordFile();
        return Files.exists(file) ? readPassword(file) : renewPassword(file);
    }

    private void requireSameMajor() throws IOException {
        Path file = data.resolve("PG_VERSION");
        if (!Files.exists(file)) {
            throw new EmbeddedPostgresException(data + " is no PostgreSQL data directory: move it out of the way");
        }
        String found = Files.readString(file).strip();
        if (!found.equals(binaries.major())) {
            throw new EmbeddedPostgresException(("%s was made by PostgreSQL %s, this Heddle brings %s: "
                            + "dump the data with the old Heddle, or move the directory out of the way")
                    .formatted(data, found, binaries.major()));
        }
    }

    /** A server whose Heddle was killed lives on; ours could not start beside it. */
    private void stopOrphan() throws IOException, InterruptedException {
        List<String> lines = pidFile();
        if (lines.isEmpty() || ProcessHandle.of(pid(lines)).isEmpty()) {
            // Nothing, or the file of a server that crashed: PostgreSQL itself recovers from that.
            return;
        }
        long pid = pid(lines);
        if (!isServerOfThis(pid)) {
            forgetServer(pid);
            return;
        }
        LOG.log(Level.WARNING, "Stopping PostgreSQL {0}, whose Heddle was killed", Long.toString(pid));
        stop(pid, ORPHAN_STOP_MAX, () -> !isServerOfThis(pid));
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (isServerOfThis(pid)) {
            throw new EmbeddedPostgresException(
                    "an orphaned PostgreSQL (process " + pid + ") holds " + data + " and cannot be stopped: end it");
        }
    }

    /**
     * Removes the file of a server that crashed when another process has its id now, as happens in containers, where ids
     * start over: PostgreSQL would take the stranger for its like and refuse to start. It still notices living children
     * of the crashed server, by their shared memory.
     */
    private void forgetServer(long pid) throws IOException {
        try {
            Files.readSymbolicLink(program(pid));
        } catch (AccessDeniedException e) {
            // A stranger of another user does not bother PostgreSQL, and we cannot tell what it is.
            return;
        } catch (NoSuchFileException e) {
            LOG.log(Level.DEBUG, "Process " + pid + " has ended", e);
        }
        LOG.log(Level.WARNING, "Removing the postmaster.pid of a server that is gone from {0}", data);
        Files.delete(data.resolve("postmaster.pid"));
    }

    /**
     * Whether a living process is a PostgreSQL server of this data directory: a server works in its data directory, and
     * a process that has ended but was not yet waited for works nowhere.
     */
    private boolean isServerOfThis(long pid) {
        try {
            Path program = Files.readSymbolicLink(program(pid));
            // Not equals: the kernel appends " (deleted)" once the programs were removed.
            return program.getFileName().toString().startsWith("postgres")
                    && Files.readSymbolicLink(program(pid).resolveSibling("cwd"))
                            .equals(data);
        } catch (IOException e) {
            // It has ended, or belongs to somebody else.
            return false;
        }
    }

    private static Path program(long pid) {
        return Path.of("/proc", Long.toString(pid), "exe");
    }

    /** The lines of postmaster.pid; none when no server runs, which ended in order. */
    private List<String> pidFile() throws IOException {
        return pidFile(data);
    }

    private static List<String> pidFile(Path data) throws IOException {
        try {
            // It holds the directory's name, in whatever encoding that is.
            return Files.readAllLines(data.resolve("postmaster.pid"), StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private long pid(List<String> pidFile) {
        try {
            return Long.parseLong(pidFile.get(PID_LINE).strip());
        } catch (NumberFormatException e) {
            throw new EmbeddedPostgresException(
                    data.resolve("postmaster.pid") + " names no process: delete it if no PostgreSQL runs here", e);
        }
    }

    /**
     * Makes the data directory with Heddle's role and database in it. It gets its name when all of that is on disk, so
     * there is never a part of it to repair; what an interrupted attempt left is thrown away.
     */
    private String create() throws IOException, InterruptedException {
        LOG.log(Level.INFO, "Making a PostgreSQL {0} data directory in {1}", binaries.major(), data);
        Path file = passwordFile();
        String chosen = Files.exists(file) ? readPassword(file) : randomPassword();
        // Never the same name twice: the initdb of a killed Heddle works on for a moment.
        Path attempt = Files.createTempDirectory(directory, ATTEMPT_PREFIX);
        Path unfinished = attempt.resolve("data");
        initialise(unfinished, attempt.resolve("password"));
        execute(
                unfinished,
                "CREATE ROLE %s LOGIN PASSWORD '%s'".formatted(ROLE, chosen),
                "CREATE DATABASE %s OWNER %s".formatted(ROLE, ROLE));
        writePassword(file, chosen);
        Files.move(unfinished, data, StandardCopyOption.ATOMIC_MOVE);
        flush(directory);
        removeAttempts();
        return chosen;
    }

    private void initialise(Path unfinished, Path superuserPassword) throws IOException, InterruptedException {
        // Thrown away with the attempt: nobody can connect as superuser.
        writeOwnerOnly(superuserPassword, randomPassword());
        binaries.run(
                CREATE_MAX,
                "initdb",
                "",
                List.of(
                        "--pgdata=" + unfinished,
                        "--username=postgres",
                        "--pwfile=" + superuserPassword,
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        "--locale=C",
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                        FLUSH_ALL,
                        "--no-instructions"));
    }

    private void removeAttempts() throws IOException {
        try (DirectoryStream<Path> attempts = Files.newDirectoryStream(directory, ATTEMPT_PREFIX + "*")) {
            for (Path attempt : attempts) {
                removeAttempt(attempt);
            }
        }
    }

    private static void removeAttempt(Path attempt) {
        try {
            PostgresBinaries.deleteTree(attempt);
        } catch (IOException | UncheckedIOException e) {
            // Somebody may still write there, see create(); it is in nobody's way and goes at the next start.
            LOG.log(Level.DEBUG, "Cannot remove " + attempt, e);
        }
    }

    /** For a data directory whose password file is lost, say one restored from a backup. */
    private String renewPassword(Path file) throws IOException, InterruptedException {
        LOG.log(Level.WARNING, "{0} is missing, setting a new password", file);
        String chosen = randomPassword();
        execute(data, "ALTER ROLE %s PASSWORD '%s'".formatted(ROLE, chosen));
        writePassword(file, chosen);
        return chosen;
    }

    /**
     * Executes statements as superuser without a server: PostgreSQL's single-user mode, which needs neither a port nor a
     * password, and has everything on disk when it ends.
     */
    private void execute(Path target, String... statements) throws IOException, InterruptedException {
        binaries.run(
                CREATE_MAX,
                "postgres",
                // A line is a statement.
                String.join("\n", statements) + "\n",
                List.of(
                        "--single",
                        "-D",
                        target.toString(),
                        "-c",
                        "exit_on_error=on",
                        // Iterations make guessing slow. A password of 256 random bits is not guessed, and each of them
                        // would be computed again for every connection, on both sides.
                        "-c",
                        "scram_iterations=1",
                        // A failing statement holds the password; the log is not the place for it.
                        "-c",
                        "log_min_error_statement=panic",
                        "postgres"));
    }

    private Path passwordFile() {
        return directory.resolve("password");
    }

    private static String readPassword(Path file) throws IOException {
        String text = Files.readString(file).strip();
        if (!PASSWORD.matcher(text).matches()) {
            throw new EmbeddedPostgresException(file + " holds no password: delete it and Heddle sets a new one");
        }
        return text;
    }

    private static void writePassword(Path file, String password) throws IOException {
        Path unfinished = file.resolveSibling("password.new");
        writeOwnerOnly(unfinished, password);
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        flush(file.resolveSibling(""));
    }

    private static void writeOwnerOnly(Path file, String text) throws IOException {
        Files.deleteIfExists(file);
        Files.createFile(file, OWNER_ONLY);
        Files.writeString(file, text + "\n", StandardCharsets.US_ASCII);
        flush(file);
    }

    /** Has the disk keep a file, or the names in a directory, through a loss of power. */
    private static void flush(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static String randomPassword() {
        byte[] bytes = new byte[PASSWORD_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
