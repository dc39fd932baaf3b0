package dev.heddle.upstream;

import dev.heddle.client.HttpUrl;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.regex.Pattern;

/**
 * A path, with a query perhaps, that has places for values: {@code /v1/current?city={city}}. A value is one segment, or
 * one value of the query, whatever it holds: everything but unreserved characters is escaped. RFC 6570 §3.2.2, level 1.
 * Immutable.
 */
public final class Template {

    private static final Pattern PLACE = Pattern.compile("\\{([a-z][a-z0-9_]{0,39})}");

    private static final HexFormat HEX = HexFormat.of().withUpperCase();

    /** The literal text before each place, and behind the last. */
    private final List<String> literals;

    private final List<String> places;

    /** How many of the places, the first ones, are in the path and not in the query. */
    private final int inPath;

    private Template(List<String> literals, List<String> places) {
        this.literals = literals;
        this.places = places;
        this.inPath = (int) literals.stream()
                .limit(places.size())
                .takeWhile(it -> it.indexOf('?') < 0)
                .count();
    }

    /**
     * Reads one; empty when it could not be a path with harmless values or with empty ones: of {@code /{name}.{type}}
     * these leave a dot.
     */
    public static Optional<Template> of(String text) {
        var literals = new ArrayList<String>();
        var places = new ArrayList<String>();
        var place = PLACE.matcher(text);
        int from = 0;
        while (place.find()) {
            literals.add(text.substring(from, place.start()));
            places.add(place.group(1));
            from = place.end();
        }
        literals.add(text.substring(from));
        return text.startsWith("/") && isPath(String.join("x", literals)) && isPath(String.join("", literals))
                ? Optional.of(new Template(List.copyOf(literals), List.copyOf(places)))
                : Optional.empty();
    }

    private static boolean isPath(String text) {
        return HttpUrl.of("http://a" + text).isPresent();
    }

    /** The names of its values, in the order of their places. */
    public SequencedSet<String> names() {
        return new LinkedHashSet<>(places);
    }

    /**
     * The path with its values. It is a target of an {@link HttpUrl}, unless long values make it too long for one.
     *
     * @param values one for each name; in the path neither {@code .} nor {@code ..}, which no escape keeps from being
     *     resolved
     * @throws IllegalArgumentException when one is such dots, because the path would be another one
     */
    public String fill(Map<String, String> values) {
        if (places.isEmpty()) {
            return literals.getFirst();
        }
        var path = new StringBuilder(128);
        for (int i = 0; i < places.size(); i++) {
            path.append(literals.get(i));
            var value = values.getOrDefault(places.get(i), "");
            if (i < inPath && (value.equals(".") || value.equals(".."))) {
                throw new IllegalArgumentException("dots for " + places.get(i));
            }
            escape(value, path);
        }
        return path.append(literals.getLast()).toString();
    }

    private static void escape(String value, StringBuilder to) {
        for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            if (c < 0x80 && (Character.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0)) {
                to.append(c);
            } else {
                to.append('%').append(HEX.toHexDigits(b));
            }
        }
    }
}
