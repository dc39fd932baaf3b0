package dev.heddle.tasks;

import dev.heddle.db.Database;
import dev.heddle.db.DatabaseException;
import dev.heddle.db.Uuid7;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.Preconditions.IfMatch;
import dev.heddle.http.Problem;
import dev.heddle.jobs.JobQueue;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** What can be done with tasks. Safe for any thread. */
public final class Tasks {

    /** The table's own name for "there is no such user". */
    private static final String OWNER_CONSTRAINT = "tasks_user_id_fkey";

    private static final String NO_SUCH_USER = "no_such_user";

    private final Database database;
    private final JobQueue queue;
    private final FollowUps followUps;
    private final TaskStore store = new TaskStore();

    /** Tasks of that database; what follows from a change is enqueued with it. */
    public Tasks(Database database, JobQueue queue, FollowUps followUps) {
        this.database = database;
        this.queue = queue;
        this.followUps = followUps;
    }

    Task create(String userId, NewTask wanted) {
        try {
            return database.single(sql -> {
                var task = store.insert(sql, userId, Uuid7.next(), wanted, followUps.created());
                queue.wake(sql, followUps.created());
                return task;
            });
        } catch (DatabaseException e) {
            if (e.isConstraint(OWNER_CONSTRAINT)) {
                throw wanted.userId().isPresent()
                        ? Problem.invalid("/user_id", NO_SUCH_USER, "there is no such user")
                        : Problem.invalidParameter("user_id", NO_SUCH_USER, "there is no such user");
            }
            throw e;
        }
    }

    Task get(String userId, UUID id) {
        return database.read(sql -> store.find(sql, userId, id)).orElseThrow(Tasks::notFound);
    }

    List<Task> list(TaskFilter filter, Optional<Keyset> after, int skip, int rows) {
        return database.read(sql -> store.list(sql, filter, after, skip, rows));
    }

    /** A user's newest open tasks as a JSON array. */
    public Json.Writing newestOpen(String userId, int rows) {
        return Json.array(list(TaskFilter.open(userId), Optional.empty(), 0, rows), TaskJson::write);
    }

    long count(TaskFilter filter) {
        return database.read(sql -> store.count(sql, filter));
    }

    Task change(String userId, UUID id, IfMatch condition, TaskPatch patch) {
        if (patch.isEmpty()) {
            return unchanged(userId, id, condition);
        }
        return database.single(sql -> store.update(sql, userId, id, condition, patch))
                .orElseGet(() -> {
                    unchanged(userId, id, condition);
                    // It was there and allowed when we looked again: it had changed in between.
                    throw Problem.PRECONDITION_FAILED.asException();
                });
    }

    void delete(String userId, UUID id, IfMatch condition) {
        boolean isDeleted = database.single(sql -> {
            boolean wasThere = store.delete(sql, userId, id, condition, followUps.deleted());
            if (wasThere) {
                queue.wake(sql, followUps.deleted());
            }
            return wasThere;
        });
        if (!isDeleted) {
            unchanged(userId, id, condition);
            throw Problem.PRECONDITION_FAILED.asException();
        }
    }

    /** Completing what is completed changes nothing and is no error. */
    Task complete(String userId, UUID id, IfMatch condition) {
        while (true) {
            var task = database.single(sql -> {
                        var changed = store.complete(sql, userId, id, condition, followUps.completed());
                        changed.ifPresent(it -> queue.wake(sql, followUps.completed()));
                        return changed;
                    })
                    .orElseGet(() -> unchanged(userId, id, condition));
            if (task.completed()) {
                return task;
            }
            // Reopened by somebody between the two statements: again.
        }
    }

    /** Reopening what is open changes nothing and is no error. */
    Task reopen(String userId, UUID id, IfMatch condition) {
        while (true) {
            var task = database.single(sql -> {
                        var changed = store.reopen(sql, userId, id, condition, followUps.reopened());
                        changed.ifPresent(it -> queue.wake(sql, followUps.reopened()));
                        return changed;
                    })
                    .orElseGet(() -> unchanged(userId, id, condition));
            if (!task.completed()) {
                return task;
            }
        }
    }

    /** The task as it is, if there is one and the condition holds. */
    private Task unchanged(String userId, UUID id, IfMatch condition) {
        var task = get(userId, id);
        if (!condition.allows(task.version())) {
            throw Problem.PRECONDITION_FAILED.asException();
        }
        return task;
    }

    static RuntimeException notFound() {
        return Problem.NOT_FOUND.because("Task not found");
    }
}
