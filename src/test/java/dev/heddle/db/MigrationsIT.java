package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.Psql;
import dev.heddle.testing.TestPostgres;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

@InThisJvm
class MigrationsIT {

    private static final List<String> EVERY_VERSION = IntStream.rangeClosed(1, Migrations.NEWEST)
            .mapToObj(String::valueOf)
            .toList();

    private final String schema = TestPostgres.newSchema();

    private Database open() {
        return Database.open(TestPostgres.options(schema));
    }

    private List<String> ask(String question) {
        try (var connection = TestPostgres.connect(schema);
                var statement = connection.createStatement();
                var rows = statement.executeQuery(question)) {
            var answers = new ArrayList<String>();
            while (rows.next()) {
                answers.add(rows.getString(1));
            }
            return answers;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Versions in the order of their application; Flyway adds a line without one for a schema it has made. */
    private List<String> history() {
        return ask("SELECT version FROM flyway_schema_history WHERE success AND version IS NOT NULL"
                + " ORDER BY installed_rank");
    }

    @Test
    void anEmptySchemaGetsEverything() {
        try (var database = open()) {
            database.migrate();
            assertEquals(EVERY_VERSION, history());
            assertTrue(ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
                    .containsAll(List.of("users", "tokens", "tasks", "idempotency_keys")));
            assertEquals(
                    List.of(),
                    ask("SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
                            + " WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid"));
        }
    }

    @Test
    void everyKeyOfUserDataBeginsWithTheUser() {
        try (var database = open()) {
            database.migrate();
            assertEquals(List.of(), ask("""
                SELECT relname FROM pg_constraint
                JOIN pg_class ON pg_class.oid = conrelid
                JOIN pg_attribute ON attrelid = conrelid AND attname = 'user_id'
                WHERE contype = 'p' AND relnamespace = current_schema()::regnamespace AND conkey[1] <> attnum
                """));
        }
    }

    @Test
    void doingItAgainChangesNothing() {
        try (var database = open()) {
            database.migrate();
            var first = ask("SELECT h::text FROM flyway_schema_history AS h");
            database.migrate();
            assertEquals(first, ask("SELECT h::text FROM flyway_schema_history AS h"));
        }
        try (var later = open()) {
            later.migrate();
            assertEquals(EVERY_VERSION, history());
        }
    }

    @Test
    void aSchemaThatIsNewerIsLeftAlone() throws SQLException {
        try (var database = open()) {
            database.migrate();
            try (var connection = TestPostgres.connect(schema);
                    var statement = connection.createStatement()) {
                // What a later release leaves when it is rolled back.
                statement.execute("""
                    INSERT INTO flyway_schema_history
                    SELECT 1000, '1000', 'later', type, 'V1000__later.sql', checksum, installed_by, now(), 1, true
                    FROM flyway_schema_history WHERE version = '1'
                    """);
            }
            var before = ask("SELECT h::text FROM flyway_schema_history AS h");
            database.migrate();
            assertEquals(before, ask("SELECT h::text FROM flyway_schema_history AS h"));
        }
    }

    @Test
    void replicasMayStartTogether() {
        int replicas = 4;
        var start = new CyclicBarrier(replicas);
        var migrations = IntStream.range(0, replicas)
                .mapToObj(i -> CompletableFuture.runAsync(
                        () -> {
                            try (var database = open()) {
                                database.failure();
                                pass(start);
                                database.migrate();
                                database.read(sql -> sql.first("SELECT count(*) FROM tasks", Row::bigint));
                            }
                        },
                        runnable -> Thread.ofPlatform().start(runnable)))
                .toList();
        migrations.forEach(CompletableFuture::join);
        assertEquals(EVERY_VERSION, history());
        assertEquals(List.of("0"), ask("SELECT count(*) FROM flyway_schema_history WHERE NOT success"));
    }

    private static void pass(CyclicBarrier start) {
        try {
            start.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (BrokenBarrierException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aMigrationMayTakeLongerThanOtherStatements() {
        try (var database = open()) {
            database.migrate(3);
        }
        var hurried = Duration.ofMillis(500);
        var psql = new Psql(schema);
        try (var database = Database.open(new Database.Options(
                        TestPostgres.url(schema),
                        TestPostgres.username(),
                        TestPostgres.password(),
                        2,
                        10,
                        Duration.ofSeconds(10),
                        hurried));
                var lock = psql.lock("jobs", "ACCESS SHARE")) {
            var migrating = CompletableFuture.runAsync(database::migrate, Thread::startVirtualThread);
            // To wait for a lock takes time as work does: here twice what other statements have.
            await().until(() -> psql.number("""
                SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid)
                WHERE NOT granted AND relation = '%s.jobs'::regclass AND query_start < now() - interval '1 second'
                """.formatted(schema)) == 1);
            lock.release();
            migrating.join();
        }
        assertEquals(EVERY_VERSION, history());
    }

    @Test
    void theConnectionsOfThePoolKeepTheirLimits() {
        try (var database = open()) {
            Notes.assertWhole(database);
            var before = limits(database);
            database.migrate();
            Notes.assertWhole(database);
            assertEquals(before, limits(database));
        }
    }

    /** Of every connection in the pool, which all have the same. */
    private static List<List<String>> limits(Database database) {
        var all = IntStream.range(0, 4)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> database.read(sql -> {
                            Notes.sleep(sql, 0.2);
                            return sql.list("""
                                SELECT name || ' ' || setting FROM pg_settings
                                WHERE name ~ '_timeout$|^search_path$|^role$|_check_interval$' ORDER BY name
                                """, Row::text);
                        }),
                        Thread::startVirtualThread))
                .toList();
        return all.stream().map(CompletableFuture::join).toList();
    }

    @Test
    void aWarmStartDoesNotLoadFlyway() throws IOException, InterruptedException {
        assertTrue(classesOf(schema).contains("org.flywaydb.core.Flyway "), "the first start loads it");
        var warm = classesOf(schema);
        assertTrue(warm.contains("org.postgresql.Driver "), warm);
        assertFalse(warm.contains("org.flywaydb."), warm);
    }

    /** The classes that a JVM of its own loads to bring the schema up to date. */
    private static String classesOf(String schema) throws IOException, InterruptedException {
        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-preview",
                        "-Xlog:class+load:stdout",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Start.class.getName(),
                        TestPostgres.url(schema),
                        TestPostgres.username())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (var input = process.outputWriter()) {
            input.write(TestPostgres.password() + "\n");
        }
        try (var output = process.inputReader()) {
            var classes = String.join("\n", output.lines().toList());
            assertEquals(0, process.waitFor(), classes);
            return classes;
        } finally {
            process.destroyForcibly();
        }
    }

    /** The database's part of a start, in a process of its own. */
    static final class Start {
        private Start() {}

        public static void main(String... arguments) throws IOException {
            try (var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                    var database = Database.open(new Database.Options(
                            arguments[0],
                            arguments[1],
                            input.readLine(),
                            2,
                            10,
                            Duration.ofSeconds(10),
                            Duration.ofSeconds(10)))) {
                database.migrate();
            }
        }
    }
}
