package dev.heddle.app;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The names that {@code app.yaml} may hold, whatever the operator chose for a {@code *}, and what a misspelt one meant. */
final class SettingsNames {
    /** How far a misspelt name may be from a known one and still be taken for it. */
    private static final int TYPOS_MAX = 2;

    private static final String STAR = "*";

    /** Every beginning of a key, in the order of the file. */
    private static final List<String> SECTIONS = SettingsKey.ALL.stream()
            .flatMap(key -> beginnings(key.name()))
            .distinct()
            .toList();

    private SettingsNames() {}

    static boolean isKey(String name) {
        return SettingsKey.ALL.stream().anyMatch(key -> fits(key.name(), name));
    }

    static boolean isJson(String name) {
        return SettingsKey.ALL.stream().anyMatch(key -> key.isJson() && fits(key.name(), name));
    }

    static boolean isSection(String name) {
        return SECTIONS.stream().anyMatch(section -> fits(section, name));
    }

    /** Whether a name begins like one of ours, and is ours to judge. */
    static boolean isOurs(String name) {
        return SECTIONS.stream().anyMatch(section -> name.startsWith(section + "."));
    }

    /** Whether a name has the segments of a pattern, and anything where that has a {@code *}. */
    static boolean fits(String pattern, String name) {
        return filled(pattern, name).equals(name);
    }

    /**
     * The keys that can have a value: a family stands once for each of its names.
     *
     * @param names those that the operator chose in a section, in the order of the file
     */
    static List<SettingsKey<?>> instances(List<SettingsKey<?>> keys, Function<String, Collection<String>> names) {
        var groups = new LinkedHashMap<String, List<SettingsKey<?>>>();
        keys.forEach(key -> groups.computeIfAbsent(beforeStar(key.name()), _ -> new ArrayList<>())
                .add(key));
        return groups.entrySet().stream()
                .flatMap(group -> group.getValue().getFirst().isFamily()
                        ? names.apply(group.getKey()).stream()
                                .flatMap(name -> instances(within(group.getValue(), name), names).stream())
                        : group.getValue().stream())
                .toList();
    }

    private static List<SettingsKey<?>> within(List<SettingsKey<?>> family, String name) {
        return family.stream().<SettingsKey<?>>map(key -> key.in(name)).toList();
    }

    /** What to say about a name in the file that is no key: that, and which one may have been meant. */
    static String unknown(String name) {
        var patterns = Stream.concat(SECTIONS.stream(), SettingsKey.ALL.stream().map(SettingsKey::name))
                .toList();
        var known = patterns.stream().map(pattern -> filled(pattern, name)).toList();
        // What ends with a chosen name is no help: any word would be close to it. Nor is a section, which has no last.
        var fixed = patterns.stream()
                .filter(pattern -> !pattern.endsWith(STAR) && pattern.indexOf('.') >= 0)
                .map(pattern -> filled(pattern, name))
                .toList();
        return unknown(name, known, fixed);
    }

    /** The same about a name elsewhere, where only these are known. */
    static String unknown(String name, Collection<String> known) {
        return isKey(name)
                ? "is not a known key, because the file does not name it" + meant(name, known)
                : unknown(name, known, known);
    }

    private static String unknown(String name, Collection<String> known, Collection<String> knownByTheirLast) {
        var wanted = name.toLowerCase(Locale.ROOT);
        var isLast = knownByTheirLast.stream().anyMatch(pattern -> last(pattern).equals(last(wanted)));
        var byName = isLast ? "" : closest(wanted, known, UnaryOperator.identity());
        return "is not a known key"
                + meant(byName.isEmpty() ? closest(last(wanted), knownByTheirLast, SettingsNames::last) : byName);
    }

    /** Which of the names may have been meant, as the end of a sentence; empty when none is close. */
    static String meant(String name, Collection<String> known) {
        return meant(closest(name, known, UnaryOperator.identity()));
    }

    private static String meant(String closest) {
        return closest.isEmpty() ? "" : "; did you mean " + closest + "?";
    }

    /** The known names that are closest in the given part of them; empty when none is close. */
    private static String closest(String wanted, Collection<String> known, UnaryOperator<String> part) {
        var byDistance = known.stream()
                .collect(Collectors.groupingBy(
                        name -> distance(wanted, part.apply(name)),
                        TreeMap::new,
                        Collectors.mapping(name -> "`" + name + "`", Collectors.joining(" or "))));
        var closest = byDistance.firstEntry();
        // A name of two letters is two typos away from any other one.
        return closest != null && closest.getKey() <= Math.min(TYPOS_MAX, wanted.length() - 1)
                ? closest.getValue()
                : "";
    }

    private static Stream<String> beginnings(String name) {
        return IntStream.range(0, name.length())
                .filter(at -> name.charAt(at) == '.')
                .mapToObj(dot -> name.substring(0, dot));
    }

    /** The pattern with the segments of the name where it has a {@code *}, as far as the name goes. */
    private static String filled(String pattern, String name) {
        if (!pattern.contains(STAR)) {
            return pattern;
        }
        var segments = pattern.split("\\.", -1);
        var chosen = name.split("\\.", -1);
        for (int i = 0; i < Math.min(segments.length, chosen.length); i++) {
            if (segments[i].equals(STAR)) {
                segments[i] = chosen[i];
            }
        }
        return String.join(".", segments);
    }

    /** The section of a family; a key that is none stands for itself. */
    private static String beforeStar(String name) {
        int star = name.indexOf(STAR);
        return star < 0 ? name : name.substring(0, star - 1);
    }

    private static String last(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /** Levenshtein's: how many letters to insert, delete or replace. Keeps one row of the table. */
    private static int distance(String from, String to) {
        var row = IntStream.rangeClosed(0, to.length()).toArray();
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
