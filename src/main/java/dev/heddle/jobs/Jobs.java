package dev.heddle.jobs;

import dev.heddle.db.Database;
import dev.heddle.db.Sql;
import dev.heddle.http.Problem;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What operators can do with jobs. Safe for any thread. */
public final class Jobs {

    private final Database database;
    private final JobQueue queue;
    private final Map<String, JobKind> kinds;
    private final JobStore store = new JobStore();

    /**
     * Which jobs are asked for.
     *
     * @param kind only this one; one that we do not know can still be among the dead letters
     */
    record Filter(Optional<Job.State> state, Optional<String> kind) {
        boolean asksForDead() {
            return state.isEmpty() || state.get() == Job.State.FAILED;
        }

        boolean asksForLive() {
            return state.isEmpty() || state.get() != Job.State.FAILED;
        }

        /** What a cursor is bound to. */
        String fingerprint() {
            return "jobs " + state.map(Enum::name).orElse("") + " " + kind.orElse("");
        }
    }

    /** Jobs of these kinds. */
    public Jobs(Database database, JobQueue queue, Collection<JobKind> kinds) {
        this.database = database;
        this.queue = queue;
        this.kinds = kinds.stream().collect(Collectors.toUnmodifiableMap(JobKind::name, Function.identity()));
    }

    List<Job> list(Filter filter, Optional<UUID> after, int skip, int rows) {
        var live = filter.asksForLive() ? kindsOf(filter.kind()) : List.<JobKind>of();
        if (live.isEmpty() && !filter.asksForDead()) {
            return List.of();
        }
        return database.read(sql -> store.list(sql, filter, live, after, skip, rows));
    }

    private Collection<JobKind> kindsOf(Optional<String> name) {
        return name.isEmpty()
                ? kinds.values()
                : Optional.ofNullable(kinds.get(name.get())).map(List::of).orElse(List.of());
    }

    Job get(UUID id) {
        return database.read(sql -> store.find(sql, kinds.values(), id)).orElseThrow(Jobs::notFound);
    }

    /** Runs a failed job again, with all its attempts; makes a waiting one due. */
    Job retry(UUID id) {
        var job = get(id);
        var kind = kinds.get(job.kind());
        if (kind == null) {
            throw Problem.CONFLICT.because("This server does not know jobs of this kind.");
        }
        // As it was then: by now it may run, or be done.
        return database.single(sql -> {
                    var due = switch (job.state()) {
                        case FAILED -> store.revive(sql, kind, id);
                        case WAITING -> store.hurry(sql, kind, id);
                        case RUNNING -> Optional.<Job>empty();
                    };
                    due.ifPresent(it -> queue.wake(sql, kind));
                    return due;
                })
                .orElseThrow(Jobs::running);
    }

    /** Deletes a job that does not run; what it was to do is never done. */
    void delete(UUID id) {
        var job = get(id);
        var kind = kinds.get(job.kind());
        boolean isDone = database.single(sql -> switch (job.state()) {
            case FAILED -> store.deleteDead(sql, id);
            // Those that are not dead are found by their kind only.
            case WAITING -> kind != null && store.deleteWaiting(sql, kind, id);
            case RUNNING -> false;
        });
        if (!isDone) {
            throw running();
        }
    }

    /** Deletes the jobs, dead ones too, whose data say that; but none that somebody is at, so that it waits for nobody. */
    public void deleteIdle(Sql sql, String member, String value) {
        store.deleteIdle(sql, member, value);
    }

    /** Deletes all jobs, dead ones too, whose data say that, and waits for those who are at one. */
    public void deleteAll(Sql sql, String member, String value) {
        store.deleteAll(sql, member, value);
    }

    /** How much there is of each kind that this server knows, by name. */
    public List<Backlog> backlog() {
        var counted = database.inTransaction(store::backlog).stream()
                .collect(Collectors.toMap(Backlog::kind, Function.identity()));
        return kinds.keySet().stream()
                .sorted()
                .map(kind -> counted.getOrDefault(kind, Backlog.none(kind)))
                .toList();
    }

    /** Deletes dead letters that are older than that. */
    public void sweep(Duration retention) {
        var before = Instant.now().minus(retention);
        database.inBatches(sql -> store.sweep(sql, before));
    }

    private static RuntimeException running() {
        return Problem.CONFLICT.because("The job is running, or has just ended; look again.");
    }

    private static RuntimeException notFound() {
        return Problem.NOT_FOUND.because("Job not found");
    }
}
