package dev.heddle.backup;

/** Why something cannot be backed up or restored; the message is one line for the operator. */
public final class BackupException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final boolean refused;

    private BackupException(String message, boolean refused) {
        super(message);
        this.refused = refused;
    }

    /** Nothing was begun, and to try again without a change is of no use. */
    static BackupException refused(String message) {
        return new BackupException(message, true);
    }

    static BackupException failed(String message) {
        return new BackupException(message, false);
    }

    /** Whether nothing was begun, because of what it was asked for. */
    public boolean isRefused() {
        return refused;
    }
}
