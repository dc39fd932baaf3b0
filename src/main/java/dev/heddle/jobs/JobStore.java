package dev.heddle.jobs;

import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** All SQL about jobs but what enqueues them and what db-scheduler does. */
final class JobStore {

    /** Which row, and in which state: a worker that was taken for dead no longer has its version. */
    record Claim(JobKind kind, String id, long version) {
        private String where() {
            return " WHERE task_name = ? AND task_instance = ? AND version = ?";
        }

        private String table() {
            return kind.lane().table();
        }
    }

    /**
     * Several jobs of one kind. No join with the keys: PostgreSQL, which may have looked at the queue when it was empty, would
     * read all of it. Nor by the place of a row, which a heartbeat moves. The keys' index begins with the id, so that it cannot
     * be used for the kind alone.
     */
    private static final String CLAIMED = """
        task_name = ? AND task_instance = ANY (CAST(? AS text[]))
            AND version = (CAST(? AS bigint[]))[array_position(CAST(? AS text[]), task_instance)]\
        """;

    /** One batch of a sweep; small, so that no lock is held for long. */
    private static final int SWEEP_ROWS = 1000;

    /** All tables, in the order in which a job goes through them. */
    private static final List<String> TABLES = List.of("jobs", "outbound_jobs", "dead_jobs");

    private static final String LIVE_COLUMNS = """
        CAST(task_instance AS uuid) AS id, task_name, CASE WHEN picked THEN 'RUNNING' ELSE 'WAITING' END,
        coalesce(consecutive_failures, 0), last_error, CAST(data AS text), created_at, execution_time\
        """;

    private static final String DEAD_COLUMNS = """
        id, kind, 'FAILED', attempts, last_error, CAST(data AS text), created_at, CAST(NULL AS timestamptz)\
        """;

    /**
     * Writes the effect of jobs of one kind and marks them as done; which of them. What another worker has by now is not
     * among them, and nothing was written for it.
     */
    Set<String> apply(Sql sql, JobKind kind, List<Claim> claims, JobHandler.Effect effect) {
        var done = sql.list(application(kind, effect), Row::text, claimed(kind, claims));
        return Set.copyOf(done);
    }

    static String application(JobKind kind, JobHandler.Effect effect) {
        return applied(kind, CLAIMED, effect) + " SELECT CAST(id AS text) FROM job";
    }

    /**
     * Writes the effect of jobs of one kind that are due and marks them as done, without anybody having picked them; how many.
     *
     * @param since those that were due before are left, and so are those that have failed
     * @param most how many
     */
    long applyDue(Sql sql, JobKind kind, JobHandler.Effect effect, Instant since, int most) {
        return sql.first(dueApplication(kind, effect), Row::bigint, since, Instant.now(), kind.name(), most)
                .orElseThrow();
    }

    /** Leaves those of these jobs that wait to the engine, which does what was due before a server started; how many. */
    long leave(Sql sql, JobKind kind, Set<UUID> jobs, Instant since) {
        return sql.update(
                "UPDATE " + kind.lane().table() + " SET execution_time = ?, version = version + 1"
                        + " WHERE task_name = ? AND task_instance = ANY (CAST(? AS text[])) AND NOT picked",
                since.minusMillis(1),
                kind.name(),
                jobs.stream().map(UUID::toString).toList());
    }

    /** By the place of a row, see {@link Picking#statement}. */
    static String dueApplication(JobKind kind, JobHandler.Effect effect) {
        return applied(kind, due(kind), effect) + " SELECT count(*) FROM job";
    }

    private static String due(JobKind kind) {
        return """
            ctid = ANY (ARRAY (
                SELECT ctid FROM %s WHERE NOT picked AND execution_time >= ? AND execution_time <= ? AND task_name = ?
                    AND coalesce(consecutive_failures, 0) = 0
                ORDER BY execution_time LIMIT ? FOR UPDATE SKIP LOCKED))\
            """.formatted(kind.lane().table());
    }

    /** All of a statement but what it answers: takes away the jobs for which that is so, and writes their effects. */
    private static String applied(JobKind kind, String condition, JobHandler.Effect effect) {
        return "WITH job AS (DELETE FROM " + kind.lane().table() + " WHERE " + condition
                + " RETURNING CAST(task_instance AS uuid) AS id, data, created_at), "
                + String.join(", ", effect.ctes());
    }

    /** What jobs of one kind are about, by their ids; what another worker has by now is not among them. */
    Map<String, Work> read(Sql sql, JobKind kind, List<Claim> claims) {
        var works = new HashMap<String, Work>();
        sql.list(reading(kind), row -> member(row, works), claimed(kind, claims));
        return works;
    }

    /** Takes away jobs of one kind that are due, without anybody having picked them: what they are about. */
    List<Work> takeDue(Sql sql, JobKind kind, Instant since, int most) {
        var works = new HashMap<String, Work>();
        sql.list(dueTaking(kind), row -> member(row, works), since, Instant.now(), kind.name(), most);
        return List.copyOf(works.values());
    }

