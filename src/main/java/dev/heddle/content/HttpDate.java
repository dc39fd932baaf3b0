package dev.heddle.content;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Dates in headers (RFC 9110 §5.6.7): written in one form, read in all three. */
final class HttpDate {

    private static final DateTimeFormatter FIXED = strict("EEE, dd MMM uuuu HH:mm:ss 'GMT'");

    /** Of the two obsolete forms, the first has years of two digits: those from 1970 on. */
    private static final List<DateTimeFormatter> READ = List.of(
            FIXED,
            new DateTimeFormatterBuilder()
                    .appendPattern("EEEE, dd-MMM-")
                    .appendValueReduced(ChronoField.YEAR, 2, 2, LocalDate.EPOCH)
                    .appendPattern(" HH:mm:ss 'GMT'")
                    .toFormatter(Locale.US)
                    .withResolverStyle(ResolverStyle.STRICT),
            strict("EEE MMM ppd HH:mm:ss uuuu"));

    private HttpDate() {}

    /** A day that no month has is no date; the lenient reading makes another one of it. */
    private static DateTimeFormatter strict(String pattern) {
        return DateTimeFormatter.ofPattern(pattern, Locale.US).withResolverStyle(ResolverStyle.STRICT);
    }

    static String write(Instant time) {
        return FIXED.format(time.atOffset(ZoneOffset.UTC));
    }

    /** Empty when it is none: then the condition that it belongs to is none either. */
    static Optional<Instant> read(String text) {
        for (var form : READ) {
            try {
                return Optional.of(LocalDateTime.parse(text, form).toInstant(ZoneOffset.UTC));
            } catch (DateTimeException e) {
                // Perhaps in another form.
            }
        }
        return Optional.empty();
    }
}
