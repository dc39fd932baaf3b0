package dev.heddle.http;

/** What keeps an operation from being done too often at once. */
public enum Load {
    /** The server's own limit of requests at once, which counts from when the body has come. */
    ORDINARY,
    /** A limit of its own, because it waits for others: another server, a thread that computes. */
    OWN,
    /** The same, and it reads the body as it comes, for as long as that takes. */
    STREAMED
}
