package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.Deadline;
import dev.heddle.db.DatabaseException.Kind;
import dev.heddle.testing.InThisJvm;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** COPY in a unit of work: whatever ends it, nothing is half written and the connection is as good as before. */
@InThisJvm
@Timeout(120)
class DatabaseCopyIT {

    private static final String COPY = "COPY notes (id, text) FROM STDIN";

    private final Notes notes = new Notes();
    private final Database database = notes.database();

    @AfterEach
    void closeWhole() {
        notes.close();
    }

    private static InputStream rows(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    /** As many rows as are read, each with the next id. */
    private static final class Endless extends InputStream {
        private int id;

        @Override
        public int read() {
            throw new UnsupportedOperationException("read by rows");
        }

        @Override
        public int read(byte[] to, int offset, int length) {
            var row = (++id + "\twoof and warp\n").getBytes(StandardCharsets.UTF_8);
            System.arraycopy(row, 0, to, offset, row.length);
            return row.length;
        }
    }

    private interface Failing {
        int read() throws IOException;
    }

    /** One row, and then that. */
    private static InputStream rowAnd(Failing failing) {
        var end = new InputStream() {
            @Override
            public int read() throws IOException {
                return failing.read();
            }

            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                return failing.read();
            }
        };
        return new SequenceInputStream(rows("1\ta\n"), end);
    }

    private static int fail(RuntimeException failure) {
        throw failure;
    }

    private static int fail(IOException failure) throws IOException {
        throw failure;
    }

    @Test
    void writesEveryRowAndSaysHowMany() {
        long count = database.inTransaction(sql -> sql.copyIn(COPY, rows("1\ta\n2\tb\\tc\\\\\n3\t\\\\N\n")));
        assertEquals(3, count);
        assertEquals(List.of("a", "b\tc\\", "\\N"), notes.all());
        assertEquals(0, database.<Long>inTransaction(sql -> sql.copyIn(COPY, rows(""))));
    }

