package dev.heddle.connection;

import java.nio.charset.StandardCharsets;

/** Opens a door of this room for the tests of others. */
public final class Heads {

    private Heads() {}

    /** The head that this text is, in Latin-1. */
    public static RequestHead of(String text) {
        var bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        var parser = new HeadParser(new ConnectionGuard.Size(1, 8 * 1024, 64 * 1024, 0));
        if (parser.read(bytes, 0, bytes.length) != bytes.length) {
            throw new IllegalArgumentException("no head, or more than one");
        }
        return parser.head(bytes, 0);
    }
}
