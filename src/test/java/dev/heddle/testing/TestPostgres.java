package dev.heddle.testing;

import dev.heddle.db.Database;
import dev.heddle.db.EmbeddedPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One real PostgreSQL for all tests of the process, kept under {@code target} between runs. Every test takes a schema of
 * its own, so tests run in any order and see nothing of each other. A process beside it names another one, {@code
 * test.postgres}.
 */
public final class TestPostgres {

    /** Where it is. */
    public static final Path DIRECTORY = Path.of("target", System.getProperty("test.postgres", "test-postgres"));

    private static final AtomicInteger SCHEMAS = new AtomicInteger();

    private TestPostgres() {}

    private static final class Shared {
        private static final EmbeddedPostgres SERVER = start();

        private static EmbeddedPostgres start() {
            var server = EmbeddedPostgres.start(DIRECTORY);
            Runtime.getRuntime().addShutdownHook(new Thread(server::close));
            try (var connection = connect(server, "public");
                    var statement = connection.createStatement()) {
                // Where every schema finds it; a migration would put it into the first one's.
                statement.execute("CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA public");
                try (var left =
                        statement.executeQuery("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'test\\_%'")) {
                    while (left.next()) {
                        try (var drop = connection.createStatement()) {
                            drop.execute("DROP SCHEMA " + left.getString(1) + " CASCADE");
                        }
                    }
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            return server;
        }
    }

    /** The directory of one that a test may stop and start, kept too: only the first start ever is slow. */
    public static Path another() {
        return DIRECTORY.resolveSibling(DIRECTORY.getFileName() + "-outage");
    }

    /** A new, empty schema; its name. */
    public static String newSchema() {
        var name = "test_" + SCHEMAS.incrementAndGet();
        try (var connection = connect(Shared.SERVER, "public");
                var statement = connection.createStatement()) {
            statement.execute("CREATE SCHEMA " + name);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return name;
    }

    /** The address of a schema. */
    public static String url(String schema) {
        return Shared.SERVER.url() + "?currentSchema=" + schema + ",public";
    }

    /** The role of all tests. */
    public static String username() {
        return Shared.SERVER.username();
    }

    /** Its password. */
    public static String password() {
        return Shared.SERVER.password();
    }

    /** A connection beside the code under test. */
    public static Connection connect(String schema) throws SQLException {
        return connect(Shared.SERVER, schema);
    }

    private static Connection connect(EmbeddedPostgres server, String schema) throws SQLException {
        return DriverManager.getConnection(
                server.url() + "?currentSchema=" + schema + ",public", server.username(), server.password());
    }

    /** How to open a {@link Database} on a schema, with a small pool and short waits. */
    public static Database.Options options(String schema) {
        return new Database.Options(
                url(schema), username(), password(), 4, 100, Duration.ofSeconds(1), Duration.ofSeconds(10));
    }
}
