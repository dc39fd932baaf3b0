package dev.heddle.app;

import dev.heddle.client.HttpFailure;
import dev.heddle.client.HttpPool;
import dev.heddle.client.HttpPools;
import dev.heddle.client.Resolver;
import dev.heddle.client.SystemResolver;
import dev.heddle.concurrent.SharedBytes;
import dev.heddle.http.Problems;
import dev.heddle.http.Routes;
import dev.heddle.upstream.Batch;
import dev.heddle.upstream.BatchRoutes;
import dev.heddle.upstream.PublicAddresses;
import dev.heddle.upstream.Upstream;
import dev.heddle.upstream.UpstreamObserver;
import dev.heddle.upstream.UpstreamRoutes;
import dev.heddle.upstream.Upstreams;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Calls to servers elsewhere, put together. Whoever opens it closes it. */
final class Outbound implements AutoCloseable {

    private final Owned owned = new Owned();
    private final Upstreams upstreams;
    private final Batch batch;

    /** No connection is opened yet. */
    Outbound(Settings settings, SharedBytes held, Problems problems, UpstreamObserver observer) {
        var resolver = owned.add(new SystemResolver());
        upstreams = new Upstreams(definitions(settings), owned.add(new HttpPools(resolver, null)), observer);
        var its = settings.batch();
        var pools = owned.add(new HttpPools(vetted(resolver, new PublicAddresses(its.privateNetworks())), null));
        batch = new Batch(Set.copyOf(its.allow()), pools, its.timeout(), its.connectTimeout(), held, problems);
    }

    private static Map<String, Upstreams.Definition> definitions(Settings settings) {
        var all = new LinkedHashMap<String, Upstreams.Definition>();
        settings.upstreams()
                .forEach((name, its) -> all.put(name, new Upstreams.Definition(options(its), its.resources())));
        return all;
    }

    private static Upstream.Options options(Settings.Upstream its) {
        var key = its.apiKey();
        return new Upstream.Options(
                its.url(),
                key == null ? null : key.value(),
                new HttpPool.Limits(its.keptConnections(), its.connectTimeout(), its.readTimeout(), its.timeout(), (int)
                        its.maxBodySize()),
                its.maxConnections(),
                its.queue(),
                its.queueWait(),
                its.cacheFor(),
                its.staleIfError(),
                its.breakerPause());
    }

    /** One address that must not be connected to is enough: the next time, the same name may lead there. */
    private static Resolver vetted(Resolver resolver, PublicAddresses allowed) {
        return (host, deadline) -> {
            var addresses = resolver.resolve(host, deadline);
            for (var address : addresses) {
                if (!allowed.isPublic(address)) {
                    throw new HttpFailure(
                            HttpFailure.Kind.FORBIDDEN, host + " is at " + address.getHostAddress(), null);
                }
            }
            return addresses;
        };
    }

    /** What dashboards and routes ask. */
    Upstreams upstreams() {
        return upstreams;
    }

    /** What fetches the URLs of callers. */
    Batch batch() {
        return batch;
    }

    /** Adds the routes. */
    void addRoutes(Routes routes) {
        UpstreamRoutes.add(routes, upstreams);
        BatchRoutes.add(routes, batch);
    }

    @Override
    public void close() {
        owned.close();
    }
}
