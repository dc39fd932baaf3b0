package dev.heddle.db;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Statements that go together with those of other threads, each by itself; or the ordinary way. */
final class QuickSql implements Sql {

    private final Database database;
    private final Pipeline pipeline;
    private final Afterwards afterwards;

    QuickSql(Database database, Pipeline pipeline, Afterwards afterwards) {
        this.database = database;
        this.pipeline = pipeline;
        this.afterwards = afterwards;
    }

    @Override
    public <T> List<T> list(String statement, Mapper<T> mapper, @Nullable Object... parameters) {
        return run(statement, parameters, sql -> sql.list(statement, mapper, parameters), rows -> {
            var values = new ArrayList<T>(rows.size());
            for (var row : rows) {
                values.add(mapper.map(new WireRow(row)));
            }
            return values;
        });
    }

    @Override
    public <T> Optional<T> first(String statement, Mapper<T> mapper, @Nullable Object... parameters) {
        return run(
                statement,
                parameters,
                sql -> sql.first(statement, mapper, parameters),
                rows -> rows.isEmpty() ? Optional.empty() : Optional.of(mapper.map(new WireRow(rows.getFirst()))));
    }

    private <T> T run(
            String statement,
            @Nullable Object[] parameters,
            Database.Work<T> alone,
            Function<List<byte[]>, T> reading) {
        try {
            // With all connections taken by what takes long, a statement for itself would wait for one of those.
            boolean together = pipeline.enter() || database.isFull();
            var rows = together ? pipeline.run(statement, parameters) : Optional.<List<byte[]>>empty();
            return rows.isPresent() ? reading.apply(rows.get()) : database.read(alone);
        } finally {
            pipeline.leave();
        }
    }

    @Override
    public long update(String statement, @Nullable Object... parameters) {
        return database.single(sql -> sql.update(statement, parameters));
    }

    @Override
    public long copyIn(String statement, InputStream rows) {
        return database.single(sql -> sql.copyIn(statement, rows));
    }

    @Override
    public long copyOut(String statement, OutputStream rows) {
        return database.read(sql -> sql.copyOut(statement, rows));
    }

    @Override
    public void afterwards(Runnable action) {
        afterwards.add(action);
    }
}
