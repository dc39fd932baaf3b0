package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.Deadline;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.TestPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@InThisJvm
@Timeout(60)
class PipelineIT {

    private static final String NAME = "pipeline-test";

    private final String schema = TestPostgres.newSchema();
    private final Database database = Database.open(TestPostgres.options(schema));
    // Longer than it is for the server: what is tested must not depend on how busy the machine is.
    private Pipeline pipeline = open(Duration.ofSeconds(20));

    private Pipeline open(Duration timeout) {
        return new Pipeline(
                TestPostgres.url(schema),
                Database.login(NAME, Database.Session.REQUESTS, TestPostgres.options(schema)),
                1,
                timeout);
    }

    @BeforeEach
    void connect() {
        database.single(sql -> sql.update("CREATE TABLE notes (id integer PRIMARY KEY, text text NOT NULL)"));
        database.single(
                sql -> sql.update("INSERT INTO notes SELECT n, 'note ' || n FROM generate_series(1, 100) AS n"));
        awaitConnection();
    }

    /** The first that is asked opens the connection, and goes the ordinary way. */
    private void awaitConnection() {
        await().until(() -> note(1).isPresent());
    }

    @AfterEach
    void close() {
        pipeline.close();
        database.close();
    }

    private Optional<List<byte[]>> note(int id) {
        return pipeline.run("SELECT text FROM notes WHERE id = ?", new Object[] {id});
    }

    private static String text(Optional<List<byte[]>> rows) {
        return new WireRow(rows.orElseThrow().getFirst()).text();
    }

    private List<Object> read(String statement, Sql.Mapper<List<Object>> mapper, @Nullable Object... parameters) {
        var rows = pipeline.run(statement, parameters).orElseThrow();
        assertEquals(1, rows.size());
        return mapper.map(new WireRow(rows.getFirst()));
    }

    /** The other way, with which it must agree. */
    private List<Object> readAlone(String statement, Sql.Mapper<List<Object>> mapper, @Nullable Object... parameters) {
        return database.read(sql -> sql.first(statement, mapper, parameters)).orElseThrow();
    }

    @Test
    void everyTypeArrivesAsItDoesTheOrdinaryWay() {
        var statement = """
            SELECT CAST(? AS text), CAST(? AS text), CAST(? AS uuid), CAST(? AS integer), CAST(? AS smallint),
                CAST(? AS bigint), CAST(? AS boolean), CAST(? AS timestamptz), CAST(? AS timestamptz), CAST(? AS text[]),
                CAST(? AS text[]), CAST(NULL AS text), CAST(NULL AS uuid), CAST(NULL AS timestamptz), CAST(NULL AS text[]),
                CAST('?' AS text)\
            """;
        Sql.Mapper<List<Object>> mapper = row -> {
            var values = new ArrayList<Object>();
            values.add(row.text());
            values.add(row.text());
            values.add(row.uuid());
            values.add(row.integer());
            values.add(row.integer());
            values.add(row.bigint());
            values.add(row.flag());
            values.add(row.instant());
            values.add(row.instant());
            values.add(row.texts());
            values.add(row.texts());
            values.add(Optional.ofNullable(row.textOrNull()));
            values.add(Optional.ofNullable(row.uuidOrNull()));
            values.add(Optional.ofNullable(row.instantOrNull()));
            values.add(row.texts());
            values.add(row.text());
            return values;
        };
        var parameters = new Object[] {
            "plain",
            "quoted ' \" \\ {} , \n é 漢 😀",
            UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057"),
            -7,
            32_000,
            Long.MIN_VALUE,
            true,
            Instant.parse("2026-11-26T23:05:41.123456Z"),
            Instant.parse("1955-01-01T00:00:00.000001Z"),
            List.of("", "NULL", "a b", "quoted ' \" \\ {} ,", "漢😀"),
            List.of()
        };
        var together = read(statement, mapper, parameters);
        assertEquals(readAlone(statement, mapper, parameters), together);
        assertEquals(parameters[1], together.get(1));
        assertEquals(parameters[9], together.get(9));
    }

    /** How many at once, and who of them is to go together with others. */
    private List<Boolean> together(int count) {
        var together = IntStream.range(0, count).mapToObj(_ -> pipeline.enter()).toList();
        together.forEach(_ -> pipeline.leave());
        return together;
    }

    @Test
    void fewGoAloneAndManyTogether() {
        assertEquals(List.of(false, false, false, false, false, false), together(6));
        assertEquals(List.of(false, false, false, false, false, false, true, true), together(8));
    }

    @Test
    void fewGoTogetherForAWhileAfterManyHave() {
        together(7);
        // Many that ask again and again are few in between: 64 more, whether one by one or some at a time.
        for (int i = 0; i < 16; i++) {
            assertEquals(List.of(true), together(1));
            assertEquals(List.of(true, true, true), together(3));
        }
        assertEquals(List.of(false, false, false), together(3));
        together(7);
        assertEquals(List.of(true), together(1), "many have come again");
    }

