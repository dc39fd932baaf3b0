package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.heddle.db.DatabaseException.Kind;
import dev.heddle.testing.TestPostgres;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** A database over a schema of its own with a table of notes in it, and what the tests of units ask of it. */
final class Notes implements AutoCloseable {

    /** Longer than anything in these tests may take. */
    static final Duration LONG = Duration.ofSeconds(20);

    /** A limit that is meant to be reached. */
    static final Duration LIMIT = Duration.ofMillis(300);

    /** More often than there are connections: what loses one each time loses all. */
    static final int MORE_THAN_THE_POOL = 12;

    private final String schema = TestPostgres.newSchema();
    private final Database database = open(4, 100, Duration.ofSeconds(1), Duration.ofSeconds(10));

    Notes() {
        database.single(sql -> sql.update("CREATE TABLE notes (id integer PRIMARY KEY, text text NOT NULL)"));
    }

    Database database() {
        return database;
    }

    /** One more database over the same schema; whoever opens it closes it. */
    Database open(int pool, int queue, Duration wait, Duration statement) {
        return Database.open(new Database.Options(
                // Its connections bear the schema's name, so that PostgreSQL can be asked about them.
                TestPostgres.url(schema) + "&ApplicationName=" + schema,
                TestPostgres.username(),
                TestPostgres.password(),
                pool,
                queue,
                wait,
                statement));
    }

    /** What is written, as a unit sees it. */
    List<String> all() {
        return database.read(sql -> sql.list("SELECT text FROM notes ORDER BY id LIMIT 100", Row::text));
    }

    static long write(Sql sql, int id, String text) {
        return sql.update("INSERT INTO notes (id, text) VALUES (?, ?)", id, text);
    }

    /** Always true. */
    static boolean sleep(Sql sql, double seconds) {
        return sql.first("SELECT pg_sleep(CAST(? AS float8)) IS NOT NULL", Row::flag, String.valueOf(seconds))
                .orElseThrow();
    }

    static int backend(Sql sql) {
        return sql.first("SELECT pg_backend_pid()", Row::integer).orElseThrow();
    }

    /** The processes of PostgreSQL that serve the schema and for which that holds, asked beside the pool. */
    List<Integer> backends(String condition) {
        try (var connection = TestPostgres.connect(schema);
                var statement = connection.createStatement();
                var rows = statement.executeQuery(
                        "SELECT pid FROM pg_stat_activity WHERE application_name = current_schema() AND " + condition
                                + " ORDER BY pid")) {
            var pids = new ArrayList<Integer>();
            while (rows.next()) {
                pids.add(rows.getInt(1));
            }
            return pids;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** As another thread does it: in a unit of its own. */
    static <T> T elsewhere(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, Thread::startVirtualThread).join();
    }

    static Duration since(long startedNanos) {
        return Duration.ofNanos(System.nanoTime() - startedNanos);
    }

    static DatabaseException assertKind(Kind kind, Runnable work) {
        var failure = assertThrows(DatabaseException.class, work::run);
        assertEquals(kind, failure.kind(), failure::toString);
        return failure;
    }

    void assertWhole() {
        assertWhole(database);
    }

    /** Nothing is lent, nobody is inside, and the pool is full again: a connection that was cut is replaced. */
    static void assertWhole(Database database) {
        await().atMost(LONG)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertEquals("open 5, idle 5, in use 0, waiting 0", state(database.usage())));
    }

    private static String state(Database.Usage usage) {
        return "open %d, idle %d, in use %d, waiting %d"
                .formatted(usage.open(), usage.idle(), usage.inUse(), usage.waiting());
    }

    /** Fails when the test left the pool in disorder. */
    @Override
    public void close() {
        try {
            assertWhole();
        } finally {
            database.close();
        }
    }
}
