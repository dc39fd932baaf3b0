package dev.heddle.http;

/** Who may use a route. */
public enum Access {
    /** Anyone, without a token. */
    PUBLIC,
    /** A caller whose token may read. */
    READ,
    /** A caller whose token may write. */
    WRITE,
    /** An administrator with a token for administration. */
    ADMIN
}
