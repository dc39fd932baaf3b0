package dev.heddle.client;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Answers as they would be read, for tests of other rooms. */
public final class Answers {

    private Answers() {}

    /** With those fields, each without its line end, and no body. */
    public static HttpAnswer with(String... fields) {
        var text = "HTTP/1.1 204 No Content\r\n" + String.join("\r\n", fields) + (fields.length > 0 ? "\r\n" : "")
                + "\r\n";
        try {
            return new AnswerReader(new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1))).read(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
