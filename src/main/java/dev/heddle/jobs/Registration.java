package dev.heddle.jobs;

/**
 * A kind, what it does, and how often it is tried.
 *
 * @param attemptsMax after so many failed attempts it goes to the dead letters
 */
public record Registration(JobKind kind, JobHandler handler, int attemptsMax) {

    /** Refuses an effect on the database in the lane of those who wait for others. */
    public Registration {
        if (handler instanceof JobHandler.Effect != (kind.lane() == Lane.DATABASE)) {
            throw new IllegalArgumentException(kind.name() + " is in the wrong lane");
        }
        if (attemptsMax < 1) {
            throw new IllegalArgumentException(kind.name() + " is never tried");
        }
    }
}
