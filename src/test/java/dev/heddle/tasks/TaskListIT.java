package dev.heddle.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.TestPostgres;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Lists and counts: their order, their pages, their filters. */
class TaskListIT {

    private static final Pattern NEXT = Pattern.compile("<(/tasks\\?[^>]+)>; rel=\"next\"");

    /** More than any list here has. */
    private static final int PAGES_MAX = 200;

    private static final Instant NOON = Instant.parse("2026-11-22T12:00:00.123456Z");

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** A task as the test knows it. */
    private record Known(
            UUID id,
            String title,
            @Nullable String description,
            boolean completed,
            int priority,
            List<String> labels,
            @Nullable Instant dueAt,
            Instant createdAt) {

        static Known titled(String title) {
            return new Known(UUID.randomUUID(), title, null, false, 0, List.of(), null, NOON);
        }
    }

    /** Past the API, which would not let a test choose times. */
    private static void insert(Person person, List<Known> tasks) {
        try (var connection = TestPostgres.connect(server.schema());
                var insert = connection.prepareStatement("""
                    INSERT INTO tasks (user_id, id, title, description, completed, completed_at, priority, labels, due_at,
                        created_at) VALUES (?, ?, ?, ?, ?, CASE WHEN ? THEN now() END, ?, ?, ?, ?)
                    """)) {
            for (var task : tasks) {
                insert.setString(1, person.id());
                insert.setObject(2, task.id());
                insert.setString(3, task.title());
                insert.setString(4, task.description());
                insert.setBoolean(5, task.completed());
                insert.setBoolean(6, task.completed());
                insert.setInt(7, task.priority());
                insert.setArray(
                        8, connection.createArrayOf("text", task.labels().toArray()));
                insert.setObject(9, task.dueAt() == null ? null : task.dueAt().atOffset(ZoneOffset.UTC));
                insert.setObject(10, task.createdAt().atOffset(ZoneOffset.UTC));
                insert.addBatch();
            }
            insert.executeBatch();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Newest first, then the greater id, as PostgreSQL compares them. */
    private static final Comparator<Known> ORDER = Comparator.comparing(Known::createdAt)
            .thenComparing(task -> task.id().toString())
            .reversed();

    private static List<String> idsOf(List<Known> tasks, Predicate<Known> filter) {
        return tasks.stream()
                .filter(filter)
                .sorted(ORDER)
                .map(task -> task.id().toString())
                .toList();
    }

    private static List<String> ids(Reply reply) {
        assertEquals(200, reply.status(), reply::text);
        return StreamSupport.stream(reply.json().spliterator(), false)
                .map(task -> task.get("id").asText())
                .toList();
    }

    private static Optional<String> next(Reply reply) {
        return reply.header("Link").map(link -> {
            var matcher = NEXT.matcher(link);
            assertTrue(matcher.matches(), link);
            return Objects.requireNonNull(matcher.group(1));
        });
    }

    /** Every page from there on. */
    private static List<Reply> pages(Person person, String path) {
        var pages = new ArrayList<Reply>();
        for (var at = Optional.of(path); at.isPresent(); at = next(pages.getLast())) {
            assertTrue(pages.size() < PAGES_MAX, "the links lead in a circle");
            pages.add(server.get(at.get(), person.token()));
        }
        return pages;
    }

    private static List<String> allIds(Person person, String path) {
        return pages(person, path).stream().flatMap(page -> ids(page).stream()).toList();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static List<Known> someTasks(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new Known(
                        UUID.randomUUID(), "t" + i, null, i % 2 == 0, 0, List.of(), null, NOON.plusMillis(i / 4)))
                .toList();
    }

    // Order and pages

    @Test
    void theNewestComeFirstAndTheIdDecidesBetweenEquals() {
        var person = server.person();
        var tasks = someTasks(40);
        insert(person, tasks);
        assertEquals(idsOf(tasks, task -> true), ids(server.get("/tasks?limit=100", person.token())));
        assertEquals(idsOf(tasks, task -> true).subList(0, 10), ids(server.get("/tasks", person.token())));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 20, 39, 40, 41, 100})
    void theLinksLeadThroughEveryTaskOnce(int limit) {
        var person = server.person();
        var tasks = someTasks(40);
        insert(person, tasks);
        var pages = pages(person, "/tasks?limit=" + limit);
        assertEquals((40 + limit - 1) / limit, pages.size());
        assertEquals(
                idsOf(tasks, task -> true),
                pages.stream().flatMap(page -> ids(page).stream()).toList());
        assertEquals(idsOf(tasks, task -> true), allIds(person, "/tasks?skip=0&limit=" + limit));
    }

    @Test
    void skippingLeadsOnBySkipping() {
        var person = server.person();
        var tasks = someTasks(40);
        insert(person, tasks);
        var all = idsOf(tasks, task -> true);
        var page = server.get("/tasks?completed=true&limit=5&skip=3", person.token());
        assertEquals("/tasks?completed=true&limit=5&skip=8", next(page).orElseThrow());
        assertEquals(all.subList(17, 27), ids(server.get("/tasks?skip=17", person.token())));
        assertEquals(List.of(), ids(server.get("/tasks?skip=40", person.token())));
        assertEquals(List.of(), ids(server.get("/tasks?skip=100000", person.token())));
        assertEquals(all.subList(3, 40), allIds(person, "/tasks?skip=3&limit=5"));
    }

    @Test
    void aPageThatEndsWithTheLastTaskHasNoNext() {
        var person = server.person();
        insert(person, someTasks(4));
        assertEquals(
                Optional.empty(), server.get("/tasks?limit=4", person.token()).header("Link"));
        assertTrue(server.get("/tasks?limit=3", person.token()).header("Link").isPresent());
        assertEquals(
                Optional.empty(),
                server.get("/tasks?skip=1&limit=3", person.token()).header("Link"));
    }

    @Test
    void whileTasksAreInsertedTheLinksLeadThroughEveryOldOneOnce() {
        var person = server.person();
        var tasks = someTasks(40);
        insert(person, tasks);
        var seen = new ArrayList<String>();
        for (var at = Optional.of("/tasks?limit=3"); at.isPresent(); ) {
            assertTrue(seen.size() < PAGES_MAX, "the links lead in a circle");
            var page = server.get(at.get(), person.token());
            seen.addAll(ids(page));
            at = next(page);
            server.task(person, "{\"title\": \"new, and so in front\"}");
            insert(person, List.of(Known.titled("as old as the oldest")));
        }
        assertEquals(seen.size(), new HashSet<>(seen).size(), "none twice");
        var old = idsOf(tasks, task -> true);
        seen.retainAll(old);
        assertEquals(old, seen);
    }

    @Test
    void whileTasksAreDeletedTheLinksLeadThroughEveryOtherOnce() {
        var person = server.person();
        var tasks = someTasks(40);
        insert(person, tasks);
        var seen = new ArrayList<String>();
        for (var at = Optional.of("/tasks?limit=4"); at.isPresent(); ) {
            assertTrue(seen.size() < PAGES_MAX, "the links lead in a circle");
            var page = server.get(at.get(), person.token());
            seen.addAll(ids(page));
            at = next(page);
            // The very task that the cursor stands on.
            server.send("DELETE", "/tasks/" + seen.getLast(), person.token(), null);
        }
        assertEquals(idsOf(tasks, task -> true), seen);
    }

    // Cursors

    private static String cursor(Person person, String query) {
        var next = next(server.get("/tasks?limit=1&" + query, person.token())).orElseThrow();
        return next.substring(next.indexOf("cursor=") + 7);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "completed=false",
                "label=a",
                "priority=1",
                "due_before=2027-01-01T00:00:00Z",
                "due_after=2025-01-01T00:00:00Z",
                "q=t"
            })
    void aCursorIsGoodForItsOwnFilterOnly(String query) {
        var person = server.person();
        var other = server.person();
        var tasks = IntStream.range(0, 3)
                .mapToObj(i -> new Known(UUID.randomUUID(), "t", null, true, 1, List.of("a", "b"), NOON, NOON))
                .toList();
        insert(person, tasks);
        var cursor = cursor(person, query.replace("false", "true"));
        var filter = query.replace("false", "true");
        assertEquals(
                200,
                server.get("/tasks?" + filter + "&limit=2&cursor=" + cursor, person.token())
                        .status());
        for (var another :
                List.of("completed=false", "label=b", "priority=2", "due_before=2027-01-01T00:00:01Z", "q=u")) {
            assertBadCursor(server.get("/tasks?" + another + "&cursor=" + cursor, person.token()));
        }
        assertBadCursor(server.get("/tasks?" + filter + "&cursor=" + cursor, other.token()));
        assertBadCursor(
                server.get("/tasks?" + filter + "&cursor=" + cursor.substring(0, cursor.length() - 1), person.token()));
        assertBadCursor(server.get("/tasks?" + filter + "&cursor=A" + cursor, person.token()));
    }

