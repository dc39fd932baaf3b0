package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimestampsTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        2026-11-22T10:15:30Z                | 2026-11-22T10:15:30.000000Z
        2026-11-22t10:15:30z                | 2026-11-22T10:15:30.000000Z
        2026-11-22T10:15:30.1Z              | 2026-11-22T10:15:30.100000Z
        2026-11-22T10:15:30.123456Z         | 2026-11-22T10:15:30.123456Z
        2026-11-22T10:15:30.123456999Z      | 2026-11-22T10:15:30.123456Z
        2026-11-22T10:15:30.000000001Z      | 2026-11-22T10:15:30.000000Z
        2026-11-22T10:15:30+00:00           | 2026-11-22T10:15:30.000000Z
        2026-11-22T10:15:30-00:00           | 2026-11-22T10:15:30.000000Z
        2026-11-22T10:15:30+05:30           | 2026-11-22T04:45:30.000000Z
        2026-11-22T23:15:30-08:00           | 2026-11-23T07:15:30.000000Z
        2026-11-22T10:15:30+18:00           | 2026-11-21T16:15:30.000000Z
        2024-02-29T00:00:00Z                | 2024-02-29T00:00:00.000000Z
        0001-01-01T00:00:00Z                | 0001-01-01T00:00:00.000000Z
        9999-12-31T23:59:59.999999999Z      | 9999-12-31T23:59:59.999999Z
        1969-12-31T23:59:59.999999999Z      | 1969-12-31T23:59:59.999999Z
        """)
    void readsWhatRfc3339AllowsAndWritesItInUtcToTheMicrosecond(String text, String written) {
        assertEquals(Optional.of(written), Timestamps.read(text).map(Timestamps::write));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "now",
                "2026-11-22",
                "2026-11-22T10:15Z",
                "2026-11-22T10:15:30",
                "2026-11-22 10:15:30Z",
                "2026-11-22T10:15:30.Z",
                "2026-11-22T10:15:30,5Z",
                "2026-11-22T10:15:30.1234567890Z",
                "2026-11-22T10:15:30+0100",
                "2026-11-22T10:15:30+01",
                "2026-11-22T10:15:30+18:01",
                "2026-11-22T10:15:30+01:60",
                "2026-11-22T10:15:30[Europe/Berlin]",
                "2026-11-22T10:15:30ZZ",
                " 2026-11-22T10:15:30Z",
                "2026-11-22T10:15:30Z\n",
                "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z",
                "2026-02-29T00:00:00Z",
                "2026-04-31T00:00:00Z",
                "2026-11-22T24:00:00Z",
                "2026-11-22T10:60:00Z",
                "12026-11-22T10:15:30Z",
                "+2026-11-22T10:15:30Z",
                "-2026-11-22T10:15:30Z",
                "２０２６-11-22T10:15:30Z",
                "1763806530"
            })
    void refusesEverythingElse(String text) {
        assertEquals(Optional.empty(), Timestamps.read(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z"})
    void refusesALeapSecondBecauseNothingBehindItKnowsOne(String text) {
        assertEquals(Optional.empty(), Timestamps.read(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0000-12-31T23:59:59Z",
                "0001-01-01T00:00:00+00:01",
                "9999-12-31T23:59:59-00:01",
                "9999-12-31T23:59:59.999999-18:00"
            })
    void refusesAYearThatIsNotOneTo9999InUtc(String text) {
        assertEquals(Optional.empty(), Timestamps.read(text));
    }

    @Test
    void whatWasWrittenReadsBackTheSame() {
        for (long micros = -62_135_596_800_000_000L;
                micros <= 253_402_300_799_999_999L;
                micros += 7_777_777_777_777_777L) {
            var time = Instant.EPOCH.plusNanos(micros % 1_000_000 * 1000).plusSeconds(micros / 1_000_000);
            assertEquals(Optional.of(time), Timestamps.read(Timestamps.write(time)));
        }
    }
}
