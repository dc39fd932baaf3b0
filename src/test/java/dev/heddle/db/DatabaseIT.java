package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.Deadline;
import dev.heddle.db.DatabaseException.Kind;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.TestPostgres;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.StructuredTaskScope;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Units of work on a real PostgreSQL: what they leave behind, whatever the work does. */
@InThisJvm
class DatabaseIT {

    private final Notes notes = new Notes();
    private final Database database = notes.database();

    @AfterEach
    void closeWhole() {
        notes.close();
    }

    /** Something that a store may do wrong, and how the caller hears of it. */
    record Mistake(String name, Class<? extends Exception> heard, Database.Work<?> work) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Stream<Mistake> mistakes() {
        return Stream.concat(
                mistakesInAStatement(),
                Stream.of(new Mistake("work that throws", UnsupportedOperationException.class, sql -> {
                    Notes.write(sql, 1, "written before it");
                    return refuse(50);
                })));
    }

    private static Stream<Mistake> mistakesInAStatement() {
        return Stream.of(
                new Mistake("too few parameters", DatabaseException.class, sql -> sql.update("SELECT ?, ?", 1)),
                new Mistake("too many parameters", DatabaseException.class, sql -> sql.update("SELECT ?", 1, 2)),
                new Mistake(
                        "a parameter that the driver does not know",
                        DatabaseException.class,
                        sql -> sql.list("SELECT ?", Row::text, new Object())),
                new Mistake(
                        "a parameter that cannot be sent",
                        RuntimeException.class,
                        sql -> sql.list("SELECT ?", Row::instant, Instant.MAX)),
                new Mistake(
                        "a parameter of the wrong type",
                        DatabaseException.class,
                        sql -> sql.list("SELECT 1 FROM notes WHERE id = ?", Row::integer, "one")),
                new Mistake(
                        "a column of the wrong type",
                        DatabaseException.class,
                        sql -> sql.list("SELECT text FROM (VALUES ('one')) AS v (text)", Row::integer)),
                new Mistake(
                        "a column too many",
                        DatabaseException.class,
                        sql -> sql.list("SELECT 1", row -> row.integer() + row.integer())),
                new Mistake("a uuid that is none", ClassCastException.class, sql -> sql.list("SELECT 1", Row::uuid)),
                new Mistake(
                        "a null where there should be none",
                        IllegalStateException.class,
                        sql -> sql.list("SELECT CAST(NULL AS text)", Row::text)),
                new Mistake("an error in the SQL", DatabaseException.class, sql -> sql.update("SELEC 1")),
                new Mistake(
                        "an error in the middle of the rows",
                        DatabaseException.class,
                        sql -> sql.list("SELECT 1 / (50 - n) FROM generate_series(1, 100) AS n", Row::integer)),
                new Mistake("rows where there should be none", DatabaseException.class, sql -> sql.update("SELECT 1")),
                new Mistake(
                        "no rows where there should be some",
                        DatabaseException.class,
                        sql -> sql.list("DELETE FROM notes", Row::integer)),
                new Mistake(
                        "a mapper that throws in the middle of the rows",
                        UnsupportedOperationException.class,
                        sql -> sql.list("SELECT n FROM generate_series(1, 100) AS n", row -> refuse(row.integer()))));
    }

