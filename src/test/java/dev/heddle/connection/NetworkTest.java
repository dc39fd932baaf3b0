package dev.heddle.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.InetAddress;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkTest {

    @ParameterizedTest
    @CsvSource({
        "0.0.0.0/0, 0.0.0.0, 0",
        "10.0.0.0/8, 10.0.0.0, 8",
        "100.64.0.0/10, 100.64.0.0, 10",
        "192.0.2.1/32, 192.0.2.1, 32",
        "::/0, ::, 0",
        "fc00::/7, fc00::, 7",
        "FC00::/7, fc00::, 7",
        "2001:db8:0:0::/64, 2001:db8::, 64",
        "::1/128, ::1, 128"
    })
    void readsABlock(String text, String address, int bits) {
        assertEquals(Optional.of(new Network(InetAddress.ofLiteral(address), bits)), Network.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "/8",
                "10.0.0.0",
                "10.0.0.0/",
                "10.0.0.0/-1",
                "10.0.0.0/+8",
                "10.0.0.0/08",
                "10.0.0.0/33",
                "10.0.0.0/128",
                "10.0.0.0/1000",
                "10.0.0.0/8/8",
                "10.0.0.0/255.0.0.0",
                " 10.0.0.0/8",
                "10.0.0.0/8 ",
                "10.0.0.0/8\n",
                "10.0.0.0 /8",
                "::/129",
                ":::/8",
                ":/8",
                "1:2:3/48",
                "12345::/16",
                "fe80::1%1/128",
                "fe80::%eth0/10",
                "[fc00::]/7",
                "localhost/8",
                "a/8",
                "1\u0660.0.0.0/8"
            })
    void refusesWhatIsNoBlock(String text) {
        assertEquals(Optional.empty(), Network.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0/0",
                "10/8",
                "10.0/8",
                "10.0.0/8",
                "010.0.0.0/8",
                "0177.0.0.1/32",
                "127.1/32",
                "2130706433/32",
                "::ffff:10.0.0.0/104",
                "::ffff:10.0.0.0/8",
                "::ffff:0:0/96",
                "::ffff:a00:0/104",
                "64:ff9b::10.0.0.0/104",
                "64:ff9b::0177.0.0.1/128"
            })
    void refusesAnAddressThatOthersReadDifferently(String text) {
        assertEquals(Optional.empty(), Network.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"10.0.0.1/8", "128.0.0.0/0", "192.168.1.0/23", "10.0.0.1/31", "fd00::/7", "::1/127", "::1/0"})
    void refusesBitsBehindThePrefix(String text) {
        assertEquals(Optional.empty(), Network.of(text));
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.0, -1", "10.0.0.0, 33", "10.0.0.1, 8", "::, 129", "::1, 64"})
    void cannotBeMadeOfWhatIsNoBlock(String address, int bits) {
        var its = InetAddress.ofLiteral(address);
        assertThrows(IllegalArgumentException.class, () -> new Network(its, bits));
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8, 10.0.0.0, true",
        "10.0.0.0/8, 10.255.255.255, true",
        "10.0.0.0/8, 9.255.255.255, false",
        "10.0.0.0/8, 11.0.0.0, false",
        "172.16.0.0/12, 172.15.255.255, false",
        "172.16.0.0/12, 172.16.0.0, true",
        "172.16.0.0/12, 172.31.255.255, true",
        "172.16.0.0/12, 172.32.0.0, false",
        "192.0.2.4/31, 192.0.2.5, true",
        "192.0.2.4/31, 192.0.2.6, false",
        "192.0.2.4/32, 192.0.2.4, true",
        "192.0.2.4/32, 192.0.2.5, false",
        "0.0.0.0/0, 255.255.255.255, true",
        "0.0.0.0/0, 0.0.0.0, true",
        "128.0.0.0/1, 127.255.255.255, false",
        "128.0.0.0/1, 128.0.0.0, true",
        "fc00::/7, fbff:ffff::, false",
        "fc00::/7, fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, true",
        "fc00::/7, fe00::, false",
        "::/0, ffff::, true",
        "::1/128, ::1, true",
        "::1/128, ::, false"
    })
    void containsWhatSharesItsPrefix(String network, String address, boolean isIn) {
        assertEquals(isIn, Network.of(network).orElseThrow().contains(InetAddress.ofLiteral(address)));
    }

    @Test
    void containsNothingOfTheOtherFamily() {
        assertFalse(Network.of("0.0.0.0/0").orElseThrow().contains(InetAddress.ofLiteral("::")));
        assertFalse(Network.of("::/0").orElseThrow().contains(InetAddress.ofLiteral("0.0.0.0")));
    }
}
