package dev.heddle.app;

import static org.awaitility.Awaitility.await;

import dev.heddle.testing.Signals;
import dev.heddle.testing.TestPostgres;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A primary and a standby that confirms each of its commits, made with the programs that Heddle brings along: these have no
 * pg_basebackup, so the standby begins as a copy of the primary before that ran. For the thread of the test.
 */
final class PostgresPair implements AutoCloseable {

    private static final Duration START_MAX = Duration.ofSeconds(30);

    private static final String STANDBY = "standby";

    private final Path directory;
    private final Path programs;
    private final int primaryPort = freePort();
    private final int standbyPort;
    private final List<Process> started = new ArrayList<>();
    private final Process primary;

    PostgresPair(Path directory) throws IOException, InterruptedException, SQLException {
        this.directory = directory;
        // Where they are once the PostgreSQL of all tests has run.
        TestPostgres.newSchema();
        programs = programs();
        run("initdb", "-D", data("primary"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N");
        Files.writeString(directory.resolve("primary/postgresql.conf"), """
            listen_addresses = '127.0.0.1'
            unix_socket_directories = ''
            max_connections = 50
            """, StandardOpenOption.APPEND);
        var first = start("primary", primaryPort);
        execute(primaryPort, "postgres", "CREATE ROLE heddle LOGIN");
        execute(primaryPort, "postgres", "CREATE DATABASE heddle OWNER heddle");
        Signals.send("INT", first.pid());
        first.waitFor();
        copy();
        primary = start("primary", primaryPort);
        // Only now, when the other is taken.
        standbyPort = freePort();
        start(STANDBY, standbyPort);
        execute(primaryPort, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '" + STANDBY + "'");
        execute(primaryPort, "postgres", "SELECT pg_reload_conf()");
        await().atMost(START_MAX)
                .until(() -> number(
                                primaryPort,
                                "postgres",
                                "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
                        == 1);
    }

    private static Path programs() throws IOException {
        try (var found = Files.newDirectoryStream(TestPostgres.DIRECTORY, "bin-*")) {
            return found.iterator().next().resolve("bin").toAbsolutePath();
        }
    }

    private static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private String data(String name) {
        return directory.resolve(name).toString();
    }

    private void copy() throws IOException {
        var from = directory.resolve("primary");
        var to = directory.resolve(STANDBY);
        try (var files = Files.walk(from)) {
            for (var file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        Files.createFile(to.resolve("standby.signal"));
        Files.writeString(
                to.resolve("postgresql.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=%d user=postgres application_name=%s'\n"
                        .formatted(primaryPort, STANDBY),
                StandardOpenOption.APPEND);
    }

    private ProcessBuilder command(String program, String... words) throws IOException {
        var command = new ArrayList<String>();
        if ((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0) {
            // PostgreSQL does not run as root; in a name space of its own it does not see that it would.
            command.addAll(List.of("unshare", "--user"));
        }
        command.add(programs.resolve(program).toString());
        command.addAll(List.of(words));
        var log = new File(directory.toFile(), "log");
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log));
    }

    private void run(String program, String... words) throws IOException, InterruptedException {
        if (command(program, words).start().waitFor() != 0) {
            throw new IllegalStateException(Files.readString(directory.resolve("log")));
        }
    }

    private Process start(String name, int port) throws IOException {
        var process = command("postgres", "-D", data(name), "-p", Integer.toString(port))
                .start();
        started.add(process);
        await().atMost(START_MAX).ignoreExceptions().until(() -> number(port, "postgres", "SELECT 1") == 1);
        return process;
    }

    private static Connection connect(int port, String user, String database) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/" + database, user, "");
    }

    private static void execute(int port, String database, String statement) throws SQLException {
        try (var connection = connect(port, "postgres", database);
                var it = connection.createStatement()) {
            it.execute(statement);
        }
    }

    private static long number(int port, String database, String query) throws SQLException {
        try (var connection = connect(port, "postgres", database);
                var it = connection.createStatement();
                var rows = it.executeQuery(query)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    /** Both addresses, of which the driver is to take the one that accepts writes. */
    String url() {
        return "jdbc:postgresql://127.0.0.1:%d,127.0.0.1:%d/heddle?targetServerType=primary"
                .formatted(primaryPort, standbyPort);
    }

    /** SIGKILL. What it runs for its sessions ends itself when it notices. */
    void killPrimary() throws InterruptedException {
        primary.destroyForcibly().waitFor();
    }

    /** Returns when the standby takes writes. */
    void promoteStandby() throws IOException, InterruptedException {
        run("pg_ctl", "promote", "-w", "-D", data(STANDBY));
    }

    /** The one number that the former standby answers. */
    long askStandby(String query) throws SQLException {
        return number(standbyPort, "heddle", query);
    }

    /** Changes something on the former standby. */
    void tellStandby(String statement) throws SQLException {
        execute(standbyPort, "heddle", statement);
    }

    @Override
    public void close() {
        for (var process : started.reversed()) {
            if (process.isAlive()) {
                Signals.send("QUIT", process.pid());
            }
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
