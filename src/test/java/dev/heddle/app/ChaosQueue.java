package dev.heddle.app;

import dev.heddle.jobs.JobKind;
import dev.heddle.notifications.FollowUpJobs;
import dev.heddle.testing.Psql;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The queue as somebody with a terminal at the database sees it. What recurs by the clock is none of its jobs. */
final class ChaosQueue {

    private static final String KINDS =
            FollowUpJobs.ALL.stream().map(JobKind::name).collect(Collectors.joining("', '", "('", "')"));

    private static final String QUEUE = """
        (SELECT * FROM jobs WHERE task_name IN %s UNION ALL SELECT * FROM outbound_jobs WHERE task_name IN %s) AS queue\
        """.formatted(KINDS, KINDS);

    private final ChaosPostgres postgres;

    /** A job in the hands of a server: another one that takes it over changes the version. */
    record Claim(String kind, String id, long version) {}

    ChaosQueue(ChaosPostgres postgres) {
        this.postgres = postgres;
    }

    /** Makes a row that jobs of that user need, and nobody else's. */
    void prepare(String userId) throws SQLException {
        try (var connection = postgres.connect();
                var statement = connection.prepareStatement("INSERT INTO stats (user_id) VALUES (?)")) {
            statement.setString(1, userId);
            statement.execute();
        }
    }

    /** Holds that row: until it is released, jobs that count the user's tasks run and do not end. */
    @SuppressWarnings("MustBeClosedChecker") // The lock is the connection.
    Psql.Lock hold(String userId) throws SQLException {
        var connection = postgres.connect();
        connection.setAutoCommit(false);
        try (var statement = connection.prepareStatement("SELECT FROM stats WHERE user_id = ? FOR UPDATE")) {
            statement.setString(1, userId);
            statement.execute();
        }
        return new Psql.Lock(connection);
    }

    /** The servers that have jobs of that user in hand, by the names they give themselves. */
    Set<String> servers(String userId) throws SQLException {
        var found = new HashSet<String>();
        try (var connection = postgres.connect();
                var statement = connection.prepareStatement(
                        "SELECT picked_by FROM " + QUEUE + " WHERE picked AND data->>'user_id' = ?")) {
            statement.setString(1, userId);
            var rows = statement.executeQuery();
            while (rows.next()) {
                found.add(rows.getString(1));
            }
        }
        return found;
    }

    /** What a server has in hand. */
    Set<Claim> claims(String server) throws SQLException {
        try (var connection = postgres.connect()) {
            return claims(connection, server, "");
        }
    }

    /** What a server has in hand of that user's. */
    Set<Claim> claims(String server, String userId) throws SQLException {
        try (var connection = postgres.connect()) {
            return claims(connection, server, " AND data->>'user_id' = '" + userId + "'");
        }
    }

    private static Set<Claim> claims(Connection connection, String server, String which) throws SQLException {
        var found = new HashSet<Claim>();
        try (var statement = connection.prepareStatement(
                "SELECT task_name, task_instance, version FROM " + QUEUE + " WHERE picked AND picked_by = ?" + which)) {
            statement.setString(1, server);
            var rows = statement.executeQuery();
            while (rows.next()) {
                found.add(new Claim(rows.getString(1), rows.getString(2), rows.getLong(3)));
            }
        }
        return found;
    }

    /** Whether no statement of a server is at work on what it has in hand. */
    boolean isIdle(String server) throws SQLException {
        try (var connection = postgres.connect();
                var statement = connection.prepareStatement(
                        "SELECT FROM jobs WHERE picked_by = ? AND task_name IN " + KINDS + " FOR UPDATE SKIP LOCKED")) {
            statement.setString(1, server);
            var rows = statement.executeQuery();
            int unlocked = 0;
            while (rows.next()) {
                unlocked++;
            }
            return unlocked
                    == number("SELECT count(*) FROM jobs WHERE picked_by = '" + server + "' AND task_name IN " + KINDS);
        }
    }

    /** Those of these jobs that have not been done, and where they are. */
    List<String> unfinished(Set<Claim> claims) throws SQLException {
        return left(claims, Long.MAX_VALUE);
    }

    /** Those of these jobs that no server has taken over and begun again: each of both makes a version. */
    List<String> notRerun(Set<Claim> claims) throws SQLException {
        return left(claims, 2);
    }

    private List<String> left(Set<Claim> claims, long versions) throws SQLException {
        var before = claims.stream().collect(Collectors.toMap(Claim::id, Claim::version));
        var ids = String.join("', '", before.keySet());
        var found = new ArrayList<String>();
        try (var connection = postgres.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery("""
                    SELECT task_instance, version, concat_ws(' ', task_name, task_instance, 'in version', version,
                        'picked by', picked_by, 'silent for', now() - last_heartbeat, 'due for', now() - execution_time,
                        'among', (SELECT count(*) FROM jobs), last_error)
                    FROM %s WHERE task_instance IN ('%s')\
                    """.formatted(QUEUE, ids))) {
            while (rows.next()) {
                if (rows.getLong(2) - before.getOrDefault(rows.getString(1), 0L) < versions) {
                    found.add(rows.getString(3));
                }
            }
        }
        return found;
    }

    /** How many run. */
    long running() throws SQLException {
        return number("SELECT count(*) FROM " + QUEUE + " WHERE picked");
    }

    /** How many there are. */
    long size() throws SQLException {
        return number("SELECT count(*) FROM " + QUEUE);
    }

    /** How many run, as it is written, but have had no heartbeat for so many seconds. */
    long silent(int seconds) throws SQLException {
        return number("SELECT count(*) FROM " + QUEUE + " WHERE picked AND last_heartbeat < now() - interval '"
                + seconds + " s'");
    }

    /** The one number that the query answers. */
    long number(String query) throws SQLException {
        return Long.parseLong(text(query));
    }

    /** The one value that the query answers. */
    String text(String query) throws SQLException {
        try (var connection = postgres.connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(query)) {
            rows.next();
            return rows.getString(1);
        }
    }
}
