package dev.heddle.jobs;

import com.github.kagkarlsson.scheduler.jdbc.JdbcTaskRepositoryContext;
import com.github.kagkarlsson.scheduler.jdbc.PostgreSqlJdbcCustomization;
import com.github.kagkarlsson.scheduler.task.Execution;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;

/**
 * How due jobs are picked: as db-scheduler does it, by a statement whose plan is the same whatever PostgreSQL knows of the
 * queue. Most of the time it has found it empty. The engine's own joins the table with itself, and with such a plan reads
 * all jobs, and asks for the due ones anew for each of them.
 */
final class Picking extends PostgreSqlJdbcCustomization {

    /** However short the time is for which they have been unknown. */
    private static final Duration EVER = Duration.ofMillis(-1);

    private final String statement;
    private final Intake intake;
    private final Supplier<List<String>> unpicked;
    private final Instant since;

    /**
     * From that table, each time.
     *
     * @param unpicked the kinds that are left to a {@link DueWorker} right now
     * @param since what was due before, or has failed, is picked all the same
     */
    Picking(String table, Intake intake, Supplier<List<String>> unpicked, Instant since) {
        super(false, false);
        this.intake = intake;
        this.unpicked = unpicked;
        this.since = since;
        statement = statement(table);
    }

    /**
     * By the place of a row, which does not change while it is locked. Whoever has changed it a moment ago is left for the
     * next time. The columns are those that the engine reads; its data of a job are ours, and stay where they are.
     */
    static String statement(String table) {
        return """
            WITH picked AS (
                UPDATE %1$s SET picked = true, picked_by = ?, last_heartbeat = ?, version = version + 1
                WHERE ctid = ANY (ARRAY (
                    SELECT ctid FROM %1$s WHERE NOT picked AND execution_time <= ? AND task_name <> ALL (?)
                        AND (task_name <> ALL (?) OR execution_time < ? OR consecutive_failures > 0)
                    ORDER BY execution_time LIMIT ? FOR UPDATE SKIP LOCKED))
                RETURNING task_name, task_instance, task_data, execution_time, picked, picked_by, last_success, last_failure,
                    consecutive_failures, last_heartbeat, version)
            SELECT * FROM picked ORDER BY execution_time
            """.formatted(table);
    }

    @Override
    public List<Execution> lockAndFetchSingleStatement(
            JdbcTaskRepositoryContext context, Instant now, int limit, boolean orderByPriority) {
        int wanted = Math.min(limit, intake.room());
        if (wanted == 0) {
            return List.of();
        }
        // Of kinds that only another version of Heddle knows.
        var unknown = context.taskResolver.getUnresolvedTaskNames(EVER).toArray(String[]::new);
        var left = unpicked.get().toArray(String[]::new);
        var picked = context.jdbcRunner.query(
                statement,
                parameters -> {
                    int index = 1;
                    parameters.setString(index++, context.schedulerName.getName());
                    setInstant(parameters, index++, now);
                    setInstant(parameters, index++, now);
                    parameters.setArray(index++, parameters.getConnection().createArrayOf("text", unknown));
                    parameters.setArray(index++, parameters.getConnection().createArrayOf("text", left));
                    setInstant(parameters, index++, since);
                    parameters.setInt(index, wanted);
                },
                context.resultSetMapper.get());
        intake.picked(wanted, picked.size());
        return picked;
    }
}
