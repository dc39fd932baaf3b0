package dev.heddle.tasks;

import dev.heddle.concurrent.Batcher;
import dev.heddle.concurrent.Bulkhead;
import dev.heddle.db.Database;
import dev.heddle.db.DatabaseException;
import dev.heddle.db.Uuid7;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.Preconditions.IfMatch;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import dev.heddle.http.Rows;
import dev.heddle.jobs.JobQueue;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What can be done with tasks. Safe for any thread. */
public final class Tasks {

    /** The table's own name for "there is no such user". */
    private static final String OWNER_CONSTRAINT = "tasks_user_id_fkey";

    /** And for "there is such a task". */
    private static final String ID_CONSTRAINT = "tasks_pkey";

    private static final String NO_SUCH_USER = "no_such_user";

    /** Statements that create tasks, or complete them, at once; while one waits for the disk, the next is filled. */
    private static final int BATCHES_AT_ONCE = 2;

    /** Tasks in one of them. */
    private static final int BATCH_MAX = 64;

    /** For one of them; whoever waits longer, for a lock, does so by itself. */
    private static final Duration BATCH_LIMIT = Duration.ofSeconds(2);

    /** At once; the smallest pool that is sensible has twice as many connections. */
    private static final int LOADS_MAX = 2;

    /** Each has its body on the disk. */
    private static final int LOADS_WAITING_MAX = 20;

    private static final Duration LOAD_WAIT = Duration.ofSeconds(30);

    private final Database database;
    private final JobQueue queue;
    private final FollowUps followUps;
    private final TaskStore store = new TaskStore();
    private final Batcher<TaskStore.Created, Task> creating =
            new Batcher<>(BATCHES_AT_ONCE, BATCH_MAX, BATCH_LIMIT, this::create);
    private final Batcher<TaskStore.Completion, Optional<Task>> completing =
            new Batcher<>(BATCHES_AT_ONCE, BATCH_MAX, BATCH_LIMIT, this::complete);
    private final Bulkhead loading = new Bulkhead("loading of imports", LOADS_MAX, LOADS_WAITING_MAX, LOAD_WAIT);

    /** Tasks of that database; what follows from a change is enqueued with it. */
    public Tasks(Database database, JobQueue queue, FollowUps followUps) {
        this.database = database;
        this.queue = queue;
        this.followUps = followUps;
    }

    Task create(String userId, NewTask wanted) {
        var created = new TaskStore.Created(Uuid7.next(), userId, wanted);
        try {
            return database.isInUnit() ? create(List.of(created)).getFirst() : creating.call(created);
        } catch (DatabaseException e) {
            if (e.isConstraint(OWNER_CONSTRAINT)) {
                throw wanted.userId().isPresent()
                        ? Problem.invalid("/user_id", NO_SUCH_USER, "there is no such user")
                        : Problem.invalidParameter("user_id", NO_SUCH_USER, "there is no such user");
            }
            if (isTaken(e) && !database.isInUnit()) {
                // Nobody else has that id: a batch whose end was not heard of had been written.
                return get(userId, created.id());
            }
            throw e;
        }
    }

    private List<Task> create(List<TaskStore.Created> wanted) {
        var tasks = database.single(sql -> {
            var made = store.insert(sql, wanted, followUps.created());
            queue.wake(sql, followUps.created());
            return made.stream().collect(Collectors.toMap(Task::id, Function.identity()));
        });
        return wanted.stream()
                .map(one -> Objects.requireNonNull(tasks.get(one.id())))
                .toList();
    }

    /**
     * Waits for a turn and gives the work as long as its deadline. A connection that loads a large import is missing
     * elsewhere for minutes, so only so many do.
     */
    <T> T inTurn(Supplier<T> work) {
        loading.enter();
        try {
            return database.patiently(work);
        } finally {
            loading.leave();
        }
    }

    /** Writes all tasks of an import and what follows from them, or nothing. */
    void load(String userId, Spool spool) {
        if (spool.tasks() == 0) {
            return;
        }
        try {
            database.inTransaction(sql -> {
                store.copy(sql, spool.rows());
                store.follow(sql, userId, spool.tasks(), spool.completed(), followUps.imported());
                queue.wake(sql, followUps.imported());
                return spool.tasks();
            });
        } catch (DatabaseException e) {
            if (e.isConstraint(OWNER_CONSTRAINT)) {
                throw Problem.invalidParameter("user_id", NO_SUCH_USER, "there is no such user");
            }
            throw e;
        }
    }

    /** Whether an import failed because a task has an id that is given already. */
    static boolean isTaken(DatabaseException e) {
        return e.isConstraint(ID_CONSTRAINT);
    }

    /** Which of its ids are given already, for an import that has failed by that. */
    ProblemException taken(String userId, Spool spool) {
        var rows = new Rows();
        database.<List<TaskStore.Taken>>inTransaction(sql -> store.taken(sql, userId, spool.ids(), Rows.COMPLAINTS_MAX))
                .forEach(id -> {
                    if (id.earlier() > 0) {
                        rows.complain(id.line(), "/id", "duplicate", "stands on line " + id.earlier() + " already");
                    } else {
                        rows.complain(id.line(), "/id", "exists", "is the id of a task that is there");
                    }
                });
        // Deleted since: again may help.
        return rows.isValid() ? Problem.CONTENDED.asException() : rows.refusal();
    }

    Task get(String userId, UUID id) {
        return database.quick(sql -> store.find(sql, userId, id)).orElseThrow(Tasks::notFound);
    }

    List<Task> list(TaskFilter filter, Optional<Keyset> after, int skip, int rows) {
        return database.quick(sql -> store.list(sql, filter, after, skip, rows));
    }

    /** A user's newest open tasks as a JSON array. */
    public Json.Writing newestOpen(String userId, int rows) {
        return Json.array(list(TaskFilter.open(userId), Optional.empty(), 0, rows), TaskJson::write);
    }

    long count(TaskFilter filter) {
        return database.quick(sql -> store.count(sql, filter));
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
            var task = completed(userId, id, condition).orElseGet(() -> unchanged(userId, id, condition));
            if (task.completed()) {
                return task;
            }
            // Reopened by somebody between the two statements: again.
        }
    }

    /** Empty when it was not changed. */
    private Optional<Task> completed(String userId, UUID id, IfMatch condition) {
        if (!(condition instanceof IfMatch.OneOf) && !database.isInUnit()) {
            return completing.call(new TaskStore.Completion(userId, id));
        }
        return database.single(sql -> {
            var changed = store.complete(sql, userId, id, condition, followUps.completed());
            changed.ifPresent(it -> queue.wake(sql, followUps.completed()));
            return changed;
        });
    }

    private List<Optional<Task>> complete(List<TaskStore.Completion> wanted) {
        var tasks = database.single(sql -> {
            var changed = store.complete(sql, wanted.stream().distinct().toList(), followUps.completedEach());
            queue.wake(sql, followUps.completedEach());
            return changed.stream()
                    .collect(Collectors.toMap(
                            task -> new TaskStore.Completion(task.userId(), task.id()), Function.identity()));
        });
        // Whoever names the same one gets the same one: the second completes what is completed.
        return wanted.stream().map(one -> Optional.ofNullable(tasks.get(one))).toList();
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
