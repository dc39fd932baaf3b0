package dev.heddle.http;

import dev.heddle.connection.Network;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The proxies in front, and what they say about where a request came from. Nobody else is believed: whoever can reach the
 * server can write any header.
 *
 * @param trusted where they are
 * @param header the one header that all of them write; the other passes through them as the client wrote it
 */
public record Proxies(List<Network> trusted, Header header) {

    /** More hops than any request takes; what is before them is not looked at. */
    private static final int HOPS_MAX = 32;

    private static final HeaderName X_FORWARDED_FOR = HeaderNames.create("X-Forwarded-For");
    private static final HeaderName FORWARDED = HeaderNames.create("Forwarded");

    /** With a port, or an address of IPv6 in brackets; RFC 7239 §6. */
    private static final Pattern NODE = Pattern.compile(
            "\\[(?<six>[0-9A-Fa-f:.]{2,45})](:[0-9]{1,5})?|(?<four>[0-9.]{7,15})(:[0-9]{1,5})?|(?<bare>[0-9A-Fa-f:.]{2,45})");

    /** One pair of a hop, RFC 7239 §4. */
    private static final Pattern FOR = Pattern.compile("(?i)for=(?:\"(?<quoted>[^\"\\\\]*)\"|(?<plain>[^\"]*))");

    /** Before an address of IPv4, by a proxy that listens to both. */
    private static final String MAPPED = "::ffff:";

    /** In which header they write it. */
    public enum Header {
        X_FORWARDED_FOR,
        FORWARDED
    }

    /** Keeps a copy. */
    public Proxies {
        trusted = List.copyOf(trusted);
    }

    /** Whether one of them is there. */
    public boolean isTrusted(@Nullable InetAddress address) {
        return address != null && Network.anyContains(trusted, address);
    }

    /**
     * Where a request came from: of the hops that it has taken, the nearest that is no proxy of ours. What is behind it may
     * be invented.
     *
     * @param peer who has sent it to us; null when that is not known
     * @param headers of the request; empty for one that is not there
     */
    @Nullable
    InetAddress clientOf(@Nullable InetAddress peer, Function<HeaderName, String> headers) {
        if (!isTrusted(peer)) {
            return peer;
        }
        var hops = hops(headers.apply(header == Header.FORWARDED ? FORWARDED : X_FORWARDED_FOR));
        var nearest = peer;
        for (int i = hops.size() - 1; i >= Math.max(0, hops.size() - HOPS_MAX); i--) {
            var hop = address(hops.get(i));
            if (hop.isEmpty()) {
                // Hidden or broken: the last one who is known stands for it.
                return nearest;
            }
            nearest = hop.get();
            if (!isTrusted(nearest)) {
                return nearest;
            }
        }
        return nearest;
    }

    /** What each hop has written, the farthest first. */
    private List<String> hops(String value) {
        var hops = new ArrayList<String>();
        if (value.isBlank()) {
            return hops;
        }
        for (var hop : value.split(",", -1)) {
            hops.add(header == Header.FORWARDED ? forOf(hop) : hop.strip());
        }
        return hops;
    }

    private static String forOf(String hop) {
        for (var pair : hop.split(";", -1)) {
            var written = FOR.matcher(pair.strip());
            if (written.matches()) {
                return written.group("quoted") != null ? written.group("quoted") : written.group("plain");
            }
        }
        return "";
    }

    private static Optional<InetAddress> address(String node) {
        var written = NODE.matcher(node.toLowerCase(Locale.ROOT));
        if (!written.matches()) {
            return Optional.empty();
        }
        var text = written.group("six") != null
                ? written.group("six")
                : written.group("four") != null ? written.group("four") : written.group("bare");
        return Network.address(
                text.startsWith(MAPPED) && text.indexOf('.') > 0 ? text.substring(MAPPED.length()) : text);
    }
}
