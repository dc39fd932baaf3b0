package dev.heddle.testing;

import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What somebody with a terminal at the database does beside the code under test, in one schema. */
public record Psql(String schema) {

    /** Until what is to be blocked has come there: perhaps a process has to start before. */
    private static final Duration BLOCKED_WITHIN = Duration.ofSeconds(30);

    private static final AtomicReference<@Nullable Kept> KEPT = new AtomicReference<>();

    /** A lock on a table, held until it is closed. */
    public record Lock(Connection connection) implements AutoCloseable {
        /** Gives it up before that. */
        public void release() {
            try {
                connection.rollback();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            try {
                connection.close();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Runs a statement that answers nothing of interest. */
    public void execute(String statement) {
        run(its -> its.execute(statement));
    }

    /** The one number that the query answers. */
    public long number(String query) {
        return run(its -> {
            try (var rows = its.executeQuery(query)) {
                rows.next();
                return rows.getLong(1);
            }
        });
    }

    /** The one text that the query answers. */
    public String text(String query) {
        return run(its -> {
            try (var rows = its.executeQuery(query)) {
                rows.next();
                return String.valueOf(rows.getString(1));
            }
        });
    }

    private interface Work<T> {
        T on(Statement statement) throws SQLException;
    }

    private <T> T run(Work<T> work) {
        try {
            var its = kept();
            boolean isGood = false;
            try (var statement = its.connection().createStatement()) {
                var result = work.on(statement);
                isGood = true;
                return result;
            } finally {
                var leaves = isGood ? KEPT.getAndSet(its) : its;
                if (leaves != null) {
                    leaves.connection().close();
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A connection that is used again by the next statement in the same schema: to log in takes longer than most of them. */
    private record Kept(String schema, Connection connection) {}

    @SuppressWarnings("MustBeClosedChecker") // The caller keeps or closes it.
    private Kept kept() throws SQLException {
        var kept = KEPT.getAndSet(null);
        if (kept != null) {
            if (kept.schema().equals(schema) && kept.connection().isValid(1)) {
                return kept;
            }
            kept.connection().close();
        }
        return new Kept(schema, TestPostgres.connect(schema));
    }

    /** What every session does that is not idle, and every job: for the message of a test that waits in vain. */
    public String situation() {
        return text("""
            SELECT (SELECT string_agg(concat_ws(' ', pid, application_name, state, wait_event, now() - query_start,
                    pg_blocking_pids(pid), left(query, 60)), E'\\n') FROM pg_stat_activity WHERE state <> 'idle')
                || E'\\njobs: ' || (SELECT count(*) FROM jobs) || coalesce(E'\\n' || (SELECT string_agg(
                    concat_ws(' ', task_name, picked, execution_time - now(), data), E'\\n') FROM jobs), '')
            """);
    }

    /** Takes a lock in a mode such as {@code ACCESS EXCLUSIVE}. */
    @SuppressWarnings("MustBeClosedChecker") // The lock is the connection.
    public Lock lock(String table, String mode) {
        try {
            var connection = TestPostgres.connect(schema);
            connection.setAutoCommit(false);
            try (var it = connection.createStatement()) {
                it.execute("LOCK TABLE " + table + " IN " + mode + " MODE");
            }
            return new Lock(connection);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Waits until so many statements wait for locks on tables of the schema. */
    public void awaitBlocked(int count) {
        await().atMost(BLOCKED_WITHIN).until(() -> number("""
            SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
            WHERE NOT l.granted AND c.relnamespace = '%s'::regnamespace
            """.formatted(schema)) == count);
    }

    /** Something that is undone when it is closed. */
    @FunctionalInterface
    public interface Undo extends AutoCloseable {
        @Override
        void close();
    }

    /** Makes every write to the table fail with that SQLSTATE. */
    public Undo broken(String table, String sqlState) {
        var name = "broken_" + table;
        execute("CREATE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS "
                + "$$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = '" + sqlState + "'; END $$");
        execute("CREATE TRIGGER " + name + " BEFORE INSERT OR UPDATE OR DELETE ON " + table
                + " FOR EACH ROW EXECUTE FUNCTION " + name + "()");
        return () -> {
            execute("DROP TRIGGER " + name + " ON " + table);
            execute("DROP FUNCTION " + name + "()");
        };
    }

    /** Takes the table away, as a mistake in our SQL would. */
    public Undo gone(String table) {
        execute("ALTER TABLE " + table + " RENAME TO gone_" + table);
        return () -> execute("ALTER TABLE gone_" + table + " RENAME TO " + table);
    }

    /** Lets new jobs of these kinds wait for a day; undoing it leaves them waiting. */
    public Undo puttingOff(String... kinds) {
        execute("CREATE FUNCTION put_off() RETURNS trigger LANGUAGE plpgsql AS "
                + "$$ BEGIN NEW.execution_time := now() + interval '1 day'; RETURN NEW; END $$");
        for (var table : List.of("jobs", "outbound_jobs")) {
            execute("CREATE TRIGGER put_off BEFORE INSERT ON " + table + " FOR EACH ROW WHEN (NEW.task_name IN ('"
                    + String.join("', '", kinds) + "')) EXECUTE FUNCTION put_off()");
        }
        return () -> execute("DROP FUNCTION put_off CASCADE");
    }

    /** Makes every waiting job due. */
    public void hurryJobs() {
        for (var table : List.of("jobs", "outbound_jobs")) {
            execute("UPDATE " + table + " SET execution_time = now(), version = version + 1"
                    + " WHERE data ? 'user_id' AND NOT picked");
        }
    }
}
