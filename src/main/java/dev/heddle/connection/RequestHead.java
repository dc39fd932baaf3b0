package dev.heddle.connection;

import io.helidon.http.HeaderName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The head of a request, as it was sent and in order. Its fields are found by looking through them: there are few, and few
 * are asked for. Immutable.
 */
public final class RequestHead {

    /** Of what broke off before there was one. */
    public static final RequestHead NONE = new RequestHead("", "", "", new byte[0], new int[0], 0);

    /** Of each field: where its name begins and ends, where its value begins and ends. */
    static final int MARKS = 4;

    /** The colon, the blank and the line end. */
    private static final int LINE_BYTES = 4;

    private final String method;
    private final String path;
    private final String query;
    private final byte[] bytes;
    private final int[] marks;
    private final int fields;

    RequestHead(String method, String path, String query, byte[] bytes, int[] marks, int fields) {
        this.method = method;
        this.path = path;
        this.query = query;
        this.bytes = bytes;
        this.marks = marks;
        this.fields = fields;
    }

    /** The method; empty when none was read. */
    public String method() {
        return method;
    }

    /** The target up to the query, still percent-encoded. */
    public String path() {
        return path;
    }

    /** The query, still percent-encoded; empty for none. */
    public String query() {
        return query;
    }

    /** Whether there is such a field, be it empty. */
    public boolean has(HeaderName name) {
        return find(name, 0) >= 0;
    }

    /** Whether there is such a field, and only one. */
    boolean hasOne(HeaderName name) {
        int first = find(name, 0);
        return first >= 0 && find(name, first + 1) < 0;
    }

    /** The value of a field; repeated ones are joined by commas (RFC 9110 §5.3), an absent one is empty. */
    public String value(HeaderName name) {
        int first = find(name, 0);
        if (first < 0) {
            return "";
        }
        return find(name, first + 1) < 0 ? valueAt(first) : String.join(",", values(name));
    }

    /** The first value of a field; empty for none. */
    public String first(HeaderName name) {
        int first = find(name, 0);
        return first < 0 ? "" : valueAt(first);
    }

    private List<String> values(HeaderName name) {
        var values = new ArrayList<String>(2);
        for (int field = find(name, 0); field >= 0; field = find(name, field + 1)) {
            values.add(valueAt(field));
        }
        return values;
    }

    /** Whether a field that is a list has that member, in whatever letters. */
    boolean lists(HeaderName name, String token) {
        if (!has(name)) {
            return false;
        }
        for (var member : value(name).split(",", -1)) {
            if (member.strip().equalsIgnoreCase(token)) {
                return true;
            }
        }
        return false;
    }

    /** What all fields take, in bytes. */
    public int fieldBytes() {
        int sum = 0;
        for (int field = 0; field < fields; field++) {
            int at = field * MARKS;
            sum += marks[at + 1] - marks[at] + marks[at + 3] - marks[at + 2] + LINE_BYTES;
        }
        return sum;
    }

    private String valueAt(int field) {
        int at = field * MARKS;
        return new String(bytes, marks[at + 2], marks[at + 3] - marks[at + 2], StandardCharsets.US_ASCII);
    }

    /** The next field of that name; -1 when there is none. */
    private int find(HeaderName name, int from) {
        var small = name.lowerCase();
        for (int field = from; field < fields; field++) {
            if (marks[field * MARKS + 1] - marks[field * MARKS] == small.length() && isNamed(field, small)) {
                return field;
            }
        }
        return -1;
    }

    private boolean isNamed(int field, String small) {
        int begin = marks[field * MARKS];
        for (int i = 0; i < small.length(); i++) {
            byte b = bytes[begin + i];
            if ((b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b) != small.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
