package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Preconditions.IfMatch;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Any text where a cursor, a query, an escape, a media type, a tag or a timestamp should be. */
public final class TextFuzz {

    private static final List<String> OFFERS = List.of(MediaTypes.JSON, MediaTypes.NDJSON, MediaTypes.CSV);

    private TextFuzz() {}

    /** Where it begins, and what was found. */
    public static Stream<byte[]> seeds() {
        return Stream.of(
                        "",
                        Cursor.write("1763806530123456 0199a3f0-1234-7abc-8def-0123456789ab", "filter"),
                        "limit=5&cursor=abc&skip=7&flag=true&id=0199a3f0-1234-7abc-8def-0123456789ab&when=2026-11-22T10:15:30Z",
                        "a%20b+c%C3%A9%zz&=&a&a=%00",
                        "application/json;q=0.5, text/*;q=1, */*;q=0",
                        "application/json; charset=\"utf-8\"",
                        "\"1\", W/\"2\", *",
                        "2026-02-28T23:59:60.123456789+01:30",
                        "é\ud83d\ude00")
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    /** Any text is understood or refused. */
    public static void fuzzerTestOneInput(byte[] data) {
        check(new String(data, StandardCharsets.UTF_8));
        // Where surrogates may be alone.
        check(new String(data, StandardCharsets.UTF_16BE));
    }

    private static void check(String text) {
        Cursor.read(text, "filter").ifPresent(position -> assertEquals(text, Cursor.write(position, "filter")));
        query(text);
        escapes(text);
        assertTrue(
                OFFERS.containsAll(MediaTypes.choose(text, OFFERS).map(List::of).orElse(List.of())));
        MediaTypes.isType(text, MediaTypes.JSON);
        tags(text);
        Timestamps.read(text)
                .ifPresent(time -> assertEquals(
                        Optional.of(Timestamps.write(time)),
                        Timestamps.read(Timestamps.write(time)).map(Timestamps::write)));
        Text.uuid(text).ifPresent(id -> assertTrue(text.equalsIgnoreCase(id.toString())));
        assertTrue(RequestIds.of(text).matches("[A-Za-z0-9._-]{1,128}"));
    }

    private static void query(String text) {
        var complaints = new Complaints();
        try {
            var query = Query.of(text, complaints);
            var page = Page.of(query, "filter");
            assertTrue(page.limit() >= 1 && page.limit() <= Page.LIMIT_MAX && page.skip() >= 0);
            Keyset.of(page);
            query.text("a", 10);
            query.flag("flag");
            query.uuid("id");
            query.time("when");
            query.oneOf("access", Access.class);
            query.complainAboutUnknown();
        } catch (ProblemException e) {
            assertEquals(Problem.BAD_REQUEST, e.problem());
        }
    }

    private static void escapes(String text) {
        // A lone surrogate has no bytes.
        if (text.equals(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))) {
            assertEquals(Optional.of(text), PercentEncoding.decode(PercentEncoding.encode(text), false));
            assertEquals(Optional.of(text), PercentEncoding.decode(PercentEncoding.encode(text), true));
        }
        for (boolean plusIsBlank : new boolean[] {true, false}) {
            PercentEncoding.decode(text, plusIsBlank)
                    .ifPresent(decoded -> assertEquals(
                            Optional.of(decoded), PercentEncoding.decode(PercentEncoding.encode(decoded), false)));
        }
    }

    private static void tags(String text) {
        if (Preconditions.ifMatch(text) instanceof IfMatch.OneOf oneOf) {
            for (long version : oneOf.versions()) {
                assertTrue(text.contains(Preconditions.tag(version)), "nothing matches that does not stand there");
                assertTrue(Preconditions.noneMatchFails(text, version));
            }
        }
        Preconditions.matches(text, "7", true);
    }
}
