package dev.heddle.connection;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * How many connections each address has to one listener: those of another listener are no reason to refuse one here, a
 * health check least of all. Safe for any thread.
 */
final class Addresses {

    private final int most;
    private final List<Network> proxies;
    private final Map<Object, Integer> counts = new ConcurrentHashMap<>();

    /** So many for one; those of proxies are not counted. */
    Addresses(int most, List<Network> proxies) {
        this.most = most;
        this.proxies = proxies;
    }

    /** False when that address has as many as it may have already; else {@link #leave} must follow. */
    boolean enter(@Nullable InetAddress address) {
        if (address == null || Network.anyContains(proxies, address)) {
            return true;
        }
        boolean isOneTooMany = counts.merge(Network.clientOf(address), 1, Integer::sum) > most;
        if (isOneTooMany) {
            leave(address);
        }
        return !isOneTooMany;
    }

    void leave(@Nullable InetAddress address) {
        if (address != null && !Network.anyContains(proxies, address)) {
            counts.computeIfPresent(Network.clientOf(address), (key, count) -> count == 1 ? null : count - 1);
        }
    }
}
