package dev.heddle.backup;

import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** All SQL about backups. */
final class Tables {

    /** Whose rows name bytes. */
    static final String FILES = "files";

    /** How much of them each user has. */
    private static final String USAGE = "file_usage";

    /** What each version of the schema has added, the first one first. */
    private static final List<List<String>> ADDED = List.of(
            List.of("users", "tokens", "tasks", "idempotency_keys"),
            List.of("jobs", "outbound_jobs", "dead_jobs", "notifications", "activity", "stats"),
            List.of(FILES, USAGE));

    /** Every table of the newest schema, in an order that its foreign keys allow. */
    static final List<String> ALL = of(ADDED.size());

    private Tables() {}

    /** The tables of that version of the schema, in such an order; of a version that is newer than all, those that are known. */
    static List<String> of(int schema) {
        return ADDED.stream().limit(Math.max(0, schema)).flatMap(List::stream).toList();
    }

    /** From here on everything is read as it is now, however long that takes; the moment, as ISO 8601 has it. */
    static String standStill(Sql sql) {
        sql.update("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
        // Between two tables the disk is waited for, and it may be slow.
        sql.update("SET LOCAL idle_in_transaction_session_timeout = 0");
        return sql.first("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", Row::text)
                .orElseThrow();
    }

    /** The columns of a table, in its order. */
    static String columns(Sql sql, String table) {
        if (table.equals(FILES)) {
            return FileRow.COLUMNS;
        }
        return String.join(",", sql.list("""
            SELECT attname FROM pg_attribute
            WHERE attrelid = CAST(? AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1600
            """, Row::text, table));
    }

    static long copyOut(Sql sql, String table, String columns, OutputStream rows) {
        return sql.copyOut("COPY (SELECT " + columns + " FROM " + table + ") TO STDOUT", rows);
    }

    /** The row that names those bytes now, if any does. */
    static long copyOutFile(Sql sql, UUID blob, OutputStream row) {
        return sql.copyOut(
                "COPY (SELECT " + FileRow.COLUMNS + " FROM files WHERE blob = '" + blob + "') TO STDOUT", row);
    }

    /** Which bytes a file has now; empty when it is gone. */
    static Optional<UUID> blob(Sql sql, String userId, String name) {
        return sql.first("SELECT blob FROM files WHERE user_id = ? AND name = ?", Row::uuid, userId, name);
    }

    static long copyIn(Sql sql, Manifest.Table table, InputStream rows) {
        return sql.copyIn("COPY " + table.name() + " (" + table.columns() + ") FROM STDIN", rows);
    }

    /** Keeps everybody else out until the end of the transaction. */
    static void lock(Sql sql, List<String> tables) {
        sql.update("LOCK TABLE " + String.join(", ", tables) + " IN ACCESS EXCLUSIVE MODE");
    }

    static boolean isEmpty(Sql sql, String table) {
        return sql.first("SELECT 1 FROM " + table + " LIMIT 1", Row::integer).isEmpty();
    }

    /** Those who had these jobs in hand are not here: nobody need wait for signs of life from them. */
    static void release(Sql sql, Set<String> tables) {
        for (var lane : List.of("jobs", "outbound_jobs")) {
            if (tables.contains(lane)) {
                sql.update("UPDATE " + lane
                        + " SET picked = false, picked_by = NULL, last_heartbeat = NULL, version = version + 1"
                        + " WHERE picked");
            }
        }
    }

    /** What each user has in files, which are not quite of the same moment as the rest. */
    static void count(Sql sql, Set<String> tables) {
        if (tables.contains(USAGE)) {
            sql.update("""
                UPDATE file_usage SET (files, bytes) = (
                    SELECT count(*), coalesce(sum(size), 0) FROM files WHERE files.user_id = file_usage.user_id)
                """);
        }
    }

    static void analyze(Sql sql, List<String> tables) {
        sql.update("ANALYZE " + String.join(", ", tables));
    }
}
