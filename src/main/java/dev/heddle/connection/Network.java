package dev.heddle.connection;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A block of addresses, {@code 10.0.0.0/8} or {@code fc00::/7}. RFC 4632 §3.1, RFC 4291 §2.3.
 *
 * @param bits how many of the address's first bits all members share; the rest of it is zero
 */
public record Network(InetAddress address, int bits) {

    private static final Pattern WRITTEN = Pattern.compile("(?<address>[0-9A-Fa-f:.]+)/(?<bits>0|[1-9][0-9]{0,2})");

    /** Refuses what is none. */
    public Network {
        var bytes = address.getAddress();
        if (bits < 0 || bits > bytes.length * Byte.SIZE || !isWithoutRest(bytes, bits)) {
            throw new IllegalArgumentException(address.getHostAddress() + "/" + bits);
        }
    }

    /** Reads one; empty when it is none, or when bits are set behind the prefix, which is a mistake of its writer's. */
    public static Optional<Network> of(String text) {
        var written = WRITTEN.matcher(text);
        if (!written.matches()) {
            return Optional.empty();
        }
        try {
            return address(written.group("address"))
                    .map(address -> new Network(address, Integer.parseInt(written.group("bits"))));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** Reads an address; empty when it is none, or is written as no two readers agree on. */
    public static Optional<InetAddress> address(String text) {
        try {
            return Optional.of(InetAddress.ofLiteral(text)).filter(address -> isCanonical(text, address));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** {@code 10/8} and {@code 0177.0.0.1} are read differently by different readers, also within an IPv6 address. */
    private static boolean isCanonical(String text, InetAddress address) {
        return address instanceof Inet6Address
                ? text.indexOf('.') < 0
                : address.getHostAddress().equals(text);
    }

    private static boolean isWithoutRest(byte[] bytes, int bits) {
        for (int bit = bits; bit < bytes.length * Byte.SIZE; bit++) {
            if (isSet(bytes, bit)) {
                return false;
            }
        }
        return true;
    }

    /**
     * By what a client is known whose address this is: whoever has one address of IPv6 has a whole network of them, of 64
     * bits. Two of one client are equal.
     */
    public static Object clientOf(InetAddress address) {
        return address instanceof Inet6Address
                ? ByteBuffer.wrap(address.getAddress()).getLong()
                : address;
    }

    /** Whether an address belongs to it. */
    public boolean contains(InetAddress other) {
        var ours = address.getAddress();
        var theirs = other.getAddress();
        if (ours.length != theirs.length) {
            return false;
        }
        int bytes = bits / Byte.SIZE;
        for (int i = 0; i < bytes; i++) {
            if (ours[i] != theirs[i]) {
                return false;
            }
        }
        for (int bit = bytes * Byte.SIZE; bit < bits; bit++) {
            if (isSet(ours, bit) != isSet(theirs, bit)) {
                return false;
            }
        }
        return true;
    }

    /** Whether it belongs to one of them. */
    public static boolean anyContains(List<Network> networks, InetAddress address) {
        for (var network : networks) {
            if (network.contains(address)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isSet(byte[] bytes, int bit) {
        return (bytes[bit / Byte.SIZE] & (0x80 >> (bit % Byte.SIZE))) != 0;
    }
}
