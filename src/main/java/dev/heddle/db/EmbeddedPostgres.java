package dev.heddle.db;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A PostgreSQL server that Heddle brings along and runs as a child process, for installations without one of their own.
 *
 * <p>It is a real server with durable commits, reachable from this machine only and with a password. Each start gives it
 * another port. A directory belongs to one Heddle at a time; whatever a killed Heddle or a loss of power left in it, the
 * next start repairs.
 *
 * <p>All methods may be called from any thread.
 */
public final class EmbeddedPostgres implements AutoCloseable {
    private static final Logger LOG = System.getLogger(EmbeddedPostgres.class.getName());

    /** PostgreSQL's own default, and several times Heddle's pool; each costs memory only once it is used. */
    static final int CONNECTIONS_MAX = 200;

    /** The largest pool that leaves connections for health checks, background work and an operator's psql. */
    public static final int POOL_SIZE_MAX = CONNECTIONS_MAX - 120;

    /**
     * Nearly always far below a second. After a crash up to a gigabyte of log is applied first (PostgreSQL's default for
     * max_wal_size), which a slow disk does in less than this.
     */
    private static final Duration START_MAX = Duration.ofSeconds(60);

    /** How long a server gets to bring its data to disk; cut off, it needs that time at its next start instead. */
    private static final Duration STOP_MAX = Duration.ofSeconds(10);

    /** A port is free when we look and taken when PostgreSQL does: rare once, never five times. */
    private static final int PORT_ATTEMPTS_MAX = 5;

    private static final String LOOPBACK = "127.0.0.1";

    // set once
    private final PostgresCluster cluster;
    private final Process server;
    private final int port;
    private final Duration startTime;

    // guarded by this
    private boolean closed;

    private EmbeddedPostgres(PostgresCluster cluster, Process server, int port, Duration startTime) {
        this.cluster = cluster;
        this.server = server;
        this.port = port;
        this.startTime = startTime;
    }

