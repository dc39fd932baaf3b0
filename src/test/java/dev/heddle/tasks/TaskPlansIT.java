package dev.heddle.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.db.Database;
import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import dev.heddle.http.Keyset;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.TestPostgres;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What PostgreSQL does for the statements of {@link TaskStore} when there are 1,000,000 tasks of 1,000 users, one of
 * whom has 300,000. The cost is counted in pages of 8 KiB that PostgreSQL looked at, so it is the same on every machine.
 */
@InThisJvm
class TaskPlansIT {

    /** About 700 tasks, as most users have here. */
    private static final String ORDINARY = "user7";

    /** 300,000 tasks: statistics over all users mislead about this one. */
    private static final String BUSY = "user0";

    /** A page of ten, and the row that tells whether there is another. */
    private static final int ROWS = 11;

    /** What a page deep inside may cost, as a multiple of what the first one does. */
    private static final double DEEP_MAX = 1.5;

    /** From the root of an index to its leaf, and one leaf more when the page lies across two. */
    private static final int DESCENT_PAGES = 4;

    private static final Instant MIDDLE = Instant.parse("2026-05-01T00:00:00Z");

    private static final TaskStore STORE = new TaskStore();

    private static Database database;

    /** An index or a constraint of the table: how it is dropped and made. */
    private record Part(String drop, String make) {}

