package dev.heddle.app;

import dev.heddle.dashboard.Composition;
import dev.heddle.dashboard.PartSource;
import dev.heddle.http.Json;
import dev.heddle.http.Problems;
import dev.heddle.identity.Caller;
import dev.heddle.identity.Users;
import dev.heddle.notifications.Notifications;
import dev.heddle.tasks.Tasks;
import dev.heddle.upstream.Resource;
import dev.heddle.upstream.Upstreams;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.function.Function;

/** The compositions of the settings, each part connected to its source. */
final class Dashboards {

    /** As many as a page of the same things has when nobody asks for more. */
    private static final int ROWS = 10;

    private final Tasks tasks;
    private final Notifications notifications;
    private final Users users;
    private final Upstreams upstreams;

    Dashboards(Tasks tasks, Notifications notifications, Users users, Upstreams upstreams) {
        this.tasks = tasks;
        this.notifications = notifications;
        this.users = users;
        this.upstreams = upstreams;
    }

    /** All of them. */
    List<Composition> of(Settings settings, Problems problems) {
        return settings.dashboards().entrySet().stream()
                .map(it -> new Composition(it.getKey(), parts(it.getValue()), problems))
                .toList();
    }

    private List<Composition.Part> parts(Settings.Dashboard dashboard) {
        return dashboard.parts().entrySet().stream()
                .map(it -> new Composition.Part(
                        it.getKey(),
                        source(it.getValue().source()),
                        it.getValue().timeout(),
                        it.getValue().fallback()))
                .toList();
    }

    /** The names are those of {@link Settings.Part#OWN_SOURCES}; every other one is a resource's. */
    private PartSource source(String name) {
        return switch (name) {
            case "tasks" -> local(asked -> tasks.newestOpen(asked.userId(), ROWS));
            case "notifications" -> local(asked -> notifications.newest(asked.userId(), ROWS));
            case "activity" -> local(asked -> notifications.newestActivity(asked.userId(), ROWS));
            case "stats" -> local(asked -> notifications.statistics(asked.userId()));
            case "users" -> local(asked -> users.newest(Caller.current(), ROWS));
            default -> remote(upstreams.resource(name).orElseThrow());
        };
    }

    private static PartSource local(Function<PartSource.Asked, Json.Writing> source) {
        return new PartSource() {
            @Override
            public SequencedSet<String> parameters() {
                return Collections.emptyNavigableSet();
            }

            @Override
            public Json.Writing get(Asked asked) {
                return source.apply(asked);
            }
        };
    }

    private static PartSource remote(Resource resource) {
        return new PartSource() {
            @Override
            public SequencedSet<String> parameters() {
                return new LinkedHashSet<>(resource.parameters());
            }

            @Override
            public Json.Writing get(Asked asked) {
                var document = resource.get(asked.values(), asked.trace());
                return json -> Json.raw(json, document.json());
            }
        };
    }
}
