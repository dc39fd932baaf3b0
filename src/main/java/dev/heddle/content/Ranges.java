package dev.heddle.content;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What a {@code Range} header asks of something of known size (RFC 9110 §14.1.2, §14.2). */
public sealed interface Ranges {

    /** More parts cost a client more than the whole does; a header that asks for more is left aside (§14.2). */
    int PARTS_MAX = 8;

    /** One range; what cannot match is no range, however long its numbers. */
    Pattern SPEC = Pattern.compile("[ \\t]*(?:(\\d+)-(\\d*)|-(\\d+))[ \\t]*");

    /** Everything: nothing was asked, or nothing that can be understood. */
    record Whole() implements Ranges {}

    /** These parts, none of which overlaps or touches another, in the order they were asked for; at least one. */
    record Parts(List<Span> spans) implements Ranges {}

    /** Parts, but none that is there: 416. */
    record Unsatisfiable() implements Ranges {}

    /** A part, from its first byte to its last. */
    record Span(long first, long last) {
        long length() {
            return last - first + 1;
        }

        private boolean meets(Span other) {
            return first <= other.last + 1 && other.first <= last + 1;
        }

        private Span with(Span other) {
            return new Span(Math.min(first, other.first), Math.max(last, other.last));
        }
    }

    /** Reads the header; empty when there was none. */
    static Ranges of(String header, long size) {
        int equals = header.indexOf('=');
        if (equals < 0 || !header.substring(0, equals).strip().equalsIgnoreCase("bytes")) {
            return new Whole();
        }
        var specs = header.substring(equals + 1).split(",", -1);
        var spans = new ArrayList<Span>();
        int asked = 0;
        for (var spec : specs) {
            if (spec.isBlank()) {
                // An empty member of a list is none (§5.6.1.2).
                continue;
            }
            var parts = SPEC.matcher(spec);
            if (++asked > PARTS_MAX || !parts.matches() || isBackwards(parts.group(1), parts.group(2))) {
                return new Whole();
            }
            add(spans, span(parts.group(1), parts.group(2), parts.group(3), size));
        }
        if (asked == 0 || (size == 0 && !spans.isEmpty())) {
            return new Whole();
        }
        return spans.isEmpty() ? new Unsatisfiable() : new Parts(List.copyOf(spans));
    }

    /** Empty for what lies behind the end, and for the last no bytes. The last so many of nothing are nothing: whole. */
    private static List<Span> span(String first, String last, String suffix, long size) {
        if (suffix != null) {
            long length = number(suffix);
            return length == 0 ? List.of() : List.of(new Span(Math.max(0, size - length), size - 1));
        }
        long from = number(first);
        if (from >= size) {
            return List.of();
        }
        return List.of(new Span(from, last.isEmpty() ? size - 1 : Math.min(size - 1, number(last))));
    }

    private static boolean isBackwards(String first, String last) {
        return first != null && !last.isEmpty() && number(last) < number(first);
    }

    /** Beyond what a long can hold every number is as far away as any other. */
    private static long number(String digits) {
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }

    /** Joined with all that it meets, in the place of the first of them (§15.3.7.2). */
    private static void add(List<Span> spans, List<Span> more) {
        for (var span : more) {
            var joined = span;
            int place = spans.size();
            for (int i = spans.size() - 1; i >= 0; i--) {
                if (spans.get(i).meets(joined)) {
                    joined = joined.with(spans.remove(i));
                    place = i;
                    // A wider one may meet what the narrower one did not.
                    i = spans.size();
                }
            }
            spans.add(Math.min(place, spans.size()), joined);
        }
    }
}