    @Test
    void bytesArriveToo() {
        var bytes = new byte[] {0, 1, -1, 127, -128, '\\', '\''};
        var rows = pipeline.run("SELECT CAST(? AS bytea)", new Object[] {bytes}).orElseThrow();
        assertArrayEquals(bytes, new WireRow(rows.getFirst()).bytes());
    }

    @Test
    void nothingIsFoundWhereThereIsNothing() {
        assertEquals(List.of(), note(1000).orElseThrow());
    }

    @Test
    void allRowsArriveHoweverLarge() {
        var rows = pipeline.run(
                        "SELECT repeat('x', 700000) || n FROM generate_series(1, 5) AS n ORDER BY n", new Object[0])
                .orElseThrow();
        assertEquals(5, rows.size());
        for (int i = 0; i < 5; i++) {
            var text = new WireRow(rows.get(i)).text();
            assertEquals(700_001, text.length());
            assertTrue(text.endsWith("x" + (i + 1)));
        }
        assertEquals("note 3", text(note(3)));
    }

    @Test
    void whatItDoesNotUnderstandGoesTheOrdinaryWay() {
        var echo = "SELECT CAST(? AS text)";
        assertEquals(Optional.empty(), pipeline.run("SELECT 1.5", new Object[0]), "a type that is not read");
        assertEquals(Optional.empty(), pipeline.run("SELECT nothing FROM nowhere", new Object[0]), "a mistake");
        assertEquals(Optional.empty(), pipeline.run("SET work_mem = '1MB'", new Object[0]), "no rows");
        assertEquals(Optional.empty(), pipeline.run(echo, new Object[] {"a\0b"}), "NUL");
        assertEquals(Optional.empty(), pipeline.run(echo, new Object[] {"é\0b"}), "NUL");
        assertEquals(Optional.empty(), pipeline.run(echo, new Object[] {"\ud800"}), "half a character");
        assertEquals(Optional.empty(), pipeline.run(echo, new Object[] {"x".repeat(9000)}), "too large");
        assertEquals(
                Optional.empty(),
                pipeline.run("SELECT CAST(? AS timestamptz)", new Object[] {Instant.parse("+12000-01-01T00:00:00Z")}));
        assertEquals("note 3", text(note(3)), "and nobody else is kept from it");
    }

    @Test
    void whoHasLittleTimeLeftGoesTheOrdinaryWay() {
        assertEquals(Optional.empty(), Deadline.after(Duration.ofMillis(600)).call(() -> note(1)));
    }

    @Test
    void whoHasASecondGoesWithTheOthers() {
        assertTrue(Deadline.after(Duration.ofSeconds(1)).call(() -> note(1)).isPresent());
    }

    /** Keeps whoever reads the notes waiting. */
    private Connection lock() throws SQLException {
        var connection = TestPostgres.connect(schema);
        connection.setAutoCommit(false);
        try (var statement = connection.createStatement()) {
            statement.execute("LOCK TABLE notes");
        }
        return connection;
    }

    /** By another text than that of the notes, as it is one of those that take long. */
    private void blocked() {
        pipeline.run("SELECT count(*) FROM notes", new Object[0]);
    }

    private void awaitBlocked() {
        await().until(() -> activity("wait_event_type = 'Lock'") == 1);
    }

