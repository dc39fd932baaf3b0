package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.content.Ranges.Parts;
import dev.heddle.http.PercentEncoding;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Any text where the name of a file, a range, a digest or a date should be. */
public final class ContentFuzz {

    private static final Path DIRECTORY = Path.of("/srv/files");

    private ContentFuzz() {}

    /** Where it begins, and what was found. */
    public static Stream<byte[]> seeds() {
        return Stream.of(
                        "report.txt",
                        "../../etc/passwd",
                        "con.txt",
                        "café\u0301 \ud83d\ude00.pdf",
                        "LPT¹.x",
                        "a\u200db",
                        "bytes=0-0,5-9,-3",
                        "bytes=9-1,99999999999999999999-",
                        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:;a=\"b\", x=:AA==:",
                        "Sun, 06 Nov 1994 08:49:37 GMT")
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    /** Any text is a good name, a good range, a good digest, or none. */
    public static void fuzzerTestOneInput(byte[] data) {
        check(new String(data, StandardCharsets.UTF_8));
        // Where surrogates may be alone.
        check(new String(data, StandardCharsets.UTF_16BE));
    }

    private static void check(String text) {
        FileName.of(text).ifPresent(ContentFuzz::checkName);
        for (long size : new long[] {0, 1, 10, Long.MAX_VALUE}) {
            if (Ranges.of(text, size) instanceof Parts parts) {
                checkParts(parts, size);
            }
        }
        try {
            DigestFields.read("Content-Digest", text);
        } catch (ProblemException e) {
            assertEquals(Problem.BAD_REQUEST, e.problem());
        }
        HttpDate.read(text);
    }

    private static void checkName(FileName name) {
        var text = name.text();
        assertEquals(Optional.of(name), FileName.of(text), "a good name stays what it is");
        assertTrue(text.getBytes(StandardCharsets.UTF_8).length <= FileName.BYTES_MAX);
        var file = DIRECTORY.resolve(text).normalize();
        assertEquals(DIRECTORY, file.getParent(), text);
        assertEquals(text, String.valueOf(file.getFileName()));
        assertFalse(text.chars().anyMatch(c -> c < ' ' || "/\\:*?\"<>|".indexOf(c) >= 0), text);
        var stem = text.toLowerCase(Locale.ROOT).split("\\.", 2)[0].strip();
        assertFalse(stem.matches("con|prn|aux|nul|com[1-9]|lpt[1-9]"), text);
        assertEquals(Optional.of(text), PercentEncoding.decode(name.percentEncoded(), false));
        assertTrue(
                name.attachment()
                        .matches("attachment; filename=\"[ !#-\\[\\]-~]*\"; filename\\*=UTF-8''[-A-Za-z0-9._~%]*"),
                name.attachment());
    }

    private static void checkParts(Parts parts, long size) {
        assertFalse(parts.spans().isEmpty());
        assertTrue(parts.spans().size() <= Ranges.PARTS_MAX);
        long sum = 0;
        for (var span : parts.spans()) {
            assertTrue(span.first() >= 0 && span.first() <= span.last() && span.last() < size, parts.toString());
            sum += span.length();
        }
        assertTrue(sum > 0 && sum <= size, "no byte is sent twice");
    }
}
