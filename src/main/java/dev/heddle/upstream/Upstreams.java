package dev.heddle.upstream;

import dev.heddle.client.HttpPools;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All upstreams and what they have. Safe for any thread. */
public final class Upstreams {

    private final List<Upstream> all = new ArrayList<>();
    private final Map<String, Resource> resources = new LinkedHashMap<>();

    /**
     * One of them.
     *
     * @param resources by their names, which no other upstream uses
     */
    public record Definition(Upstream.Options options, Map<String, Template> resources) {}

    /**
     * How an upstream is.
     *
     * @param open connections
     * @param idle of these
     * @param waiting calls that wait for a connection
     * @param isOpen whether its breaker keeps calls from it
     */
    public record Usage(String name, int open, int idle, int waiting, boolean isOpen) {}

    /**
     * No connection is opened yet.
     *
     * @param definitions by name
     */
    public Upstreams(Map<String, Definition> definitions, HttpPools pools, UpstreamObserver observer) {
        definitions.forEach((name, definition) -> {
            var upstream = new Upstream(name, definition.options(), pools, observer);
            all.add(upstream);
            definition
                    .resources()
                    .forEach((its, template) -> resources.put(its, new Resource(its, upstream, template)));
        });
    }

    /** The resource of that name. */
    public Optional<Resource> resource(String name) {
        return Optional.ofNullable(resources.get(name));
    }

    /** All resources, in the order in which they were named. */
    public Collection<Resource> resources() {
        return resources.values();
    }

    /** How each of them is now. */
    public List<Usage> usage() {
        return all.stream()
                .map(it -> new Usage(
                        it.name(), it.pool().open(), it.pool().idle(), it.waiting(), it.state() == Breaker.State.OPEN))
                .toList();
    }
}
