package dev.heddle.connection;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * How many connections each address has to one listener: those of another listener are no reason to refuse one here, a
 * health check least of all. Safe for any thread.
 */
final class Addresses {

    private final int most;
    private final Map<Object, Integer> counts = new ConcurrentHashMap<>();

    /** So many for one. */
    Addresses(int most) {
        this.most = most;
    }

    /** False when that address has as many as it may have already; else {@link #leave} must follow. */
    boolean enter(@Nullable InetAddress address) {
        if (address == null) {
            return true;
        }
        boolean isOneTooMany = counts.merge(keyOf(address), 1, Integer::sum) > most;
        if (isOneTooMany) {
            leave(address);
        }
        return !isOneTooMany;
    }

    void leave(@Nullable InetAddress address) {
        if (address != null) {
            counts.computeIfPresent(keyOf(address), (key, count) -> count == 1 ? null : count - 1);
        }
    }

    /** Whoever has one address of IPv6 has a whole network of them. */
    private static Object keyOf(InetAddress address) {
        return address instanceof Inet6Address
                ? ByteBuffer.wrap(address.getAddress()).getLong()
                : address;
    }
}
