package dev.heddle.app;

import static org.awaitility.Awaitility.await;

import dev.heddle.db.EmbeddedPostgres;
import dev.heddle.testing.Forwarder;
import dev.heddle.testing.Signals;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A PostgreSQL that is no part of any server, to be stopped and started again. Each server reaches it through a network of
 * its own, at an address that stays the same. For the thread of the test.
 */
final class ChaosPostgres implements AutoCloseable {

    /** The modes of {@code pg_ctl stop}. */
    enum Stop {
        /** Ends every session and writes everything to disk. */
        FAST,
        /** Drops everything; the next start recovers from the log, and what was not yet in it is gone. */
        IMMEDIATE
    }

    private static final Path DIRECTORY = TestPostgres.another();

    private static final String SCHEMA = "chaos";

    private final List<Forwarder> networks = new ArrayList<>();
    private EmbeddedPostgres server = EmbeddedPostgres.start(DIRECTORY);

    ChaosPostgres() throws SQLException {
        try (var connection = connect();
                var statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS " + SCHEMA + " CASCADE");
            statement.execute("CREATE SCHEMA " + SCHEMA);
        }
    }

    /** Another way to it. */
    Forwarder network() {
        var network = new Forwarder(port());
        networks.add(network);
        return network;
    }

    private int port() {
        return URI.create(server.url().substring("jdbc:".length())).getPort();
    }

    private static String address(int port) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/heddle?currentSchema=" + SCHEMA + ",public";
    }

    /** How a server finds it by that way, as environment variables. */
    Map<String, String> settings(Forwarder network) {
        return Map.of(
                "DATABASE_MODE", "external",
                "DATABASE_URL", address(network.port()),
                "DATABASE_USERNAME", server.username(),
                "DATABASE_PASSWORD", server.password());
    }

    /** A connection beside the servers. */
    Connection connect() throws SQLException {
        return DriverManager.getConnection(address(port()), server.username(), server.password());
    }

    /** Stops it and starts it again. */
    void restart(Stop how) throws IOException {
        if (how == Stop.IMMEDIATE) {
            Signals.send("QUIT", pid());
            await().atMost(Duration.ofSeconds(30)).until(() -> !server.isRunning());
        }
        server.close();
        server = EmbeddedPostgres.start(DIRECTORY);
        int port = port();
        networks.forEach(network -> network.target(port));
    }

    /** In the first line of PostgreSQL's own file. */
    private static long pid() throws IOException {
        var file = DIRECTORY.resolve("cluster/postmaster.pid");
        return Long.parseLong(Files.readAllLines(file).getFirst().strip());
    }

    @Override
    public void close() {
        networks.forEach(Forwarder::close);
        try (var connection = connect();
                var statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS " + SCHEMA + " CASCADE");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        } finally {
            server.close();
        }
    }
}
