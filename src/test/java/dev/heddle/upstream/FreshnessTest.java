package dev.heddle.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.client.Answers;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** In the tables, {@code |} is between two fields; the settings say 7 seconds fresh and 300 stale. */
class FreshnessTest {

    private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");
    private static final Duration CACHE_FOR = Duration.ofSeconds(7);
    private static final Duration STALE_IF_ERROR = Duration.ofMinutes(5);

    private static Freshness of(String row) {
        var answer = row.isEmpty() ? Answers.with() : Answers.with(row.split("\\|", -1));
        return Freshness.of(answer, CACHE_FOR, STALE_IF_ERROR, NOW);
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
        '', 7
        'X: max-age=60', 7
        'Cache-Control: ', 7
        'Cache-Control: public', 7
        'Cache-Control: private', 7
        'Cache-Control: max-age=60', 60
        'cache-control: MAX-AGE=60', 60
        'Cache-Control: public,max-age=60,foo', 60
        'Cache-Control: public|Cache-Control: max-age=60', 60
        'Cache-Control: ,, , max-age=60 ,', 60
        'Cache-Control: max-age="60"', 60
        'Cache-Control: max-age=0', 0
        'Cache-Control: max-age=060', 60
        'Cache-Control: max-age=60, max-age=90', 60
        'Cache-Control: max-age=60|Cache-Control: max-age=90', 60
        'Cache-Control: max-age', 0
        'Cache-Control: max-age=', 0
        'Cache-Control: max-age=-1', 0
        'Cache-Control: max-age=+60', 0
        'Cache-Control: max-age=60.5', 0
        'Cache-Control: max-age=60s', 0
        'Cache-Control: max-age=6 0', 0
        'Cache-Control: max-age = 60', 0
        'Cache-Control: max-age= 60', 0
        'Cache-Control: max-age=60; public', 0
        'Cache-Control: max-age=2147483648', 2147483648
        'Cache-Control: max-age=2147483649', 2147483648
        'Cache-Control: max-age=999999999999999999', 2147483648
        'Cache-Control: max-age=9223372036854775808', 2147483648
        'Cache-Control: max-age=99999999999999999999999', 2147483648
        'Cache-Control: s-maxage=60', 7
        'Cache-Control: s-maxage=60, max-age=30', 30
        'Cache-Control: x="max-age=90"', 7
        'Cache-Control: x="a, max-age=90, b"', 7
        'Cache-Control: x="a\\", max-age=90, b"', 7
        'Cache-Control: x="a\\\\", max-age=90', 90
        'Cache-Control: x-max-age=90', 7
        'Cache-Control: no-cache', 0
        'Cache-Control: no-cache, max-age=60', 0
        'Cache-Control: max-age=60, No-Cache="Set-Cookie"', 0
        'Cache-Control: must-revalidate, max-age=60', 60
        'Cache-Control: max-age=60|Age: 20', 40
        'Cache-Control: max-age=60|Age: 60', 0
        'Cache-Control: max-age=60|Age: 90', 0
        'Cache-Control: max-age=60|Age: soon', 60
        'Cache-Control: max-age=60|Age: -5', 60
        'Cache-Control: max-age=60|Age: 20, 0', 40
        'Cache-Control: max-age=60|Age: 20|Age: 0', 40
        'Cache-Control: max-age=60|Age: 99999999999999999999999', 0
        'Age: 3', 4
        'Age: 8', 0
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT', 60
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Date: Mon, 23 Nov 2026 10:00:30 GMT', 30
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Date: yesterday', 60
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Date: Mon, 23 Nov 2026 10:02:00 GMT', 0
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Age: 50', 10
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Cache-Control: max-age=5', 5
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Cache-Control: max-age=x', 0
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Cache-Control: s-maxage=5', 60
        'Expires: Mon, 23 Nov 2026 10:01:00 GMT|Expires: Mon, 23 Nov 2026 10:05:00 GMT', 0
        'Expires: Tue, 23 Nov 2026 10:01:00 GMT', 0
        'Expires: Thu, 01 Jan 1970 00:00:00 GMT', 0
        'Expires: 0', 0
        'Expires: -1', 0
        'Expires: Mon, 23 Nov 2026 25:01:00 GMT', 0
        """)
    void isFreshForAsLongAsItsHeadersSayOrElseTheSettings(String row, long seconds) {
        assertEquals(Duration.ofSeconds(seconds), of(row).fresh());
        assertTrue(of(row).isStorable());
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
        '', 300
        'Cache-Control: max-age=60', 300
        'Cache-Control: stale-if-error=20', 20
        'Cache-Control: stale-if-error="20"', 20
        'Cache-Control: stale-if-error=0', 0
        'Cache-Control: stale-if-error=20, stale-if-error=90', 20
        'Cache-Control: stale-if-error', 300
        'Cache-Control: stale-if-error=x', 300
        'Cache-Control: stale-if-error=99999999999999999999', 2147483648
        'Cache-Control: must-revalidate', 0
        'Cache-Control: Must-Revalidate, stale-if-error=20', 0
        'Cache-Control: no-cache, stale-if-error=20', 0
        'Cache-Control: proxy-revalidate', 300
        """)
    void standsInForAsLongAsItsHeadersSayOrElseTheSettings(String row, long seconds) {
        assertEquals(Duration.ofSeconds(seconds), of(row).stale());
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
        '', true
        'Cache-Control: private', true
        'Cache-Control: no-cache', true
        'Cache-Control: no-store', false
        'Cache-Control: max-age=60, NO-STORE', false
        'Cache-Control: max-age=60|Cache-Control: no-store', false
        'Cache-Control: no-store=x', false
        'Cache-Control: x="no-store"', true
        'Cache-Control: x="no-store', false
        'Cache-Control: x="a, no-store', false
        'Vary: Accept', true
        'Vary: *', false
        'Vary: Accept, *', false
        'Vary: Accept|Vary: *', false
        """)
    void isKeptUnlessItsHeadersForbidIt(String row, boolean isStorable) {
        assertEquals(isStorable, of(row).isStorable());
        assertEquals(isStorable && !row.contains("no-cache"), of(row).isUseful());
    }

    @ParameterizedTest
    @CsvSource({"'', 0", "Age: 20, 20", "Age: x, 0", "Age: 99999999999999999999, 2147483648"})
    void knowsItsAge(String row, long seconds) {
        assertEquals(Duration.ofSeconds(seconds), of(row).age());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", ",", " ", "\"", "\\", "=", "a,", "a=\"", "a=\"\\", "\t,"})
    void aHeaderThatWasMadeToBeSlowIsNot(String again) {
        for (var end : new String[] {"", ";", "\"", "x x"}) {
            var header = "Cache-Control: a" + again.repeat(60_000 / again.length()) + end;
            assertTimeoutPreemptively(Duration.ofSeconds(5), () -> of(header));
        }
    }
}
