package dev.heddle.upstream;

import dev.heddle.client.HttpAnswer;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How long an answer may be used again, after its own headers: RFC 9111. Heddle asks with one credential of its own, so it
 * keeps answers as a private cache does: {@code private} and {@code Authorization} forbid nothing, {@code s-maxage} is not
 * for it.
 *
 * @param isStorable whether it may be kept, and be handed to another caller, at all
 * @param fresh how long it is good as it is
 * @param stale how much longer it may stand in for one that cannot be had
 * @param age how old it was when it came
 */
record Freshness(boolean isStorable, Duration fresh, Duration stale, Duration age) {

    /** As many as a long holds. */
    private static final int DIGITS_MAX = 18;

    private static final Pattern SECONDS = Pattern.compile("[0-9]+");

    /** RFC 9111 §1.2.2 lets large numbers be taken for 2^31. */
    private static final long SECONDS_MAX = 1L << 31;

    /**
     * What the headers say, or else the settings.
     *
     * @param cacheFor how long an answer is good that does not say
     * @param staleIfError how long any answer may stand in that does not forbid it
     */
    static Freshness of(HttpAnswer answer, Duration cacheFor, Duration staleIfError, Instant now) {
        var directives = directives(answer.header("Cache-Control"));
        boolean isStorable =
                !directives.containsKey("no-store") && !answer.header("Vary").contains("*");
        boolean asks = directives.containsKey("no-cache");
        // Of several the first. RFC 9111 §5.1.
        var age = seconds(answer.header("Age").split(",", 2)[0].strip()).orElse(Duration.ZERO);
        var lifetime = asks ? Duration.ZERO : lifetime(answer, directives, now).orElse(cacheFor);
        var fresh = lifetime.minus(age);
        // RFC 9111 §4.2.4: these two forbid what is outdated even when nothing else can be had.
        var stale = asks || directives.containsKey("must-revalidate")
                ? Duration.ZERO
                : seconds(directives.getOrDefault("stale-if-error", "")).orElse(staleIfError);
        return new Freshness(isStorable, fresh.isNegative() ? Duration.ZERO : fresh, stale, age);
    }

    /** Whether it may ever be used without asking. */
    boolean isUseful() {
        return isStorable && (fresh.isPositive() || stale.isPositive());
    }

    private static Optional<Duration> lifetime(HttpAnswer answer, Map<String, String> directives, Instant now) {
        var maxAge = directives.get("max-age");
        if (maxAge != null) {
            // One that cannot be read is a request not to rely on it. RFC 9111 §4.2.1.
            return Optional.of(seconds(maxAge).orElse(Duration.ZERO));
        }
        return answer.find("Expires").map(expires -> {
            var from = answer.find("Date").flatMap(Freshness::time).orElse(now);
            return time(expires).map(until -> Duration.between(from, until)).orElse(Duration.ZERO);
        });
    }

    private static Optional<Instant> time(String text) {
        try {
            return Optional.of(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text)));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    private static Optional<Duration> seconds(String text) {
        if (!SECONDS.matcher(text).matches()) {
            return Optional.empty();
        }
        long seconds = text.length() > DIGITS_MAX ? SECONDS_MAX : Math.min(Long.parseLong(text), SECONDS_MAX);
        return Optional.of(Duration.ofSeconds(seconds));
    }

    /** By hand: an expression that looks for them again and again takes seconds for a header that was made for it. */
    private static Map<String, String> directives(String header) {
        var all = new HashMap<String, String>();
        boolean isQuoted = false;
        int from = 0;
        for (int i = 0; i < header.length(); i++) {
            switch (header.charAt(i)) {
                case '"' -> isQuoted = !isQuoted;
                case '\\' -> i += isQuoted ? 1 : 0;
                case ',' -> {
                    if (!isQuoted) {
                        add(header.substring(from, i), all);
                        from = i + 1;
                    }
                }
                default -> {}
            }
        }
        if (isQuoted) {
            // Nobody can tell what it wants; the least that it could is nothing to be kept.
            return Map.of("no-store", "");
        }
        add(header.substring(from), all);
        return all;
    }

    /** The first of several of a name counts. RFC 9111 §4.2.1. */
    private static void add(String directive, Map<String, String> all) {
        int equals = directive.indexOf('=');
        var name = equals < 0 ? directive : directive.substring(0, equals);
        var value = equals < 0 ? "" : directive.substring(equals + 1).stripTrailing();
        all.putIfAbsent(name.strip().toLowerCase(Locale.ROOT), unquoted(value));
    }

    private static String unquoted(String value) {
        return value.length() > 1 && value.startsWith("\"") && value.endsWith("\"")
                ? value.substring(1, value.length() - 1)
                : value;
    }
}
