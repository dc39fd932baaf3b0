package dev.heddle.notifications;

import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import java.util.List;
import java.util.Optional;

/** All SQL about statistics, but what the jobs count. */
final class StatsStore {

    Optional<Stats> find(Sql sql, String userId) {
        return sql.first(
                "SELECT total, completed, updated_at FROM stats WHERE user_id = ?",
                row -> new Stats(row.bigint(), row.bigint(), row.instant()),
                userId);
    }

    /** The next users after that one, by id. */
    List<String> users(Sql sql, String after, int rows) {
        return sql.list("SELECT id FROM users WHERE id > ? ORDER BY id LIMIT ?", Row::text, after, rows);
    }

    /**
     * Counts the tasks of these users anew and corrects what differs. It holds the rows that the jobs would write: what they
     * have counted is in the rows, and what they have not yet counted is among the unfinished jobs, never both.
     *
     * @return how many rows were wrong
     */
    long reconcile(Sql sql, List<String> userIds) {
        sql.update("""
            INSERT INTO stats (user_id) SELECT id FROM users WHERE id = ANY (?) ORDER BY id FOR KEY SHARE
            ON CONFLICT DO NOTHING
            """, userIds);
        sql.list("SELECT user_id FROM stats WHERE user_id = ANY (?) ORDER BY user_id FOR UPDATE", Row::text, userIds);
        return sql.update("""
            WITH counted AS (
                SELECT user_id, count(*) AS total, count(*) FILTER (WHERE completed) AS completed
                FROM tasks WHERE user_id = ANY (?) GROUP BY user_id),
            pending AS (
                SELECT data->>'user_id' AS user_id,
                    sum(CASE kind WHEN 'send_notification' THEN 1 ELSE CAST(data->>'total' AS bigint) END) AS total,
                    sum(CASE kind WHEN 'send_notification' THEN 0 ELSE CAST(data->>'completed' AS bigint) END) AS completed
                FROM unfinished_jobs
                WHERE kind IN ('send_notification', 'update_stats') AND data->>'user_id' = ANY (?) GROUP BY 1),
            right_now AS (
                SELECT stats.user_id,
                    coalesce(counted.total, 0) - coalesce(pending.total, 0) AS total,
                    coalesce(counted.completed, 0) - coalesce(pending.completed, 0) AS completed
                FROM stats LEFT JOIN counted USING (user_id) LEFT JOIN pending USING (user_id)
                WHERE stats.user_id = ANY (?))
            UPDATE stats SET total = right_now.total, completed = right_now.completed, updated_at = now()
            FROM right_now
            WHERE stats.user_id = right_now.user_id
                AND (stats.total, stats.completed) IS DISTINCT FROM (right_now.total, right_now.completed)
            """, userIds, userIds, userIds);
    }
}
