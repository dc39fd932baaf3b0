package dev.heddle.tasks;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import dev.heddle.http.Field;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.Preconditions.IfMatch;
import dev.heddle.jobs.JobInsert;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** All SQL about tasks. Every statement names the owner first, as every index does. */
final class TaskStore {

    private static final String COLUMNS = """
        id, user_id, title, description, completed, completed_at, priority, NULLIF(labels, '{}'), due_at, created_at,
        updated_at, version\
        """;

    /** A task that is to be, with its id. */
    record Created(UUID id, String userId, NewTask task) {}

    /** Tasks, and what follows from each, in one statement: all or none, in any order. */
    List<Task> insert(Sql sql, List<Created> tasks, JobInsert followers) {
        return sql.list(
                "WITH wanted AS (SELECT * FROM json_to_recordset(CAST(? AS json)) AS wanted (user_id text, id uuid,"
                        + " title text, description text, priority smallint, labels text[], due_at timestamptz,"
                        + " job_0 text, time_0 timestamptz)),"
                        + " task AS (INSERT INTO tasks (user_id, id, title, description, priority, labels, due_at)"
                        + " SELECT user_id, id, title, description, priority, labels, due_at FROM wanted RETURNING *),"
                        + " created AS (SELECT task.*, job_0, time_0 FROM task JOIN wanted USING (user_id, id))"
                        + followers.text() + " SELECT " + COLUMNS + " FROM task",
                TaskStore::task,
                rows(tasks, followers));
    }

    private static String rows(List<Created> tasks, JobInsert followers) {
        var rows = Json.write(Json.array(tasks, (json, created) -> {
            json.writeStartObject();
            json.writeStringField("user_id", created.userId());
            json.writeStringField("id", created.id().toString());
            json.writeStringField("title", created.task().title());
            json.writeStringField("description", created.task().description());
            json.writeNumberField("priority", created.task().priority());
            json.writeArrayFieldStart("labels");
            for (var label : created.task().labels()) {
                json.writeString(label);
            }
            json.writeEndArray();
            Json.time(json, "due_at", created.task().dueAt());
            jobs(json, followers);
            json.writeEndObject();
        }));
        return new String(rows, StandardCharsets.UTF_8);
    }

    /** What {@link JobInsert#followingEach} wants of a row. */
    private static void jobs(JsonGenerator json, JobInsert followers) throws IOException {
        var ids = followers.ids();
        for (int i = 0; i < ids.size(); i++) {
            json.writeStringField("job_" + i, ids.get(i).toString());
            Json.time(json, "time_" + i, JobInsert.time(ids.get(i)));
        }
    }

    /** Writes tasks in the columns of {@link CopyLine}; how many. */
    long copy(Sql sql, InputStream rows) {
        return sql.copyIn("COPY tasks (" + CopyLine.COLUMNS + ") FROM STDIN", rows);
    }

    /** What follows from so many new tasks, of which so many are completed. */
    void follow(Sql sql, String userId, long total, long completed, JobInsert followers) {
        var parameters = new ArrayList<@Nullable Object>();
        parameters.add(userId);
        parameters.add(total);
        parameters.add(completed);
        parameters.addAll(followers.parameters());
        sql.first(
                "WITH imported AS (SELECT CAST(? AS text) AS user_id, CAST(? AS bigint) AS total,"
                        + " CAST(? AS bigint) AS completed)" + followers.text() + " SELECT count(*) FROM imported",
                Row::bigint,
                parameters.toArray());
    }

    /** An id that cannot be imported, on that line: it stands on an earlier one, or, with 0, in the table. */
    record Taken(long line, long earlier) {}

    /** The first of them, by line; {@code ids} are lines and ids. It belongs in a transaction. */
    List<Taken> taken(Sql sql, String userId, InputStream ids, int rows) {
        sql.update("CREATE TEMPORARY TABLE imported (line bigint NOT NULL, id uuid NOT NULL) ON COMMIT DROP");
        sql.copyIn("COPY imported (line, id) FROM STDIN", ids);
        return sql.list("""
            SELECT line, 0 AS earlier FROM imported JOIN tasks ON tasks.user_id = ? AND tasks.id = imported.id
            UNION ALL
            SELECT line, earlier
            FROM (SELECT line, min(line) OVER (PARTITION BY id) AS earlier FROM imported) AS each WHERE line > earlier
            ORDER BY line, earlier LIMIT ?
            """, row -> new Taken(row.bigint(), row.bigint()), userId, rows);
    }

