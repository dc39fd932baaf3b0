package dev.heddle.concurrent;

/**
 * A {@link Bulkhead}, or what is like one, had no place: a local resource is exhausted for the moment, and trying again
 * later may help.
 */
public final class BulkheadFullException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Refused for that reason, which goes to the log. */
    public BulkheadFullException(String message) {
        // No stack: under overload these are made by the thousand, and all come from one place.
        super(message, null, false, false);
    }
}
