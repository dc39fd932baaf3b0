package dev.heddle.jobs;

/** A job has failed in a way that no further attempt can mend: it goes to the dead letters at once. */
public final class HopelessException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** The message is kept as the job's last error: no secret, no text of a user. */
    public HopelessException(String message, Throwable cause) {
        super(message, cause);
    }
}