    Optional<Task> find(Sql sql, String userId, UUID id) {
        return sql.first("SELECT " + COLUMNS + " FROM tasks WHERE user_id = ? AND id = ?", TaskStore::task, userId, id);
    }

    /** Newest first; {@code rows} bounds how many. */
    List<Task> list(Sql sql, TaskFilter filter, Optional<Keyset> after, int skip, int rows) {
        var where = new Conditions(filter);
        after.ifPresent(position -> where.add("(created_at, id) < (?, ?)", position.createdAt(), position.uuid()));
        var tail = " ORDER BY created_at DESC, id DESC LIMIT ?";
        where.parameters.add(rows);
        if (skip > 0) {
            tail += " OFFSET ?";
            where.parameters.add(skip);
        }
        return sql.list(
                "SELECT " + COLUMNS + " FROM tasks WHERE " + where.text() + tail,
                TaskStore::task,
                where.parameters.toArray());
    }

    long count(Sql sql, TaskFilter filter) {
        var where = new Conditions(filter);
        return sql.first("SELECT count(*) FROM tasks WHERE " + where.text(), Row::bigint, where.parameters.toArray())
                .orElseThrow();
    }

    /** Empty when there is no such task, or not in a version that the condition allows. */
    Optional<Task> update(Sql sql, String userId, UUID id, IfMatch condition, TaskPatch patch) {
        var set = new Assignments();
        set.add("title = ?", patch.title());
        set.add("description = ?", patch.description());
        set.add("priority = ?", patch.priority());
        set.add("labels = ?", patch.labels());
        set.add("due_at = ?", patch.dueAt());
        var parameters = set.parameters;
        var update = update(set.text(), "", userId, id, condition, parameters);
        return sql.first(update + " RETURNING " + COLUMNS, TaskStore::task, parameters.toArray());
    }

    /** Empty when there is no such task, or it is completed, or the condition does not hold. */
    Optional<Task> complete(Sql sql, String userId, UUID id, IfMatch condition, JobInsert followers) {
        var parameters = new ArrayList<@Nullable Object>();
        var update = update(
                "completed = true, completed_at = now()", " AND NOT completed", userId, id, condition, parameters);
        return change(sql, update, parameters, followers);
    }

    /** Which task is to be completed, whatever its version. */
    record Completion(String userId, UUID id) {}

    /**
     * Completes tasks, and what follows from each, in one statement; those that are not open or not there are not among the
     * returned ones. Each may be named once.
     */
    List<Task> complete(Sql sql, List<Completion> tasks, JobInsert followers) {
        var rows = Json.write(Json.array(tasks, (json, task) -> {
            json.writeStartObject();
            json.writeStringField("user_id", task.userId());
            json.writeStringField("id", task.id().toString());
            jobs(json, followers);
            json.writeEndObject();
        }));
        return sql.list(
                "WITH wanted AS (SELECT * FROM json_to_recordset(CAST(? AS json)) AS wanted (user_id text, id uuid,"
                        + " job_0 text, job_1 text, job_2 text, time_0 timestamptz, time_1 timestamptz,"
                        + " time_2 timestamptz)),"
                        // In an order, so that two such statements do not wait for each other.
                        + " open AS (SELECT user_id, id FROM tasks JOIN wanted USING (user_id, id) WHERE NOT completed"
                        + " ORDER BY user_id, id FOR NO KEY UPDATE OF tasks),"
                        + " task AS (UPDATE tasks SET completed = true, completed_at = now(), updated_at = now(),"
                        + " version = version + 1 FROM open WHERE tasks.user_id = open.user_id AND tasks.id = open.id"
                        + " AND NOT tasks.completed RETURNING tasks.*),"
                        + " finished AS (SELECT task.*, job_0, job_1, job_2, time_0, time_1, time_2"
                        + " FROM task JOIN wanted USING (user_id, id))"
                        + followers.text() + " SELECT " + COLUMNS + " FROM task",
                TaskStore::task,
                new String(rows, StandardCharsets.UTF_8));
    }

