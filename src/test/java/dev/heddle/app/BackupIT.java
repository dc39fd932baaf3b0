package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer.Person;
import dev.heddle.backup.BackupOfSchema;
import dev.heddle.db.Database;
import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import dev.heddle.testing.TestPostgres;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Backups of a server that works, and the way back from them. */
@Timeout(180)
class BackupIT {

    private static final int WRITERS = 4;

    private static final String NO_FILES = "SELECT count(*) FROM files";

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @TempDir
    private Path directory;

    /** A database and a directory of files. */
    private record Place(String schema, Path files) {
        Map<String, String> settings() {
            return Map.of(
                    "DATABASE_MODE", "external",
                    "DATABASE_URL", TestPostgres.url(schema),
                    "DATABASE_USERNAME", TestPostgres.username(),
                    "DATABASE_PASSWORD", TestPostgres.password(),
                    "FILES_DIRECTORY", files.toString());
        }

        TestServer serve() {
            return TestServer.on(schema, Map.of("FILES_DIRECTORY", files.toString()));
        }

        Psql psql() {
            return new Psql(schema);
        }
    }

    private Place newPlace() {
        var schema = TestPostgres.newSchema();
        return new Place(schema, directory.resolve("files-of-" + schema));
    }

    private BackupCommands commands(Place place) throws IOException {
        var config = Files.writeString(directory.resolve("app.yaml"), "");
        var settings = SettingsReader.read(config, place.settings(), new Properties());
        return new BackupCommands(settings, printing(out), printing(err));
    }

    private static PrintStream printing(ByteArrayOutputStream to) {
        return new PrintStream(to, true, StandardCharsets.UTF_8);
    }

    private int backUp(Place from, Path to) throws IOException {
        return commands(from).backup(to);
    }

    private int restore(Path from, Place to) throws IOException {
        return commands(to).restore(from);
    }

    private int verify(Path backup) {
        return BackupCommands.verify(backup, printing(out), printing(err));
    }

    private String said() {
        return out.toString(StandardCharsets.UTF_8) + err.toString(StandardCharsets.UTF_8);
    }