    private static void assertBadCursor(Reply reply) {
        assertEquals(422, reply.status(), reply::text);
        assertEquals("cursor", reply.json().at("/errors/0/parameter").asText());
    }

    @Test
    void aCursorDoesNotStandTogetherWithSkip() {
        var person = server.person();
        insert(person, someTasks(3));
        var reply = server.get("/tasks?skip=1&cursor=" + cursor(person, ""), person.token());
        assertEquals(422, reply.status());
        assertEquals("contradiction", reply.json().at("/errors/0/code").asText());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nonsense",
                "1",
                "1 ",
                " 01a202c0-f64b-752e-bca9-6513269e0d37",
                "1 no-uuid",
                "x 01a202c0-f64b-752e-bca9-6513269e0d37",
                "99999999999999999999 01a202c0-f64b-752e-bca9-6513269e0d37",
                "9223372036854775807 01a202c0-f64b-752e-bca9-6513269e0d37",
                "-9223372036854775808 01a202c0-f64b-752e-bca9-6513269e0d37"
            })
    void aCursorThatSomebodyMadeUpIsNoFailureOfTheServer(String position) throws NoSuchAlgorithmException {
        var person = server.person();
        var none = Optional.<String>empty();
        var fingerprint = new TaskFilter(
                        person.id(), Optional.empty(), none, Optional.empty(), Optional.empty(), Optional.empty(), none)
                .fingerprint();
        var digest = MessageDigest.getInstance("SHA-256")
                .digest((fingerprint + "\n" + position).getBytes(StandardCharsets.UTF_8));
        var text = position.getBytes(StandardCharsets.UTF_8);
        var bytes = Arrays.copyOf(Arrays.copyOf(digest, 8), 8 + text.length);
        System.arraycopy(text, 0, bytes, 8, text.length);
        var cursor = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        var status = server.get("/tasks?cursor=" + cursor, person.token()).status();
        assertTrue(status < 500, "status " + status);
    }

    // Filters

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "50%,     50% off",
                "%,       50% off",
                "a_b,     A_B",
                "_,       A_B",
                "\\,      back\\slash",
                "\\\\,    ",
                "\\%,     ",
                "SLASH,   back\\slash",
                "äÖ,      Äö und éÉ",
                "Éé,      Äö und éÉ",
                "ЖУК,     жук",
                "'; --,   ",
                "🧵,      🧵 thread",
            })
    void aSearchIsForTheTextItselfInEitherCase(String words, @Nullable String title) {
        var person = server.person();
        insert(
                person,
                List.of(
                        Known.titled("50% off"),
                        Known.titled("A_B"),
                        Known.titled("back\\slash"),
                        Known.titled("Äö und éÉ"),
                        Known.titled("жук"),
                        Known.titled("🧵 thread"),
                        Known.titled("50 off, AxB")));
        var found = server.get("/tasks?q=" + encoded(words), person.token());
        assertEquals(
                title == null ? List.of() : List.of(title),
                StreamSupport.stream(found.json().spliterator(), false)
                        .map(task -> task.get("title").asText())
                        .toList());
    }

    @Test
    void dueBeforeAndDueAfterLeaveTheMomentItselfOut() {
        var person = server.person();
        insert(
                person,
                List.of(
                        new Known(UUID.randomUUID(), "due", null, false, 0, List.of(), NOON, NOON),
                        Known.titled("never due")));
        assertEquals(0, count(person, "due_before=2026-11-22T12:00:00.123456Z"));
        assertEquals(1, count(person, "due_before=2026-11-22T12:00:00.123457Z"));
        assertEquals(0, count(person, "due_after=2026-11-22T12:00:00.123456Z"));
        assertEquals(1, count(person, "due_after=2026-11-22T13:00:00.123455%2B01:00"));
    }

    private static long count(Person person, String query) {
        var reply = server.get("/tasks/count?" + query, person.token());
        assertEquals(200, reply.status(), reply::text);
        return reply.json().get("count").asLong();
    }

    @Test
    void aLabelMustMatchWhole() {
        var person = server.person();
        insert(
                person,
                List.of(new Known(
                        UUID.randomUUID(), "t", null, false, 0, List.of("loom", "a,b", "{x}", "q\"uote"), null, NOON)));
        for (var label : List.of("loom", "a,b", "{x}", "q\"uote")) {
            assertEquals(1, count(person, "label=" + encoded(label)), label);
        }
        for (var label : List.of("Loom", "loo", "a", "%", "NULL")) {
            assertEquals(0, count(person, "label=" + encoded(label)), label);
        }
    }

    private static final List<String> PIECES =
            List.of("loom", "Loom", "warp", "WARP", "50%", "a_b", "\\", "é", "É", " ", "🧵", "'", "\"");
    private static final List<String> LABELS = List.of("home", "work", "Work", "a,b");
    private static final List<Instant> DUE = List.of(NOON, NOON.plusSeconds(1), NOON.plusSeconds(86_400));

    private static Known random(Random random) {
        return new Known(
                new UUID(random.nextLong(), random.nextLong()),
                text(random),
                random.nextInt(3) == 0 ? null : text(random),
                random.nextBoolean(),
                random.nextInt(5),
                LABELS.stream().filter(label -> random.nextInt(3) == 0).toList(),
                random.nextInt(3) == 0 ? null : DUE.get(random.nextInt(DUE.size())),
                NOON.minusSeconds(random.nextInt(6)));
    }

    private static String text(Random random) {
        var text = new StringBuilder();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        return text.toString();
    }

    /** A filter as a query and as the model understands it. */
    private record Filter(String query, Predicate<Known> predicate) {
        Filter and(String name, String value, Predicate<Known> more) {
            return new Filter(query + "&" + name + "=" + encoded(value), predicate.and(more));
        }
    }

    private static Filter randomFilter(Random random) {
        var filter = new Filter("", task -> true);
        if (random.nextInt(3) == 0) {
            boolean completed = random.nextBoolean();
            filter = filter.and("completed", String.valueOf(completed), task -> task.completed() == completed);
        }
        if (random.nextInt(3) == 0) {
            var label = LABELS.get(random.nextInt(LABELS.size()));
            filter = filter.and("label", label, task -> task.labels().contains(label));
        }
        if (random.nextInt(3) == 0) {
            int priority = random.nextInt(5);
            filter = filter.and("priority", String.valueOf(priority), task -> task.priority() == priority);
        }
        if (random.nextInt(3) == 0) {
            var time = DUE.get(random.nextInt(DUE.size()));
            filter = filter.and(
                    "due_before",
                    time.toString(),
                    task -> task.dueAt() != null && task.dueAt().isBefore(time));
        }
        if (random.nextInt(3) == 0) {
            var time = DUE.get(random.nextInt(DUE.size()));
            filter = filter.and(
                    "due_after",
                    time.toString(),
                    task -> task.dueAt() != null && task.dueAt().isAfter(time));
        }
        if (random.nextInt(2) == 0) {
            var words = PIECES.get(random.nextInt(PIECES.size()));
            filter = filter.and(
                    "q", words, task -> contains(task.title(), words) || contains(task.description(), words));
        }
        return filter;
    }

    private static boolean contains(@Nullable String text, String words) {
        return text != null && text.toLowerCase(Locale.ROOT).contains(words.toLowerCase(Locale.ROOT));
    }

    @RepeatedTest(3)
    void everyCombinationOfFiltersFindsWhatANaiveModelFinds() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var person = server.person();
        var tasks = IntStream.range(0, 150).mapToObj(i -> random(random)).toList();
        insert(person, tasks);
        // What nobody may ever see in the lists of the other.
        insert(
                server.person(),
                IntStream.range(0, 50).mapToObj(i -> random(random)).toList());
        int found = 0;
        for (int i = 0; i < 60; i++) {
            var filter = randomFilter(random);
            var expected = idsOf(tasks, filter.predicate());
            found += expected.size();
            var what = "seed " + seed + ", " + filter.query();
            int limit = 1 + random.nextInt(100);
            assertEquals(expected, allIds(person, "/tasks?limit=" + limit + filter.query()), what);
            assertEquals(expected.size(), count(person, filter.query().replaceFirst("^&", "")), what);
            assertEquals(expected, exported(person, filter.query()), what);
        }
        assertTrue(found > 100, "the filters find something: " + found + ", seed " + seed);
    }

    private static List<String> exported(Person person, String query) {
        var export = server.send(
                "GET",
                "/tasks?" + query.replaceFirst("^&", ""),
                person.token(),
                null,
                "Accept",
                "application/x-ndjson");
        return export.text().lines().map(line -> line.substring(7, 43)).toList();
    }

    @Test
    void aListShowsWholeTasks() {
        var person = server.person();
        var task = server.task(person, "{\"title\": \"x\", \"labels\": [\"a\"], \"description\": \"d\"}");
        JsonNode listed = server.get("/tasks", person.token()).json().get(0);
        assertEquals(task, listed);
    }

    @Test
    void aListMayBeKeptButMustBeAskedForAgainAndDependsOnAccept() {
        var reply = server.get("/tasks", server.person().token());
        assertEquals("private, no-cache", reply.header("Cache-Control").orElseThrow());
        assertEquals("Accept", reply.header("Vary").orElseThrow());
        assertFalse(reply.header("ETag").isPresent());
    }
}
