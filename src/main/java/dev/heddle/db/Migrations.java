package dev.heddle.db;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.callback.BaseCallback;
import org.flywaydb.core.api.callback.Context;
import org.flywaydb.core.api.callback.Event;

/**
 * The schema's history. Flyway applies what is missing, under an advisory lock, so that replicas may start together.
 * When nothing is missing Flyway is not even loaded: it costs more than everything else a warm start does.
 */
final class Migrations {

    /** The newest file in {@code db/migration}; a test keeps the two together. */
    static final int NEWEST = 4;

    private Migrations() {}

    /** Applies what is missing up to that version. */
    static void migrate(DataSource pool, int version) {
        try {
            if (applied(pool) < version) {
                Flyway.configure(Migrations.class.getClassLoader())
                        .dataSource(pool)
                        .locations("classpath:db/migration")
                        // Flyway's own table is found by its name here and in applied().
                        .table("flyway_schema_history")
                        .target(Integer.toString(version))
                        .callbacks(new Unhurried())
                        .load()
                        .migrate();
            }
        } catch (SQLException e) {
            throw DatabaseException.of(e, false);
        }
    }

    /**
     * Lets a migration take as long as its tables are large, within its transaction: the limit of other statements is of
     * seconds. For a lock it waits no longer than they do, as all who come later would wait behind it.
     */
    private static final class Unhurried extends BaseCallback {
        @Override
        public boolean supports(Event event, Context context) {
            return event == Event.BEFORE_EACH_MIGRATE;
        }

        @Override
        public void handle(Event event, Context context) {
            try (var statement = context.getConnection().createStatement()) {
                statement.execute("SET LOCAL statement_timeout = 0");
            } catch (SQLException e) {
                throw DatabaseException.of(e, false);
            }
        }
    }

    /** The newest version that was applied, 0 for an empty database. */
    static int applied(DataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection();
                var statement = connection.createStatement()) {
            try (var exists = statement.executeQuery("SELECT to_regclass('flyway_schema_history') IS NOT NULL")) {
                if (!exists.next() || !exists.getBoolean(1)) {
                    return 0;
                }
            }
            try (var version = statement.executeQuery(
                    "SELECT coalesce(max(version::int), 0) FROM flyway_schema_history WHERE success")) {
                return version.next() ? version.getInt(1) : 0;
            }
        }
    }
}
