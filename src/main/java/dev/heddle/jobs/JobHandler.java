package dev.heddle.jobs;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** What a kind of job does. */
public sealed interface JobHandler {

    /**
     * An effect on this database, written and marked as done by one statement: it happens exactly once, whatever crashes.
     * Jobs of one kind that are due at about the same time are done by the same statement.
     *
     * @param ctes the parts of the statement, each {@code name AS (INSERT …)}; they read {@code job}, which has a row for
     *     each of the jobs: {@code id uuid, data jsonb, created_at timestamptz}. What they lock they lock in an order that
     *     is the same for all jobs, or two such statements wait for each other
     */
    record Effect(List<String> ctes) implements JobHandler {
        /** Refuses an effect that is none. */
        public Effect {
            if (ctes.isEmpty()) {
                throw new IllegalArgumentException("an effect needs a statement");
            }
            ctes = List.copyOf(ctes);
        }
    }

    /**
     * An effect outside of this database. It is marked as done afterwards, so a crash in between repeats it: it hands the
     * job's id to the outside.
     */
    @FunctionalInterface
    non-sealed interface Action extends JobHandler {
        /**
         * Looks up what these jobs need, once for all of them.
         *
         * @return does one of them, within {@link dev.heddle.concurrent.Deadline#current()}; an interruption means that the
         *     server stops. It throws {@link HopelessException} when another attempt cannot help, and any other
         *     {@link RuntimeException} when another may. Safe for any thread
         * @throws RuntimeException when nothing could be looked up; another attempt may help
         */
        Consumer<Work> prepare(List<Work> jobs);

        /**
         * How to do all of these at once, where what is outside is near, such as a disk: many take moments, for which a
         * transaction is open. Empty when each is to be done by itself, which may take as long as somebody else pleases.
         *
         * @return does them, within {@link dev.heddle.concurrent.Deadline#current()}; after that none
         *     of what it did is noted. When it throws, some may have been done, and all are done again, each by itself; when
         *     it throws an {@link UnfitException} none was, and only those that it names are done by themselves
         */
        default Optional<Consumer<List<Work>>> together() {
            return Optional.empty();
        }
    }
}
