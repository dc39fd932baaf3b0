package dev.heddle.app;

import dev.heddle.admission.Admission;
import dev.heddle.admission.RateLimit;
import dev.heddle.concurrent.SharedBytes;
import dev.heddle.concurrent.SharedPlaces;
import dev.heddle.http.Cors;
import dev.heddle.http.Edge;
import dev.heddle.http.Gatekeeper;
import dev.heddle.http.HttpMetrics;
import dev.heddle.http.Proxies;
import dev.heddle.identity.Authentication;
import dev.heddle.identity.Users;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** What stands before the routes of the API, put together. */
final class Reception {

    /** Of all answers that are sent at once for as long as their clients take, one caller has a quarter at most. */
    private static final int STREAMS_SHARE = 4;

    private final Edge edge;
    private final Gatekeeper gatekeeper;

    Reception(Settings settings, Users users, SharedBytes held, HttpMetrics metrics) {
        var its = settings.edge();
        var rates = its.rateLimits();
        var tokens = limit("token", rates.token(), rates.tokenBurst());
        var addresses = limit("address", rates.address(), rates.addressBurst());
        var failures = new RateLimit(
                new RateLimit.Rule("bad-tokens", rates.badTokens(), Duration.ofMinutes(1), rates.badTokens()));
        var admission = new Admission(admission(settings));
        int most = its.requests().maxStreams();
        var streams = new SharedPlaces("answers at once", most, Math.max(1, most / STREAMS_SHARE));
        edge = new Edge(
                new Proxies(its.proxy().trusted(), its.proxy().header()),
                addresses,
                admission,
                streams,
                held,
                new Cors(Set.copyOf(its.cors().origins()), its.cors().maxAge()),
                its.proxy().linkPrefix());
        gatekeeper = new Authentication(users, tokens, failures);
        metrics.show(admission, streams, held, List.of(tokens, addresses, failures));
    }

    private static RateLimit limit(String name, int amount, int burst) {
        return new RateLimit(new RateLimit.Rule(name, amount, Duration.ofSeconds(1), burst));
    }

    /** Never fewer than there are connections to the database: one would stay idle while requests wait. */
    private static Admission.Options admission(Settings settings) {
        var its = settings.edge().requests();
        return new Admission.Options(
                Math.min(its.max(), settings.database().poolSize()),
                its.max(),
                its.slow(),
                its.queue(),
                its.queueWait());
    }

    Edge edge() {
        return edge;
    }

    Gatekeeper gatekeeper() {
        return gatekeeper;
    }
}
