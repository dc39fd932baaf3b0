package dev.heddle.db;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.heddle.db.DatabaseException.Kind;
import dev.heddle.testing.InThisJvm;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What goes into PostgreSQL and comes back, and what it refuses. */
@InThisJvm
class DatabaseValuesIT {

    private final Notes notes = new Notes();
    private final Database database = notes.database();

    @AfterEach
    void closeWhole() {
        notes.close();
    }

    @Nested
    class AConstraint {

        @Test
        void isNamedSoThatTheUseCaseCanTellWhich() {
            database.single(sql -> sql.update("""
                CREATE TABLE words (
                    note integer CONSTRAINT words_note REFERENCES notes (id),
                    word text CONSTRAINT words_short CHECK (length(word) < 20),
                    CONSTRAINT words_once UNIQUE (note, word))
                """));
            database.single(sql -> Notes.write(sql, 1, "one"));
            database.single(sql -> sql.update("INSERT INTO words VALUES (1, 'secret-word')"));

            var duplicate = Notes.assertKind(
                    Kind.CONSTRAINT,
                    () -> database.single(sql -> sql.update("INSERT INTO words VALUES (?, ?)", 1, "secret-word")));
            assertEquals("words_once", duplicate.constraint());
            assertFalse(String.valueOf(duplicate.getMessage()).contains("secret-word"), duplicate::getMessage);

            var orphan = Notes.assertKind(
                    Kind.CONSTRAINT, () -> database.single(sql -> sql.update("INSERT INTO words VALUES (?, '')", 9)));
            assertEquals("words_note", orphan.constraint());

            var unfit = Notes.assertKind(
                    Kind.CONSTRAINT,
                    () -> database.single(
                            sql -> sql.update("INSERT INTO words VALUES (1, ?)", "a secret that is too long")));
            assertEquals("words_short", unfit.constraint());
            assertFalse(String.valueOf(unfit.getMessage()).contains("a secret"), unfit::getMessage);
        }

        @Test
        void thatOneOfTwoTransactionsWaitsForTooLongIsContended() {
            database.inTransaction(sql -> {
                Notes.write(sql, 1, "one");
                Notes.elsewhere(() -> Notes.assertKind(
                        Kind.CONTENDED,
                        () -> database.inTransaction(its -> {
                            its.update("SET LOCAL lock_timeout = 100");
                            return Notes.write(its, 1, "other");
                        })));
                return true;
            });
            assertEquals(List.of("one"), notes.all());
        }
    }

    @Nested
    class AValue {

        private record Kept(
                String text,
                List<String> texts,
                String hex,
                Instant time,
                UUID id,
                boolean flag,
                int small,
                long large) {}

        private Kept roundTrip(Kept kept) {
            return database.<Optional<Kept>>read(sql -> sql.first(
                            "SELECT CAST(? AS text), CAST(? AS text[]), CAST(? AS bytea), CAST(? AS timestamptz),"
                                    + " CAST(? AS uuid), CAST(? AS boolean), CAST(? AS smallint), CAST(? AS bigint)",
                            row -> new Kept(
                                    row.text(),
                                    row.texts(),
                                    HexFormat.of().formatHex(row.bytes()),
                                    row.instant(),
                                    row.uuid(),
                                    row.flag(),
                                    row.integer(),
                                    row.bigint()),
                            kept.text(),
                            kept.texts(),
                            HexFormat.of().parseHex(kept.hex()),
                            kept.time(),
                            kept.id(),
                            kept.flag(),
                            kept.small(),
                            kept.large()))
                    .orElseThrow();
        }

        private void assertRoundTrip(Kept kept) {
            assertEquals(kept, roundTrip(kept));
        }

        @Test
        void comesBackAsItWasGiven() {
            var everyByte = IntStream.range(0, 256).mapToObj("%02x"::formatted).collect(joining());
            assertRoundTrip(new Kept(
                    "plain",
                    List.of("one", "two"),
                    everyByte,
                    Instant.parse("2026-11-22T10:11:12.123456Z"),
                    Uuid7.next(),
                    true,
                    4,
                    Long.MAX_VALUE));
            assertRoundTrip(
                    new Kept("", List.of(), "", Instant.EPOCH, new UUID(0, 0), false, Short.MIN_VALUE, Long.MIN_VALUE));
            assertRoundTrip(new Kept(
                    "'; DROP TABLE notes; -- \\ \" \n\t ä € 😀",
                    List.of("", "NULL", "null", "a,b", "{c}", "\"d\"", "\\", "' ä 😀", " "),
                    "00ff275c",
                    Instant.parse("1969-12-31T23:59:59.999999Z"),
                    new UUID(-1, -1),
                    true,
                    Short.MAX_VALUE,
                    -1));
        }

        @Test
        void keepsItsMicrosecondsInEveryCenturyAndAcrossSummerTime() {
            for (var text : List.of(
                    "0001-01-01T00:00:00.000001Z",
                    "1582-10-10T00:00:00.999999Z",
                    "1883-11-18T12:03:58.000001Z",
                    "2026-03-29T01:30:00.500001Z",
                    "2026-10-25T00:59:59.999999Z",
                    "2026-10-25T01:00:00.000000Z",
                    "9999-12-31T23:59:59.999999Z")) {
                var time = Instant.parse(text);
                assertEquals(
                        Optional.of(time),
                        database.read(sql -> sql.first("SELECT CAST(? AS timestamptz)", Row::instant, time)));
            }
        }

        @Test
        void mayBeNull() {
            var back = database.read(sql -> sql.list(
                    "SELECT CAST(? AS text), CAST(? AS timestamptz) FROM (VALUES (1), (2)) AS twice",
                    row -> Arrays.<@Nullable Object>asList(row.textOrNull(), row.instantOrNull()),
                    null,
                    null));
            assertEquals(List.of(Arrays.asList(null, null), Arrays.asList(null, null)), back);
            database.single(sql -> sql.update("""
                CREATE TABLE nothing (a text, b text[], c bytea, d timestamptz, e uuid, f boolean, g smallint, h bigint)
                """));
            assertEquals(
                    1L,
                    database.<Long>single(sql -> sql.update(
                            "INSERT INTO nothing VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                            null,
                            null,
                            null,
                            null,
                            null,
                            null,
                            null,
                            null)));
        }

        @Test
        void thatIsNullIsNeverTakenForAnother() {
            var readers = List.<Sql.Mapper<?>>of(
                    Row::text, Row::bytes, Row::instant, Row::uuid, Row::flag, Row::integer, Row::bigint);
            var types = List.of("text", "bytea", "timestamptz", "uuid", "boolean", "smallint", "bigint");
            for (int i = 0; i < types.size(); i++) {
                var type = types.get(i);
                var reader = readers.get(i);
                assertThrows(
                        IllegalStateException.class,
                        () -> database.read(sql -> sql.first("SELECT CAST(NULL AS " + type + ")", reader)),
                        type);
            }
        }

        @Test
        void thatIsANullListIsAnEmptyOne() {
            assertEquals(
                    Optional.of(List.of()), database.read(sql -> sql.first("SELECT CAST(NULL AS text[])", Row::texts)));
        }

        @Test
        void thatPostgreSqlCannotKeepIsRefusedAndNotChanged() {
            Notes.assertKind(Kind.FAILURE, () -> database.single(sql -> Notes.write(sql, 1, "a\0b")));
            assertEquals(List.of(), notes.all());
        }
    }
}
