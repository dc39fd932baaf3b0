package dev.heddle.upstream;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A JSON document that an upstream answered, now or earlier. Not changed by anybody, safe for any thread. */
public final class Document {

    private final byte[] json;
    private final @Nullable Duration age;

    Document(byte[] json, @Nullable Duration age) {
        this.json = json;
        this.age = age;
    }

    /** The document itself in UTF-8, which nobody may write to. */
    public byte[] json() {
        return json;
    }

    /** Its age, if it was kept: RFC 9111 §5.1. */
    public @Nullable Duration age() {
        return age;
    }
}
