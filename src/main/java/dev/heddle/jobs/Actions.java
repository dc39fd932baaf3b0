package dev.heddle.jobs;

import dev.heddle.concurrent.Batcher;
import dev.heddle.db.Database;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Does the jobs of a kind that is an {@link JobHandler.Action}: those that are in hand are read together, each is done by
 * itself, and those that are done at about the same time are marked together. Safe for any thread.
 */
final class Actions {

    /** While one statement is under way, the next fills. */
    private static final int BATCHES_AT_ONCE = 1;

    /** In one statement. */
    private static final int BATCH_MAX = 128;

    /** Of such a statement; whoever has less than twice as long does it by itself. */
    private static final Duration BATCH_LIMIT = Duration.ofSeconds(2);

    /** For which one that is done waits for others: what is sent and not marked is sent again after a crash. */
    private static final Duration MARK_TOGETHER = Duration.ofMillis(5);

    private final Database database;
    private final JobStore store;
    private final JobKind kind;
    private final JobHandler.Action action;
    private final Intake intake;
    private final Batcher<JobStore.Claim, Optional<Runnable>> reads =
            new Batcher<>(BATCHES_AT_ONCE, BATCH_MAX, BATCH_LIMIT, this::read);
    private final Batcher<JobStore.Claim, Boolean> ends =
            new Batcher<>(BATCHES_AT_ONCE, BATCH_MAX, BATCH_LIMIT, this::finish);

    Actions(Database database, JobStore store, JobKind kind, JobHandler.Action action, Intake intake) {
        this.database = database;
        this.store = store;
        this.kind = kind;
        this.action = action;
        this.intake = intake;
    }

    /**
     * Does a job, in its turn.
     *
     * @return empty when its turn did not come and it was given back
     * @throws RuntimeException when it failed, or the thread was interrupted while it waited for its turn
     */
    Optional<JobObserver.Outcome> run(JobStore.Claim claim) {
        var work = reads.call(claim);
        if (work.isEmpty()) {
            return Optional.of(JobObserver.Outcome.LOST);
        }
        if (!intake.take(work.get())) {
            database.single(sql -> store.release(sql, claim));
            return Optional.empty();
        }
        return Optional.of(ends.call(claim) ? JobObserver.Outcome.DONE : JobObserver.Outcome.LOST);
    }

    private List<Optional<Runnable>> read(List<JobStore.Claim> claims) {
        var works = database.read(sql -> store.read(sql, kind, claims));
        var doing = action.prepare(List.copyOf(works.values()));
        return claims.stream()
                .map(claim ->
                        Optional.ofNullable(works.get(claim.id())).<Runnable>map(work -> () -> doing.accept(work)))
                .toList();
    }

    private List<Boolean> finish(List<JobStore.Claim> claims) {
        if (intake.holdsMoreThan(claims.size())) {
            LockSupport.parkNanos(MARK_TOGETHER.toNanos());
        }
        return JobStore.among(claims, database.single(sql -> store.finish(sql, kind, claims)));
    }
}
