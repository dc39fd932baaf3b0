package dev.heddle.jobs;

import dev.heddle.db.Database;
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
import org.jspecify.annotations.Nullable;

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
        /** What a cursor is bound to. */
        String fingerprint() {
            return "jobs " + state.map(Enum::name).orElse("") + " " + kind.orElse("");
        }
    }

    /** How much there is of a kind: waiting, running, dead, and when the oldest that is not dead was enqueued. */
    public record Backlog(
            long waiting, long running, long dead, @Nullable Instant oldest) {
        /** Nothing. */
        public static final Backlog NONE = new Backlog(0, 0, 0, null);
    }

    /** Jobs of these kinds. */
    public Jobs(Database database, JobQueue queue, Collection<JobKind> kinds) {
        this.database = database;
        this.queue = queue;
        this.kinds = kinds.stream().collect(Collectors.toUnmodifiableMap(JobKind::name, Function.identity()));
    }

    List<Job> list(Filter filter, Optional<UUID> after, int skip, int rows) {
        boolean isLiveAsked = filter.state().filter(Job.State.FAILED::equals).isEmpty();
        boolean isDeadAsked =
                filter.state().filter(state -> state != Job.State.FAILED).isEmpty();
        var live = isLiveAsked ? kindsOf(filter.kind()) : List.<JobKind>of();
        if (live.isEmpty() && !isDeadAsked) {
            return List.of();
        }
        return database.read(
                sql -> store.list(sql, live, isDeadAsked, filter.kind(), filter.state(), after, skip, rows));
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
                    due.ifPresent(it -> queue.wake(sql, kind.lane()));
                    return due;
                })
                .orElseThrow(Jobs::running);
    }

    /** Deletes a job that does not run; what it was to do is never done. */
    void delete(UUID id) {
        var job = get(id);
        var kind = job.state() == Job.State.FAILED
                ? Optional.<JobKind>empty()
                : Optional.ofNullable(kinds.get(job.kind()));
        if (job.state() == Job.State.RUNNING || !database.single(sql -> store.delete(sql, kind, id))) {
            throw running();
        }
    }

    /** How much there is of each kind. */
    public Map<String, Backlog> backlog() {
        return database.read(store::backlog).stream()
                .filter(row -> kinds.containsKey(row.kind()))
                .collect(Collectors.toMap(
                        JobStore.Backlog::kind,
                        row -> new Backlog(row.waiting(), row.running(), row.dead(), row.oldest())));
    }

    /** Deletes dead letters that are older than that. */
    public void sweep(Duration retention) {
        var before = Instant.now().minus(retention);
        while (database.single(sql -> store.sweep(sql, before)) > 0) {
            // A batch at a time.
        }
    }

    private static RuntimeException running() {
        return Problem.CONFLICT.because("The job is running, or has just ended; look again.");
    }

    private static RuntimeException notFound() {
        return Problem.NOT_FOUND.because("Job not found");
    }
}
