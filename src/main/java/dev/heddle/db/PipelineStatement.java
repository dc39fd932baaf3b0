package dev.heddle.db;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The text of a statement, as it is prepared under one name on every connection of a {@link Pipeline}. Safe for any thread. */
final class PipelineStatement {

    /** What a Bind has without its parameters, and an Execute. */
    private static final int MESSAGES_BYTES = 64;

    private static final int PARAMETER_BYTES = 24;

    /** PostgreSQL's own range is larger, but further years are written in other ways. */
    private static final int YEAR_MAX = 9999;

    private final int number;
    private final String text;

    // Any thread.
    private volatile boolean unfit;
    private volatile long aloneUntil = System.nanoTime();

    /**
     * A statement.
     *
     * @param number of this text in its pipeline, from 0
     * @param text with {@code ?} in the places of the parameters
     */
    PipelineStatement(int number, String text) {
        this.number = number;
        this.text = numbered(text);
    }

    /** PostgreSQL's own form of it: {@code $1} for the first {@code ?}, but for those that are part of a literal. */
    private static String numbered(String text) {
        var numbered = new StringBuilder(text.length() + 16);
        int parameters = 0;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            quoted ^= c == '\'';
            if (c == '?' && !quoted) {
                numbered.append('$').append(++parameters);
            } else {
                numbered.append(c);
            }
        }
        return numbered.toString();
    }

    int number() {
        return number;
    }

    /** On the connections. */
    String name() {
        return "heddle_" + number;
    }

    String text() {
        return text;
    }

    /** It has columns that are not read here, or none. */
    void unfit() {
        unfit = true;
    }

    /** It has kept others waiting, or could not be prepared: for a while it has connections for itself. */
    void alone(long nanos) {
        aloneUntil = System.nanoTime() + nanos;
    }

    /** Whether it may share a connection now. */
    boolean isFit() {
        return !unfit && System.nanoTime() - aloneUntil >= 0;
    }

    /**
     * The messages Bind and Execute; null when a parameter is none for PostgreSQL. Parameters go as text, the type of each
     * is the one that PostgreSQL infers; results come in binary.
     */
    byte @Nullable [] bind(@Nullable Object[] parameters) {
        var message = new WireMessage(MESSAGES_BYTES + parameters.length * PARAMETER_BYTES);
        message.add('B');
        int bind = message.begin();
        // Of the portal: the one without a name.
        message.add(0).string(name());
        // All parameters as text.
        message.int16(0).int16(parameters.length);
        for (var parameter : parameters) {
            if (parameter == null) {
                message.int32(-1);
                continue;
            }
            int value = message.begin();
            if (!value(message, parameter)) {
                return null;
            }
            message.endValue(value);
        }
        // All results in binary.
        message.int16(1).int16(1);
        message.end(bind);
        message.add('E');
        int execute = message.begin();
        // Of that portal all rows.
        message.add(0).int32(0);
        message.end(execute);
        return message.toBytes();
    }

    private static boolean value(WireMessage message, Object value) {
        return switch (value) {
            case String text -> message.text(text);
            case UUID uuid -> message.text(uuid.toString());
            case Integer number -> message.text(number.toString());
            case Long number -> message.text(number.toString());
            case Boolean flag -> message.text(flag ? "t" : "f");
            case Instant instant -> time(message, instant);
            case byte[] bytes -> message.text("\\x" + HexFormat.of().formatHex(bytes));
            case List<?> texts -> array(message, texts);
            default -> false;
        };
    }

    private static boolean time(WireMessage message, Instant instant) {
        int year = instant.atOffset(ZoneOffset.UTC).getYear();
        return year > 0 && year <= YEAR_MAX && message.text(instant.toString());
    }

    /** As {@code {"a","b"}}; within the quotes, quotes and backslashes are escaped. */
    private static boolean array(WireMessage message, List<?> texts) {
        message.add('{');
        char separator = ' ';
        for (var text : texts) {
            if (!(text instanceof String element)) {
                return false;
            }
            message.add(separator).add('"');
            if (!message.text(element.replace("\\", "\\\\").replace("\"", "\\\""))) {
                return false;
            }
            message.add('"');
            separator = ',';
        }
        message.add('}');
        return true;
    }
}
