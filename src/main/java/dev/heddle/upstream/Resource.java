package dev.heddle.upstream;

import dev.heddle.http.Trace;
import java.util.Map;
import java.util.SequencedSet;

/** Something that an upstream has, under a name of ours. Immutable, safe for any thread. */
public final class Resource {

    private final String name;
    private final Upstream upstream;
    private final Template template;

    Resource(String name, Upstream upstream, Template template) {
        this.name = name;
        this.upstream = upstream;
        this.template = template;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** Who has it. */
    Upstream upstream() {
        return upstream;
    }

    /** The names of the values it takes. */
    public SequencedSet<String> parameters() {
        return template.names();
    }

    /** Whether a value can stand in a URL: a segment of dots would lead somewhere else, escaped or not. */
    public static boolean isValue(String value) {
        return !value.equals(".") && !value.equals("..");
    }

    /**
     * Asks for it, or takes what was kept.
     *
     * @param values one for each parameter; each {@link #isValue}
     * @throws dev.heddle.http.ProblemException when it cannot be had
     */
    public Document get(Map<String, String> values, Trace trace) {
        return upstream.get(template.fill(values), trace);
    }
}
