package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.connection.Network;
import dev.heddle.http.Proxies;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The sections requests, rate-limit, proxy and cors. */
class EdgeSettingsTest {

    private static EdgeSettings read(String... properties) {
        var all = new Properties();
        for (int i = 0; i < properties.length; i += 2) {
            all.setProperty(properties[i], properties[i + 1]);
        }
        return SettingsReader.read(null, Map.of(), all, 100_000).edge();
    }

    @Test
    void withoutAnySettingTheDefaultsHold() {
        assertEquals(
                new EdgeSettings(
                        new EdgeSettings.Requests(256, Duration.ofMillis(500), 1000, Duration.ofMillis(500), 512),
                        new EdgeSettings.RateLimits(500, 1000, 1000, 2000, 60),
                        new EdgeSettings.Proxy(List.of(), Proxies.Header.X_FORWARDED_FOR, null),
                        new EdgeSettings.CrossOrigin(List.of(), Duration.ofMinutes(10))),
                read());
    }

    @Test
    void eachCanBeSet() {
        var its = read(
                "proxy.trusted", "10.0.0.0/8, fd00::/8",
                "proxy.header", "forwarded",
                "proxy.public-url", "https://tasks.example.org/api",
                "cors.origins",
                        "https://app.example.org, http://localhost:5173,capacitor://localhost, https://[::1]:8443",
                "rate-limit.token", "0");
        assertEquals(
                List.of(
                        Network.of("10.0.0.0/8").orElseThrow(),
                        Network.of("fd00::/8").orElseThrow()),
                its.proxy().trusted());
        assertEquals(Proxies.Header.FORWARDED, its.proxy().header());
        assertEquals("https://tasks.example.org/api", String.valueOf(its.proxy().publicUrl()));
        assertEquals(4, its.cors().origins().size());
        assertEquals(0, its.rateLimits().token());
        assertEquals(List.of("*"), read("cors.origins", "*").cors().origins());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        proxy.trusted       | 10.0.0.1
        proxy.trusted       | 10.0.0.1/8
        proxy.trusted       | proxy.example.org
        proxy.trusted       | *
        proxy.header        | x-real-ip
        proxy.header        | X-Forwarded-For
        proxy.public-url    | https://tasks.example.org/
        proxy.public-url    | tasks.example.org
        proxy.public-url    | https://user:secret@tasks.example.org
        cors.origins        | https://app.example.org/
        cors.origins        | https://app.example.org:443
        cors.origins        | http://app.example.org:80
        cors.origins        | HTTPS://app.example.org
        cors.origins        | app.example.org
        cors.origins        | https://*.example.org
        cors.origins        | null
        cors.origins        | https://app.example.org,,https://b.example.org
        cors.max-age        | 25h
        rate-limit.token    | -1
        rate-limit.token-burst | 0
        rate-limit.bad-tokens | 1000001
        requests.max        | 0
        requests.queue      | -1
        requests.queue-wait | 0s
        requests.slow       | 1
        requests.max-streams | 0
        """)
    void whatIsNoneIsRefused(String key, String value) {
        var refused = assertThrows(SettingsException.class, () -> read(key, value));
        assertEquals(1, refused.complaints().size());
        assertTrue(refused.complaints().getFirst().startsWith(key + ": must be "), refused::getMessage);
    }
}
