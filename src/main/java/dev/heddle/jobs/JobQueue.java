package dev.heddle.jobs;

import dev.heddle.db.Sql;
import java.util.function.Consumer;

/** Tells the workers of this process that there is work. Safe for any thread. */
public final class JobQueue {

    // Set when the workers start; until then their polling finds what was enqueued.
    private volatile Consumer<JobKind> waker = kind -> {};

    /** To be called by whoever has enqueued: the workers wake as soon as the unit of work has ended well. */
    public void wake(Sql sql, JobInsert insert) {
        sql.afterwards(() -> insert.kinds().forEach(waker));
    }

    /** The same for one that is due again. */
    void wake(Sql sql, JobKind kind) {
        sql.afterwards(() -> waker.accept(kind));
    }

    void wakes(Consumer<JobKind> workers) {
        waker = workers;
    }
}
