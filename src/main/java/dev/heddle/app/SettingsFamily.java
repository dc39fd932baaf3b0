package dev.heddle.app;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** A section whose entries the operator names, and which names will do. */
enum SettingsFamily {
    UPSTREAMS("upstreams", "[a-z][a-z0-9-]{0,39}", "dashes", 50, List.of()),
    /** A part takes its answer from a source by its name, so no resource may hide one of ours. */
    RESOURCES("upstreams.*.resources", "[a-z][a-z0-9-]{0,39}", "dashes", 100, Settings.Part.OWN_SOURCES),
    DASHBOARDS("dashboards", "[a-z][a-z0-9-]{0,39}", "dashes", 50, List.of()),
    /** Parts become members of the answer, where {@code parts} says how each of them went; {@code require=all} is all. */
    PARTS("dashboards.*", "[a-z][a-z0-9_]{0,39}", "underscores", 16, List.of("parts", "all"));

    private final String section;
    private final Pattern name;
    private final String marks;
    private final int most;

    @SuppressWarnings("ImmutableEnumChecker") // All of them are List.of.
    private final List<String> reserved;

    SettingsFamily(String section, String name, String marks, int most, List<String> reserved) {
        this.section = section;
        this.name = Pattern.compile(name);
        this.marks = marks;
        this.most = most;
        this.reserved = reserved;
    }

    /** The family of a section, {@code upstreams.weather.resources} perhaps. */
    static Optional<SettingsFamily> of(String section) {
        return Arrays.stream(values())
                .filter(family -> SettingsNames.fits(family.section, section))
                .findFirst();
    }

    /** The same for what stands before the names, {@code upstreams.weather.resources.} perhaps. */
    static Optional<SettingsFamily> below(String prefix) {
        return prefix.isEmpty() ? Optional.empty() : of(prefix.substring(0, prefix.length() - 1));
    }

    String section() {
        return section;
    }

    /** How many names a section may have. */
    int most() {
        return most;
    }

    boolean accepts(String chosen) {
        return name.matcher(chosen).matches() && !reserved.contains(chosen);
    }

    /** What is accepted, as a phrase that follows the name. */
    String rule() {
        return "must be a name of lower-case letters, digits and " + marks + ", 40 at most, a letter first"
                + (reserved.isEmpty() ? "" : ", and not " + String.join(", ", reserved));
    }

    /** Refuses names that did not come from a file. */
    void check(Collection<String> chosen) {
        chosen.stream().filter(one -> !accepts(one)).findFirst().ifPresent(refused -> {
            throw new IllegalArgumentException(section + "." + refused + " " + rule());
        });
    }
}