    static String dueTaking(JobKind kind) {
        return "WITH job AS (DELETE FROM " + kind.lane().table() + " WHERE " + due(kind)
                + " RETURNING task_instance, created_at, data) SELECT task_instance, created_at, key, value FROM job"
                + " LEFT JOIN LATERAL jsonb_each_text(data) AS member ON value IS NOT NULL";
    }

    private static String member(Row row, Map<String, Work> works) {
        var id = row.text();
        var createdAt = row.instant();
        var data = works.computeIfAbsent(id, its -> new Work(UUID.fromString(its), createdAt, new HashMap<>()))
                .data();
        // Null when it has no data at all.
        var key = row.textOrNull();
        return key == null ? "" : data.put(key, row.text());
    }

    static String reading(JobKind kind) {
        return "SELECT task_instance, created_at, key, value FROM "
                + kind.lane().table() + " LEFT JOIN LATERAL jsonb_each_text(data) AS member ON value IS NOT NULL WHERE "
                + CLAIMED;
    }

    /** Marks jobs of one kind as done; which of them. What another worker has by now is not among them. */
    Set<String> finish(Sql sql, JobKind kind, List<Claim> claims) {
        return Set.copyOf(sql.list(ending(kind), Row::text, claimed(kind, claims)));
    }

    static String ending(JobKind kind) {
        return "DELETE FROM " + kind.lane().table() + " WHERE " + CLAIMED + " RETURNING task_instance";
    }

    /** For each of them whether it is among those that were done. */
    static List<Boolean> among(List<Claim> claims, Set<String> done) {
        return claims.stream().map(claim -> done.contains(claim.id())).toList();
    }

    private static Object[] claimed(JobKind kind, List<Claim> claims) {
        var ids = claims.stream().map(Claim::id).toList();
        var versions =
                claims.stream().map(claim -> String.valueOf(claim.version())).toList();
        return new Object[] {kind.name(), ids, versions, ids};
    }

    /** To be tried again. */
    boolean retryLater(Sql sql, Claim claim, int attempts, String error, Duration delay) {
        return sql.update(
                        "UPDATE " + claim.table() + """
                             SET picked = false, picked_by = NULL, last_heartbeat = NULL, version = version + 1,
                            consecutive_failures = ?, last_failure = now(), last_error = ?, execution_time = ?\
                            """ + claim.where(),
                        attempts,
                        error,
                        Instant.now().plus(delay),
                        claim.kind().name(),
                        claim.id(),
                        claim.version())
                > 0;
    }

    /** Gives it back unharmed. */
    boolean release(Sql sql, Claim claim) {
        return sql.update(
                        "UPDATE " + claim.table()
                                + " SET picked = false, picked_by = NULL, last_heartbeat = NULL, version = version + 1"
                                + claim.where(),
                        claim.kind().name(),
                        claim.id(),
                        claim.version())
                > 0;
    }

    /** To the dead letters. */
    boolean bury(Sql sql, Claim claim, int attempts, String error) {
        return sql.update(
                        "WITH job AS (DELETE FROM " + claim.table() + claim.where() + """
                             RETURNING CAST(task_instance AS uuid) AS id, task_name, data, created_at)
                            INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at)
                            SELECT id, task_name, data, ?, ?, created_at FROM job\
                            """,
                        claim.kind().name(),
                        claim.id(),
                        claim.version(),
                        attempts,
                        error)
                > 0;
    }

    /**
     * Newest first: by id, which begins with the time.
     *
     * @param live the kinds whose living jobs are asked for
     */
    List<Job> list(Sql sql, Jobs.Filter filter, Collection<JobKind> live, Optional<UUID> after, int skip, int rows) {
        var parts = new ArrayList<String>();
        var parameters = new ArrayList<@Nullable Object>();
        var picked = filter.state()
                .map(s -> s == Job.State.RUNNING ? " AND picked" : " AND NOT picked")
                .orElse("");
        for (var kind : live) {
            parts.add("(SELECT " + LIVE_COLUMNS + " FROM " + kind.lane().table() + " WHERE task_name = ?" + picked
                    + (after.isPresent() ? " AND task_instance < ?" : "") + " ORDER BY task_instance DESC LIMIT ?)");
            parameters.add(kind.name());
            after.ifPresent(id -> parameters.add(id.toString()));
            parameters.add(skip + rows);
        }
        if (filter.asksForDead()) {
            parts.add("(SELECT " + DEAD_COLUMNS + " FROM dead_jobs WHERE true"
                    + (filter.kind().isPresent() ? " AND kind = ?" : "") + (after.isPresent() ? " AND id < ?" : "")
                    + " ORDER BY id DESC LIMIT ?)");
            filter.kind().ifPresent(parameters::add);
            after.ifPresent(parameters::add);
            parameters.add(skip + rows);
        }
        parameters.add(rows);
        parameters.add(skip);
        return sql.list(
                "SELECT * FROM (" + String.join(" UNION ALL ", parts) + ") AS job ORDER BY id DESC LIMIT ? OFFSET ?",
                JobStore::job,
                parameters.toArray());
    }

