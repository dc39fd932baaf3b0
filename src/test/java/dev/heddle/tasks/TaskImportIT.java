package dev.heddle.tasks;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.db.Uuid7;
import dev.heddle.testing.Psql;
import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks that come many at once: all of them or none, the same as they left, and nothing left behind. */
class TaskImportIT {

    private static final String NDJSON = "application/x-ndjson";
    private static final String CSV = "text/csv";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long SEED = 20_261_126;

    /** What text can do to a format that has escapes. */
    private static final List<String> NASTY = List.of(
            "\\N",
            "\\.",
            "\\",
            "\\\\n",
            "\\t",
            "tab\there",
            "two\nlines",
            "two\r\nlines",
            "\r",
            "\n",
            "a,b",
            "\"",
            "say \"hi\"",
            "{a,b}",
            "{}",
            "NULL",
            "null",
            " leading and trailing ",
            "\ud83e\uddf5\ud83d\udc69\u200d\ud83d\udcbb",
            "\u2028\u0085",
            "\u0001\u0008\u000b\u000c\u007f",
            "\ufeffmark",
            "=1+1",
            "#no comment",
            "'");

    private static TestServer server;
    private static Psql psql;

    @BeforeAll
    static void start() {
        server = TestServer.start(Map.of("IMPORT_MAX_SIZE", "16MiB"));
        psql = new Psql(server.schema());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply process(Person person, String type, String body, String... headers) {
        return processAt("", person, type, body, headers);
    }

    private static Reply processAt(String query, Person person, String type, String body, String... headers) {
        var all = Stream.concat(Stream.of("Content-Type", type), Stream.of(headers))
                .toArray(String[]::new);
        return server.send("POST", "/process" + query, person.token(), body, all);
    }

    private static String export(Person person, String type) {
        var reply = server.send("GET", "/tasks", person.token(), null, "Accept", type);
        assertEquals(200, reply.status(), reply::text);
        return reply.text();
    }

    private static long count(Person person) {
        return server.get("/tasks/count", person.token()).json().get("count").asLong();
    }

    private static void deleteAll(Person person) {
        psql.execute("DELETE FROM tasks WHERE user_id = '" + person.id() + "'");
    }

    private static long assertImported(long expected, Reply reply) {
        assertEquals(200, reply.status(), reply::text);
        assertEquals("{\"result\":{\"imported\":" + expected + "}}", reply.text());
        return expected;
    }

    /** One complaint a line, as a client reads them. */
    private static String errors(Reply reply) {
        assertEquals(400, reply.status(), reply::text);
        assertEquals("invalid-rows", reply.json().get("code").asText());
        return StreamSupport.stream(reply.json().get("errors").spliterator(), false)
                .map(TaskImportIT::error)
                .collect(Collectors.joining("\n"));
    }

    private static String error(JsonNode error) {
        return error.path("line").asLong() + " " + error.get("pointer").asText() + " "
                + error.get("code").asText() + ": " + error.get("detail").asText();
    }

    /** What an import of this server has on the disk, with a name or without one. */
    private static List<String> leftovers() {
        var folder = server.directory().resolve("import").toAbsolutePath();
        try (var files = Files.list(Path.of("/proc", String.valueOf(server.pid()), "fd"))) {
            var open = files.map(TaskImportIT::target)
                    .filter(target -> target.startsWith(folder.toString()))
                    .toList();
            return Stream.concat(open.stream(), named(folder).stream()).toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> named(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(Path::toString).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            return "";
        }
    }

    // What is exported comes back

    private static void seedNastyTasks(Person person) {
        for (int i = 0; i < NASTY.size(); i++) {
            var text = NASTY.get(i);
            var body = JSON.createObjectNode().put("title", text).put("priority", i % 5);
            if (i % 3 > 0) {
                body.put("description", i % 3 == 1 ? "" : text + text);
            }
            body.putArray("labels").add(text).add("b, " + text).add("c");
            if (i % 2 == 0) {
                body.put("due_at", "2026-12-01T10:00:00." + (100_000 + i) + "Z");
            }
            var task = server.task(person, body.toString());
            if (i % 4 == 0) {
                server.send("POST", "/tasks/" + task.get("id").asText() + "/complete", person.token(), null);
            }
        }
        server.task(person, "{\"title\": \"plain\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {NDJSON, CSV, "text/csv; charset=utf-8; header=present", "Text/CSV; charset=\"UTF-8\""})
    void whatIsExportedIsImportedUnchanged(String type) {
        var person = server.person();
        seedNastyTasks(person);
        var ndjson = export(person, NDJSON);
        var csv = export(person, CSV);
        deleteAll(person);
        assertImported(NASTY.size() + 1, process(person, type, type.equals(NDJSON) ? ndjson : csv));
        assertEquals(ndjson, export(person, NDJSON));
        assertEquals(csv, export(person, CSV));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/csv; header=absent", "Text/CSV; charset=utf-8; Header=\"absent\""})
    void rowsWithoutTheNamesOfTheirColumnsAreRefusedAndNotReadAsNames(String type) {
        var reply = process(server.person(), type, "title\nWarp\n");
        assertEquals(415, reply.status(), reply::text);
        assertTrue(reply.text().contains("header=absent is not taken"), reply::text);
    }

    @Test
    void textsOfAnyKindSurvive() {
        var person = server.person();
        var random = new Random(SEED);
        for (int i = 0; i < 300; i++) {
            var body =
                    JSON.createObjectNode().put("title", "x" + text(random, 50)).put("description", text(random, 200));
            body.putArray("labels").add(i + text(random, 20)).add("y" + text(random, 5));
            assertEquals(1, assertImported(1, process(person, NDJSON, body.toString())));
        }
        var ndjson = export(person, NDJSON);
        for (var type : List.of(NDJSON, CSV)) {
            var exported = export(person, type);
            deleteAll(person);
            assertImported(300, process(person, type, exported));
            assertEquals(ndjson, export(person, NDJSON));
        }
    }

    private static String text(Random random, int max) {
        var signs = "\\\"{},\t\n\r abN.'\u00e9\u7e54";
        return random.ints(random.nextInt(max), 0, signs.length())
                .mapToObj(i -> signs.substring(i, i + 1))
                .collect(Collectors.joining());
    }

    @Test
    void whatIsLeftOutIsAsInANewTask() {
        var person = server.person();
        assertImported(1, process(person, NDJSON, "{\"title\": \"a\"}"));
        assertImported(1, process(person, CSV, "title\r\nb"));
        for (var task : server.get("/tasks", person.token()).json()) {
            assertTrue(task.get("description").isNull());
            assertFalse(task.get("completed").asBoolean());
            assertTrue(task.get("completed_at").isNull());
            assertEquals(0, task.get("priority").asInt());
            assertEquals("[]", task.get("labels").toString());
            assertEquals(1, task.get("version").asInt());
            assertEquals(task.get("created_at"), task.get("updated_at"));
            assertEquals('7', task.get("id").asText().charAt(14));
        }
    }

    @Test
    void whatIsCompletedHasATimeOfIt() {
        var person = server.person();
        assertImported(3, process(person, NDJSON, """
            {"title": "a", "completed": true}
            {"title": "b", "completed": true, "completed_at": "2026-11-22T10:00:00+01:00"}
            {"title": "c", "completed": false, "completed_at": null}
            """));
        var tasks = server.get("/tasks?completed=true", person.token()).json();
        assertEquals(2, tasks.size());
        assertTrue(tasks.findValuesAsText("completed_at").contains("2026-11-22T09:00:00.000000Z"));
        assertFalse(tasks.findValuesAsText("completed_at").contains("null"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "application/x-ndjson | ''                                     | 0",
                "application/x-ndjson | '\n \t\r\n'                            | 0",
                "application/x-ndjson | '{\"title\": \"a\"}'                   | 1",
                "application/x-ndjson | '\n{\"title\": \"a\"}\r\n\n{\"title\": \"b\"}\n' | 2",
                "text/csv             | 'title'                                | 0",
                "text/csv             | 'title\r\n'                            | 0",
                "text/csv             | '\ufefftitle\r\na\r\n'                 | 1",
                "text/csv             | 'title\na\nb'                          | 2",
                "text/csv             | 'labels,title\n\"[\"\"x\"\"]\",\"a\"\n' | 1",
            })
    void endsOfLinesAreAsTheyLike(String type, String body, int imported) {
        assertImported(imported, process(server.person(), type, body));
    }

    // What is wrong with rows

    @Test
    void everyMemberIsCheckedAsInANewTask() {
        var person = server.person();
        var bodies = List.of(
                "{}",
                "[]",
                "7",
                "{\"title\": null}",
                "{\"title\": \"\"}",
                "{\"title\": 7}",
                "{\"title\": \"" + "x".repeat(201) + "\"}",
                "{\"title\": \"a\\u0000\"}",
                "{\"title\": \"\\ud800\"}",
                "{\"title\": \"x\", \"title\": \"y\"}",
                "{\"title\": \"x\", \"description\": \"" + "x".repeat(20_001) + "\"}",
                "{\"title\": \"x\", \"priority\": 5}",
                "{\"title\": \"x\", \"priority\": 1.5}",
                "{\"title\": \"x\", \"priority\": \"high\"}",
                "{\"title\": \"x\", \"priority\": null}",
                "{\"title\": \"x\", \"labels\": \"a\"}",
                "{\"title\": \"x\", \"labels\": [1, \"\", \"a\", \"a\"]}",
                "{\"title\": \"x\", \"due_at\": \"tomorrow\"}",
                "{\"title\": \"x\", \"colour/~\": \"red\"}");
        for (var body : bodies) {
            var one = server.send("POST", "/tasks", person.token(), body);
            assertEquals(422, one.status(), one::text);
            var many = process(person, NDJSON, "{\"title\": \"good\"}\n" + body + "\n");
            assertEquals(
                    details(one).map(text -> "2 " + text).sorted().toList(),
                    errors(many).lines().sorted().toList(),
                    body);
        }
        assertEquals(0, count(person));
    }

    private static Stream<String> details(Reply reply) {
        return StreamSupport.stream(reply.json().get("errors").spliterator(), false)
                .map(error -> error(error).replaceFirst("^0 ", ""));
    }

    private static Stream<List<String>> badRows() {
        return Stream.of(
                List.of("id=x", "/id not_a_uuid: must be a UUID"),
                List.of("completed=maybe", "/completed wrong_type: must be true or false"),
                List.of(
                        "completed_at=2026-11-22T10:00:00Z",
                        "/completed_at contradiction: must be null or absent when completed is not true"),
                List.of(
                        "completed_at=now",
                        "/completed_at not_a_timestamp: must be an RFC 3339 timestamp such as 2026-11-22T10:15:30Z"),
                List.of("priority=5", "/priority out_of_range: must be a whole number from 0 to 4"),
                List.of("priority=02", "/priority wrong_type: must be a number"),
                List.of("version=0", "/version out_of_range: must be a whole number from 1 to 9007199254740991"),
                List.of("labels=a", "/labels wrong_type: must be a list of strings"),
                List.of("labels=[7]", "/labels/0 wrong_type: must be a string"),
                List.of("user_id=admin", "/user_id contradiction: is not the user whose tasks these are to be"),
                List.of(
                        "created_at=yesterday",
                        "/created_at not_a_timestamp: must be an RFC 3339 timestamp such as 2026-11-22T10:15:30Z"),
                List.of(
                        "updated_at=0000-01-01T00:00:00Z",
                        "/updated_at not_a_timestamp: must be an RFC 3339 timestamp such as 2026-11-22T10:15:30Z"),
                List.of(
                        "due_at=x",
                        "/due_at not_a_timestamp: must be an RFC 3339 timestamp such as 2026-11-22T10:15:30Z"));
    }

    @ParameterizedTest
    @MethodSource("badRows")
    void bothFormsComplainInTheSameWords(List<String> row) {
        var person = server.person();
        int equals = row.getFirst().indexOf('=');
        var name = row.getFirst().substring(0, equals);
        var value = row.getFirst().substring(equals + 1);
        var csv = process(person, CSV, "title," + name + "\r\ngood,\r\nbad," + value + "\r\n");
        assertEquals("3 " + row.get(1), errors(csv));
        boolean isBare = value.startsWith("[") || value.matches("[1-9]|0");
        var json = "{\"title\": \"bad\", \"" + name + "\": " + (isBare ? value : "\"" + value + "\"") + "}";
        assertEquals("3 " + row.get(1), errors(process(person, NDJSON, "{\"title\": \"good\"}\n\n" + json)));
        assertEquals(0, count(person));
    }

    @Test
    void manyRowsAreComplainedAboutAtOnce() {
        var person = server.person();
        assertEquals("""
            1 /title too_short: must have at least 1 character
            3 /priority out_of_range: must be a whole number from 0 to 4
            4  invalid_json: The body is not well-formed JSON: see line 4, column 11.
            6 /labels/1 duplicate: stands in the list more than once
            6 /nonsense unknown: is not a member of this document
            7  invalid_json: Something follows the end of the JSON document.\
            """, errors(process(person, NDJSON, """
                {"title": ""}
                {"title": "good"}
                {"title": "a", "priority": 9}
                {"title": oops}

                {"title": "b", "labels": ["x", "x"], "nonsense": 1}
                {"title": "c"}{"title": "d"}
                """)));
        assertEquals("""
            4 /title required: is required
            5  wrong_size: must have 3 cells, as the first row has
            6  wrong_size: must have 3 cells, as the first row has
            7  wrong_size: must have 3 cells, as the first row has
            8 /title too_short: must have at least 1 character
            8 /priority wrong_type: must be a number
            10 /description invalid_csv: has a quote, but is not quoted\
            """, errors(process(person, CSV, """
                title,description,priority
                "good","two
                lines",3
                ,no title,0

                few,cells
                too,many,0,cells
                "",,many
                good,too,
                quote,5" wide,
                """)));
        assertEquals(0, count(person));
    }

    @Test
    void theLineOfARowIsWhereItBegins() {
        var person = server.person();
        assertEquals(
                "4 /priority wrong_type: must be a number",
                errors(process(person, CSV, "title,priority\r\n\"a\r\nb\",1\r\n\"c\nd\n\re\",x\r\nf,2\r\n")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''                     | 1  required: must name the columns",
                "'\r\n"
                        + "title\r\n"
                        + "a'       | '1 / unknown: is not a member of this document\n"
                        + "1 /title required: is required'",
                "'name\r\n"
                        + "a'            | '1 /name unknown: is not a member of this document\n"
                        + "1 /title required: is required'",
                "'title,title\r\na,b'   | 1 /title duplicate: stands more than once",
                "'id,labels\r\na,b'     | 1 /title required: is required",
                "'Title\r\n"
                        + "a'           | '1 /Title unknown: is not a member of this document\n"
                        + "1 /title required: is required'",
                "'title;id\r\n"
                        + "a;b'      | '1 /title;id unknown: is not a member of this document\n"
                        + "1 /title required: is required'",
            })
    void theFirstRowOfCsvMustNameColumns(String body, String expected) {
        assertEquals(expected, errors(process(server.person(), CSV, body)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"title\na\n\"open", "title\na\n\"b\"c\n", "title\na\n\"b\" \n"})
    void brokenQuotesEndTheReading(String body) {
        var errors = errors(process(server.person(), CSV, body));
        assertTrue(errors.startsWith("3  invalid_csv: has a quoted cell that does not end"), errors);
    }

    @Test
    void aCellOrARowThatIsTooLongIsRefused() {
        var person = server.person();
        var csv = errors(process(person, CSV, "title\na\n" + "x".repeat(200_000) + "\n"));
        assertTrue(csv.startsWith("3  invalid_csv: "), csv);
        assertEquals(
                "2 /description too_long: must have at most 20000 characters",
                errors(process(person, CSV, "title,description\na," + "x".repeat(100_000) + "\n")));
        assertEquals(
                "2  too_long: must have at most 524288 bytes\n3 /title too_short: must have at least 1 character",
                errors(process(
                        person,
                        NDJSON,
                        "{\"title\": \"a\"}\n{\"title\": \"" + "x".repeat(2_000_000) + "\"}\n{\"title\": \"\"}\n")));
        assertImported(
                2,
                process(
                        person,
                        CSV,
                        "title,description\na,\"" + "\"\"".repeat(20_000) + "\"\nb," + "\ud83e\uddf5".repeat(20_000)));
    }

    @Test
    void aHundredComplaintsAreEnough() {
        var person = server.person();
        var bad = "{\"title\": \"\"}\n";
        for (int count : List.of(99, 100, 101, 1000)) {
            var lines =
                    errors(process(person, NDJSON, bad.repeat(count))).lines().toList();
            assertEquals(Math.min(100, count), lines.size());
            assertTrue(lines.getLast().startsWith(Math.min(100, count) + " "));
            assertEquals(
                    Math.min(100, count),
                    errors(process(person, CSV, "title\n" + "\"\"\n".repeat(count)))
                            .lines()
                            .count());
        }
    }

    @Test
    void whoHasSentNothingButErrorsIsNotReadToTheEnd() throws IOException {
        var person = server.person();
        var body = "{\"title\": \"\"}\n".repeat(500_000);
        var answer = RawHttp.send(server.port(), head(person, NDJSON, body.length()) + body, 10_000);
        assertEquals(400, answer.status());
        assertEquals("close", answer.header("Connection").orElse(""));
        assertTrue(answer.closed());
    }

    private static String head(Person person, String type, long length) {
        return "POST /process HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + person.token()
                + "\r\nContent-Type: " + type + "\r\nContent-Length: " + length + "\r\n\r\n";
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "application/x-ndjson | '{\"title\": \"a\"}\n"
                        + "{\"title\": \"\u00ff\"}\n"
                        + "' | 2  invalid_json: The body is not valid UTF-8.",
                "application/x-ndjson | '{\"title\": \"a\"}\n"
                        + "{\"title\": \"\u00c3' | 2  invalid_json: The body is not valid UTF-8.",
                "application/x-ndjson | '{\"title\": \"\u00c0\u00af\"}' | 1  invalid_json: The body is not valid"
                        + " UTF-8.",
                "application/x-ndjson | '\u00ef\u00bb\u00bf{\"title\": \"a\"}' | 1  invalid_json: The body begins with"
                        + " a byte order mark.",
                "text/csv | 'title\r\n"
                        + "a\r\n"
                        + "b\u00ff\r\n"
                        + "' | 3  invalid_utf8: is not valid UTF-8; what follows was not read",
                "text/csv | 'title\r\na\r\nb\u00c3' | 3  invalid_utf8: is not valid UTF-8; what follows was not read",
                "text/csv | 'title\r\n"
                        + "\u00ed\u00a0\u0080\r\n"
                        + "' | 2  invalid_utf8: is not valid UTF-8; what follows was not read",
            })
    void brokenTextIsRefused(String type, String latin1, String expected) throws IOException {
        var person = server.person();
        var answer = RawHttp.exchange(server.port(), head(person, type, latin1.length()) + latin1);
        assertEquals(400, answer.status());
        var errors = JSON.readTree(answer.body()).get("errors");
        assertEquals(expected, error(errors.get(0)));
        assertEquals(1, errors.size());
        assertEquals(0, count(person));
    }

    // Ids

    @ParameterizedTest
    @ValueSource(strings = {NDJSON, CSV})
    void idsThatAreGivenAlreadyAreNamedByLine(String type) {
        var person = server.person();
        var there = server.task(person, "{\"title\": \"there\"}").get("id").asText();
        var twice = Uuid7.next().toString();
        var foreign = server.task(server.person(), "{\"title\": \"of another\"}")
                .get("id")
                .asText();
        var ids = List.of(twice, foreign, there, twice, twice);
        var body = type.equals(CSV)
                ? "title,id\r\n"
                        + ids.stream().map(id -> "\"a\r\nb\"," + id + "\r\n").collect(Collectors.joining())
                : ids.stream()
                        .map(id -> "\n{\"title\": \"x\", \"id\": \"" + id + "\"}\n")
                        .collect(Collectors.joining());
        assertEquals("""
            6 /id exists: is the id of a task that is there
            8 /id duplicate: stands on line 2 already
            10 /id duplicate: stands on line 2 already\
            """, errors(process(person, type, body)));
        assertEquals(1, count(person));
        // The id of somebody else's task is as free as any.
        assertImported(
                1, process(person, NDJSON, "{\"title\": \"x\", \"id\": \"" + foreign.toUpperCase(Locale.ROOT) + "\"}"));
    }

    @Test
    void ofManyIdsThatAreGivenAHundredAreNamed() {
        var person = server.person();
        var body = IntStream.range(0, 150)
                .mapToObj(i -> "{\"title\": \"x\", \"id\": \"" + Uuid7.next() + "\"}\n")
                .collect(Collectors.joining());
        assertImported(150, process(person, NDJSON, body));
        var lines = errors(process(person, NDJSON, body)).lines().toList();
        assertEquals(100, lines.size());
        assertEquals("100 /id exists: is the id of a task that is there", lines.getLast());
        assertEquals(150, count(person));
    }

    // How it is asked for

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/json",
                "text/plain",
                "application/x-ndjson; charset=utf-16",
                "text/csv; charset=iso-8859-1",
                "text/*",
                "csv"
            })
    void anotherTypeIsRefused(String type) {
        var reply = process(server.person(), type, "title\r\na");
        assertEquals(415, reply.status(), reply::text);
        assertEquals(
                "text/csv, application/x-ndjson", reply.header("Accept-Post").orElse(""));
    }

    @Test
    void aBodyThatIsTooLongIsRefused() throws IOException {
        var person = server.person();
        var reply = RawHttp.exchange(server.port(), head(person, NDJSON, (16 << 20) + 1));
        assertEquals(413, reply.status());
        assertEquals(0, count(person));
    }

    @Test
    void anAdministratorImportsForAnother() {
        var person = server.person();
        var admin = new Person("admin", server.adminToken());
        seedNastyTasks(person);
        var exported = export(person, CSV);
        deleteAll(person);
        assertImported(NASTY.size() + 1, processAt("?user_id=" + person.id(), admin, CSV, exported));
        assertEquals(exported, export(person, CSV));
        assertEquals(
                403,
                processAt("?user_id=admin", server.person(), CSV, "title\r\na").status());
        var nobody = processAt("?user_id=nobody", admin, CSV, "title\r\na");
        assertEquals(422, nobody.status());
        assertEquals("no_such_user", nobody.json().at("/errors/0/code").asText());
        assertEquals("user_id", nobody.json().at("/errors/0/parameter").asText());
        var mine = process(admin, CSV, exported);
        assertTrue(errors(mine).startsWith("2 /user_id contradiction: "));
    }

    @Test
    void whoMayOnlyReadImportsNothing() {
        var person = server.person("user", "read");
        assertEquals(403, process(person, CSV, "title\r\na").status());
        assertEquals(0, count(person));
    }

    // What follows

    @Test
    void theCountsAreExactAndTheLogHasOneEntry() {
        var person = server.person();
        server.task(person, "{\"title\": \"before\"}");
        server.awaitJobs();
        var rows = IntStream.range(0, 500)
                .mapToObj(i -> "{\"title\": \"x\", \"completed\": " + (i % 5 == 0) + "}\n")
                .collect(Collectors.joining());
        try (var _ = psql.puttingOff("update_stats")) {
            assertImported(500, process(person, NDJSON, rows));
        }
        assertEquals(
                1,
                psql.number("SELECT count(*) FROM jobs WHERE task_name = 'update_stats' AND data->>'user_id' = '"
                        + person.id() + "'"));
        psql.hurryJobs();
        server.awaitJobs();
        var stats = server.get("/stats", person.token()).json();
        assertEquals(501, stats.get("total").asInt());
        assertEquals(100, stats.get("completed").asInt());
        var activity = server.get("/activity", person.token()).json();
        assertEquals(1, activity.size());
        assertEquals("tasks_imported", activity.at("/0/action").asText());
        assertTrue(activity.at("/0/task_id").isNull());
        assertEquals(1, server.get("/notifications", person.token()).json().size(), "of the first task only");
    }

    @Test
    void anImportOfNothingIsNotLogged() {
        var person = server.person();
        assertImported(0, process(person, CSV, "title\r\n"));
        server.awaitJobs();
        assertEquals("[]", server.get("/activity", person.token()).text());
    }

    // Once

    @Test
    void aRepeatIsAnsweredAndNotDone() {
        var person = server.person();
        var first = process(person, CSV, "title\r\na\r\n", "Idempotency-Key", "once");
        var again = process(person, CSV, "title\r\na\r\n", "Idempotency-Key", "once");
        assertImported(1, first);
        assertImported(1, again);
        assertEquals("true", again.header("Idempotent-Replayed").orElse(""));
        assertEquals(1, count(person));
        assertEquals(
                422,
                process(person, CSV, "title\r\nb\r\n", "Idempotency-Key", "once")
                        .status());
        var otherType = process(person, NDJSON, "", "Idempotency-Key", "typed");
        assertImported(0, otherType);
        assertEquals(1, count(person));
    }

    @Test
    void theSameBytesOfAnotherTypeAreAnotherImport() {
        var person = server.person();
        assertImported(0, process(person, NDJSON, "", "Idempotency-Key", "k"));
        assertEquals(400, process(person, CSV, "", "Idempotency-Key", "k").status());
        assertImported(0, process(person, CSV, "title", "Idempotency-Key", "l"));
        assertEquals(
                400, process(person, NDJSON, "title", "Idempotency-Key", "l").status());
    }

    @Test
    void idsThatWereGivenAreTheOutcomeOfTheKey() {
        var person = server.person();
        var id = server.task(person, "{\"title\": \"there\"}").get("id").asText();
        var body = "title,id\r\na," + id + "\r\n";
        var first = process(person, CSV, body, "Idempotency-Key", "k");
        deleteAll(person);
        var again = process(person, CSV, body, "Idempotency-Key", "k");
        assertEquals(errors(first), errors(again));
        assertEquals("true", again.header("Idempotent-Replayed").orElse(""));
        assertImported(1, process(person, CSV, body));
    }

    @Test
    void aKeyThatIsNoneIsRefusedBeforeTheBodyHasCome() throws IOException {
        var person = server.person();
        var head = head(person, CSV, 1_000_000).replace("\r\n\r\n", "\r\nIdempotency-Key: two words\r\n\r\n");
        assertEquals(400, RawHttp.exchange(server.port(), head).status());
    }

    // Nothing is left behind

    private static void awaitNothingLeft() {
        await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> assertEquals(List.of(), leftovers()));
    }

