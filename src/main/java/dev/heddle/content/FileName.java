package dev.heddle.content;

import dev.heddle.http.PercentEncoding;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of a file as somebody outside says it: data, to be stored, compared and shown, and never a part of a path of
 * ours. In Unicode's form C, so that the same letters are the same name whatever made them. Whoever downloads it can
 * store it under this name on any system.
 *
 * @param text what was accepted by {@link #of}
 */
public record FileName(String text) {

    /** What the file systems of our users take, in bytes of UTF-8. */
    public static final int BYTES_MAX = 255;

    /** What is accepted, as a phrase that follows the name. */
    public static final String RULE = "must be 1 to " + BYTES_MAX
            + " bytes of UTF-8 that every system can store: no / \\ : * ? \" < > | or invisible characters, no dot or"
            + " blank at either end, no .. within, no dash at the beginning, and none of the names of Windows devices";

    private static final String REFUSED = "/\\:*?\"<>|";

    /** Letters, marks and symbols by their kind, but nothing is to be seen of them: fillers, joiners, the empty Braille. */
    private static final String BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0";

    /** Whatever follows the first dot. The superscripts are digits to Windows. */
    private static final Pattern DEVICE =
            Pattern.compile("(?i)(con|prn|aux|nul|conin\\$|conout\\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\\..*)?");

    private static final int ZERO_WIDTH_NON_JOINER = 0x200C;
    private static final int ZERO_WIDTH_JOINER = 0x200D;

    /** Refuses what {@link #of} would not have made. */
    public FileName {
        if (!isGood(text) || !Normalizer.isNormalized(text, Normalizer.Form.NFC)) {
            throw new IllegalArgumentException("no name of a file");
        }
    }

    /** The name that the text is, in form C; empty when it is none. */
    public static Optional<FileName> of(String text) {
        // Before it is normalised, which takes its time: three characters of form D can become one, not more.
        if (text.length() > 3 * BYTES_MAX) {
            return Optional.empty();
        }
        var name = Normalizer.normalize(text, Normalizer.Form.NFC);
        return isGood(name) ? Optional.of(new FileName(name)) : Optional.empty();
    }

    private static boolean isGood(String name) {
        return !name.isEmpty()
                && name.codePoints().allMatch(FileName::isGood)
                && name.getBytes(StandardCharsets.UTF_8).length <= BYTES_MAX
                && !isEdge(name.codePointAt(0))
                && !isMark(name.codePointAt(0))
                && name.charAt(0) != '-'
                && !isEdge(name.codePointBefore(name.length()))
                && !name.contains("..")
                && !DEVICE.matcher(name).matches();
    }

    private static boolean isEdge(int character) {
        return character == '.'
                || isJoiner(character)
                || Character.isWhitespace(character)
                || Character.isSpaceChar(character);
    }

    private static boolean isJoiner(int character) {
        return character == ZERO_WIDTH_NON_JOINER || character == ZERO_WIDTH_JOINER;
    }

    /** It would stand on whatever is before the name, or on nothing and be invisible. */
    private static boolean isMark(int character) {
        int type = Character.getType(character);
        return type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK;
    }

    /** Seen, and known to Unicode: what is invisible can make two names look alike, or one read backwards. */
    private static boolean isGood(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.SURROGATE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            // Persian and emoji are written with these two.
            case Character.FORMAT -> isJoiner(character);
            default -> REFUSED.indexOf(character) < 0 && BLANK.indexOf(character) < 0;
        };
    }

    /**
     * The {@code Content-Disposition} of a download under this name (RFC 6266): for old clients in ASCII, with an
     * underscore for every other character, and for all others in full (RFC 8187).
     */
    public String attachment() {
        var ascii = new StringBuilder();
        // Some clients decode percent signs even here.
        text.codePoints().forEach(c -> ascii.append(c >= ' ' && c < 0x7f && c != '%' ? (char) c : '_'));
        return "attachment; filename=\"" + ascii + "\"; filename*=UTF-8''" + percentEncoded();
    }

    /** As a segment of a path. */
    public String percentEncoded() {
        return PercentEncoding.encode(text);
    }

    @Override
    public String toString() {
        return text;
    }
}
