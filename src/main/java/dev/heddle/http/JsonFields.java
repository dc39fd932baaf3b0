package dev.heddle.http;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The members of a JSON object in a request's body. Each reader checks the type and the limits and complains; what it
 * returns after a complaint is a stand-in that is never used, because the kernel refuses the request before the route
 * acts. A member that nobody asked for is complained about too.
 */
public final class JsonFields {

    private final Map<String, @Nullable Object> members;
    private final boolean isObject;
    private final Complaints complaints;
    private final Set<String> known = new HashSet<>();

    JsonFields(@Nullable Object document, Complaints complaints) {
        this.complaints = complaints;
        this.isObject = document instanceof Map;
        this.members = membersOf(document);
    }

    @SuppressWarnings("unchecked") // JsonReader makes maps of this type only.
    private Map<String, @Nullable Object> membersOf(@Nullable Object document) {
        if (document instanceof Map<?, ?> map) {
            return (Map<String, @Nullable Object>) map;
        }
        complaints.body("", "wrong_type", "must be an object");
        return Map.of();
    }

    /** Complains when the member is absent. */
    public JsonFields require(String name) {
        if (isObject && !members.containsKey(name)) {
            complaints.body("/" + name, "required", "is required");
        }
        return this;
    }

    /** A text of so many characters. */
    public Field<String> text(String name, int min, int max) {
        return read(name, false, value -> textOf("/" + name, value, min, max));
    }

    /** A text of so many characters at most, or null. */
    public Field<String> textOrNull(String name, int max) {
        return read(name, true, value -> textOf("/" + name, value, 0, max));
    }

    /** A whole number in a range. */
    public Field<Integer> integer(String name, int min, int max) {
        return read(name, false, value -> whole(name, value, min, max).map(Long::intValue));
    }

    /** A whole number in a range that may be wide. */
    public Field<Long> bigint(String name, long min, long max) {
        return read(name, false, value -> whole(name, value, min, max));
    }

    private Optional<Long> whole(String name, @Nullable Object value, long min, long max) {
        if (!(value instanceof Number number)) {
            complain(name, "wrong_type", "must be a number");
            return Optional.empty();
        }
        if (!(number instanceof Long whole) || whole < min || whole > max) {
            complain(name, "out_of_range", "must be a whole number from " + min + " to " + max);
            return Optional.empty();
        }
        return Optional.of(whole);
    }

    /** A UUID in its usual form. RFC 9562 §4. */
    public Field<UUID> uuid(String name) {
        return read(name, false, value -> {
            var id = value instanceof String text ? Text.uuid(text) : Optional.<UUID>empty();
            if (id.isEmpty()) {
                complain(name, "not_a_uuid", "must be a UUID");
            }
            return id;
        });
    }

    /** True or false. */
    public Field<Boolean> flag(String name) {
        return read(name, false, value -> {
            if (value instanceof Boolean flag) {
                return Optional.of(flag);
            }
            complain(name, "wrong_type", "must be true or false");
            return Optional.empty();
        });
    }

    /** An RFC 3339 timestamp, or null. */
    public Field<Instant> timeOrNull(String name) {
        return time(name, true);
    }

    /** An RFC 3339 timestamp. */
    public Field<Instant> time(String name) {
        return time(name, false);
    }

    private Field<Instant> time(String name, boolean nullable) {
        return read(name, nullable, value -> {
            var time = value instanceof String text ? Timestamps.read(text) : Optional.<Instant>empty();
            if (time.isEmpty()) {
                complain(name, "not_a_timestamp", "must be an RFC 3339 timestamp such as 2026-11-22T10:15:30Z");
            }
            return time;
        });
    }

    /** One of some words. */
    public Field<String> oneOf(String name, List<String> words) {
        return read(name, false, value -> {
            if (value instanceof String text && words.contains(text)) {
                return Optional.of(text);
            }
            complain(name, "not_one_of", "must be one of " + String.join(", ", words));
            return Optional.empty();
        });
    }