    /**
     * Starts the server of a directory and returns when it accepts connections. The first start makes the directory and
     * all in it, which takes seconds; later ones take a moment.
     *
     * @param directory made if absent, then for the owner only
     * @throws EmbeddedPostgresException when that is impossible, with one line an operator can act on
     */
    public static EmbeddedPostgres start(Path directory) {
        try {
            PostgresCluster cluster = PostgresCluster.open(directory);
            try {
                return launch(cluster);
            } catch (IOException | InterruptedException | RuntimeException | Error e) {
                cluster.close();
                throw e;
            }
        } catch (IOException e) {
            throw new EmbeddedPostgresException(
                    "cannot run PostgreSQL in " + directory + " (" + e
                            + "): may this user write there, is there space?",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EmbeddedPostgresException("interrupted while PostgreSQL was starting", e);
        }
    }

    /**
     * The server of a directory for a while: the one that another Heddle runs, or else one that is started for the visit.
     * Whoever makes it closes it.
     */
    public record Visit(String url, String username, String password, Runnable end) implements AutoCloseable {
        @Override
        public void close() {
            end.run();
        }

        @Override
        public String toString() {
            return "Visit[" + url + "]";
        }
    }

    /**
     * Finds the server of a directory, or starts it.
     *
     * @throws EmbeddedPostgresException when that is impossible, with one line an operator can act on
     */
    public static Visit visit(Path directory) {
        try {
            EmbeddedPostgres started = start(directory);
            return new Visit(started.url(), started.username(), started.password(), started::close);
        } catch (DirectoryInUse e) {
            return found(directory, e);
        }
    }

    private static Visit found(Path directory, DirectoryInUse inUse) {
        try {
            PostgresCluster.Access access = PostgresCluster.access(directory)
                    .orElseThrow(() -> new EmbeddedPostgresException(
                            directory + " belongs to a Heddle that is just starting or stopping: try again", inUse));
            return new Visit(url(access.port()), PostgresCluster.ROLE, access.password(), () -> {});
        } catch (IOException e) {
            throw new EmbeddedPostgresException("cannot find the PostgreSQL that runs in " + directory + ": " + e, e);
        }
    }

    private static String url(int port) {
        return "jdbc:postgresql://" + LOOPBACK + ":" + port + "/" + PostgresCluster.ROLE;
    }

    /** Where to connect, without user and password. */
    public String url() {
        return url(port);
    }

    /** The owner of the database, who is no superuser. */
    public String username() {
        return PostgresCluster.ROLE;
    }

    /** The password of {@link #username()}; the same at every start. */
    public String password() {
        return cluster.password();
    }

    /** Whether the server lives; false after {@link #close()}, and when it crashed or somebody ended it. */
    public boolean isRunning() {
        return server.isAlive();
    }

    /** How long PostgreSQL itself took from its launch until it accepted connections. */
    public Duration startTime() {
        return startTime;
    }

    /**
     * Stops the server and returns when it has ended. Connections that are still open are cut, their transactions rolled
     * back. Calling it again does nothing; a call meanwhile waits for the first one. It is not interruptible.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        stop(cluster, server);
        try {
            cluster.close();
        } catch (IOException e) {
            LOG.log(Level.WARNING, "Cannot release the lock of the PostgreSQL directory", e);
        }
    }

    private static EmbeddedPostgres launch(PostgresCluster cluster) throws IOException, InterruptedException {
        for (int attempt = 1; ; attempt++) {
            int port = freePort();
            long log = cluster.binaries().logSize();
            long started = System.nanoTime();
            Process server = cluster.binaries()
                    .command("postgres", arguments(cluster, port))
                    .start();
            if (becomesReady(cluster, server, port)) {
                return new EmbeddedPostgres(cluster, server, port, Duration.ofNanos(System.nanoTime() - started));
            }
            boolean portTaken = cluster.binaries().logSince(log).contains("could not bind");
            if (!portTaken || attempt == PORT_ATTEMPTS_MAX) {
                throw cluster.binaries().failure("PostgreSQL did not start", log);
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.ofLiteral(LOOPBACK))) {
            return socket.getLocalPort();
        }
    }

    private static List<String> arguments(PostgresCluster cluster, int port) {
        List<String> arguments = new ArrayList<>(List.of("-D", cluster.data().toString()));
        settings(port).forEach((name, value) -> arguments.addAll(List.of("-c", name + "=" + value)));
        return arguments;
    }

    /** What must hold whatever postgresql.conf says; everything else may be set there. */
    private static Map<String, String> settings(int port) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("listen_addresses", LOOPBACK);
        settings.put("port", Integer.toString(port));
        // Java connects by TCP, and a long directory name would not fit into a socket's address.
        settings.put("unix_socket_directories", "");
        settings.put("max_connections", Integer.toString(CONNECTIONS_MAX));
        settings.put("password_encryption", "scram-sha-256");
        settings.put("timezone", "UTC");
        settings.put("log_timezone", "UTC");
        // Compiling pays for reports over millions of rows, not for short statements.
        settings.put("jit", "off");
        settings.put("cluster_name", "heddle");
        // We take the server's words from its standard error, wherever the file would have them go.
        settings.put("log_destination", "stderr");
        settings.put("logging_collector", "off");
        return settings;
    }

    /** Waits until the server is ready (true) or has ended (false); whatever else happens, it is stopped. */
    private static boolean becomesReady(PostgresCluster cluster, Process server, int port)
            throws IOException, InterruptedException {
        long started = System.nanoTime();
        boolean ready = false;
        try {
            while (!ready && !server.waitFor(PostgresBinaries.POLL_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                if (System.nanoTime() - started > START_MAX.toNanos()) {
                    throw new EmbeddedPostgresException("PostgreSQL was not ready within " + START_MAX.toSeconds()
                            + " s; recovery goes on at the next start, see the log in "
                            + cluster.data().resolveSibling("log"));
                }
                ready = cluster.isReady(server.pid(), port);
            }
            return ready;
        } finally {
            if (!ready) {
                stop(cluster, server);
            }
        }
    }

    private static void stop(PostgresCluster cluster, Process server) {
        if (server.isAlive()) {
            cluster.stop(server.pid(), STOP_MAX, () -> !server.isAlive());
        }
    }

    /** Why the embedded PostgreSQL cannot run here; the message is one line and says what to do about it. */
    public static class EmbeddedPostgresException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        EmbeddedPostgresException(String message) {
            super(message);
        }

        EmbeddedPostgresException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Another Heddle has the directory. */
    static final class DirectoryInUse extends EmbeddedPostgresException {
        private static final long serialVersionUID = 1L;

        DirectoryInUse(Path directory) {
            super(directory + " is in use by another Heddle: stop that one or give this one a directory of its own");
        }
    }
}
