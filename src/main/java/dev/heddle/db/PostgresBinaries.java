package dev.heddle.db;

import dev.heddle.db.EmbeddedPostgres.EmbeddedPostgresException;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.lang.ProcessBuilder.Redirect;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/**
 * PostgreSQL's programs: unpacked from the class path once, then run with a clean environment.
 *
 * <p>The caller holds the directory's lock while unpacking, so no other process works on the same files.
 */
final class PostgresBinaries {
    private static final Logger LOG = System.getLogger(PostgresBinaries.class.getName());

    /** As Debian, Red Hat and Docker's images name it, mapped to the name inside the archive's jar. */
    private static final Map<String, String> ARCHITECTURES =
            Map.of("amd64", "x86_64", "x86_64", "x86_64", "aarch64", "arm_64");

    /** Begins with the words "# PostgreSQL" and the major version, and is shorter to ask than a program is to start. */
    private static final String FILE_NAMING_THE_MAJOR_VERSION = "share/postgresql/postgres.bki";

    /** A thousand small files: without it the decompressor would be asked for a few bytes at a time. */
    private static final int UNPACK_BUFFER_BYTES = 64 * 1024;

    private static final String PREFIX = "bin-";
    private static final String UNFINISHED = "bin.new";
    private static final int OWNER_MAY_EXECUTE = 0100;
    private static final int ROOT = 0;

    /** Sending a signal is a matter of milliseconds; a machine that needs longer than this is beyond help. */
    private static final Duration SIGNAL_MAX = Duration.ofSeconds(5);

    /** Often enough that nobody notices the wait, seldom enough that it costs nothing. */
    static final Duration POLL_INTERVAL = Duration.ofMillis(5);

    /** Enough for the last words of a server that failed, little enough to read at once. */
    private static final int LOG_TAIL_MAX_BYTES = 64 * 1024;

    private final Path home;
    private final Path log;
    private final boolean isNew;
    private final String major;
    private final boolean root;

    private PostgresBinaries(Path home, Path log, boolean isNew) throws IOException {
        this.home = home;
        this.log = log;
        this.isNew = isNew;
        this.major = readMajor(home);
        // No dependency on a JDK module beyond java.base, so that a small run-time image has it.
        this.root = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == ROOT;
    }

    /**
     * Unpacks this platform's archive below {@code directory} unless that was done before, and removes what earlier
     * versions of Heddle and interrupted attempts left there.
     *
     * @param log the file that takes all output of the programs
     */
    static PostgresBinaries unpack(Path directory, Path log) throws IOException {
        URL archive = archive();
        Path home = directory.resolve(PREFIX + fingerprint(archive));
        boolean isNew = !Files.isDirectory(home);
        if (isNew) {
            LOG.log(Level.INFO, "Unpacking PostgreSQL to {0}", home);
            unpack(archive, directory.resolve(UNFINISHED), home);
            removeOthers(directory, home);
        }
        return new PostgresBinaries(home, log, isNew);
    }

    /** Whether the programs were unpacked just now; they are not flushed to disk. */
    boolean isNew() {
        return isNew;
    }

    /** The major version, which is the first and only line of the file PG_VERSION in a data directory made by it. */
    String major() {
        return major;
    }