    private static int upload(TestServer server, Person person, String name, String content) {
        return server.send(
                        "POST",
                        "/upload?overwrite=true",
                        person.token(),
                        Form.of(name, content),
                        "Content-Type",
                        Form.TYPE)
                .status();
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Every row of every table of a schema, by the name of the table. */
    private static Map<String, List<String>> rows(String schema) throws SQLException {
        var all = new LinkedHashMap<String, List<String>>();
        try (var connection = TestPostgres.connect(schema)) {
            for (var table : tables(schema)) {
                var rows = new ArrayList<String>();
                try (var statement = connection.createStatement();
                        var found = statement.executeQuery(
                                "SELECT CAST(row AS text) FROM " + table + " AS row ORDER BY 1")) {
                    while (found.next()) {
                        rows.add(found.getString(1));
                    }
                }
                all.put(table, rows);
            }
        }
        return all;
    }

    private static Set<String> tables(String schema) throws SQLException {
        var tables = new TreeSet<String>();
        try (var connection = TestPostgres.connect(schema);
                var statement = connection.createStatement();
                var found = statement.executeQuery("SELECT tablename FROM pg_tables WHERE schemaname = '" + schema
                        + "' AND tablename <> 'flyway_schema_history'")) {
            while (found.next()) {
                tables.add(found.getString(1));
            }
        }
        return tables;
    }

    private static Map<String, String> blobs(Path files) throws IOException {
        try (var all = Files.walk(files)) {
            var found = new LinkedHashMap<String, String>();
            for (var file : all.filter(Files::isRegularFile).sorted().toList()) {
                found.put(files.relativize(file).toString(), sha256(Files.readAllBytes(file)));
            }
            return found;
        }
    }

    /** A server that has something in every table, and is closed. */
    private Place filled() throws IOException {
        var place = newPlace();
        try (var server = place.serve()) {
            var person = server.person();
            var task =
                    server.task(person, "{\"title\": \"Tab\\t, line\\\\n and \\\\\\\\ \\u00e4\", \"labels\": [\"a\"]}");
            server.send("POST", "/tasks/" + task.get("id").asText() + "/complete", person.token(), null);
            server.send(
                    "POST", "/tasks", person.token(), "{\"title\": \"once\"}", "Idempotency-Key", "key-of-a-backup");
            server.awaitJobs();
            assertEquals(201, upload(server, person, "empty.txt", ""));
            assertEquals(201, upload(server, person, "a \u00e4.txt", "weft".repeat(50_000)));
            // From here on what follows waits, so that both queues hold something.
            var _ = place.psql().puttingOff("send_notification", "send_email", "update_stats", "log_activity");
            var late = server.task(person, "{\"title\": \"late\"}");
            server.send("POST", "/tasks/" + late.get("id").asText() + "/complete", person.token(), null);
            place.psql().execute("""
                INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at)
                VALUES (gen_random_uuid(), 'send_email', '{"user_id": "nobody"}', 8, 'no such host', now())
                """);
        }
        return place;
    }

    @Test
    void everyRowAndEveryByteComesBack() throws IOException, SQLException {
        var from = filled();
        var backup = directory.resolve("backup");
        assertEquals(0, backUp(from, backup), this::said);
        assertEquals(0, verify(backup), this::said);
        var to = newPlace();
        assertEquals(0, restore(backup, to), this::said);
        var expected = rows(from.schema());
        // Or it would be said of a table that nothing is lost of it when it is not in the backup at all.
        expected.forEach((table, rows) -> assertFalse(rows.isEmpty(), table));
        assertEquals(expected, rows(to.schema()));
        assertEquals(blobs(from.files()), blobs(to.files()));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aBackupOfAnOlderSchemaIsBroughtUpToDate(int schema) throws IOException, SQLException {
        var from = newPlace();
        Person person;
        String tasks;
        try (var server = from.serve()) {
            person = server.person();
            var done = server.task(person, "{\"title\": \"old\", \"labels\": [\"a\", \"b\"]}");
            server.task(person, "{\"title\": \"open\"}");
            server.send("POST", "/tasks/" + done.get("id").asText() + "/complete", person.token(), null);
            server.awaitJobs();
            assertEquals(201, upload(server, person, "later.txt", "of a later time"));
            tasks = server.get("/tasks", person.token()).text();
        }
        var backup = directory.resolve("backup");
        assertEquals(0, backUp(from, backup), this::said);
        BackupOfSchema.make(backup, schema);
        assertEquals(0, verify(backup), this::said);
        var to = newPlace();
        assertEquals(0, restore(backup, to), this::said);
        var expected = rows(from.schema());
        var restored = rows(to.schema());
        assertEquals(expected.keySet(), restored.keySet(), "the tables of now");
        for (var table : BackupOfSchema.tables(schema)) {
            assertEquals(expected.get(table), restored.get(table), table);
        }
        try (var server = to.serve()) {
            assertEquals(tasks, server.get("/tasks", person.token()).text());
            // Of the first schema it is the second that has counted.
            assertEquals(
                    2,
                    to.psql()
                            .number("SELECT total FROM stats WHERE user_id = '" + person.id() + "' AND completed = 1"));
            assertEquals(201, upload(server, person, "new.txt", "of now"));
        }
    }

    @Test
    void aBackupOfANewerSchemaIsRefusedAndNotCalledDamaged() throws IOException, SQLException {
        var backup = directory.resolve("backup");
        assertEquals(0, backUp(filled(), backup), this::said);
        BackupOfSchema.make(backup, Database.NEWEST_SCHEMA + 1);
        assertEquals(2, verify(backup), this::said);
        var to = newPlace();
        assertEquals(2, restore(backup, to), this::said);
        assertEquals(2, said().split("take a Heddle that is not older", -1).length - 1, this::said);
        assertEquals(Set.of(), tables(to.schema()));
    }

    @Test
    void jobsThatSomebodyHadInHandAreDoneAtOnce() throws IOException {
        var from = filled();
        from.psql()
                .execute("UPDATE jobs SET picked = true, picked_by = 'gone', last_heartbeat = now(),"
                        + " execution_time = now() WHERE data ? 'user_id'");
        from.psql().execute("UPDATE outbound_jobs SET execution_time = now()");
        var backup = directory.resolve("backup");
        assertEquals(0, backUp(from, backup), this::said);
        var to = newPlace();
        assertEquals(0, restore(backup, to), this::said);
        try (var server = to.serve()) {
            // Far sooner than a silence is taken for a death.
            server.awaitJobs();
            assertEquals(0, to.psql().number("""
                SELECT count(*) FROM tasks LEFT JOIN (
                    SELECT task_id, count(*) AS n FROM notifications GROUP BY 1) AS told ON task_id = tasks.id
                WHERE n IS DISTINCT FROM 1
                """));
        }
    }

    /** Somebody who makes, completes and deletes tasks, and writes, replaces and deletes files. */
    private static final class Writer implements Runnable {

        private final TestServer server;
        private final Person person;
        private final AtomicBoolean stop;
        private final Random random;
        private final CountDownLatch busy;
        /** Made, and never touched again. */
        private final Set<String> kept = ConcurrentHashMap.newKeySet();
        /** What any of its files has ever been. */
        private final Set<String> digests = ConcurrentHashMap.newKeySet();

        Writer(TestServer server, AtomicBoolean stop, int seed, CountDownLatch busy) {
            this.server = server;
            this.person = server.person();
            this.stop = stop;
            this.random = new Random(seed);
            this.busy = busy;
        }

        @Override
        public void run() {
            for (int i = 0; !stop.get(); i++) {
                step(i);
                busy.countDown();
            }
        }

        private void step(int i) {
            var id = server.task(person, "{\"title\": \"task " + i + "\"}")
                    .get("id")
                    .asText();
            switch (i % 3) {
                case 0 -> server.send("POST", "/tasks/" + id + "/complete", person.token(), null);
                case 1 -> server.send("DELETE", "/tasks/" + id, person.token(), null);
                default -> kept.add(id);
            }
            var name = "file-" + random.nextInt(8);
            if (random.nextInt(4) == 0) {
                server.send("DELETE", "/files/" + name, person.token(), null);
            } else {
                var content = (name + " " + i + " ").repeat(1 + random.nextInt(3000));
                digests.add(sha256(content.getBytes(StandardCharsets.UTF_8)));
                assertEquals(201, upload(server, person, name, content));
            }
        }
    }

    @Test
    void aBackupUnderLoadIsOfOneMomentAndWhole() throws IOException, InterruptedException, ExecutionException {
        var from = newPlace();
        var backup = directory.resolve("backup");
        var stop = new AtomicBoolean();
        var busy = new CountDownLatch(WRITERS * 30);
        var writers = new ArrayList<Writer>();
        Set<String> before;
        try (var server = from.serve();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < WRITERS; i++) {
                writers.add(new Writer(server, stop, i, busy));
            }
            var running = writers.stream().map(threads::submit).toList();
            busy.await();
            before = writers.stream().flatMap(it -> it.kept.stream()).collect(Collectors.toSet());
            assertEquals(0, backUp(from, backup), this::said);
            stop.set(true);
            for (var writer : running) {
                writer.get();
            }
        }
        assertEquals(0, verify(backup), this::said);
        var to = newPlace();
        assertEquals(0, restore(backup, to), this::said);
        requireWhole(to, writers, before);
    }

    private void requireWhole(Place place, List<Writer> writers, Set<String> before) throws IOException {
        try (var server = place.serve()) {
            server.awaitJobs();
            var psql = place.psql();
            before.forEach(id -> assertEquals(1, psql.number("SELECT count(*) FROM tasks WHERE id = '" + id + "'")));
            assertEquals(
                    0,
                    psql.number("SELECT count(*) FROM tasks WHERE id NOT IN (SELECT task_id FROM notifications)"),
                    "what follows from a task was lost");
            assertEquals(
                    0,
                    psql.number("SELECT count(*) - count(DISTINCT task_id) FROM notifications"),
                    "what follows from a task was done twice");
            assertEquals(
                    psql.number("SELECT count(*) FROM tasks WHERE completed"),
                    psql.number("SELECT count(DISTINCT task_id) FROM activity WHERE action = 'task_completed'"));
            assertEquals(0, psql.number("""
                SELECT count(*) FROM file_usage LEFT JOIN (
                    SELECT user_id, count(*) AS n, sum(size) AS sum FROM files GROUP BY 1) AS there USING (user_id)
                WHERE files <> coalesce(n, 0) OR bytes <> coalesce(sum, 0)
                """));
            assertTrue(psql.number(NO_FILES) > 0);
            assertEquals(
                    psql.number(NO_FILES),
                    blobs(place.files()).entrySet().stream()
                            .filter(it -> !it.getKey().startsWith("incoming"))
                            .count());
            for (var writer : writers) {
                for (var file :
                        server.get("/files?limit=100", writer.person.token()).json()) {
                    var path = "/download/" + file.get("filename").asText();
                    var bytes = server.get(path, writer.person.token()).raw().body();
                    assertTrue(writer.digests.contains(sha256(bytes)), path);
                }
            }
        }
    }

    private Path blob(Path backup) throws IOException {
        try (var all = Files.walk(backup.resolve("files"))) {
            return all.filter(it -> it.toFile().isFile() && it.toFile().length() > 0)
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static void flip(Path file) throws IOException {
        var bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
    }

    private interface Damage {
        void to(Path file) throws IOException;
    }

    @Test
    void everyDamageIsFoundAndNothingOfItIsRestored() throws IOException, SQLException {
        var from = filled();
        var to = newPlace();
        var damages = new LinkedHashMap<String, Damage>();
        damages.put("a bit", BackupIT::flip);
        damages.put("its end", file -> Files.write(file, new byte[0]));
        damages.put("all of it", Files::delete);
        int count = 0;
        for (var damage : damages.entrySet()) {
            for (var part : List.of("tables/tasks", "tables/files", "manifest", "manifest.sha256", "files")) {
                var backup = directory.resolve("backup-" + ++count);
                assertEquals(0, backUp(from, backup), this::said);
                damage.getValue().to(part.equals("files") ? blob(backup) : backup.resolve(part));
                var what = damage.getKey() + " of " + part;
                assertEquals(1, verify(backup), what);
                assertEquals(1, restore(backup, to), what);
            }
        }
        assertEquals(Set.of(), tables(to.schema()));
        assertEquals(Map.of(), blobs(to.files()));
    }

    @Test
    void whatIsNoFileIsNamedAlsoWhereALinkLeadsToTheSameBytesAndTheRestIsLookedAt() throws IOException {
        var backup = directory.resolve("backup");
        assertEquals(0, backUp(filled(), backup), this::said);
        var blob = blob(backup);
        var moved = Files.move(blob, directory.resolve("moved"));
        Files.createSymbolicLink(blob, moved);
        var tasks = backup.resolve("tables/tasks");
        Files.delete(tasks);
        Files.createDirectory(tasks);
        assertEquals(1, verify(backup), this::said);
        assertTrue(said().contains("tables/tasks is no file, but a directory"), this::said);
        assertTrue(said().contains(backup.relativize(blob) + " is no file, but a link"), this::said);
        var folder = blob.getParent();
        Files.delete(blob);
        Files.move(moved, blob);
        Files.createSymbolicLink(folder, Files.move(folder, directory.resolve("moved")));
        assertEquals(1, verify(backup), this::said);
        assertTrue(said().contains(backup.relativize(folder) + " is a link"), this::said);
    }

    @Test
    void whatIsNoPartOfABackupIsAFault() throws IOException {
        var backup = directory.resolve("backup");
        assertEquals(0, backUp(filled(), backup), this::said);
        Files.writeString(backup.resolve("files/stranger"), "");
        assertEquals(1, verify(backup));
    }

    @Test
    void nothingIsRestoredWhereAnythingIs() throws IOException, SQLException {
        var from = filled();
        var backup = directory.resolve("backup");
        assertEquals(0, backUp(from, backup), this::said);
        var before = rows(from.schema());
        assertEquals(2, restore(backup, new Place(from.schema(), directory.resolve("other-files"))));
        assertTrue(said().contains("the database is not empty"), this::said);
        assertEquals(before, rows(from.schema()));
        var to = newPlace();
        assertEquals(2, restore(backup, new Place(to.schema(), from.files())));
        assertTrue(said().contains("the directory of files is not empty"), this::said);
        assertEquals(Set.of(), tables(to.schema()));
    }

    @Test
    void aBackupReplacesNothing() throws IOException {
        var from = filled();
        var there = Files.createDirectory(directory.resolve("there"));
        assertEquals(2, backUp(from, there));
        try (var files = Files.list(there)) {
            assertEquals(0, files.count());
        }
    }

    @Test
    void aFileWhoseBytesAreLostIsNamedAndTheRestIsBackedUp() throws IOException {
        var from = filled();
        var place = from.files();
        try (var all = Files.walk(place)) {
            Files.delete(all.filter(it -> it.toFile().isFile() && it.toFile().length() > 0)
                    .findFirst()
                    .orElseThrow());
        }
        var backup = directory.resolve("backup");
        assertEquals(1, backUp(from, backup));
        assertTrue(said().contains("a \u00e4.txt\" of p"), this::said);
        assertEquals(0, verify(backup), this::said);
        var to = newPlace();
        assertEquals(0, restore(backup, to), this::said);
        assertEquals(1, to.psql().number(NO_FILES));
        assertEquals(1, to.psql().number("SELECT files FROM file_usage"));
    }

    @Test
    void killedInTheMiddleItLeavesNothingThatLooksWhole() throws IOException, InterruptedException {
        var from = filled();
        var backup = directory.resolve("backup");
        try (var _ = from.psql().lock("file_usage", "ACCESS EXCLUSIVE");
                var process = HeddleProcess.start(
                        directory, from.settings(), List.of(), "backup", "--to", backup.toString())) {
            from.psql().awaitBlocked(1);
            process.kill();
        }
        assertFalse(Files.exists(backup));
        var left = unfinished();
        assertEquals(1, left.size());
        assertEquals(1, verify(left.getFirst()));
        assertEquals(0, backUp(from, backup), this::said);
    }

    private List<Path> unfinished() throws IOException {
        try (var all = Files.list(directory)) {
            return all.filter(it -> it.getFileName().toString().startsWith("backup.unfinished-"))
                    .toList();
        }
    }

    @Test
    void aFailureInTheMiddleLeavesNothingAtAll() throws IOException {
        var from = filled();
        try (var _ = from.psql().gone("file_usage")) {
            assertEquals(1, backUp(from, directory.resolve("backup")));
        }
        assertEquals(List.of(), unfinished());
    }
}