    @Test
    void aClientThatLeavesLeavesNothing() throws IOException {
        var person = server.person();
        var body = "{\"title\": \"woof and warp\"}\n".repeat(20_000);
        var random = new Random(SEED);
        var cuts = IntStream.concat(IntStream.of(0, 1, body.length() - 1), random.ints(12, 0, body.length()))
                .toArray();
        for (int i = 0; i < cuts.length; i++) {
            var id = "left-" + i;
            try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
                var head =
                        head(person, NDJSON, body.length()).replace("\r\n\r\n", "\r\nX-Request-Id: " + id + "\r\n\r\n");
                var sent = head + body.substring(0, cuts[i]);
                socket.getOutputStream().write(sent.getBytes(StandardCharsets.UTF_8));
            }
            assertEquals(499, server.logged(id).status());
            awaitNothingLeft();
        }
        assertEquals(0, count(person));
    }

    @Test
    void whatComesHasNoNameAndIsGoneWithItsClient() throws IOException {
        var person = server.person();
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            var part = head(person, CSV, 1_000_000) + "title\r\n" + "warp\r\n".repeat(1000);
            socket.getOutputStream().write(part.getBytes(StandardCharsets.UTF_8));
            await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
                assertEquals(1, leftovers().size());
                assertTrue(leftovers().getFirst().endsWith(".rows (deleted)"), leftovers()::toString);
            });
            assertEquals(0, server.metric("heddle_database_gate_inside{pool=\"requests\"}"), "no connection waits");
            var folder = server.directory().resolve("import");
            assertEquals("rwx------", permissions(folder));
        }
        awaitNothingLeft();
        assertEquals(0, count(person));
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void successAndRefusalLeaveNothing() {
        var person = server.person();
        assertImported(1, process(person, CSV, "title\r\na"));
        awaitNothingLeft();
        assertEquals(400, process(person, CSV, "title\r\n\"\"").status());
        awaitNothingLeft();
        try (var _ = psql.gone("tasks")) {
            assertEquals(500, process(person, CSV, "title\r\na").status());
        }
        awaitNothingLeft();
        try (var _ = psql.broken("tasks", "53100")) {
            assertEquals(507, process(person, CSV, "title\r\na").status());
        }
        awaitNothingLeft();
        assertEquals(1, count(person));
    }

    @Test
    void aDeadlineOfTheClientEndsTheImport() {
        var person = server.person();
        try (var _ = psql.lock("tasks", "ACCESS EXCLUSIVE")) {
            var reply = process(person, CSV, "title\r\na", "Request-Timeout", "0.5");
            assertEquals(503, reply.status(), reply::text);
            assertEquals("deadline-exceeded", reply.json().get("code").asText());
        }
        awaitNothingLeft();
        assertEquals(0, count(person));
    }

    @Test
    void aClientIsNotWaitedForBeyondItsDeadline() throws IOException {
        var person = server.person();
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            var head = head(person, NDJSON, 1_000_000).replace("\r\n\r\n", "\r\nRequest-Timeout: 0.3\r\n\r\n");
            socket.getOutputStream().write(head.getBytes(StandardCharsets.UTF_8));
            socket.setSoTimeout(10_000);
            var line = "{\"title\": \"warp\"}\n".getBytes(StandardCharsets.UTF_8);
            await().atMost(Duration.ofSeconds(10))
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> {
                        socket.getOutputStream().write(line);
                        return socket.getInputStream().available() > 0;
                    });
            var answer = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
            assertEquals("HTTP/1.1 503", answer);
        }
        awaitNothingLeft();
        assertEquals(0, count(person));
    }

    @Test
    void whatAKilledProcessLeftIsSweptAtTheStart() throws IOException {
        var folder = Files.createDirectories(server.directory().resolve("import"));
        var leftover = Files.writeString(folder.resolve(Uuid7.next() + ".rows"), "half");
        new SpoolFolder(folder, 0).sweep();
        assertFalse(Files.exists(leftover));
        new SpoolFolder(folder.resolve("none"), 0).sweep();
    }

    @Test
    void aDiskWithTooLittleRoomIsRefused() {
        try (var full = TestServer.start(Map.of("FILES_KEEP_FREE", "1024GiB"))) {
            var reply = full.send("POST", "/process", full.adminToken(), "title\r\na", "Content-Type", CSV);
            assertEquals(507, reply.status(), reply::text);
        }
    }
}
