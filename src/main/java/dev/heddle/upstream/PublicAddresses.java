package dev.heddle.upstream;

import dev.heddle.connection.Network;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;

/**
 * Which addresses are open to everyone, so that asking one for somebody gives away nothing that only we can reach. After the
 * IANA special-purpose registries of IPv4 and IPv6 (RFC 6890), as of 2025; the JDK's own tests know neither {@code
 * 100.64.0.0/10} nor {@code fc00::/7}. Stricter than they are in two ways: whatever wraps an IPv4 address that somebody
 * else would unwrap is refused, and so is a block as a whole where the registries except single anycast addresses, since
 * the nearest of those may be our own router.
 *
 * <p>It cannot know a NAT64 prefix that a network has chosen for itself. Immutable, safe for any thread; a few dozen
 * comparisons, which is nothing for a connection.
 */
public final class PublicAddresses {

    private static final List<Network> NOT_PUBLIC = Stream.of(
                    "0.0.0.0/8", // this network
                    "10.0.0.0/8", // private use
                    "100.64.0.0/10", // shared by a carrier's customers
                    "127.0.0.0/8", // loopback
                    "169.254.0.0/16", // link-local, the metadata of clouds
                    "172.16.0.0/12", // private use
                    "192.0.0.0/24", // IETF protocols, the excepted anycast addresses .9 and .10 too
                    "192.0.2.0/24", // documentation
                    "192.88.99.0/24", // 6to4 relays, deprecated
                    "192.168.0.0/16", // private use
                    "198.18.0.0/15", // benchmarks
                    "198.51.100.0/24", // documentation
                    "203.0.113.0/24", // documentation
                    "224.0.0.0/4", // multicast
                    "240.0.0.0/4", // reserved, and broadcast
                    // All around 2000::/3: unspecified, loopback, IPv4-compatible, NAT64 (64:ff9b::/96 and
                    // 64:ff9b:1::/48), discard (100::/64), dummy (100:0:0:1::/64),
                    "::/3",
                    // segment routing (5f00::/16),
                    "4000::/2",
                    // unique local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8).
                    "8000::/1",
                    "2001::/23", // IETF protocols: Teredo, benchmarks, ORCHID; what is excepted there is no web server
                    "2001:db8::/32", // documentation
                    "2002::/16", // 6to4
                    "3fff::/20") // documentation
            .map(text -> Network.of(text).orElseThrow())
            .toList();

    private final List<Network> allowed;

    /**
     * Takes these as public too.
     *
     * @param allowed the operator's own; whoever allows {@code 64:ff9b::/96} allows every IPv4 address behind it
     */
    public PublicAddresses(List<Network> allowed) {
        this.allowed = List.copyOf(allowed);
    }

    /** Whether it is public, or allowed all the same. An IPv4-mapped one (RFC 4291 §2.5.5.2) is what it maps. */
    public boolean isPublic(InetAddress address) {
        var plain = plain(address);
        return !contains(NOT_PUBLIC, plain) || contains(allowed, plain);
    }

    private static InetAddress plain(InetAddress address) {
        try {
            // Of a mapped address, this makes an IPv4 address.
            return InetAddress.getByAddress(address.getAddress());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of neither 4 nor 16 bytes", e);
        }
    }

    private static boolean contains(List<Network> networks, InetAddress address) {
        for (var network : networks) {
            if (network.contains(address)) {
                return true;
            }
        }
        return false;
    }
}
