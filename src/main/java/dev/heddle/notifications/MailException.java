package dev.heddle.notifications;

import org.jspecify.annotations.Nullable;

/**
 * A mail was not sent. Message and causes are for the log: they hold no password and nothing of the mail, so of what a
 * server answered they have the codes only.
 */
public final class MailException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final boolean isPermanent;

    private MailException(boolean isPermanent, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.isPermanent = isPermanent;
    }

    /** This mail will never be sent. */
    static MailException permanent(String message) {
        return new MailException(true, message, null);
    }

    /** Later may help. */
    static MailException transientFailure(String message, @Nullable Throwable cause) {
        return new MailException(false, message, cause);
    }

    /** Whether trying again is of no use: the receiver or the server refused this very mail. */
    public boolean isPermanent() {
        return isPermanent;
    }
}
