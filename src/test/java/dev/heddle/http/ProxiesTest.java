package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.heddle.connection.Network;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.net.InetAddress;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProxiesTest {

    private static final List<Network> TRUSTED = List.of(
            Network.of("10.0.0.0/8").orElseThrow(), Network.of("fd00::/8").orElseThrow());

    private static final Proxies BY_X = new Proxies(TRUSTED, Proxies.Header.X_FORWARDED_FOR);

    private static final Proxies BY_RFC = new Proxies(TRUSTED, Proxies.Header.FORWARDED);

    private static Function<HeaderName, String> headers(String name, String value) {
        return asked -> asked.equals(HeaderNames.create(name)) ? value : "";
    }

    private static String client(Proxies proxies, String peer, String name, String value) {
        var client = proxies.clientOf(InetAddress.ofLiteral(peer), headers(name, value));
        return client == null ? "" : client.getHostAddress();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # a proxy says who asked
        10.0.0.1    | 192.0.2.7                            | 192.0.2.7
        10.0.0.1    | 192.0.2.7:4711                       | 192.0.2.7
        10.0.0.1    | ::ffff:192.0.2.7                     | 192.0.2.7
        10.0.0.1    | [::ffff:192.0.2.7]:80                | 192.0.2.7
        10.0.0.1    | 2001:db8::1                          | 2001:db8:0:0:0:0:0:1
        10.0.0.1    | [2001:db8::1]:4711                   | 2001:db8:0:0:0:0:0:1
        fd00::1     | 192.0.2.7                            | 192.0.2.7
        # of several hops the nearest that is no proxy of ours
        10.0.0.1    | 192.0.2.7, 10.0.0.2                  | 192.0.2.7
        10.0.0.1    | 203.0.113.9,192.0.2.7, 10.1.2.3 , 10.0.0.2 | 192.0.2.7
        # what is behind it may be invented
        10.0.0.1    | 127.0.0.1, 192.0.2.7                 | 192.0.2.7
        10.0.0.1    | 10.9.9.9, 192.0.2.7                  | 192.0.2.7
        # all of them are ours
        10.0.0.1    | 10.0.0.3, 10.0.0.2                   | 10.0.0.3
        10.0.0.1    | ''                                   | 10.0.0.1
        # who writes nonsense is taken for who sent it
        10.0.0.1    | unknown                              | 10.0.0.1
        10.0.0.1    | _hidden                              | 10.0.0.1
        10.0.0.1    | 192.0.2.7, unknown                   | 10.0.0.1
        10.0.0.1    | unknown, 10.0.0.2                    | 10.0.0.2
        10.0.0.1    | 300.1.1.1                            | 10.0.0.1
        10.0.0.1    | 0177.0.0.1                           | 10.0.0.1
        10.0.0.1    | 127.1                                | 10.0.0.1
        10.0.0.1    | localhost                            | 10.0.0.1
        10.0.0.1    | example.org                          | 10.0.0.1
        10.0.0.1    | [::1                                 | 10.0.0.1
        10.0.0.1    | ,                                    | 10.0.0.1
        # nobody else is believed
        192.0.2.1   | 127.0.0.1                            | 192.0.2.1
        127.0.0.1   | 192.0.2.7                            | 127.0.0.1
        2001:db8::9 | 192.0.2.7                            | 2001:db8:0:0:0:0:0:9
        """)
    void theClientIsTheNearestHopThatIsNoProxyOfOurs(String peer, String value, String client) {
        assertEquals(client, client(BY_X, peer, "X-Forwarded-For", value));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
        for=192.0.2.7                                          | 192.0.2.7
        For="192.0.2.7:4711";proto=https                       | 192.0.2.7
        for="[2001:db8::1]:4711"                               | 2001:db8:0:0:0:0:0:1
        proto=https;host=api.example.org;for=192.0.2.7;by=10.1.1.1 | 192.0.2.7
        for=203.0.113.9, for=192.0.2.7;by=x, for=10.0.0.2      | 192.0.2.7
        for=unknown                                            | 10.0.0.1
        for="_x"                                               | 10.0.0.1
        proto=https                                            | 10.0.0.1
        192.0.2.7                                              | 10.0.0.1
        for="192.0.2.7                                         | 10.0.0.1
        for=2001:db8::1                                        | 2001:db8:0:0:0:0:0:1
        """)
    void theSameStandsInTheHeaderOfRfc7239(String value, String client) {
        assertEquals(client, client(BY_RFC, "10.0.0.1", "Forwarded", value));
    }

    @Test
    void aHeaderThatTheProxiesDoNotWriteIsNotLookedAt() {
        assertEquals("10.0.0.1", client(BY_X, "10.0.0.1", "Forwarded", "for=192.0.2.7"));
        assertEquals("10.0.0.1", client(BY_RFC, "10.0.0.1", "X-Forwarded-For", "192.0.2.7"));
        assertEquals("10.0.0.1", client(BY_X, "10.0.0.1", "X-Real-IP", "192.0.2.7"));
    }

    @Test
    void aClientWhoseAddressIsNotKnownStaysUnknown() {
        assertNull(BY_X.clientOf(null, headers("X-Forwarded-For", "192.0.2.7")));
    }

    @Test
    void aHundredThousandHopsAreNotAllLookedAt() {
        var hops = "203.0.113.9, " + "10.0.0.2, ".repeat(100_000) + "10.0.0.3";
        assertEquals("10.0.0.2", client(BY_X, "10.0.0.1", "X-Forwarded-For", hops));
    }
}