    @BeforeAll
    static void seed() {
        var options = TestPostgres.options(TestPostgres.newSchema());
        database = Database.open(new Database.Options(
                options.url(),
                options.username(),
                options.password(),
                options.poolSize(),
                options.gateQueue(),
                options.gateWait(),
                Duration.ofMinutes(2)));
        database.migrate();
        execute("""
            INSERT INTO users (id, email, name, role)
            SELECT 'user' || n, 'user' || n || '@test.example', 'User', 'user' FROM generate_series(0, 999) AS n
            """);
        // Loading into the bare table and making the same parts afterwards takes a third of the time.
        var parts = parts();
        parts.forEach(part -> execute(part.drop()));
        insertTasks();
        parts.forEach(part -> execute(part.make()));
        assertEquals(parts, parts());
        // What autovacuum does after so many inserts.
        execute("VACUUM (ANALYZE) tasks");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    private static void execute(String statement) {
        database.single(sql -> sql.update(statement));
    }

    private static List<Part> parts() {
        return database.read(sql -> sql.list("""
            SELECT 'ALTER TABLE tasks DROP CONSTRAINT ' || conname AS drop,
                'ALTER TABLE tasks ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid)
            FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype IN ('p', 'f')
            UNION ALL
            SELECT 'DROP INDEX ' || relname, pg_get_indexdef(indexrelid)
            FROM pg_index JOIN pg_class ON oid = indexrelid
            WHERE indrelid = 'tasks'::regclass AND NOT indisprimary
            ORDER BY drop
            """, row -> new Part(row.text(), row.text())));
    }

    /** Users, filters and dates are scattered by a hash: tasks that lie together have nothing else in common. */
    private static void insertTasks() {
        execute("""
            INSERT INTO tasks (user_id, id, title, description, completed, completed_at, priority, labels, due_at,
                created_at, updated_at)
            SELECT
                'user' || CASE WHEN n % 10 < 3 THEN 0 ELSE 1 + abs(hashint4(n)) % 999 END,
                uuidv7(),
                'Task ' || n,
                'What is to be done about number ' || n,
                done,
                CASE WHEN done THEN created_at + interval '1 day' END,
                greatest(0, abs(hashint8extended(n, 2)) % 10 - 5),
                CASE WHEN abs(hashint8extended(n, 3)) % 10 < 3
                    THEN ARRAY['label' || abs(hashint8extended(n, 4)) % 20] ELSE '{}' END,
                CASE WHEN abs(hashint8extended(n, 5)) % 2 = 0
                    THEN created_at + abs(hashint8extended(n, 6)) % 2592000 * interval '1 second' END,
                created_at,
                created_at
            FROM generate_series(1, 1000000) AS n,
                LATERAL (SELECT
                    timestamptz '2026-01-01 00:00:00Z' + n * interval '20 seconds' AS created_at,
                    abs(hashint8extended(n, 1)) % 10 < 4 AS done) AS made
            """);
    }

    /**
     * One list, for one user.
     *
     * @param planning for the values at hand, or once for all values, which the driver's prepared statements may get
     */
    record Case(String filtered, TaskFilter filter, String planning) {
        @Override
        public String toString() {
            return filtered + " of " + filter.userId() + ", " + planning;
        }
    }

    private static Stream<Case> each(Function<String, Stream<Case>> ofUser) {
        return Stream.of(ORDINARY, BUSY)
                .flatMap(ofUser)
                .flatMap(its -> Stream.of("force_custom_plan", "force_generic_plan")
                        .map(planning -> new Case(its.filtered(), its.filter(), planning)));
    }

    private static Case of(
            String filtered,
            String user,
            @Nullable Boolean completed,
            @Nullable String label,
            @Nullable Integer priority,
            @Nullable Instant dueBefore,
            @Nullable Instant dueAfter) {
        var filter = new TaskFilter(
                user,
                Optional.ofNullable(completed),
                Optional.ofNullable(label),
                Optional.ofNullable(priority),
                Optional.ofNullable(dueBefore),
                Optional.ofNullable(dueAfter),
                Optional.empty());
        return new Case(filtered, filter, "");
    }

    /** Filters that have an index in the order of the list. */
    static Stream<Case> inTheOrderOfAnIndex() {
        return each(user -> Stream.of(
                of("all", user, null, null, null, null, null),
                of("open", user, false, null, null, null, null),
                of("completed", user, true, null, null, null, null),
                of("priority 4", user, null, null, 4, null, null)));
    }

    /** Filters for which PostgreSQL chooses: the list's order, or an index of the filter and sorting. */
    static Stream<Case> inNoIndexesOrder() {
        return each(user -> Stream.of(
                of("labelled", user, null, "label3", null, null, null),
                of("due before", user, null, null, null, MIDDLE, null),
                of("due after", user, null, null, null, null, MIDDLE),
                of("open and labelled and urgent and due", user, false, "label3", 4, MIDDLE, null)));
    }

    static Stream<Case> every() {
        return Stream.concat(inTheOrderOfAnIndex(), inNoIndexesOrder());
    }

    private static Plan page(Case its, Optional<Keyset> after) {
        return explain(its.planning(), sql -> STORE.list(sql, its.filter(), after, 0, ROWS));
    }

    /** The position after that many tasks of the list; none when the list is not so long. */
    private static Optional<Keyset> position(Case its, long tasks) {
        return database.read(sql -> STORE.list(sql, its.filter(), Optional.empty(), Math.toIntExact(tasks), 1)).stream()
                .findFirst()
                .map(task -> new Keyset(task.createdAt(), task.id().toString()));
    }

    private static long count(TaskFilter filter) {
        return database.read(sql -> STORE.count(sql, filter));
    }

    /** The first page, one in the middle, and the last whole one. */
    private static List<Plan> pages(Case its) {
        long tasks = count(its.filter());
        var plans = new ArrayList<Plan>();
        plans.add(page(its, Optional.empty()));
        for (long depth : List.of(tasks / 2, Math.max(0, tasks - ROWS - 1))) {
            position(its, depth).ifPresent(after -> plans.add(page(its, Optional.of(after))));
        }
        return plans;
    }

    private static void assertOnIndexes(Plan plan) {
        assertFalse(plan.nodes().stream().anyMatch(node -> node.startsWith("Seq Scan")), plan::toString);
        assertTrue(plan.nodes().stream().anyMatch(node -> node.contains("tasks_")), plan::toString);
    }

    @ParameterizedTest
    @MethodSource("every")
    void aListNeverReadsTheWholeTable(Case its) {
        pages(its).forEach(TaskPlansIT::assertOnIndexes);
    }

    @ParameterizedTest
    @MethodSource("every")
    void aCountNeverReadsTheWholeTable(Case its) {
        assertOnIndexes(explain(its.planning(), sql -> STORE.count(sql, its.filter())));
    }

    @ParameterizedTest
    @MethodSource("inTheOrderOfAnIndex")
    void aPageDeepInsideCostsWhatTheFirstOneDoes(Case its) {
        var pages = pages(its);
        assertEquals(3, pages.size());
        long first = pages.getFirst().buffers();
        assertTrue(first <= ROWS + 2 * DESCENT_PAGES, () -> "the first page takes " + pages);
        for (var page : pages) {
            assertEquals(List.of("Limit", "Index Scan"), page.kinds());
            assertTrue(page.buffers() <= first * DEEP_MAX, pages::toString);
        }
    }

    @ParameterizedTest
    @MethodSource("inNoIndexesOrder")
    void aFilteredPageCostsItsUserNoMoreThanReadingTheirOwnTasks(Case its) {
        long own = count(
                of("all", its.filter().userId(), null, null, null, null, null).filter());
        for (var page : pages(its)) {
            assertTrue(page.buffers() <= own + 2 * DESCENT_PAGES, page::toString);
        }
    }

    @ParameterizedTest
    @MethodSource("inTheOrderOfAnIndex")
    void oneTaskIsFoundInAFewPages(Case its) {
        var user = its.filter().userId();
        var id = database.read(sql -> STORE.list(sql, its.filter(), Optional.empty(), 50, 1))
                .getFirst()
                .id();
        var plan = explain(its.planning(), sql -> STORE.find(sql, user, id));
        assertEquals(List.of("Index Scan tasks_pkey"), plan.nodes());
        assertTrue(plan.buffers() <= DESCENT_PAGES + 1, plan::toString);
    }

    /** How one statement was done. */
    private record Plan(JsonNode root) {
        long buffers() {
            return root.get("Shared Hit Blocks").asLong()
                    + root.get("Shared Read Blocks").asLong();
        }

        /** From the outermost to the innermost, each with its index. */
        List<String> nodes() {
            return Stream.iterate(List.of(root), level -> !level.isEmpty(), Plan::below)
                    .flatMap(List::stream)
                    .map(node -> node.get("Node Type").asText()
                            + (node.has("Index Name")
                                    ? " " + node.get("Index Name").asText()
                                    : ""))
                    .toList();
        }

        List<String> kinds() {
            return nodes().stream()
                    .map(node -> node.replaceFirst(" tasks_.*", ""))
                    .toList();
        }

        private static List<JsonNode> below(List<JsonNode> level) {
            var below = new ArrayList<JsonNode>();
            level.forEach(node -> node.path("Plans").forEach(below::add));
            return below;
        }

        @Override
        public String toString() {
            return nodes() + " " + buffers() + " pages";
        }
    }

    private static Plan explain(String planning, Consumer<Sql> work) {
        return database.inTransaction(sql -> {
            sql.update("SET LOCAL plan_cache_mode = " + planning);
            var explaining = new Explaining(sql);
            // Twice: the first time, a backend reads the catalogue too.
            work.accept(explaining);
            work.accept(explaining);
            return new Plan(explaining.plans.getLast());
        });
    }

    /** Runs the statements of a store, and has PostgreSQL say how it does. */
    private static final class Explaining implements Sql {

        private static final ObjectMapper MAPPER = new ObjectMapper();

        private final Sql sql;
        private final List<JsonNode> plans = new ArrayList<>();

        Explaining(Sql sql) {
            this.sql = sql;
        }

        @Override
        public <T> List<T> list(String statement, Mapper<T> mapper, @Nullable Object... parameters) {
            explain(statement, parameters);
            return sql.list(statement, mapper, parameters);
        }

        @Override
        public <T> Optional<T> first(String statement, Mapper<T> mapper, @Nullable Object... parameters) {
            explain(statement, parameters);
            return sql.first(statement, mapper, parameters);
        }

        @Override
        public long copyOut(String statement, OutputStream rows) {
            return sql.copyOut(statement, rows);
        }

        @Override
        public long copyIn(String statement, InputStream rows) {
            throw new UnsupportedOperationException("it has no plan");
        }

        @Override
        public long update(String statement, @Nullable Object... parameters) {
            throw new UnsupportedOperationException("it would be done twice");
        }

        @Override
        public void afterwards(Runnable action) {
            throw new UnsupportedOperationException("it would be done twice");
        }

        /** As a prepared statement, because EXPLAIN plans its statement for the values it is given otherwise. */
        private void explain(String statement, @Nullable Object[] parameters) {
            var types = Stream.of(parameters).map(Explaining::type).toList();
            var values = Stream.of(parameters).map(Explaining::literal).toList();
            sql.update("PREPARE explained (" + String.join(", ", types) + ") AS " + numbered(statement));
            var plan = sql.list(
                    "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained (" + String.join(", ", values) + ")",
                    Row::text);
            sql.update("DEALLOCATE explained");
            try {
                plans.add(MAPPER.readTree(plan.getFirst()).get(0).get("Plan"));
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }

        private static String numbered(String statement) {
            var text = new StringBuilder();
            int number = 0;
            for (var part : statement.split("\\?", -1)) {
                text.append(number == 0 ? "" : "$" + number).append(part);
                number++;
            }
            return text.toString();
        }

        /** What the driver sends a value as. */
        private static String type(@Nullable Object value) {
            return switch (value) {
                case String text -> "varchar";
                case Integer number -> "int4";
                case Boolean flag -> "bool";
                case UUID id -> "uuid";
                case Instant time -> "timestamptz";
                case List<?> texts -> "text[]";
                case null, default -> throw new IllegalArgumentException("what is " + value + "?");
            };
        }

        private static String literal(@Nullable Object value) {
            return value instanceof List<?> texts
                    ? "ARRAY["
                            + String.join(
                                    ", ",
                                    texts.stream().map(Explaining::literal).toList()) + "]"
                    : "'" + value + "'";
        }
    }
}