    Optional<Job> find(Sql sql, Collection<JobKind> kinds, UUID id) {
        var names = kinds.stream().map(JobKind::name).toList();
        return sql.first(
                "SELECT " + LIVE_COLUMNS
                        + " FROM jobs WHERE task_name = ANY (?) AND task_instance = ? UNION ALL SELECT "
                        + LIVE_COLUMNS + " FROM outbound_jobs WHERE task_name = ANY (?) AND task_instance = ?"
                        + " UNION ALL SELECT " + DEAD_COLUMNS + " FROM dead_jobs WHERE id = ?",
                JobStore::job,
                names,
                id.toString(),
                names,
                id.toString(),
                id);
    }

    /** Makes a waiting job due; empty when it does not wait. */
    Optional<Job> hurry(Sql sql, JobKind kind, UUID id) {
        return sql.first(
                "UPDATE " + kind.lane().table() + " SET execution_time = ?, version = version + 1 WHERE "
                        + waiting(kind) + " RETURNING " + LIVE_COLUMNS,
                JobStore::job,
                Instant.now(),
                kind.name(),
                id.toString());
    }

    /** From the dead letters back into the queue, with all its attempts; empty when it is not there. */
    Optional<Job> revive(Sql sql, JobKind kind, UUID id) {
        return sql.first(
                "WITH dead AS (DELETE FROM dead_jobs WHERE id = ? AND kind = ? RETURNING *) INSERT INTO "
                        + kind.lane().table()
                        + " (task_name, task_instance, execution_time, created_at, data, last_error)"
                        + " SELECT kind, CAST(id AS text), ?, created_at, data, last_error FROM dead RETURNING "
                        + LIVE_COLUMNS,
                JobStore::job,
                id,
                kind.name(),
                Instant.now());
    }

    /** False when it is not there, or runs. */
    boolean deleteWaiting(Sql sql, JobKind kind, UUID id) {
        return sql.update("DELETE FROM " + kind.lane().table() + " WHERE " + waiting(kind), kind.name(), id.toString())
                > 0;
    }

    /**
     * One that nobody does, be it picked or where it lies: those who do hold its lock. Nor is one found that somebody else has
     * changed at the same moment.
     */
    private static String waiting(JobKind kind) {
        return """
            ctid = ANY (ARRAY (SELECT ctid FROM %s WHERE task_name = ? AND task_instance = ? AND NOT picked
                FOR UPDATE SKIP LOCKED))\
            """.formatted(kind.lane().table());
    }

    /** Those that say so in their data, but for those that are locked. By the place of a row, see {@link Picking#statement}. */
    void deleteIdle(Sql sql, String member, String value) {
        for (var table : TABLES) {
            sql.update("""
                DELETE FROM %1$s WHERE ctid = ANY (ARRAY (
                    SELECT ctid FROM %1$s WHERE data->>? = ? FOR UPDATE SKIP LOCKED))
                """.formatted(table), member, value);
        }
    }

    /** Those that say so in their data, after whoever has locked them. One that dies meanwhile is found among the dead. */
    void deleteAll(Sql sql, String member, String value) {
        for (var table : TABLES) {
            sql.update("DELETE FROM " + table + " WHERE data->>? = ?", member, value);
        }
    }

    boolean deleteDead(Sql sql, UUID id) {
        return sql.update("DELETE FROM dead_jobs WHERE id = ?", id) > 0;
    }

    /** How much there is of every kind that has anything; within a transaction. */
    List<Backlog> backlog(Sql sql) {
        // All of it is read, which by an index would take longer: see Database.Session.JOBS.
        sql.update("SET LOCAL enable_seqscan = on");
        return sql.list(
                """
                SELECT kind, sum(waiting), sum(running), sum(dead), min(oldest) FROM (
                    SELECT task_name AS kind, count(*) FILTER (WHERE NOT picked) AS waiting,
                        count(*) FILTER (WHERE picked) AS running, 0 AS dead, min(created_at) AS oldest
                        FROM jobs GROUP BY task_name
                    UNION ALL SELECT task_name, count(*) FILTER (WHERE NOT picked), count(*) FILTER (WHERE picked), 0,
                        min(created_at) FROM outbound_jobs GROUP BY task_name
                    UNION ALL SELECT kind, 0, 0, count(*), NULL FROM dead_jobs GROUP BY kind) AS counted
                GROUP BY kind
                """, row -> new Backlog(row.text(), row.bigint(), row.bigint(), row.bigint(), row.instantOrNull()));
    }

    /** Deletes dead letters that died before that time, a batch of them; how many. */
    long sweep(Sql sql, Instant before) {
        return sql.update(
                "DELETE FROM dead_jobs WHERE id IN (SELECT id FROM dead_jobs WHERE died_at < ? LIMIT " + SWEEP_ROWS
                        + ")",
                before);
    }

    private static Job job(Row row) {
        return new Job(
                row.uuid(),
                row.text(),
                Job.State.valueOf(row.text()),
                row.integer(),
                row.textOrNull(),
                row.text(),
                row.instant(),
                row.instantOrNull());
    }
}
