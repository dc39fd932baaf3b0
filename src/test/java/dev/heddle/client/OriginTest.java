package dev.heddle.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OriginTest {

    @ParameterizedTest
    @CsvSource({
        "http://a, false, a, 80, a, http://a",
        "https://a, true, a, 443, a, https://a",
        "http://a:80, false, a, 80, a, http://a",
        "https://a:443, true, a, 443, a, https://a",
        "http://a:443, false, a, 443, a:443, http://a:443",
        "https://a:80, true, a, 80, a:80, https://a:80",
        "HTTPS://API.Example.COM:8443, true, api.example.com, 8443, api.example.com:8443, https://api.example.com:8443",
        "http://127.0.0.1:8080, false, 127.0.0.1, 8080, 127.0.0.1:8080, http://127.0.0.1:8080",
        "http://[::1], false, ::1, 80, [::1], http://[::1]",
        "https://[2001:DB8:0:0:0:0:0:1]:8443, true, 2001:db8::1, 8443, [2001:db8::1]:8443, https://[2001:db8::1]:8443"
    })
    void readsSchemeHostAndPort(String text, boolean isTls, String host, int port, String authority, String written) {
        var origin = Origin.of(text).orElseThrow();
        assertEquals(new Origin(isTls, host, port), origin);
        assertEquals(authority, origin.authority());
        assertEquals(written, origin.toString());
        assertEquals(Optional.of(origin), Origin.of(written));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "a:80",
                "//a",
                "http://",
                "http://a/",
                "http://a//",
                "http://a/b",
                "http://a?",
                "http://a/?",
                "http://a?b",
                "http://a#",
                "http://a#b",
                "http://a:",
                "http://a:0",
                "http://a:080",
                "http://a:65536",
                "http://u@a",
                "http://a,http://b",
                "http://a ",
                " http://a",
                "http://a\n",
                "http://*.a",
                "null",
                "*",
                "ftp://a"
            })
    void refusesWhatIsNoOriginOrMoreThanOne(String text) {
        assertEquals(Optional.empty(), Origin.of(text));
    }

    @ParameterizedTest
    @CsvSource({
        "http://a, HTTP://A:80",
        "https://a.example, https://A.EXAMPLE:443",
        "http://[::1], http://[0:0:0:0:0:0:0:1]",
        "http://[2001:db8::1:0:0:1], http://[2001:0db8:0:0:1::1]"
    })
    void twoOfTheSamePlaceAreEqual(String one, String other) {
        assertEquals(Origin.of(one).orElseThrow(), Origin.of(other).orElseThrow());
    }
}
