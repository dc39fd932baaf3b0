package dev.heddle.http;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a body that has many, each a document of its own and read as strictly as a body that is one. What is wrong is
 * collected by line, so that a client hears of many rows at once. One request's; not for two threads.
 */
public final class Rows {

    /** Of one row in JSON: as much as of a body that is one document. */
    public static final int JSON_BYTES_MAX = Request.JSON_BYTES_MAX;

    /** So many are kept, and so many are in an answer. */
    public static final int COMPLAINTS_MAX = Complaints.MAX;

    /** The numbers that need no parser. */
    private static final Pattern DIGITS = Pattern.compile("0|[1-9][0-9]{0,17}");

    private final Complaints complaints = new Complaints();

    /** The row that begins on that line, in JSON; empty when it is not well-formed. */
    public Optional<JsonFields> json(long line, byte[] utf8) {
        complaints.line(line);
        try {
            return Optional.of(new JsonFields(JsonReader.read(utf8, line, complaints), complaints));
        } catch (ProblemException e) {
            complaints.body("", "invalid_json", e.detail());
            return Optional.empty();
        }
    }

    /**
     * The row that begins on that line, of another form.
     *
     * @param members texts, and what {@link #value} makes of them
     */
    public JsonFields members(long line, Map<String, @Nullable Object> members) {
        complaints.line(line);
        return new JsonFields(members, complaints);
    }

    /** The value that a text is in JSON; the text itself if it is none, so that it is refused as the wrong type. */
    public static @Nullable Object value(String text) {
        if (DIGITS.matcher(text).matches()) {
            return Long.valueOf(text);
        }
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            case "[]" -> List.of();
            default -> parsed(text);
        };
    }

    private static @Nullable Object parsed(String text) {
        try {
            return JsonReader.read(text.getBytes(StandardCharsets.UTF_8), new Complaints());
        } catch (ProblemException e) {
            return text;
        }
    }

    /**
     * Complains about the row that begins on that line.
     *
     * @param pointer to its member; empty for the row itself
     */
    public void complain(long line, String pointer, String code, String detail) {
        complaints.line(line);
        complaints.body(pointer, code, detail);
    }

    /** Whether there is nothing to complain about. */
    public boolean isValid() {
        return complaints.isEmpty();
    }

    /** Whether it is of no use to read on: no further complaint would be kept. */
    public boolean isHopeless() {
        return complaints.isFull();
    }

    /** Refuses the request if there is anything to complain about. */
    public void refuseIfAny() {
        if (!isValid()) {
            throw refusal();
        }
    }

    /** {@link Problem#INVALID_ROWS}, with the complaints. */
    public ProblemException refusal() {
        return ProblemException.invalidRows(complaints.all());
    }
}
