package dev.heddle.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.connection.Network;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PublicAddressesTest {

    private final PublicAddresses strict = new PublicAddresses(List.of());

    /** A block, and what its neighbours are: {@code public}, {@code special} or {@code none} at the end of the space. */
    @ParameterizedTest
    @CsvSource({
        "0.0.0.0/8, none, public",
        "0.0.0.0/32, none, special",
        "10.0.0.0/8, public, public",
        "100.64.0.0/10, public, public",
        "127.0.0.0/8, public, public",
        "169.254.0.0/16, public, public",
        "172.16.0.0/12, public, public",
        "192.0.0.0/24, public, public",
        "192.0.0.0/29, public, special",
        "192.0.0.8/32, special, special",
        "192.0.0.9/32, special, special",
        "192.0.0.10/32, special, special",
        "192.0.0.170/32, special, special",
        "192.0.0.171/32, special, special",
        "192.0.2.0/24, public, public",
        "192.88.99.0/24, public, public",
        "192.168.0.0/16, public, public",
        "198.18.0.0/15, public, public",
        "198.51.100.0/24, public, public",
        "203.0.113.0/24, public, public",
        "224.0.0.0/4, public, special",
        "240.0.0.0/4, special, none",
        "255.255.255.255/32, special, none",
        "::/128, none, special",
        "::1/128, special, special",
        "::/96, none, special",
        "::ffff:0:0:0/96, special, special",
        "64:ff9b::/96, special, special",
        "64:ff9b:1::/48, special, special",
        "100::/64, special, special",
        "100:0:0:1::/64, special, special",
        "::/3, none, public",
        "2001::/23, public, public",
        "2001::/32, public, special",
        "2001:1::1/128, special, special",
        "2001:1::2/128, special, special",
        "2001:1::3/128, special, special",
        "2001:2::/48, special, special",
        "2001:3::/32, special, special",
        "2001:4:112::/48, special, special",
        "2001:10::/28, special, special",
        "2001:20::/28, special, special",
        "2001:30::/28, special, special",
        "2001:db8::/32, public, public",
        "2002::/16, public, public",
        "3fff::/20, public, public",
        "4000::/2, public, special",
        "5f00::/16, special, special",
        "8000::/1, special, none",
        "fc00::/7, special, special",
        "fe80::/10, special, special",
        "fec0::/10, special, special",
        "ff00::/8, special, none"
    })
    void refusesASpecialBlockFromItsFirstToItsLastAddress(String block, String before, String after) {
        var network = Network.of(block).orElseThrow();
        var first = number(network.address());
        int length = network.address().getAddress().length;
        var last = first.add(BigInteger.TWO.pow(length * Byte.SIZE - network.bits()))
                .subtract(BigInteger.ONE);
        assertEquals(
                List.of(before, "special", "special", "special", after),
                Arrays.asList(
                        kind(first.subtract(BigInteger.ONE), length),
                        kind(first, length),
                        kind(first.add(last).shiftRight(1), length),
                        kind(last, length),
                        kind(last.add(BigInteger.ONE), length)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8.8.8.8",
                "1.1.1.1",
                "9.9.9.9",
                "93.184.215.14",
                "193.0.6.139",
                "223.255.255.255",
                // In the registry, but reachable by everyone.
                "192.31.196.1",
                "192.52.193.1",
                "192.175.48.1",
                "2620:4f:8000::1",
                "2606:4700::1111",
                "2001:4860:4860::8888",
                "2a00:1450:4001::1",
                "2000::"
            })
    void allowsWhatEveryoneCanReach(String address) {
        assertTrue(strict.isPublic(InetAddress.ofLiteral(address)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "169.254.169.254",
                "100.100.100.200",
                "::1",
                "::127.0.0.1",
                "::8.8.8.8",
                "fd00:ec2::254",
                "64:ff9b::127.0.0.1",
                "64:ff9b::8.8.8.8",
                "64:ff9b:1::a00:1",
                "2002:7f00:1::1",
                "2001:0:4136:e378:8000:63bf:3fff:fdd2"
            })
    void refusesWhatIsTakenFromHere(String address) {
        assertFalse(strict.isPublic(InetAddress.ofLiteral(address)));
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1, false", "10.0.0.1, false", "255.255.255.255, false", "8.8.8.8, true", "1.1.1.1, true"})
    void judgesAnIpv4MappedAddressAsWhatItMaps(String address, boolean isPublic) throws UnknownHostException {
        assertEquals(isPublic, strict.isPublic(InetAddress.ofLiteral("::ffff:" + address)));
        // The one way there is to make an object of it that is not an IPv4 address.
        var bytes = new byte[16];
        bytes[10] = (byte) 0xFF;
        bytes[11] = (byte) 0xFF;
        System.arraycopy(InetAddress.ofLiteral(address).getAddress(), 0, bytes, 12, 4);
        var mapped = assertInstanceOf(Inet6Address.class, Inet6Address.getByAddress(null, bytes, -1));
        assertEquals(isPublic, strict.isPublic(mapped));
    }

    @Test
    void judgesAMappedAddressByWhatIsAllowedOfIpv4() throws UnknownHostException {
        var addresses = new PublicAddresses(networks("127.0.0.1/32"));
        var bytes = new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 127, 0, 0, 1};
        assertTrue(addresses.isPublic(Inet6Address.getByAddress(null, bytes, -1)));
        assertFalse(new PublicAddresses(networks("::/0")).isPublic(Inet6Address.getByAddress(null, bytes, -1)));
    }

    @Test
    void aZoneChangesNothing() throws UnknownHostException {
        var linkLocal = InetAddress.ofLiteral("fe80::1").getAddress();
        var open = InetAddress.ofLiteral("2606:4700::1111").getAddress();
        assertFalse(strict.isPublic(Inet6Address.getByAddress(null, linkLocal, 1)));
        assertTrue(strict.isPublic(Inet6Address.getByAddress(null, open, 1)));
    }

    @Test
    void whatTheOperatorAllowsIsPublicAndNothingBesideIt() {
        var addresses = new PublicAddresses(networks("10.1.0.0/16", "fd00::/8"));
        for (var address : List.of("10.1.0.0", "10.1.255.255", "fd00::", "fdff::1", "8.8.8.8", "2606:4700::1111")) {
            assertTrue(addresses.isPublic(InetAddress.ofLiteral(address)), address);
        }
        for (var address : List.of("10.0.255.255", "10.2.0.0", "127.0.0.1", "fcff::1", "fe00::", "::1")) {
            assertFalse(addresses.isPublic(InetAddress.ofLiteral(address)), address);
        }
    }

    private static List<Network> networks(String... texts) {
        return Arrays.stream(texts).map(text -> Network.of(text).orElseThrow()).toList();
    }

    private String kind(BigInteger number, int length) {
        if (number.signum() < 0 || number.bitLength() > length * Byte.SIZE) {
            return "none";
        }
        return strict.isPublic(address(number, length)) ? "public" : "special";
    }

    private static BigInteger number(InetAddress address) {
        return new BigInteger(1, address.getAddress());
    }

    private static InetAddress address(BigInteger number, int length) {
        var bytes = new byte[length];
        var digits = number.toByteArray();
        int used = Math.min(digits.length, length);
        System.arraycopy(digits, digits.length - used, bytes, length - used, used);
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
