package dev.heddle.app;

import dev.heddle.identity.MailAddress;
import java.net.InetAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What the values of a key look like in writing, and which of them are accepted. */
interface SettingsKind<T> {
    /** The type of the values. */
    Class<T> type();

    /** What is accepted, as a phrase that follows the name of the key. */
    String rule();

    /** Reads a value as written; empty when it is not written as {@link #rule()} says. */
    Optional<T> read(String text);

    /** Whether a value that could be read is one that may be used. */
    default boolean accepts(T value) {
        return true;
    }

    /** What else to say about a refused text, to be put behind {@link #rule()}. */
    default String hint(String text) {
        return "";
    }

    /** Whether what was written, right or wrong, must stay out of complaints. */
    default boolean confidential() {
        return false;
    }

    /** A whole number. */
    record Whole(int least, int most) implements SettingsKind<Integer> {
        // No more digits than an int can have; some of so many do not fit into one.
        private static final Pattern WRITTEN = Pattern.compile("-?[0-9]{1,10}");

        @Override
        public Class<Integer> type() {
            return Integer.class;
        }

        @Override
        public String rule() {
            return "must be a whole number from %d to %d".formatted(least, most);
        }

        @Override
        public Optional<Integer> read(String text) {
            return WRITTEN.matcher(text).matches() ? ofInt(Long.parseLong(text)) : Optional.empty();
        }

        private static Optional<Integer> ofInt(long value) {
            return value == (int) value ? Optional.of((int) value) : Optional.empty();
        }

        @Override
        public boolean accepts(Integer value) {
            return value >= least && value <= most;
        }
    }

    /** {@code true} or {@code false}; none of YAML's other spellings. */
    record Truth() implements SettingsKind<Boolean> {
        @Override
        public Class<Boolean> type() {
            return Boolean.class;
        }

        @Override
        public String rule() {
            return "must be true or false";
        }

        @Override
        public Optional<Boolean> read(String text) {
            return switch (text) {
                case "true" -> Optional.of(true);
                case "false" -> Optional.of(false);
                default -> Optional.empty();
            };
        }
    }

    /** One of the constants of an enum, in lower case and with dashes. */
    record Choice<E extends Enum<E>>(Class<E> type) implements SettingsKind<E> {
        @Override
        public String rule() {
            return Arrays.stream(type.getEnumConstants())
                    .map(Choice::written)
                    .collect(Collectors.joining(", ", "must be one of ", ""));
        }

        @Override
        public Optional<E> read(String text) {
            return Arrays.stream(type.getEnumConstants())
                    .filter(constant -> written(constant).equals(text))
                    .findFirst();
        }

