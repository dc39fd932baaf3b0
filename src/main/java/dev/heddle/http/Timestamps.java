package dev.heddle.http;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** RFC 3339 timestamps: written in UTC with microseconds, which is what PostgreSQL keeps; read with any offset. */
public final class Timestamps {

    private static final Pattern RFC_3339 =
            Pattern.compile("\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?([Zz]|[+-]\\d{2}:\\d{2})");

    private static final long SECONDS_A_DAY = 86_400;

    private static final long DAYS_AN_ERA = 146_097;

    private Timestamps() {}

    /** Such as {@code 2026-11-22T10:15:30.123456Z}; finer than a microsecond is cut. Years 0 to 9999. */
    public static String write(Instant time) {
        return new String(ascii(time), StandardCharsets.ISO_8859_1);
    }

    static byte[] ascii(Instant time) {
        // Arithmetic instead of java.time's calendar: a list of ten tasks writes forty of these.
        long day = Math.floorDiv(time.getEpochSecond(), SECONDS_A_DAY);
        int second = (int) Math.floorMod(time.getEpochSecond(), SECONDS_A_DAY);
        var text = new byte[27];
        date(text, day);
        text[10] = 'T';
        digits(text, 11, 2, second / 3600);
        text[13] = ':';
        digits(text, 14, 2, second / 60 % 60);
        text[16] = ':';
        digits(text, 17, 2, second % 60);
        text[19] = '.';
        digits(text, 20, 6, time.getNano() / 1000);
        text[26] = 'Z';
        return text;
    }

    /**
     * The civil date of a day since 1970 in the proleptic Gregorian calendar, by eras of 400 years that begin on the
     * first of March, so that the leap day is the last of its year (H. Hinnant, "chrono-Compatible Low-Level Date
     * Algorithms").
     */
    private static void date(byte[] text, long epochDay) {
        long shifted = epochDay + 719_468;
        long era = Math.floorDiv(shifted, DAYS_AN_ERA);
        int dayOfEra = (int) (shifted - era * DAYS_AN_ERA);
        int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int march = (5 * dayOfYear + 2) / 153;
        int month = march < 10 ? march + 3 : march - 9;
        digits(text, 0, 4, (int) (era * 400 + yearOfEra) + (month <= 2 ? 1 : 0));
        text[4] = '-';
        digits(text, 5, 2, month);
        text[7] = '-';
        digits(text, 8, 2, dayOfYear - (153 * march + 2) / 5 + 1);
    }

    private static void digits(byte[] text, int from, int count, int value) {
        int rest = value;
        for (int i = from + count - 1; i >= from; i--) {
            text[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }

    /**
     * Reads one, to the microsecond; empty when it is none, or its year is not 1 to 9999.
     *
     * <p>RFC 3339 allows a leap second; {@code java.time} and PostgreSQL know none, so {@code :60} is refused.
     */
    public static Optional<Instant> read(String text) {
        if (!RFC_3339.matcher(text).matches()) {
            return Optional.empty();
        }
        try {
            var time = OffsetDateTime.parse(text.toUpperCase(Locale.ROOT))
                    .toInstant()
                    .truncatedTo(ChronoUnit.MICROS);
            int year = time.atOffset(ZoneOffset.UTC).getYear();
            return year >= 1 && year <= 9999 ? Optional.of(time) : Optional.empty();
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
