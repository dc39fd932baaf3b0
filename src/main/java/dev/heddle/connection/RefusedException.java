package dev.heddle.connection;

/** What came is no request, or not one that is taken: it is answered so, and the connection ends. */
public final class RefusedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int status;

    private RefusedException(int status, String message) {
        // Whoever sends such things sends many; where they were found tells nothing.
        super(message, null, false, false);
        this.status = status;
    }

    static RefusedException broken(String message) {
        return new RefusedException(400, message);
    }

    static RefusedException tooLarge(String message) {
        return new RefusedException(413, message);
    }

    static RefusedException of(int status, String message) {
        return new RefusedException(status, message);
    }

    /** That of the answer. */
    public int status() {
        return status;
    }
}
