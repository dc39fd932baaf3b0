package dev.heddle.app;

import dev.heddle.upstream.Template;
import dev.heddle.upstream.UpstreamRoutes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What is asked elsewhere and put together here: the sections upstreams, dashboards and batch. */
final class RemoteSettings {
    /** Written out in {@code app.yaml} as well, to be changed there. */
    static final SettingsFile BUILT_IN = SettingsFile.of("""
        dashboards:
          dashboard:
            tasks: {source: tasks, timeout: 2s, default: []}
            notifications: {source: notifications, timeout: 2s, default: []}
            stats: {source: stats, timeout: 1s, default: {}}
          aggregate:
            tasks: {source: tasks, timeout: 2s, default: []}
            users: {source: users, timeout: 3s, default: []}
            stats: {source: stats, timeout: 1s, default: {}}
        """);

    private static final String UPSTREAMS = SettingsFamily.UPSTREAMS.section();
    private static final String DASHBOARDS = SettingsFamily.DASHBOARDS.section();

    private final SettingsFile file;
    private final SettingsValues values;

    RemoteSettings(SettingsFile file, SettingsValues values) {
        this.file = file;
        this.values = values;
    }

    /** Complains about what only shows in several keys together. */
    void refuseContradictions() {
        for (var upstream : file.names(UPSTREAMS)) {
            refuseMissing(SettingsKey.UPSTREAM_URL.in(upstream), file.origin(UPSTREAMS, upstream));
            refuseTooManyKept(upstream);
        }
        var sources = sources();
        for (var dashboard : file.names(DASHBOARDS)) {
            refuseEmpty(dashboard);
            for (var part : file.names(partsOf(dashboard))) {
                refuseSource(dashboard, part, sources);
            }
        }
    }

    private void refuseMissing(SettingsKey<?> key, String origin) {
        if (!values.isGiven(key)) {
            values.complain(key.name(), "is missing; there is no default", origin);
        }
    }

    private void refuseTooManyKept(String upstream) {
        var kept = SettingsKey.UPSTREAM_KEPT_CONNECTIONS.in(upstream);
        var most = SettingsKey.UPSTREAM_MAX_CONNECTIONS.in(upstream);
        if (values.isRead(kept) && values.isRead(most) && values.get(kept) > values.get(most)) {
            values.complain(
                    kept,
                    "%s, %d (%s); found %d"
                            .formatted(
                                    Settings.Upstream.TOO_MANY_KEPT,
                                    values.get(most),
                                    values.origin(most),
                                    values.get(kept)));
        }
    }

    /** Everything that a part can be made of. Complains about a name that two upstreams use. */
    private List<String> sources() {
        var firsts = new HashMap<String, SettingsKey<Template>>();
        for (var upstream : file.names(UPSTREAMS)) {
            var family = SettingsKey.UPSTREAM_RESOURCE.in(upstream);
            for (var resource : file.names(resourcesOf(upstream))) {
                refuseStrayPlaces(family.in(resource), resource);
                var first = firsts.putIfAbsent(resource, family.in(resource));
                if (first != null) {
                    values.complain(
                            family.in(resource),
                            "needs a name of its own; there is %s (%s)".formatted(first.name(), values.origin(first)));
                }
            }
        }
        var sources = new ArrayList<>(Settings.Part.OWN_SOURCES);
        sources.addAll(firsts.keySet());
        return sources;
    }

    /** A path of the contract's own has its own values, and a place without one would be empty. */
    private void refuseStrayPlaces(SettingsKey<Template> key, String resource) {
        var known = UpstreamRoutes.OWN_PARAMETERS.get(resource);
        if (known != null
                && values.isRead(key)
                && !known.containsAll(values.get(key).names())) {
            var allowed = known.isEmpty() ? "no places" : "no place but " + String.join(", ", known);
            values.complain(key, "must have " + allowed + ", because a path of the API is made of it");
        }
    }