    private int activity(String condition) throws SQLException {
        try (var connection = TestPostgres.connect(schema);
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT count(*) FROM pg_stat_activity WHERE application_name = '"
                        + NAME + "' AND " + condition)) {
            rows.next();
            return rows.getInt(1);
        }
    }

    @Test
    void thoseThatComeMeanwhileGoTogetherAndEachGetsItsOwn() throws SQLException, InterruptedException {
        var results = new CopyOnWriteArrayList<String>();
        List<Thread> threads;
        long before;
        try (var lock = lock()) {
            var first = Thread.ofVirtual().start(this::blocked);
            awaitBlocked();
            threads = new ArrayList<>(List.of(first));
            before = pipeline.usage().batches();
            for (int i = 2; i <= 41; i++) {
                int id = i;
                threads.add(Thread.ofVirtual()
                        .start(() -> results.add(note(id).map(
                                        rows -> text(Optional.of(rows)).equals("note " + id) ? "its own" : "another's")
                                .orElse("alone"))));
            }
            await().until(() -> threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));
            lock.rollback();
        }
        for (var thread : threads) {
            thread.join();
        }
        assertEquals(40, results.size());
        assertEquals(Set.of("its own"), Set.copyOf(results));
        assertEquals(2, pipeline.usage().batches() - before, "the first, and all others");
    }

    @Test
    void oneThatTakesLongIsEndedAndGoesAloneForAWhile() {
        pipeline.close();
        pipeline = open(Pipeline.STATEMENT_TIMEOUT);
        awaitConnection();
        long began = System.nanoTime();
        var slow = "SELECT pg_sleep(?) IS NOT NULL";
        assertEquals(Optional.empty(), pipeline.run(slow, new Object[] {"20"}));
        assertTrue(Notes.since(began).compareTo(Duration.ofSeconds(10)) < 0, "PostgreSQL has ended it");
        long batches = pipeline.usage().batches();
        assertEquals(Optional.empty(), pipeline.run(slow, new Object[] {"0"}));
        assertEquals(batches, pipeline.usage().batches(), "it was not sent");
        // With a limit as short as that, on a busy machine not always the first time.
        await().until(() -> note(3).isPresent());
        assertTrue(pipeline.usage().batches() > batches, "others are");
        await().until(() -> pipeline.run(slow, new Object[] {"0"}).isPresent());
    }

    @Test
    void oneThatFailsFailsNobodyElse() throws SQLException, InterruptedException {
        var results = new CopyOnWriteArrayList<String>();
        var threads = new ArrayList<Thread>();
        try (var lock = lock()) {
            threads.add(Thread.ofVirtual().start(this::blocked));
            awaitBlocked();
            for (int i = 1; i <= 20; i++) {
                int id = i;
                threads.add(Thread.ofVirtual()
                        .start(() -> results.add(
                                id == 10
                                        ? pipeline.run("SELECT 1 / (id - ?) FROM notes WHERE id = 5", new Object[] {5})
                                                .map(rows -> "a row")
                                                .orElse("failed")
                                        : note(id).map(rows ->
                                                        text(Optional.of(rows)).equals("note " + id)
                                                                ? "well"
                                                                : "another's")
                                                .orElse("well, alone"))));
                // One after the other, so that some are before the one that fails and some behind it.
                await().until(() -> threads.getLast().getState() == Thread.State.WAITING);
            }
            lock.rollback();
        }
        for (var thread : threads) {
            thread.join();
        }
        Map<String, Long> outcomes =
                results.stream().collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        assertEquals(Map.of("failed", 1L, "well", 9L, "well, alone", 10L), outcomes);
        assertEquals("note 3", text(note(3)));
    }

    private void terminate() throws SQLException {
        try (var connection = TestPostgres.connect(schema);
                var statement = connection.createStatement()) {
            // OFFSET: else PostgreSQL may ask for the end of each before it looks for the name.
            statement.execute("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
                    + " WHERE application_name = '" + NAME + "' OFFSET 0) AS ours");
        }
    }

    @Test
    void aLostConnectionIsReplacedAndWhoWasOnItGoesTheOrdinaryWay() throws SQLException, InterruptedException {
        Thread waiter;
        var results = new CopyOnWriteArrayList<Optional<List<byte[]>>>();
        try (var lock = lock()) {
            waiter = Thread.ofVirtual().start(() -> results.add(note(1)));
            awaitBlocked();
            terminate();
            waiter.join();
            lock.rollback();
        }
        assertEquals(List.of(Optional.empty()), results);
        await().until(() -> note(1).isPresent());
        assertEquals("note 3", text(note(3)));
    }

    @Test
    void whoIsInterruptedLeavesAtOnce() throws SQLException, InterruptedException {
        try (var lock = lock()) {
            var waiter = Thread.ofVirtual().start(() -> note(1));
            awaitBlocked();
            waiter.interrupt();
            waiter.join();
            lock.rollback();
        }
        await().until(() -> note(1).isPresent());
    }

    @Test
    void anAddressMayRuleItOut() {
        var address = "jdbc:postgresql://one:5432,two:5432/heddle?targetServerType=primary";
        assertTrue(Pipeline.isPossible(address));
        assertTrue(Pipeline.isPossible(address + "&sslmode=verify-full"));
        for (var parameter :
                List.of("prepareThreshold=0", "preferQueryMode=simple", "socketFactory=a.B", "sslfactory=a.B")) {
            assertFalse(Pipeline.isPossible(address + "&" + parameter), parameter);
        }
    }

    @Test
    void afterItsEndNothingIsLeftAndTheOrdinaryWayIsOpen() throws SQLException {
        assertEquals(1, activity("true"));
        pipeline.close();
        await().until(() -> activity("true") == 0);
        assertEquals(Optional.empty(), note(1));
    }

    @Test
    void manyThatReadAtOnceFindWhatTheyLookFor() throws InterruptedException {
        var wrong = new CopyOnWriteArrayList<String>();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 60; i++) {
            int own = i + 1;
            threads.add(Thread.ofVirtual().start(() -> {
                for (int n = 0; n < 50; n++) {
                    var text = database.quick(sql -> sql.first("SELECT text FROM notes WHERE id = ?", Row::text, own));
                    if (!text.equals(Optional.of("note " + own))) {
                        wrong.add(own + ": " + text);
                    }
                }
            }));
        }
        for (var thread : threads) {
            thread.join();
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void aStatementThatCouldNotBePreparedForAMomentGoesTogetherAgain() throws SQLException {
        pipeline.close();
        pipeline = open(Duration.ofMillis(200));
        await().until(() -> pipeline.run("SELECT 1", new Object[0]).isPresent());
        try (var _ = lock()) {
            assertFalse(note(1).isPresent());
        }
        await().atMost(Duration.ofSeconds(10))
                .until(() -> note(1).map(rows -> text(Optional.of(rows))).equals(Optional.of("note 1")));
    }
}
