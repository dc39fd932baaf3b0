package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AnswerHeadTest {

    private static String text(AnswerHead head, String body) {
        return new String(head.with(body.getBytes(StandardCharsets.US_ASCII)), StandardCharsets.ISO_8859_1)
                .replaceFirst("Date: [^\r]+ GMT", "Date: now");
    }

    /** Or what was made meanwhile would be modified later than that. */
    @Test
    void theDateIsOfTheSecondInWhichItIsSent() {
        // Over the end of one, just after which a value that is kept is of the one before.
        var end = Instant.now().truncatedTo(ChronoUnit.SECONDS).plusMillis(1050);
        while (Instant.now().isBefore(end)) {
            var before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
            var head = new String(new AnswerHead(200).with(new byte[0]), StandardCharsets.ISO_8859_1);
            var after = Instant.now();
            var date = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(
                    head.lines().skip(1).findFirst().orElseThrow().replace("Date: ", "")));
            assertTrue(!date.isBefore(before) && !date.isAfter(after), head);
        }
    }

    @Test
    void isWrittenFromLeftToRight() {
        var head = new AnswerHead(404)
                .header(HeaderNames.ETAG, "\"7\"")
                .prepared(AnswerHead.prepare("A", "b", "C", "d"))
                .contentLength(2)
                .closing(true);
        assertEquals("""
            HTTP/1.1 404 Not Found
            Date: now
            ETag: "7"
            A: b
            C: d
            Content-Length: 2
            Connection: close

            ok\
            """.replace("\n", "\r\n"), text(head, "ok"));
    }

    @Test
    void growsWithWhatItHolds() {
        var long_ = "x".repeat(100_000);
        assertTrue(text(new AnswerHead(200).header(HeaderNames.LINK, long_), "").contains("Link: " + long_ + "\r\n"));
    }

    @Test
    void ofTwoHeadersOfOneNameTheLaterOneIsSent() {
        var head = new AnswerHead(200)
                .headers(List.of(
                        HeaderValues.create(HeaderNames.VARY, "Accept"),
                        HeaderValues.create(HeaderNames.ALLOW, "GET"),
                        HeaderValues.create(HeaderNames.VARY, "Accept, Origin")));
        assertEquals("""
            HTTP/1.1 200 OK
            Date: now
            Allow: GET
            Vary: Accept, Origin

            """.replace("\n", "\r\n"), text(head, ""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\r\nX: y", "a\nb", "a\rb", "a\0b", "a\u007fb", "\u00e9", "\u2028", "\ud83d\ude00"})
    void noValueEndsItsLine(String value) {
        var head = new AnswerHead(200);
        assertThrows(IllegalArgumentException.class, () -> head.header(HeaderNames.LOCATION, value));
    }
}
