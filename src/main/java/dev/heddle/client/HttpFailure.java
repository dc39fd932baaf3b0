package dev.heddle.client;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Why there is no answer from a server, in words for the operator: they may name addresses. */
public final class HttpFailure extends IOException {

    private static final long serialVersionUID = 1L;

    /** What went wrong. */
    public enum Kind {
        /** Its name leads to no address. */
        UNRESOLVED,
        /** Its address is one that must not be connected to. */
        FORBIDDEN,
        /** No connection could be made. */
        UNREACHABLE,
        /** It could not prove who it is, or agrees to no encryption that is good enough. */
        UNTRUSTED,
        /** It took longer than it may. */
        TIMEOUT,
        /** The connection ended before the answer did. */
        CUT,
        /** What it sent is no HTTP/1.1. */
        MALFORMED,
        /** Its answer is larger than it may be. */
        TOO_LARGE
    }

    private final Kind kind;

    /** A failure of that kind. */
    public HttpFailure(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    HttpFailure(Kind kind, String message) {
        this(kind, message, null);
    }

    /** What went wrong. */
    public Kind kind() {
        return kind;
    }
}