    /** Empty when there is no such task, or it is open, or the condition does not hold. */
    Optional<Task> reopen(Sql sql, String userId, UUID id, IfMatch condition, JobInsert followers) {
        var parameters = new ArrayList<@Nullable Object>();
        var update =
                update("completed = false, completed_at = NULL", " AND completed", userId, id, condition, parameters);
        return change(sql, update, parameters, followers);
    }

    private static Optional<Task> change(
            Sql sql, String update, List<@Nullable Object> parameters, JobInsert followers) {
        parameters.addAll(followers.parameters());
        return sql.first(
                "WITH task AS (" + update + " RETURNING *)" + followers.text() + " SELECT " + COLUMNS + " FROM task",
                TaskStore::task,
                parameters.toArray());
    }

    /** The condition is part of the UPDATE itself: of two writers with the same tag, one loses. RFC 9110 §13.1.1. */
    private static String update(
            String assignments,
            String state,
            String userId,
            UUID id,
            IfMatch condition,
            List<@Nullable Object> parameters) {
        parameters.add(userId);
        parameters.add(id);
        return "UPDATE tasks SET " + assignments + ", updated_at = now(), version = version + 1"
                + " WHERE user_id = ? AND id = ?" + state + versions(condition, parameters);
    }

    boolean delete(Sql sql, String userId, UUID id, IfMatch condition, JobInsert followers) {
        var parameters = new ArrayList<@Nullable Object>();
        parameters.add(userId);
        parameters.add(id);
        var delete = "DELETE FROM tasks WHERE user_id = ? AND id = ?" + versions(condition, parameters);
        parameters.addAll(followers.parameters());
        return sql.first(
                                "WITH task AS (" + delete + " RETURNING *)" + followers.text()
                                        + " SELECT count(*) FROM task",
                                Row::bigint,
                                parameters.toArray())
                        .orElseThrow()
                > 0;
    }

    private static String versions(IfMatch condition, List<@Nullable Object> parameters) {
        if (condition instanceof IfMatch.OneOf oneOf) {
            parameters.add(oneOf.versions().stream().map(String::valueOf).toList());
            return " AND version = ANY (CAST(? AS bigint[]))";
        }
        return "";
    }

    /** The SET list of an update; its text holds nothing from outside. */
    private static final class Assignments {
        private final List<String> assignments = new ArrayList<>();
        private final List<@Nullable Object> parameters = new ArrayList<>();

        void add(String assignment, Field<?> field) {
            if (field.isPresent()) {
                assignments.add(assignment);
                parameters.add(field.value());
            }
        }

        String text() {
            return String.join(", ", assignments);
        }
    }

    /** The WHERE of a filter; its text holds nothing from outside. */
    private static final class Conditions {
        private final StringBuilder text = new StringBuilder("user_id = ?");
        private final List<@Nullable Object> parameters = new ArrayList<>();

        Conditions(TaskFilter filter) {
            parameters.add(filter.userId());
            filter.completed().ifPresent(completed -> add("completed = ?", completed));
            // "labels <> '{}'" and "priority > 0" say what the partial indexes say, so that they can be used.
            filter.label().ifPresent(label -> add("labels @> ? AND labels <> '{}'", List.of(label)));
            filter.priority().ifPresent(p -> add(p > 0 ? "priority = ? AND priority > 0" : "priority = ?", p));
            filter.dueBefore().ifPresent(time -> add("due_at < ?", time));
            filter.dueAfter().ifPresent(time -> add("due_at > ?", time));
            filter.words()
                    .map(Conditions::contains)
                    .ifPresent(p -> add("(title ILIKE ? OR description ILIKE ?)", p, p));
        }

        void add(String condition, Object... values) {
            text.append(" AND ").append(condition);
            parameters.addAll(List.of(values));
        }

        String text() {
            return text.toString();
        }

        private static String contains(String words) {
            return "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%";
        }
    }

    private static Task task(Row row) {
        return new Task(
                row.uuid(),
                row.text(),
                row.text(),
                row.textOrNull(),
                row.flag(),
                row.instantOrNull(),
                row.integer(),
                row.texts(),
                row.instantOrNull(),
                row.instant(),
                row.instant(),
                row.bigint());
    }
}
