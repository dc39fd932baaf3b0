package dev.heddle.jobs;

import dev.heddle.concurrent.Deadline;
import dev.heddle.db.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntToLongFunction;
import java.util.function.ToLongFunction;

/**
 * How jobs of a kind are done where they lie, without that anybody has picked them.
 *
 * @param work does at most so many of those that are due, all or none; how many
 * @param leave leaves those to the engine; how many it found
 */
record Due(IntToLongFunction work, ToLongFunction<Set<UUID>> leave) {

    /** Of the statement for an effect: whatever it waits for so long is better waited for by single jobs. */
    private static final Duration EFFECT_LIMIT = Duration.ofSeconds(2);

    /**
     * For what is outside but near: a disk may be busy with what others have written. Less than the thirty seconds after
     * which PostgreSQL ends a transaction that does nothing.
     */
    private static final Duration NEAR_LIMIT = Duration.ofSeconds(20);

    /**
     * For jobs of that kind; empty when each is to be picked.
     *
     * @param since those that were due before are left
     */
    static Optional<Due> of(Database database, JobStore store, Registration registration, Instant since) {
        var kind = registration.kind();
        ToLongFunction<Set<UUID>> leave = jobs -> database.single(sql -> store.leave(sql, kind, jobs, since));
        return switch (registration.handler()) {
            case JobHandler.Effect effect -> {
                IntToLongFunction work = most -> database.single(sql -> store.applyDue(sql, kind, effect, since, most));
                yield Optional.of(new Due(within(EFFECT_LIMIT, work), leave));
            }
            case JobHandler.Action action ->
                action.together().map(together -> {
                    // Their locks keep other servers away; should this one die, they are there again.
                    IntToLongFunction work = most -> database.inTransaction(sql -> {
                        var jobs = store.takeDue(sql, kind, since, most);
                        if (!jobs.isEmpty()) {
                            together.accept(jobs);
                        }
                        return (long) jobs.size();
                    });
                    return new Due(within(NEAR_LIMIT, work), leave);
                });
        };
    }

    private static IntToLongFunction within(Duration limit, IntToLongFunction work) {
        return most -> Deadline.after(limit).call(() -> work.applyAsLong(most));
    }
}
