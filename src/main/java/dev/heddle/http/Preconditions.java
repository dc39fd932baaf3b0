package dev.heddle.http;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Entity tags of resources that carry a version, and the conditions built on them (RFC 9110 §8.8.3, §13.1). A tag is the
 * version in quotes, always strong: the same version is the same bytes.
 */
public final class Preconditions {

    /** The next member of a list; what stands behind a broken one is not looked at. */
    private static final Pattern TAG =
            Pattern.compile("\\G[ \\t,]*(W/)?\"([\\x21\\x23-\\x7e\\x80-\\xff]*)\"[ \\t]*(?=,|$)");

    private static final Pattern VERSION = Pattern.compile("[1-9][0-9]{0,17}");

    private Preconditions() {}

    /** What {@code If-Match} asks of a write. */
    public sealed interface IfMatch {
        /** Nothing was asked. */
        record Anything() implements IfMatch {}

        /** The resource must be there; {@code If-Match: *}. */
        record Existing() implements IfMatch {}

        /** The resource must have one of these versions; none of them if the list is empty. */
        record OneOf(List<Long> versions) implements IfMatch {}

        /** Whether a resource of that version may be written. */
        default boolean allows(long version) {
            return !(this instanceof OneOf oneOf) || oneOf.versions().contains(version);
        }
    }

    /** The tag of a version. */
    public static String tag(long version) {
        return "\"" + version + "\"";
    }

    static IfMatch ifMatch(String header) {
        if (header.isEmpty()) {
            return new IfMatch.Anything();
        }
        if (header.equals("*")) {
            return new IfMatch.Existing();
        }
        return new IfMatch.OneOf(versions(header, false));
    }

    /** Whether the client already has that version, by the weak comparison that If-None-Match takes. */
    static boolean noneMatchFails(String header, long version) {
        return header.equals("*")
                || (!header.isEmpty() && versions(header, true).contains(version));
    }

    /**
     * Whether a list of tags, or {@code *}, names that tag of something that is there.
     *
     * @param tag without its quotes
     * @param weakToo compare weakly, as {@code If-None-Match} does
     */
    public static boolean matches(String header, String tag, boolean weakToo) {
        return header.equals("*") || tags(header, weakToo).contains(tag);
    }

    /** The versions that the tags name; tags that we never made name none. */
    private static List<Long> versions(String header, boolean weakToo) {
        return tags(header, weakToo).stream()
                .filter(tag -> VERSION.matcher(tag).matches())
                .map(Long::valueOf)
                .toList();
    }

    private static List<String> tags(String header, boolean weakToo) {
        var tags = new ArrayList<String>();
        var members = TAG.matcher(header);
        while (members.find()) {
            if (weakToo || members.group(1) == null) {
                tags.add(members.group(2));
            }
        }
        return tags;
    }
}