    @Test
    void aRowThatIsNoneFailsItAndKeepsTheConnection() {
        for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
            Notes.assertKind(
                    Kind.FAILURE, () -> database.inTransaction(sql -> sql.copyIn(COPY, rows("1\ta\nnone\tb\n"))));
        }
        var failure = Notes.assertKind(
                Kind.CONSTRAINT, () -> database.inTransaction(sql -> sql.copyIn(COPY, rows("1\ta\n1\tb\n"))));
        assertTrue(failure.isConstraint("notes_pkey"));
        assertEquals(List.of(), notes.all());
        notes.assertWhole();
    }

    @Test
    void anErrorInTheMiddleOfManyRowsIsHeardToo() {
        for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
            var many = "9\ttwice\n".repeat(200_000);
            Notes.assertKind(Kind.CONSTRAINT, () -> database.inTransaction(sql -> sql.copyIn(COPY, rows(many))));
            assertTrue(database.<Boolean>read(sql -> Notes.sleep(sql, 0)));
        }
        assertEquals(List.of(), notes.all());
    }

    @Test
    void aSourceThatFailsEndsItWithItsOwnFailure() {
        var checked = new IOException("the disk is gone");
        var unchecked = new IllegalArgumentException("no row");
        for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
            var heard = assertThrows(
                    UncheckedIOException.class,
                    () -> database.inTransaction(sql -> sql.copyIn(COPY, rowAnd(() -> fail(checked)))));
            assertSame(checked, heard.getCause());
            assertSame(
                    unchecked,
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> database.inTransaction(sql -> sql.copyIn(COPY, rowAnd(() -> fail(unchecked))))));
        }
        assertEquals(List.of(), notes.all());
        notes.assertWhole();
    }

    @Test
    void workThatSwallowsItsFailureCommitsNothing() {
        assertThrows(
                IllegalStateException.class,
                () -> database.inTransaction(sql -> {
                    Notes.write(sql, 7, "before it");
                    assertThrows(
                            UncheckedIOException.class,
                            () -> sql.copyIn(COPY, rowAnd(() -> fail(new IOException("gone")))));
                    return true;
                }));
        assertEquals(List.of(), notes.all());
    }

    @Test
    void aDeadlineEndsItAndKeepsTheConnection() {
        notes.assertWhole();
        var before = notes.backends("true");
        for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
            long started = System.nanoTime();
            Notes.assertKind(
                    Kind.DEADLINE,
                    () -> Deadline.after(Notes.LIMIT)
                            .call(() -> database.inTransaction(sql -> sql.copyIn(COPY, new Endless()))));
            assertTrue(Notes.since(started).compareTo(Notes.LONG.dividedBy(2)) < 0);
            await().atMost(Notes.LONG.dividedBy(2))
                    .pollInterval(Duration.ofMillis(10))
                    .until(() -> notes.backends("state <> 'idle'").isEmpty());
        }
        assertEquals(before, notes.backends("true"), "the connections are the same");
        assertEquals(List.of(), notes.all());
    }

    /** Nothing comes, rows come now and then, or more come than anybody reads. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT pg_sleep(60)",
                "SELECT n, pg_sleep(0.01) FROM generate_series(1, 6000) AS n",
                "SELECT n FROM generate_series(1, 10000000000) AS n"
            })
    void aDeadlineEndsWhatIsReadAndKeepsTheConnection(String query) {
        notes.assertWhole();
        var before = notes.backends("true");
        for (int i = 0; i < 6; i++) {
            long started = System.nanoTime();
            Notes.assertKind(
                    Kind.DEADLINE,
                    () -> Deadline.after(Notes.LIMIT)
                            .call(() -> database.inTransaction(sql ->
                                    sql.copyOut("COPY (" + query + ") TO STDOUT", OutputStream.nullOutputStream()))));
            var took = Notes.since(started);
            assertTrue(took.compareTo(Notes.LIMIT) >= 0 && took.compareTo(Notes.LONG.dividedBy(2)) < 0, took::toString);
            await().atMost(Notes.LONG.dividedBy(2))
                    .pollInterval(Duration.ofMillis(10))
                    .until(() -> notes.backends("state <> 'idle'").isEmpty());
        }
        assertEquals(before, notes.backends("true"), "the connections are the same");
        notes.assertWhole();
    }

    @Test
    void whatIsReadOfAPatientWorkEndsAtItsDeadlineToo() {
        // A backup, whose statements PostgreSQL lets run for as long as the deadline allows.
        Notes.assertKind(
                Kind.DEADLINE,
                () -> Deadline.after(Notes.LIMIT)
                        .call(() -> database.patiently(() -> database.inTransaction(sql -> sql.copyOut(
                                "COPY (SELECT pg_sleep(60)) TO STDOUT", OutputStream.nullOutputStream())))));
        var rows = new ByteArrayOutputStream();
        assertEquals(2, database.<Long>read(sql -> sql.copyOut("COPY (VALUES (1), (2)) TO STDOUT", rows)));
        assertEquals("1\n2\n", rows.toString(StandardCharsets.UTF_8));
    }

    @Test
    void anInterruptionEndsItAndKeepsTheFlag() {
        for (int i = 0; i < 6; i++) {
            var flag = new CompletableFuture<Boolean>();
            var thread = Thread.startVirtualThread(() -> {
                Notes.assertKind(Kind.DEADLINE, () -> database.inTransaction(sql -> sql.copyIn(COPY, new Endless())));
                flag.complete(Thread.currentThread().isInterrupted());
            });
            await().until(() -> copying() == 1);
            thread.interrupt();
            assertTrue(flag.join());
            await().atMost(Notes.LONG).until(() -> copying() == 0);
            notes.assertWhole();
        }
        assertEquals(List.of(), notes.all());
    }

    private int copying() {
        return notes.backends("query LIKE 'COPY%' AND state = 'active'").size();
    }

    @Test
    void anotherThreadMayNotRunIt() {
        database.inTransaction(sql -> Notes.elsewhere(
                () -> assertThrows(IllegalStateException.class, () -> sql.copyIn(COPY, rows("1\ta\n")))));
        assertEquals(List.of(), notes.all());
    }

    @Test
    void patientWorkOutlastsTheBackstopButNotItsDeadline() {
        try (var hasty = notes.open(4, 100, Duration.ofSeconds(1), Notes.LIMIT)) {
            Notes.assertKind(Kind.DEADLINE, () -> hasty.inTransaction(sql -> Notes.sleep(sql, 0.6)));
            boolean slept = Deadline.after(Notes.LONG)
                    .call(() -> hasty.patiently(() -> hasty.inTransaction(sql -> Notes.sleep(sql, 0.6))));
            assertTrue(slept);
            Notes.assertKind(
                    Kind.DEADLINE,
                    () -> Deadline.after(Duration.ofMillis(600))
                            .call(() -> hasty.patiently(() -> hasty.inTransaction(sql -> Notes.sleep(sql, 20)))));
            // The next user of the connection has the limit that everybody has.
            Notes.assertKind(Kind.DEADLINE, () -> hasty.inTransaction(sql -> Notes.sleep(sql, 20)));
            assertFalse(hasty.patiently(() -> false));
        }
    }
}
