package dev.heddle.http;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The query of a request. Each reader checks and complains like {@link JsonFields}; a parameter that stands twice, or
 * that nobody asked for, is complained about.
 */
public final class Query {

    private final Map<String, List<String>> values;
    /** Whether all are as they were written, so that they have nothing but what a request line may have. */
    private final boolean isPlain;

    private final Complaints complaints;
    private final Set<String> known = new HashSet<>();

    private Query(Map<String, List<String>> values, boolean isPlain, Complaints complaints) {
        this.values = values;
        this.isPlain = isPlain;
        this.complaints = complaints;
    }

    /**
     * Reads {@code a=b&c=d} in ASCII, as every request line is, percent-encoded UTF-8 where a plus is a blank, as
     * browsers' forms write it.
     */
    static Query of(@Nullable String raw, Complaints complaints) {
        if (raw == null || raw.isEmpty()) {
            return new Query(Map.of(), true, complaints);
        }
        boolean isPlain = raw.indexOf('%') < 0 && raw.indexOf('+') < 0;
        var values = new LinkedHashMap<String, List<String>>();
        for (int from = 0, end; from <= raw.length(); from = end + 1) {
            end = raw.indexOf('&', from) < 0 ? raw.length() : raw.indexOf('&', from);
            if (end > from) {
                int equals = raw.indexOf('=', from) < 0 ? end : Math.min(end, raw.indexOf('=', from));
                var name = decode(raw.substring(from, equals), isPlain);
                var value = equals == end ? "" : decode(raw.substring(equals + 1, end), isPlain);
                values.computeIfAbsent(name, _ -> new ArrayList<>(1)).add(value);
            }
        }
        return new Query(values, isPlain, complaints);
    }

    private static String decode(String text, boolean isPlain) {
        if (isPlain) {
            return text;
        }
        return PercentEncoding.decode(text, true)
                .orElseThrow(() -> Problem.BAD_REQUEST.because("The query is not percent-encoded UTF-8."));
    }

    /** A text of at most so many characters, at least one. */
    public Optional<String> text(String name, int max) {
        return text(name, 1, max);
    }

    /** A text of so many characters. */
    public Optional<String> text(String name, int min, int max) {
        return raw(name).flatMap(text -> {
            var fault = isPlain ? Text.faultOfLength(text.length(), min, max) : Text.faultOf(text, min, max);
            fault.ifPresent(f -> complaints.query(name, f.code(), f.detail()));
            return fault.isPresent() ? Optional.empty() : Optional.of(text);
        });
    }

    /** True or false. */
    public Optional<Boolean> flag(String name) {
        return raw(name).flatMap(text -> switch (text) {
            case "true" -> Optional.of(true);
            case "false" -> Optional.of(false);
            default -> {
                complaints.query(name, "not_a_boolean", "must be true or false");
                yield Optional.empty();
            }
        });
    }

    /** One of the words of an enumeration, written in lower case. */
    public <E extends Enum<E>> Optional<E> oneOf(String name, Class<E> words) {
        return raw(name).flatMap(text -> {
            var known = Arrays.asList(words.getEnumConstants());
            var found = known.stream().filter(word -> word(word).equals(text)).findFirst();
            if (found.isEmpty()) {
                var all = known.stream().map(Query::word).collect(Collectors.joining(", "));
                complaints.query(name, "not_one_of", "must be one of " + all);
            }
            return found;
        });
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** A whole number in a range. */
    public Optional<Integer> integer(String name, int min, int max) {
        return raw(name).flatMap(text -> {
            var number = whole(text);
            if (number.isEmpty() || number.get() < min || number.get() > max) {
                complaints.query(name, "out_of_range", "must be a whole number from " + min + " to " + max);
                return Optional.empty();
            }
            return number;
        });
    }

    private static Optional<Integer> whole(String text) {
        // No sign, no blank, no other script's digits: Integer.parseInt takes them all.
        if (text.isEmpty() || text.length() > 10 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Optional.empty();
        }
        long number = Long.parseLong(text);
        return number > Integer.MAX_VALUE ? Optional.empty() : Optional.of((int) number);
    }

    /** A UUID in its usual form. RFC 9562 §4. */
    public Optional<UUID> uuid(String name) {
        return raw(name).flatMap(text -> {
            var id = Text.uuid(text);
            if (id.isEmpty()) {
                complaints.query(name, "not_a_uuid", "must be a UUID");
            }
            return id;
        });
    }

    /** An RFC 3339 timestamp. */
    public Optional<Instant> time(String name) {
        return raw(name).flatMap(text -> {
            var time = Timestamps.read(text);
            if (time.isEmpty()) {
                complaints.query(name, "not_a_timestamp", "must be an RFC 3339 timestamp such as 2026-11-22T10:15:30Z");
            }
            return time;
        });
    }

    /** Complains when a parameter is not there. */
    public void require(String name) {
        if (!values.containsKey(name)) {
            complaints.query(name, "required", "is required");
        }
    }

    /** Complains about a parameter for a reason of the route's own. */
    public void complain(String name, String code, String detail) {
        complaints.query(name, code, detail);
    }

    /** A parameter that may stand several times: all its values in their order, unchecked; none when it is not there. */
    public List<String> all(String name) {
        known.add(name);
        return values.getOrDefault(name, List.of());
    }

    private Optional<String> raw(String name) {
        boolean isNew = known.add(name);
        var all = values.get(name);
        if (all == null) {
            return Optional.empty();
        }
        if (all.size() > 1 && isNew) {
            complaints.query(name, "duplicate", "stands more than once");
        }
        return Optional.of(all.getFirst());
    }

    /** Complains about the parameters that nobody asked for. */
    void complainAboutUnknown() {
        for (var name : values.keySet()) {
            if (!known.contains(name)) {
                complaints.query(name, "unknown", "is not a parameter of this path");
            }
        }
    }
}