        private static String written(Enum<?> constant) {
            return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** A whole number and a unit of time; the limits are written the same way. */
    record Span(String least, String most) implements SettingsKind<Duration> {
        private static final Map<String, ChronoUnit> UNITS = Map.of(
                "ms", ChronoUnit.MILLIS, "s", ChronoUnit.SECONDS, "m", ChronoUnit.MINUTES, "h", ChronoUnit.HOURS);

        @Override
        public Class<Duration> type() {
            return Duration.class;
        }

        @Override
        public String rule() {
            return "must be a duration from %s to %s, written like 250ms, 30s, 5m or 2h".formatted(least, most);
        }

        @Override
        public Optional<Duration> read(String text) {
            return Amount.read(text)
                    .flatMap(amount -> Optional.ofNullable(UNITS.get(amount.unit()))
                            .map(unit -> Duration.of(amount.number(), unit)));
        }

        @Override
        public boolean accepts(Duration value) {
            return value.compareTo(limit(least)) >= 0 && value.compareTo(limit(most)) <= 0;
        }

        @Override
        public String hint(String text) {
            return Amount.isBare(text) ? "; the unit is missing: ms, s, m or h" : "";
        }

        private Duration limit(String written) {
            return read(written).orElseThrow();
        }
    }

    /** A number of bytes with its unit; the limits are written the same way. */
    record Size(String least, String most) implements SettingsKind<Long> {
        private static final Map<String, Long> UNITS =
                Map.of("B", 1L, "KiB", 1L << 10, "MiB", 1L << 20, "GiB", 1L << 30);

        @Override
        public Class<Long> type() {
            return Long.class;
        }

        @Override
        public String rule() {
            return "must be a size from %s to %s, written like 512B, 64KiB, 10MiB or 1GiB".formatted(least, most);
        }

        @Override
        public Optional<Long> read(String text) {
            return Amount.read(text)
                    .flatMap(amount ->
                            Optional.ofNullable(UNITS.get(amount.unit())).map(bytes -> amount.number() * bytes));
        }

        @Override
        public boolean accepts(Long value) {
            return value >= limit(least) && value <= limit(most);
        }

        @Override
        public String hint(String text) {
            return Amount.isBare(text) ? "; the unit is missing: B, KiB, MiB or GiB" : "";
        }

        private long limit(String written) {
            return read(written).orElseThrow();
        }
    }

    /** A whole number and its unit, as in {@code 30s}. */
    record Amount(long number, String unit) {
        // So few digits that no unit makes them overflow: 10^9 GiB fit into a long.
        private static final int DIGITS_MAX = 9;
        private static final Pattern WRITTEN = Pattern.compile("([0-9]{1," + DIGITS_MAX + "})([A-Za-z]+)");
        private static final Pattern BARE = Pattern.compile("[0-9]+");

        static Optional<Amount> read(String text) {
            var match = WRITTEN.matcher(text);
            return match.matches()
                    ? Optional.of(new Amount(Long.parseLong(match.group(1)), match.group(2)))
                    : Optional.empty();
        }

        static boolean isBare(String text) {
            return BARE.matcher(text).matches();
        }
    }

    /** A path of the file system; relative to the working directory unless absolute. */
    record Place() implements SettingsKind<Path> {
        @Override
        public Class<Path> type() {
            return Path.class;
        }

        @Override
        public String rule() {
            return "must be a path of this file system";
        }

        @Override
        public Optional<Path> read(String text) {
            try {
                return Optional.of(Path.of(text));
            } catch (InvalidPathException _) {
                return Optional.empty();
            }
        }
    }

    /** An IP address or a host name. The name is not looked up: a check must not depend on the network. */
    record Host() implements SettingsKind<String> {
        private static final int LENGTH_MAX = 253;
        private static final Pattern NUMBERS = Pattern.compile("[0-9.]+");
        private static final Pattern FOUR_NUMBERS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
        // Underscores are no host names by the book, but container networks use them.
        private static final String LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
        private static final Pattern NAME = Pattern.compile(LABEL + "(\\." + LABEL + ")*");

        @Override
        public Class<String> type() {
            return String.class;
        }

        @Override
        public String rule() {
            return "must be an IP address (IPv6 without brackets) or a host name";
        }

        @Override
        public Optional<String> read(String text) {
            return Optional.of(text);
        }

        @Override
        public boolean accepts(String value) {
            if (value.indexOf(':') >= 0) {
                return !value.startsWith("[") && isAddress(value);
            }
            if (NUMBERS.matcher(value).matches()) {
                return FOUR_NUMBERS.matcher(value).matches() && isAddress(value);
            }
            return value.length() <= LENGTH_MAX && NAME.matcher(value).matches();
        }

        private static boolean isAddress(String value) {
            try {
                var _ = InetAddress.ofLiteral(value);
                return true;
            } catch (IllegalArgumentException _) {
                return false;
            }
        }
    }

    /** An address that e-mail can come from. */
    record Mailbox() implements SettingsKind<String> {
        @Override
        public Class<String> type() {
            return String.class;
        }

        @Override
        public String rule() {
            return "must be an e-mail address without a name, like heddle@example.org";
        }

        @Override
        public Optional<String> read(String text) {
            return Optional.of(text);
        }

        @Override
        public boolean accepts(String value) {
            return MailAddress.FORM.matcher(value).matches();
        }
    }

    /**
     * The address of a PostgreSQL. Credentials in it are refused, because it is printed; and as somebody may try, what
     * was written is confidential until it is accepted.
     */
    record JdbcUrl() implements SettingsKind<String> {
        private static final Pattern PLAIN = Pattern.compile("jdbc:postgresql://[^@?\\s]+(\\?\\S*)?");
        private static final Pattern CREDENTIALS =
                Pattern.compile("[?&](user|[^=&]*password[^=&]*)=", Pattern.CASE_INSENSITIVE);

        @Override
        public Class<String> type() {
            return String.class;
        }

        @Override
        public String rule() {
            return "must start with jdbc:postgresql://, name a host and hold no user and no password"
                    + " (they have keys of their own)";
        }

        @Override
        public Optional<String> read(String text) {
            return Optional.of(text);
        }

        @Override
        public boolean accepts(String value) {
            return PLAIN.matcher(value).matches() && !CREDENTIALS.matcher(value).find();
        }

        @Override
        public boolean confidential() {
            return true;
        }
    }

    /** Any text. */
    record Words() implements SettingsKind<String> {
        @Override
        public Class<String> type() {
            return String.class;
        }

        @Override
        public String rule() {
            return "must be a text";
        }

        @Override
        public Optional<String> read(String text) {
            return Optional.of(text);
        }
    }

    /**
     * A text that nobody may see.
     *
     * @param form what all of it must be
     * @param rule the same as a phrase
     */
    record Password(Pattern form, String rule) implements SettingsKind<Settings.Secret> {
        /** Any text. */
        static final Password ANY = new Password(Pattern.compile("(?s).*"), "must be a text");

        /** What can be sent in a header. */
        static final Password IN_HEADER = new Password(
                Pattern.compile("[!-~]+"), "must be of ASCII's letters, digits and signs only, without spaces");

        @Override
        public Class<Settings.Secret> type() {
            return Settings.Secret.class;
        }

        @Override
        public Optional<Settings.Secret> read(String text) {
            return Optional.of(new Settings.Secret(text));
        }

        @Override
        public boolean accepts(Settings.Secret value) {
            return form.matcher(value.value()).matches();
        }

        @Override
        public boolean confidential() {
            return true;
        }
    }
}