    private static int refuse(int number) {
        if (number == 50) {
            throw new UnsupportedOperationException("not 50");
        }
        return number;
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void noMistakeLosesAConnection(Mistake mistake) {
        for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
            assertThrows(mistake.heard(), () -> database.read(mistake.work()));
            database.single(sql -> sql.update("DELETE FROM notes"));
            assertThrows(mistake.heard(), () -> database.inTransaction(mistake.work()));
        }
        notes.assertWhole();
        assertEquals(List.of(), notes.all());
        database.inTransaction(sql -> Notes.write(sql, 2, "all is well"));
        assertEquals(List.of("all is well"), notes.all());
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void noConnectionIsReplacedForAMistake(Mistake mistake) {
        notes.assertWhole();
        var before = notes.backends("true");
        assertThrows(mistake.heard(), () -> database.inTransaction(mistake.work()));
        notes.assertWhole();
        assertEquals(before, notes.backends("true"));
    }

    @Nested
    class ATransaction {

        @Test
        void isSeenByOthersWhenItIsCommittedAndNotBefore() {
            database.inTransaction(sql -> {
                Notes.write(sql, 1, "one");
                Notes.write(sql, 2, "two");
                assertEquals(List.of(), Notes.elsewhere(notes::all));
                assertEquals(List.of("one", "two"), notes.all());
                return true;
            });
            assertEquals(List.of("one", "two"), notes.all());
        }

        @Test
        void leavesNothingWhenItsWorkThrows() {
            var thrown = new UnsupportedOperationException("no");
            var caught = assertThrows(
                    UnsupportedOperationException.class,
                    () -> database.inTransaction(sql -> {
                        Notes.write(sql, 1, "one");
                        throw thrown;
                    }));
            assertEquals(thrown, caught);
            assertEquals(List.of(), notes.all());
        }

        @Test
        void isRolledBackByAnErrorToo() {
            assertThrows(
                    StackOverflowError.class,
                    () -> database.inTransaction(sql -> {
                        Notes.write(sql, 1, "one");
                        throw new StackOverflowError("no");
                    }));
            assertEquals(List.of(), notes.all());
        }

        @Test
        void thatFailsOnlyAtItsCommitIsToldAndLeavesNothing() {
            database.single(sql -> sql.update(
                    "CREATE TABLE late (id integer CONSTRAINT late_id UNIQUE DEFERRABLE INITIALLY DEFERRED)"));
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                var failure = Notes.assertKind(
                        Kind.CONSTRAINT,
                        () -> database.inTransaction(sql -> sql.update("INSERT INTO late VALUES (1), (1)")));
                assertTrue(failure.isConstraint("late_id"));
            }
            assertEquals(Optional.of(0L), database.read(sql -> sql.first("SELECT count(*) FROM late", Row::bigint)));
        }

        @ParameterizedTest
        @MethodSource("dev.heddle.db.DatabaseIT#mistakesInAStatement")
        void isNeverCommittedAfterAMistakeThatTheWorkSwallowed(Mistake mistake) {
            assertThrows(
                    IllegalStateException.class,
                    () -> database.inTransaction(sql -> {
                        Notes.write(sql, 7, "written before");
                        assertThrows(mistake.heard(), () -> mistake.work().run(sql));
                        return "fine";
                    }),
                    "the caller hears of it");
            assertEquals(List.of(), notes.all());
        }

        @Test
        void isNeverCommittedAfterAConstraintThatTheWorkSwallowed() {
            assertThrows(
                    IllegalStateException.class,
                    () -> database.inTransaction(sql -> {
                        Notes.write(sql, 1, "one");
                        Notes.assertKind(Kind.CONSTRAINT, () -> Notes.write(sql, 1, "again"));
                        return "fine";
                    }));
            assertEquals(List.of(), notes.all());
        }

        @Test
        void isNeverCommittedAfterADeadlineThatTheWorkSwallowed() {
            assertThrows(
                    IllegalStateException.class,
                    () -> Deadline.after(Duration.ofSeconds(1))
                            .call(() -> database.inTransaction(sql -> {
                                Notes.write(sql, 1, "in time");
                                awaitExpiry();
                                Notes.assertKind(Kind.DEADLINE, () -> Notes.write(sql, 2, "too late"));
                                return "fine";
                            })));
            assertEquals(List.of(), notes.all());
        }

        @Test
        void isNotCommittedAfterItsDeadline() {
            Notes.assertKind(
                    Kind.DEADLINE,
                    () -> Deadline.after(Notes.LIMIT)
                            .call(() -> database.inTransaction(sql -> {
                                Notes.write(sql, 1, "in time");
                                awaitExpiry();
                                return "too late";
                            })));
            assertEquals(List.of(), notes.all());
        }

        private void awaitExpiry() {
            var deadline = Deadline.current();
            await().until(deadline::isExpired);
        }

        @Test
        void isNeverCommittedWhenAPartOfItFailedAndTheRestWentOn() {
            assertThrows(
                    IllegalStateException.class,
                    () -> database.inTransaction(sql -> {
                        assertThrows(
                                UnsupportedOperationException.class,
                                () -> database.inTransaction(same -> {
                                    Notes.write(same, 1, "half of a part");
                                    throw new UnsupportedOperationException("no other half");
                                }));
                        return Notes.write(sql, 2, "the rest");
                    }));
            assertEquals(List.of(), notes.all());
        }

        @Test
        void doesNotBeginInsideAUnitThatIsNone() {
            // It would promise to be all or nothing, and could not keep that.
            assertThrows(
                    IllegalStateException.class,
                    () -> database.read(sql -> database.inTransaction(same -> Notes.write(same, 1, "one"))));
            assertEquals(List.of(), notes.all());
        }

        @Test
        void afterAFailedOneTheSameConnectionsWriteEachStatementAtOnceAgain() {
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                int id = i;
                Notes.assertKind(Kind.FAILURE, () -> database.inTransaction(sql -> sql.update("SELEC 1")));
                database.single(sql -> Notes.write(sql, id, "kept"));
                assertEquals(id + 1, Notes.elsewhere(notes::all).size());
            }
        }
    }

    @Nested
    class AUnitInsideAUnit {

        @Test
        void isTheSameUnitAndTakesNoSecondConnection() {
            database.inTransaction(sql -> {
                int outer = Notes.backend(sql);
                assertEquals(outer, database.<Integer>read(Notes::backend));
                assertEquals(outer, database.<Integer>single(Notes::backend));
                assertEquals(outer, database.<Integer>inTransaction(Notes::backend));
                assertEquals(1, database.usage().inUse());
                return true;
            });
            database.read(sql -> {
                assertEquals(Notes.backend(sql), database.<Integer>read(Notes::backend));
                assertEquals(1, database.usage().inUse());
                return true;
            });
        }

        @Test
        void isCommittedOrRolledBackWithTheOuterOne() {
            assertThrows(
                    UnsupportedOperationException.class,
                    () -> database.inTransaction(sql -> {
                        database.inTransaction(same -> Notes.write(same, 1, "inner"));
                        database.single(same -> Notes.write(same, 2, "inner too"));
                        throw new UnsupportedOperationException("no");
                    }));
            assertEquals(List.of(), notes.all());
        }

        @Test
        void ofAnotherDatabaseIsAUnitOfItsOwn() {
            try (var other = notes.open(4, 100, Notes.LONG, Notes.LONG)) {
                database.inTransaction(sql -> {
                    assertNotEquals(Notes.backend(sql), other.<Integer>read(Notes::backend));
                    return other.single(its -> Notes.write(its, 1, "kept"));
                });
                assertEquals(List.of("kept"), notes.all());
            }
        }

        @Test
        void isRefusedOnAForkBecauseAConnectionServesOneThread() {
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                var failure = database.<Throwable>read(sql -> {
                    try (var scope = StructuredTaskScope.open(StructuredTaskScope.Joiner.awaitAll())) {
                        var fork = scope.fork(() -> database.<Integer>read(Notes::backend));
                        scope.join();
                        return fork.exception();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw new IllegalStateException(e);
                    }
                });
                assertInstanceOf(IllegalStateException.class, failure);
            }
        }

        @Test
        void isRefusedOnAnyOtherThreadAndDoesTheUnitNoHarm() {
            database.inTransaction(sql -> {
                Notes.write(sql, 1, "mine");
                var refusal = Notes.elsewhere(
                        () -> assertThrows(IllegalStateException.class, () -> Notes.write(sql, 2, "theirs")));
                assertTrue(refusal.toString().contains("belongs to one thread"), refusal::toString);
                return true;
            });
            assertEquals(List.of("mine"), notes.all());
        }

        @Test
        void isOverWithItsWork() {
            var kept = new AtomicReference<Sql>();
            database.read(sql -> {
                kept.set(sql);
                return true;
            });
            assertThrows(RuntimeException.class, () -> Notes.write(kept.get(), 1, "afterwards"));
            assertEquals(List.of(), notes.all());
        }
    }

    @Test
    void anUpdateTellsHowManyRowsItChanged() {
        assertEquals(1L, database.<Long>single(sql -> Notes.write(sql, 1, "one")));
        assertEquals(0L, database.<Long>single(sql -> sql.update("DELETE FROM notes WHERE id = ?", 2)));
        assertEquals(1L, database.<Long>single(sql -> sql.update("DELETE FROM notes WHERE id = ?", 1)));
    }

    @Test
    void theFirstRowIsTheFirstAndMayBeMissing() {
        assertEquals(
                Optional.of(3),
                database.read(sql -> sql.first("SELECT n FROM generate_series(3, 5) AS n ORDER BY n", Row::integer)));
        assertEquals(Optional.empty(), database.read(sql -> sql.first("SELECT id FROM notes", Row::integer)));
    }

    @Test
    void optionsShowNoPassword() {
        var options = new Database.Options(
                "jdbc:postgresql://db.example/heddle?user=me&password=hidden-1",
                "me",
                "hidden-2",
                4,
                100,
                Notes.LIMIT,
                Notes.LIMIT);
        assertFalse(options.toString().contains("hidden"), options::toString);
        assertTrue(options.toString().contains("jdbc:postgresql://db.example/heddle"), options::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"options=%s", "options=%s&tcpKeepAlive=true", "tcpKeepAlive=true&options=%s"})
    void optionsOfTheAddressStandBesideOursWhichWin(String parameters) {
        var its = TestPostgres.options(TestPostgres.newSchema());
        var theirs = "-c%20work_mem%3D8MB%20-c%20statement_timeout%3D0";
        var options = new Database.Options(
                its.url() + "&" + parameters.formatted(theirs),
                its.username(),
                its.password(),
                its.poolSize(),
                its.gateQueue(),
                its.gateWait(),
                Duration.ofSeconds(7));
        try (var database = Database.open("options", Database.Session.JOBS, options)) {
            var settings = database.read(sql -> sql.first("""
                SELECT concat_ws(' ', current_setting('work_mem'), current_setting('statement_timeout'),
                    current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'),
                    current_setting('synchronous_commit'), current_schema())
                """, Row::text));
            assertEquals(Optional.of("8MB 7s 5s 30s off " + schemaOf(its.url())), settings);
        }
    }

    private static String schemaOf(String url) {
        return url.replaceFirst(".*currentSchema=", "").replaceFirst(",.*", "");
    }
}