    private void refuseEmpty(String dashboard) {
        if (file.names(partsOf(dashboard)).isEmpty()) {
            values.complain(
                    partsOf(dashboard),
                    "needs parts, 1 to " + SettingsFamily.PARTS.most(),
                    file.origin(DASHBOARDS, dashboard));
        }
    }

    private void refuseSource(String dashboard, String part, List<String> sources) {
        var key = SettingsKey.PART_SOURCE.in(dashboard).in(part);
        refuseMissing(key, file.origin(partsOf(dashboard), part));
        if (values.isRead(key) && !sources.contains(values.get(key))) {
            var written = values.get(key);
            values.complain(
                    key,
                    key.kind().rule() + SettingsNames.meant(written, sources) + SettingsValues.shown(key, written));
        }
    }

    Map<String, Settings.Upstream> upstreams() {
        return each(UPSTREAMS, this::upstream);
    }

    private Settings.Upstream upstream(String name) {
        return new Settings.Upstream(
                values.get(SettingsKey.UPSTREAM_URL.in(name)),
                values.getOrNull(SettingsKey.UPSTREAM_API_KEY.in(name)),
                values.get(SettingsKey.UPSTREAM_MAX_CONNECTIONS.in(name)),
                values.get(SettingsKey.UPSTREAM_KEPT_CONNECTIONS.in(name)),
                values.get(SettingsKey.UPSTREAM_QUEUE.in(name)),
                values.get(SettingsKey.UPSTREAM_QUEUE_WAIT.in(name)),
                values.get(SettingsKey.UPSTREAM_CONNECT_TIMEOUT.in(name)),
                values.get(SettingsKey.UPSTREAM_READ_TIMEOUT.in(name)),
                values.get(SettingsKey.UPSTREAM_TIMEOUT.in(name)),
                values.get(SettingsKey.UPSTREAM_MAX_BODY_SIZE.in(name)),
                values.get(SettingsKey.UPSTREAM_CACHE_FOR.in(name)),
                values.get(SettingsKey.UPSTREAM_STALE_IF_ERROR.in(name)),
                values.get(SettingsKey.UPSTREAM_BREAKER_PAUSE.in(name)),
                each(
                        resourcesOf(name),
                        resource -> values.get(
                                SettingsKey.UPSTREAM_RESOURCE.in(name).in(resource))));
    }

    Map<String, Settings.Dashboard> dashboards() {
        return each(
                DASHBOARDS,
                dashboard -> new Settings.Dashboard(each(partsOf(dashboard), part -> part(dashboard, part))));
    }

    private Settings.Part part(String dashboard, String name) {
        return new Settings.Part(
                values.get(SettingsKey.PART_SOURCE.in(dashboard).in(name)),
                values.get(SettingsKey.PART_TIMEOUT.in(dashboard).in(name)),
                values.get(SettingsKey.PART_DEFAULT.in(dashboard).in(name)));
    }

    Settings.Batch batch() {
        var allow = values.getOrNull(SettingsKey.BATCH_ALLOW);
        var privateNetworks = values.getOrNull(SettingsKey.BATCH_PRIVATE_NETWORKS);
        return new Settings.Batch(
                allow == null ? List.of() : allow,
                privateNetworks == null ? List.of() : privateNetworks,
                values.get(SettingsKey.BATCH_TIMEOUT),
                values.get(SettingsKey.BATCH_CONNECT_TIMEOUT));
    }

    /** What is made of each name in a section, in the order of the file. */
    private <T> Map<String, T> each(String section, Function<String, T> make) {
        var made = new LinkedHashMap<String, T>();
        file.names(section).forEach(name -> made.put(name, make.apply(name)));
        return made;
    }

    private static String resourcesOf(String upstream) {
        return UPSTREAMS + "." + upstream + ".resources";
    }

    private static String partsOf(String dashboard) {
        return DASHBOARDS + "." + dashboard;
    }
}
