package dev.heddle.http;

import java.util.Optional;
import java.util.UUID;

/** What every text from outside must satisfy before it is stored: PostgreSQL refuses NUL and garbles lone surrogates. */
final class Text {

    private static final int UUID_LENGTH = 36;

    private Text() {}

    /** What is wrong with the text, if anything; its length counts code points, as PostgreSQL does. */
    static Optional<Fault> faultOf(String text, int min, int max) {
        int pairs = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0) {
                return Optional.of(new Fault("invalid_character", "must not contain NUL (U+0000)"));
            }
            if (Character.isSurrogate(c)) {
                if (!isPair(text, i)) {
                    return Optional.of(new Fault("invalid_character", "must not contain a lone surrogate"));
                }
                i++;
                pairs++;
            }
        }
        return faultOfLength(text.length() - pairs, min, max);
    }

    /** What is wrong with that many code points, if anything. */
    static Optional<Fault> faultOfLength(int length, int min, int max) {
        if (length < min) {
            return Optional.of(
                    new Fault("too_short", "must have at least " + min + " character" + (min == 1 ? "" : "s")));
        }
        return length > max
                ? Optional.of(new Fault("too_long", "must have at most " + max + " characters"))
                : Optional.empty();
    }

    private static boolean isPair(String text, int high) {
        return Character.isHighSurrogate(text.charAt(high))
                && high + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(high + 1));
    }

    /** The UUID that it is, in its usual form of 36 characters. {@link UUID#fromString} takes more than RFC 9562 does. */
    static Optional<UUID> uuid(String text) {
        if (text.length() != UUID_LENGTH) {
            return Optional.empty();
        }
        try {
            var id = UUID.fromString(text);
            return id.toString().equalsIgnoreCase(text) ? Optional.of(id) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** What is wrong, in a word and in a sentence without a subject. */
    record Fault(String code, String detail) {}
}
