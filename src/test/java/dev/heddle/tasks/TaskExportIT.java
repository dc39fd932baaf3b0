package dev.heddle.tasks;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.testing.Psql;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** All matching tasks at once, as NDJSON and as CSV, for clients that read fast, slowly or not at all. */
class TaskExportIT {

    private static final String NDJSON = "application/x-ndjson";
    private static final String CSV = "text/csv";
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int POOL = 2;

    private static TestServer server;
    private static Psql psql;

    @BeforeAll
    static void start() {
        server = TestServer.start(Map.of("DATABASE_POOL_SIZE", String.valueOf(POOL)));
        psql = new Psql(server.schema());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply export(Person person, String query, String accept) {
        return server.send("GET", "/tasks" + query, person.token(), null, "Accept", accept);
    }

    private static void seed(Person person, int count) {
        psql.execute("""
            INSERT INTO tasks (user_id, id, title, description, priority, created_at)
            SELECT '%s', gen_random_uuid(), 'task ' || n, repeat('woof and warp ', 20), n %% 5,
                timestamptz '2026-11-22T12:00:00Z' + (n / 3) * interval '1 ms'
            FROM generate_series(1, %d) n
            """.formatted(person.id(), count));
    }

    private static List<JsonNode> lines(Reply reply) {
        assertEquals(200, reply.status(), reply::text);
        return reply.text().lines().map(TaskExportIT::json).toList();
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<NamedCsvRecord> records(Reply reply) {
        assertEquals(200, reply.status(), reply::text);
        return CsvReader.builder().ofNamedCsvRecord(reply.text()).stream().toList();
    }

    /** What the list shows, page by page: an export must be the same. */
    private static List<JsonNode> listed(Person person, String query) {
        var tasks = new ArrayList<JsonNode>();
        List<JsonNode> page;
        do {
            var reply = server.get("/tasks?limit=100&skip=" + tasks.size() + query, person.token());
            page = StreamSupport.stream(reply.json().spliterator(), false).toList();
            tasks.addAll(page);
        } while (page.size() == 100);
        return tasks;
    }

    // What is in it

    @Test
    void anExportIsTheWholeListInTheSameOrder() {
        var person = server.person();
        seed(person, 2500);
        seed(server.person(), 10);
        var listed = listed(person, "");
        assertEquals(2500, listed.size());
        assertEquals(listed, lines(export(person, "", NDJSON)));
        assertEquals(
                listed.stream().map(task -> task.get("id").asText()).toList(),
                records(export(person, "", CSV)).stream()
                        .map(row -> row.getField("id"))
                        .toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"&priority=3", "&q=task%201", "&completed=true", "&priority=3&q=7"})
    void anExportHasExactlyTheTasksThatMatch(String filter) {
        var person = server.person();
        seed(person, 400);
        assertEquals(listed(person, filter), lines(export(person, filter.replaceFirst("&", "?"), NDJSON)));
        assertEquals(
                listed(person, filter).size(),
                records(export(person, filter.replaceFirst("&", "?"), CSV)).size());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 99, 100, 101, 999, 1000, 1001, 2000})
    void anExportEndsWhereTheTasksEnd(int count) {
        var person = server.person();
        seed(person, count);
        var ndjson = export(person, "", NDJSON).text();
        assertEquals(count, ndjson.lines().count());
        assertTrue(ndjson.isEmpty() || ndjson.endsWith("}\n"));
        var csv = export(person, "", CSV).text();
        assertEquals(count + 1, csv.split("\r\n", -1).length - 1);
        assertTrue(csv.endsWith("\r\n"));
    }

    @Test
    void csvHasTheMembersOfATaskAsColumns() {
        var person = server.person();
        var made = server.task(person, """
            {"title": "a", "description": "b", "priority": 2, "labels": ["c", "d"], "due_at": "2026-12-01T10:00:00Z"}\
            """);
        var task = server.send("POST", "/tasks/" + made.get("id").asText() + "/complete", person.token(), null)
                .json();
        var reply = export(person, "", CSV);
        assertEquals(
                "text/csv; charset=utf-8; header=present",
                reply.header("Content-Type").orElseThrow());
        var row = records(reply).getFirst();
        var again = (ObjectNode) task.deepCopy();
        for (var name : row.getHeader()) {
            var cell = row.getField(name);
            assertEquals(
                    name.equals("labels")
                            ? task.get(name).toString()
                            : task.get(name).asText(),
                    cell);
            again.remove(name);
        }
        assertEquals("{}", again.toString(), "every member has a column");
    }

    @Test
    void nullIsAnEmptyFieldAndAnEmptyTextAQuotedOne() {
        var person = server.person();
        server.task(person, "{\"title\": \"null\"}");
        server.task(person, "{\"title\": \"empty\", \"description\": \"\"}");
        var rows = export(person, "", CSV).text().lines().toList();
        assertTrue(rows.get(1).contains(",empty,\"\",false,,0,[],,"), rows.get(1));
        assertTrue(rows.get(2).contains(",null,,false,,0,[],,"), rows.get(2));
    }

    @Test
    void textsSurviveBothForms() {
        var person = server.person();
        var texts = List.of(
                "a,b",
                "\"",
                "\"\"",
                "say \"hi\"",
                "two\nlines",
                "two\r\nlines",
                "\r",
                "\n",
                " blanks ",
                "\ud83e\uddf5\ud83d\udc69\u200d\ud83d\udcbb",
                "=1+1",
                "'",
                "\\",
                "\\n",
                "\u0001\u007f",
                "\u2028",
                "#no comment",
                "\ufeffx",
                "tab\there",
                ",",
                "null");
        for (var text : texts) {
            var body = JSON.createObjectNode().put("title", text).put("description", text);
            body.putArray("labels").add(text).add("x");
            server.task(person, body.toString());
        }
        var rows = records(export(person, "", CSV)).reversed();
        var lines = lines(export(person, "", NDJSON)).reversed();
        for (int i = 0; i < texts.size(); i++) {
            var expected = JSON.createArrayNode().add(texts.get(i)).add("x");
            assertEquals(texts.get(i), rows.get(i).getField("title"));
            assertEquals(texts.get(i), rows.get(i).getField("description"));
            assertEquals(expected, json(rows.get(i).getField("labels")));
            assertEquals(texts.get(i), lines.get(i).get("title").asText());
            assertEquals(texts.get(i), lines.get(i).get("description").asText());
            assertEquals(expected, lines.get(i).get("labels"));
        }
    }

    // How it is asked for

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "*/*                                                        | application/json",
                "application/json                                           | application/json",
                "application/*                                              | application/json",
                "application/json, application/x-ndjson                     | application/json",
                "application/x-ndjson                                       | application/x-ndjson",
                "Application/X-NDJSON                                       | application/x-ndjson",
                "application/json;q=0.9, application/x-ndjson               | application/x-ndjson",
                "text/csv;q=0.5, application/x-ndjson;q=0.4                 | text/csv; charset=utf-8; header=present",
                "text/*                                                     | text/csv; charset=utf-8; header=present",
                "text/html, text/csv;q=0.1                                  | text/csv; charset=utf-8; header=present",
                "application/json;q=0, */*;q=0.1                            | application/x-ndjson",
                "application/json;q=0, application/*;q=0, */*               | text/csv; charset=utf-8; header=present",
                "*/*;q=0.1, text/csv;q=0.0                                  | application/json",
            })
    void acceptChoosesTheForm(String accept, String type) {
        var reply = export(server.person(), "", accept);
        assertEquals(200, reply.status());
        assertEquals(type, reply.header("Content-Type").orElseThrow());
        assertEquals("Accept", reply.header("Vary").orElseThrow());
    }

    @ParameterizedTest
    @ValueSource(strings = {"image/png", "text/html", "text/csv;q=0", "*/*;q=0", "application", "text/csv;q=x"})
    void whatCannotBeMadeIsNotAcceptable(String accept) {
        var reply = export(server.person(), "", accept);
        assertEquals(406, reply.status());
        assertEquals("not-acceptable", reply.json().get("code").asText());
    }

    @Test
    void anExportHasNoPages() {
        for (var parameter : List.of("limit=10", "skip=0", "cursor=x")) {
            var reply = export(server.person(), "?" + parameter, CSV);
            assertEquals(422, reply.status());
            assertEquals("not_for_export", reply.json().at("/errors/0/code").asText());
            assertEquals(
                    "is for application/json; text/csv has everything",
                    reply.json().at("/errors/0/detail").asText());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {NDJSON, CSV})
    void headSaysWhatGetWouldSayAndSendsNothing(String type) {
        var person = server.person();
        seed(person, 1500);
        var get = export(person, "", type);
        var head = server.send("HEAD", "/tasks", person.token(), null, "Accept", type);
        assertEquals(200, head.status());
        assertEquals("", head.text());
        for (var name : List.of("Content-Type", "Cache-Control", "Vary", "X-Content-Type-Options")) {
            assertTrue(get.header(name).isPresent(), name);
            assertEquals(get.header(name), head.header(name));
        }
        var length = head.header("Content-Length");
        assertTrue(
                length.isEmpty() || length.get().equals(String.valueOf(get.raw().body().length)), length::toString);
    }

    // Clients that read slowly, or leave

    /** An export that is read at the client's own pace. */
    private static final class Reading implements AutoCloseable {
        private final HttpURLConnection connection;
        private final InputStream in;

        Reading(Person person, String... headers) {
            try {
                connection = (HttpURLConnection) URI.create("http://127.0.0.1:" + server.port() + "/tasks")
                        .toURL()
                        .openConnection();
                connection.setRequestProperty("Authorization", "Bearer " + person.token());
                connection.setRequestProperty("Accept", NDJSON);
                for (int i = 0; i < headers.length; i += 2) {
                    connection.setRequestProperty(headers[i], headers[i + 1]);
                }
                connection.setReadTimeout(20_000);
                in = connection.getInputStream();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** How many lines come until the end, or until so many have come. */
        long lines(long max) throws IOException {
            long lines = 0;
            for (int c; lines < max && (c = in.read()) >= 0; ) {
                if (c == '\n') {
                    lines++;
                }
            }
            return lines;
        }

        long rest() throws IOException {
            var buffer = new byte[64 * 1024];
            long lines = 0;
            for (int n; (n = in.read(buffer)) >= 0; ) {
                lines += IntStream.range(0, n).filter(i -> buffer[i] == '\n').count();
            }
            return lines;
        }

        @Override
        public void close() {
            connection.disconnect();
        }
    }

    private static void awaitStalled(int exports) {
        // The operations' own request is in flight while it asks.
        await().atMost(Duration.ofSeconds(20))
                .during(Duration.ofMillis(300))
                .until(() -> server.metric("heddle_database_gate_inside{pool=\"requests\"}") == 0
                        && server.metric("http_server_requests_in_flight") == exports + 1);
    }

    @Test
    void clientsThatStopReadingHoldNoConnection() throws IOException {
        var person = server.person();
        seed(person, 50_000);
        var readings = new ArrayList<Reading>();
        try {
            // More than there are connections: if each held one, nobody else would get any.
            for (int i = 0; i < POOL + 2; i++) {
                readings.add(new Reading(person));
                assertEquals(100, readings.getLast().lines(100));
            }
            awaitStalled(POOL + 2);
            for (int i = 0; i < 20; i++) {
                assertEquals(200, server.get("/tasks?q=7", person.token()).status());
                assertEquals(
                        201,
                        server.send("POST", "/tasks", server.adminToken(), "{\"title\": \"meanwhile\"}")
                                .status());
            }
            awaitStalled(POOL + 2);
            for (var reading : readings) {
                assertEquals(49_900, reading.rest());
            }
        } finally {
            readings.forEach(Reading::close);
        }
        awaitStalled(0);
    }

    @Test
    void aClientThatLeavesEndsItsExport() throws IOException {
        var person = server.person();
        seed(person, 50_000);
        try (var reading = new Reading(person)) {
            assertEquals(10, reading.lines(10));
            awaitStalled(1);
        }
        awaitStalled(0);
    }

    @Test
    void anExportThatFailsInTheMiddleDoesNotLookWhole() throws IOException {
        var person = server.person();
        seed(person, 50_000);
        try (var reading = new Reading(person)) {
            assertEquals(10, reading.lines(10));
            awaitStalled(1);
            try (var _ = psql.gone("tasks")) {
                assertThrows(IOException.class, reading::rest);
            }
        }
        awaitStalled(0);
    }

    @Test
    void anExportThatFailsAtOnceIsAProblemLikeAnyOther() {
        var person = server.person();
        assertEquals(200, export(person, "", CSV).status());
        try (var _ = psql.gone("tasks")) {
            for (var type : List.of(NDJSON, CSV)) {
                var reply = export(person, "", type);
                assertEquals(500, reply.status());
                assertEquals("Database error", reply.json().get("detail").asText());
            }
        }
    }

    @Test
    void aDeadlineThatTheCallerAskedForBoundsTheWholeExport() throws IOException {
        var person = server.person();
        seed(person, 50_000);
        try (var reading = new Reading(person, "Request-Timeout", "1")) {
            long from = System.nanoTime();
            assertEquals(10, reading.lines(10));
            await().atMost(Duration.ofSeconds(10)).until(() -> System.nanoTime() - from > 1_100_000_000L);
            assertThrows(IOException.class, reading::rest);
        }
        awaitStalled(0);
    }
}