    /** A program ready to start: nothing to read, all it says goes to the log, and nothing of our environment. */
    ProcessBuilder command(String program, List<String> arguments) {
        List<String> command = new ArrayList<>();
        // In a session of its own: Ctrl-C in the terminal reaches Heddle alone, which stops the database last.
        command.add("setsid");
        if (root) {
            // The server refuses to run as root. Without a mapping in a new user name space it sees itself, and the
            // files of root, as those of "nobody"; outside of it nothing changes.
            command.addAll(List.of("unshare", "--user"));
        }
        command.add(home.resolve("bin").resolve(program).toString());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log.toFile()));
        // PGDATA, PGPORT and their like would be obeyed, and our secrets are no business of the server's.
        builder.environment().keySet().retainAll(Set.of("PATH"));
        // Untranslated messages, because some are read here; and initdb need not guess a time zone.
        builder.environment().putAll(Map.of("LC_ALL", "C", "TZ", "UTC"));
        return builder;
    }

    /**
     * Runs a program to its end.
     *
     * @param input what it reads, a few lines at most
     * @throws EmbeddedPostgresException with its last words when it fails or exceeds {@code limit}
     */
    void run(Duration limit, String program, String input, List<String> arguments)
            throws IOException, InterruptedException {
        long from = logSize();
        Process process =
                command(program, arguments).redirectInput(Redirect.PIPE).start();
        try {
            feed(process, input);
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw failure(program + " did not finish within " + limit.toSeconds() + " s", from);
            }
            if (process.exitValue() != 0) {
                throw failure(program + " failed", from);
            }
        } finally {
            process.destroyForcibly();
        }
    }

    /**
     * Sends a postmaster one of the signals Java itself cannot send.
     *
     * @return whether it was sent
     */
    boolean signal(String signal, long pid) {
        List<String> arguments = List.of("kill", signal, Long.toString(pid));
        try {
            Process process = command("pg_ctl", arguments).start();
            return await(() -> !process.isAlive(), SIGNAL_MAX) && process.exitValue() == 0;
        } catch (IOException e) {
            LOG.log(Level.WARNING, "Cannot run pg_ctl in " + home, e);
            return false;
        }
    }

    /**
     * Waits until something has ended, and not less when interrupted: whoever ends a server must not lose his way
     * half-way. The interrupt is there afterwards.
     *
     * @return whether it ended within the limit
     */
    static boolean await(BooleanSupplier ended, Duration limit) {
        // Not Process.onExit(): that needs a thread of the common pool, which may be waiting for us.
        long started = System.nanoTime();
        boolean interrupted = false;
        while (!ended.getAsBoolean() && System.nanoTime() - started < limit.toNanos()) {
            try {
                Thread.sleep(POLL_INTERVAL);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return ended.getAsBoolean();
    }

    /** Where the log ends now; remember it before starting a program to find that program's words afterwards. */
    long logSize() throws IOException {
        return Files.exists(log) ? Files.size(log) : 0;
    }

    /** What was logged since {@link #logSize()} was {@code from}, at most the last part of it. */
    String logSince(long from) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            long start = Math.max(from, file.length() - LOG_TAIL_MAX_BYTES);
            byte[] tail = new byte[(int) Math.max(0, file.length() - start)];
            file.seek(start);
            file.readFully(tail);
            return new String(tail, StandardCharsets.UTF_8);
        }
    }

    /** A complaint that ends in what the program said last about its reason. */
    EmbeddedPostgresException failure(String what, long from) throws IOException {
        String reason = reason(logSince(from));
        if (root && reason.contains("unshare")) {
            return new EmbeddedPostgresException("PostgreSQL does not run as root, and this system "
                    + "refuses the user name space that helps around it (" + reason
                    + "): run Heddle as an ordinary user or set database.mode to external");
        }
        return new EmbeddedPostgresException(what + ": " + reason + " (more in " + log + ")");
    }

    private static String reason(String output) {
        String last = "it said nothing";
        String lastError = "";
        for (String line : output.lines().filter(l -> !l.isBlank()).toList()) {
            last = line;
            lastError = error(line).isEmpty() ? lastError : error(line);
        }
        return lastError.isEmpty() ? last : lastError;
    }

    /** The part of a line from its severity on, empty when it is no error. */
    private static String error(String line) {
        return Stream.of("PANIC:", "FATAL:", "ERROR:", "error:")
                .filter(line::contains)
                .findFirst()
                .map(severity -> line.substring(line.indexOf(severity)))
                .orElse("");
    }

    private static void feed(Process process, String input) throws IOException {
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // A program that fails at once closes its end; its exit value and its last words tell more than this does.
            LOG.log(Level.DEBUG, "A PostgreSQL program did not read its input", e);
        }
    }

    private static URL archive() {
        String name = System.getProperty("os.name");
        String architecture = System.getProperty("os.arch");
        String file = "/postgres-" + name.toLowerCase(Locale.ROOT) + "-"
                + ARCHITECTURES.getOrDefault(architecture, architecture) + ".txz";
        URL archive = name.equals("Linux") ? PostgresBinaries.class.getResource(file) : null;
        if (archive == null) {
            throw new EmbeddedPostgresException("Heddle brings no PostgreSQL for " + name + "/" + architecture
                    + ": install one and set database.mode to external");
        }
        return archive;
    }

    /** Differs between any two archives and costs nothing: the checksum stands in the jar's table of contents. */
    private static String fingerprint(URL archive) throws IOException {
        if (archive.openConnection() instanceof JarURLConnection jar) {
            return Long.toHexString(jar.getJarEntry().getCrc());
        }
        throw new IOException("not in a jar: " + archive);
    }

    /** The rename is what makes it valid, so a half-unpacked directory never has the final name. */
    private static void unpack(URL archive, Path unfinished, Path home) throws IOException {
        deleteTree(unfinished);
        Files.createDirectory(unfinished);
        try (InputStream packed = archive.openStream();
                TarArchiveInputStream tar = new TarArchiveInputStream(
                        new BufferedInputStream(new XZCompressorInputStream(packed), UNPACK_BUFFER_BYTES))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                unpack(tar, entry, unfinished);
            }
        }
        Files.move(unfinished, home, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void unpack(TarArchiveInputStream tar, TarArchiveEntry entry, Path root) throws IOException {
        Path target = inside(root, root.resolve(entry.getName()));
        if (entry.isDirectory()) {
            Files.createDirectories(target);
            return;
        }
        if (!Files.isDirectory(target.resolveSibling(""))) {
            Files.createDirectories(target.resolveSibling(""));
        }
        if (entry.isSymbolicLink()) {
            inside(root, target.resolveSibling(entry.getLinkName()));
            Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
        } else if (entry.isFile()) {
            Files.copy(tar, target);
            if ((entry.getMode() & OWNER_MAY_EXECUTE) != 0) {
                Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwx------"));
            }
        } else {
            throw new IOException("neither file, directory nor symbolic link: " + entry.getName());
        }
    }

    private static Path inside(Path root, Path path) throws IOException {
        Path normal = path.normalize();
        if (!normal.startsWith(root)) {
            throw new IOException("leads out of its archive: " + path);
        }
        return normal;
    }

    private static void removeOthers(Path directory, Path home) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path old : files.filter(file -> isOther(file, home)).toList()) {
                deleteTree(old);
            }
        }
    }

    private static boolean isOther(Path file, Path home) {
        return !file.equals(home) && file.getFileName().toString().startsWith(PREFIX);
    }

    private static String readMajor(Path home) throws IOException {
        try (BufferedReader reader = Files.newBufferedReader(home.resolve(FILE_NAMING_THE_MAJOR_VERSION))) {
            String line = reader.readLine();
            return line == null ? "" : line.substring(line.lastIndexOf(' ') + 1);
        }
    }

    /** Deletes a directory with all its contents; nothing happens when it is absent. */
    static void deleteTree(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