    /** A text of a form, which the sentence describes. */
    public Field<String> matching(String name, Pattern form, String sentence) {
        return read(name, false, value -> {
            if (value instanceof String text && form.matcher(text).matches()) {
                return Optional.of(text);
            }
            complain(name, "wrong_form", sentence);
            return Optional.empty();
        });
    }

    /** A list of different words, at least one, out of some. */
    public Field<List<String>> words(String name, List<String> words) {
        var chosen = texts(
                name,
                1,
                words.size(),
                words.stream().mapToInt(String::length).max().orElse(1));
        if (chosen.or(List.of()).stream().anyMatch(word -> !words.contains(word))) {
            complain(name, "not_one_of", "must hold only " + String.join(", ", words));
            return Field.absent();
        }
        return chosen;
    }

    /** A list of different texts. */
    public Field<List<String>> texts(String name, int minItems, int maxItems, int maxLength) {
        return texts(name, minItems, maxItems, maxLength, true);
    }

    /** A list of strings that are not kept: any characters, the same more than once, or none. */
    public Field<List<String>> list(String name, int minItems, int maxItems, int maxLength) {
        return texts(name, minItems, maxItems, maxLength, false);
    }

    private Field<List<String>> texts(String name, int minItems, int maxItems, int maxLength, boolean mustDiffer) {
        return read(name, false, value -> {
            if (!(value instanceof List<?> items)) {
                complain(name, "wrong_type", "must be a list of strings");
                return Optional.empty();
            }
            if (items.size() < minItems || items.size() > maxItems) {
                complain(name, "wrong_size", "must have " + minItems + " to " + maxItems + " items");
                return Optional.empty();
            }
            return Optional.of(textsOf(name, items, maxLength, mustDiffer));
        });
    }

    private List<String> textsOf(String name, List<?> items, int maxLength, boolean mustDiffer) {
        var texts = mustDiffer ? new LinkedHashSet<String>() : new ArrayList<String>(items.size());
        for (int i = 0; i < items.size(); i++) {
            var pointer = "/" + name + "/" + i;
            var text = mustDiffer
                    ? textOf(pointer, items.get(i), 1, maxLength)
                    : stringOf(pointer, items.get(i), maxLength);
            if (text.isPresent() && !texts.add(text.get())) {
                complaints.body(pointer, "duplicate", "stands in the list more than once");
            }
        }
        return new ArrayList<>(texts);
    }

    private Optional<String> stringOf(String pointer, @Nullable Object value, int max) {
        // Only what could not be stored is wrong with the characters of a text.
        return value instanceof String string && string.length() <= max
                ? Optional.of(string)
                : textOf(pointer, value, 0, max);
    }

    private Optional<String> textOf(String pointer, @Nullable Object value, int min, int max) {
        if (!(value instanceof String text)) {
            complaints.body(pointer, "wrong_type", "must be a string");
            return Optional.empty();
        }
        var fault = Text.faultOf(text, min, max);
        fault.ifPresent(f -> complaints.body(pointer, f.code(), f.detail()));
        return fault.isPresent() ? Optional.empty() : Optional.of(text);
    }

    private interface Reader<T> {
        Optional<T> read(@Nullable Object value);
    }

    private <T> Field<T> read(String name, boolean nullable, Reader<T> reader) {
        known.add(name);
        if (!members.containsKey(name)) {
            return Field.absent();
        }
        var value = members.get(name);
        if (value == null) {
            if (!nullable) {
                complain(name, "wrong_type", "must not be null");
            }
            return Field.of(null);
        }
        return Field.of(reader.read(value).orElse(null));
    }

    /** Complains about a member for a reason of the route's own. */
    public void complain(String name, String code, String detail) {
        complaints.body("/" + name, code, detail);
    }

    /** Complains about the members that nobody asked for. The kernel does it for the body that is one document. */
    public void complainAboutUnknown() {
        for (var name : members.keySet()) {
            if (!known.contains(name)) {
                complain(name.replace("~", "~0").replace("/", "~1"), "unknown", "is not a member of this document");
            }
        }
    }
}
