package dev.heddle.content;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpDateTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        Sun, 06 Nov 1994 08:49:37 GMT        | 1994-11-06T08:49:37Z
        Sunday, 06-Nov-94 08:49:37 GMT       | 1994-11-06T08:49:37Z
        Sun Nov  6 08:49:37 1994             | 1994-11-06T08:49:37Z
        Wed Nov 16 08:49:37 1994             | 1994-11-16T08:49:37Z
        Thu, 26 Nov 2026 00:00:00 GMT        | 2026-11-26T00:00:00Z
        Thu, 29 Feb 2024 23:59:59 GMT        | 2024-02-29T23:59:59Z
        Thursday, 01-Jan-70 00:00:00 GMT     | 1970-01-01T00:00:00Z
        Thursday, 26-Nov-26 00:00:00 GMT     | 2026-11-26T00:00:00Z
        """)
    void readsAllThreeForms(String text, Instant time) {
        assertEquals(Optional.of(time), HttpDate.read(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "now",
                "0",
                "1994-11-06T08:49:37Z",
                "Sun, 06 Nov 1994 08:49:37",
                "Sun, 06 Nov 1994 08:49:37 UTC",
                "Sun, 06 Nov 1994 08:49:37 +0000",
                "Sun, 6 Nov 1994 08:49:37 GMT",
                "06 Nov 1994 08:49:37 GMT",
                "Mon, 06 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 94 08:49:37 GMT",
                "Sun, 06 Nov 1994 24:49:37 GMT",
                "Sun, 06 Nov 1994 24:00:00 GMT",
                "Sun, 06 Nov 1994 08:60:37 GMT",
                "Fri, 31 Feb 2025 08:49:37 GMT",
                "Fri, 29 Feb 2025 08:49:37 GMT",
                "Thu, 31 Apr 2026 08:49:37 GMT",
                "So, 06 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            })
    void whatIsNoDateIsNone(String text) {
        assertEquals(Optional.empty(), HttpDate.read(text));
    }

    @Test
    void writesTheFirstForm() {
        assertEquals("Sun, 06 Nov 1994 08:49:37 GMT", HttpDate.write(Instant.parse("1994-11-06T08:49:37Z")));
        assertEquals("Thu, 01 Jan 1970 00:00:00 GMT", HttpDate.write(Instant.EPOCH));
        assertEquals("Thu, 26 Nov 2026 12:30:00 GMT", HttpDate.write(Instant.parse("2026-11-26T12:30:00.999Z")));
    }
}
