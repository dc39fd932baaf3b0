package dev.heddle.jobs;

import java.util.Set;
import java.util.UUID;

/** Of jobs that were to be done together some cannot be, and none was done. Each of those is tried by itself instead. */
public final class UnfitException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final transient Set<UUID> jobs;

    /** These cannot be done with others. */
    public UnfitException(Set<UUID> jobs) {
        super(jobs.size() + " jobs cannot be done with others", null, false, false);
        this.jobs = Set.copyOf(jobs);
    }

    /** Their ids. */
    Set<UUID> jobs() {
        return jobs;
    }
}
