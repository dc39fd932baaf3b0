package dev.heddle.backup;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.db.Database;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.Psql;
import dev.heddle.testing.TestPostgres;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are deleted and replaced between the moment that the rows are of and the copy of their bytes. */
@InThisJvm
class ChangingFilesIT {

    private final Psql psql = new Psql(TestPostgres.newSchema());
    private final Database database = Database.open(TestPostgres.options(psql.schema()));
    private final Store store = new Store();
    private final List<String> complaints = new ArrayList<>();

    @TempDir
    private Path directory;

    /** Bytes by their ids, and what happens when they are about to be opened, once. */
    private static final class Store implements Blobs {

        private final Map<UUID, String> kept = new HashMap<>();
        private Runnable beforeOpening = () -> {};

        @Override
        public Optional<InputStream> open(UUID id) {
            var now = beforeOpening;
            beforeOpening = () -> {};
            now.run();
            return Optional.ofNullable(kept.get(id))
                    .map(text -> new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        }

        @Override
        public void put(UUID id, InputStream bytes, long size) throws IOException {
            kept.put(id, new String(bytes.readAllBytes(), StandardCharsets.UTF_8));
        }

        @Override
        public void delete(UUID id) {
            kept.remove(id);
        }

        @Override
        public boolean isEmpty() {
            return kept.isEmpty();
        }
    }

    @BeforeEach
    void makeSomebody() {
        database.migrate();
        psql.execute("INSERT INTO users (id, email, name, role) VALUES ('ada', 'a@test.example', 'Ada', 'user')");
        psql.execute("INSERT INTO file_usage (user_id) VALUES ('ada')");
    }

    @AfterEach
    void close() {
        database.close();
    }

    /** Writes a file, in the place of the one of that name. */
    private UUID write(String name, String text) {
        var blob = UUID.randomUUID();
        store.kept.put(blob, text);
        psql.execute("""
            INSERT INTO files (user_id, name, blob, size, sha256, content_type)
            VALUES ('ada', E'%s', '%s', %d, sha256('%s'), 'text/plain')
            ON CONFLICT (user_id, name) DO UPDATE
                SET blob = excluded.blob, size = excluded.size, sha256 = excluded.sha256
            """.formatted(name, blob, text.length(), text));
        return blob;
    }

    private Path backedUp(int expectedChanges) {
        var backup = directory.resolve("backup");
        var done = Backup.write(database, store, backup, complaints::add);
        assertEquals(expectedChanges, done.changed());
        assertEquals(List.of(), Verification.of(backup).faults());
        return backup;
    }

    /** What the files hold that come back, in the order of their names. */
    private List<String> restored(Path backup) {
        var other = new Psql(TestPostgres.newSchema());
        var to = new Store();
        try (var target = Database.open(TestPostgres.options(other.schema()))) {
            Restore.from(backup, target, to);
            var blobs =
                    target.read(sql -> sql.list("SELECT blob FROM files ORDER BY name LIMIT 10", row -> row.uuid()));
            assertEquals(blobs.size(), to.kept.size());
            assertEquals(blobs.size(), other.number("SELECT files FROM file_usage"));
            return blobs.stream().map(blob -> String.valueOf(to.kept.get(blob))).toList();
        }
    }

    @Test
    void aFileThatIsDeletedMeanwhileIsNotInTheBackup() {
        var blob = write("tab\\t and \\\\ back", "one");
        write("z", "two");
        store.beforeOpening = () -> {
            psql.execute("DELETE FROM files WHERE blob = '" + blob + "'");
            store.kept.remove(blob);
        };
        assertEquals(List.of("two"), restored(backedUp(1)));
        assertEquals(List.of(), complaints);
    }

    @Test
    void aFileThatIsReplacedMeanwhileIsInItAsItIsNow() {
        var blob = write("tab\\t and \\\\ back", "one");
        write("z", "two");
        store.beforeOpening = () -> {
            write("tab\\t and \\\\ back", "newer");
            store.kept.remove(blob);
        };
        assertEquals(List.of("newer", "two"), restored(backedUp(1)));
        assertEquals(List.of(), complaints);
    }

    @Test
    void aFileThatIsReplacedTwiceMeanwhileIsInItAsItIsNow() {
        var blob = write("a", "one");
        store.beforeOpening = () -> {
            var second = write("a", "second");
            store.kept.remove(blob);
            store.kept.remove(second);
            store.beforeOpening = () -> write("a", "third");
        };
        assertEquals(List.of("third"), restored(backedUp(1)));
        assertEquals(List.of(), complaints);
    }

    @Test
    void bytesThatAreNotWhatTheRowSaysAreNoBackupOfIt() {
        var blob = write("a", "one");
        write("b", "two");
        store.kept.put(blob, "One");
        var backup = backedUp(0);
        assertEquals(1, complaints.size());
        assertEquals(List.of("two"), restored(backup));
    }

    @Test
    void aBackupHoldsEveryTableOfTheSchema() {
        assertEquals(
                Tables.ALL.size(),
                psql.number("SELECT count(*) FROM pg_tables WHERE schemaname = '" + psql.schema()
                        + "' AND tablename <> 'flyway_schema_history'"));
    }

    /** Makes the planner's statistics take long, or fail, but nothing else. */
    private static void analyzing(Psql psql, String does) {
        psql.execute("CREATE FUNCTION analyzed(id text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
                + " IF current_query() LIKE 'ANALYZE%' THEN " + does + " END IF; RETURN id; END $$");
        psql.execute("CREATE INDEX analyzed ON users (analyzed(id))");
    }

    private long restoredUsers(String analyzingDoes) {
        var backup = backedUp(0);
        var other = new Psql(TestPostgres.newSchema());
        var its = TestPostgres.options(other.schema());
        try (var target = Database.open(its)) {
            target.migrate();
        }
        analyzing(other, analyzingDoes);
        var brief = new Database.Options(
                its.url(),
                its.username(),
                its.password(),
                its.poolSize(),
                its.gateQueue(),
                its.gateWait(),
                Duration.ofMillis(500));
        try (var target = Database.open(brief)) {
            return Restore.from(backup, target, new Store()).rows();
        }
    }

    @Test
    void aRestoreMayCountItsRowsForLongerThanAStatementMayTake() {
        assertEquals(2, restoredUsers("PERFORM pg_sleep(0.7);"));
    }

    @Test
    void aRestoreIsCompleteThoughItsRowsCannotBeCounted() {
        assertEquals(2, restoredUsers("RAISE EXCEPTION 'no';"));
    }

    @Test
    void aBackupMayWaitForItsDiskLongerThanATransactionMayBeIdle() {
        var limit = database.inTransaction(sql -> {
            Tables.standStill(sql);
            return sql.first("SELECT current_setting('idle_in_transaction_session_timeout')", row -> row.text());
        });
        assertEquals(Optional.of("0"), limit);
    }
}
