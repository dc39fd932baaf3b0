package dev.heddle.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpUrlTest {

    // What is read

    @Test
    void whatWasReadBeforeChangesNothing() {
        var texts = List.of(
                "http://a.example/b",
                "http://a.example",
                "http://a.example?c",
                "http://a.example:81/b",
                "http://a.example.evil.example/b",
                "https://a.example/b",
                "HTTP://A.example/b");
        var expected = List.of(
                "http://a.example/b",
                "http://a.example/",
                "http://a.example/?c",
                "http://a.example:81/b",
                "http://a.example.evil.example/b",
                "https://a.example/b",
                "http://a.example/b");
        for (var first : texts) {
            for (int i = 0; i < texts.size(); i++) {
                HttpUrl.of(first);
                assertEquals(
                        expected.get(i), HttpUrl.of(texts.get(i)).orElseThrow().toString(), "after " + first);
            }
            for (var bad : List.of("http://a.example@evil.example/", "http://a.example#b", "http://a.example\\b")) {
                HttpUrl.of(first);
                assertTrue(HttpUrl.of(bad).isEmpty(), bad + " after " + first);
            }
            HttpUrl.of(first);
            assertTrue(HttpUrl.of("http://a.example/../b").isEmpty(), "after " + first);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            quoteCharacter = '\0',
            value = {
                "http://a http://a/",
                "http://a/ http://a/",
                "https://a https://a/",
                "HTTP://A.Example/Path?Query http://a.example/Path?Query",
                "hTTpS://A https://a/",
                "http://a:80/ http://a/",
                "https://a:443/ https://a/",
                "http://a:443/ http://a:443/",
                "https://a:80/ https://a:80/",
                "http://a:1/ http://a:1/",
                "http://a:65535/ http://a:65535/",
                "http://a? http://a/?",
                "http://a?b=c http://a/?b=c",
                "http://a?b@c http://a/?b@c",
                "http://a:8080?b http://a:8080/?b",
                "http://a?/b http://a/?/b",
                "http://a/?b?c=/d http://a/?b?c=/d",
                "http://a//b http://a//b",
                "http://a/b// http://a/b//",
                "http://a/@b:c http://a/@b:c",
                "http://a/http://b http://a/http://b",
                "http://a/~!$&'()*+,;=:@-._ http://a/~!$&'()*+,;=:@-._",
                "http://a/%20%C3%a9 http://a/%20%C3%a9",
                "http://a-b.c_d.example/ http://a-b.c_d.example/",
                "http://xn--bcher-kva.example/ http://xn--bcher-kva.example/",
                "http://localhost:8080/x http://localhost:8080/x",
                "http://1a.example/ http://1a.example/",
                "http://127.0.0.1.example/ http://127.0.0.1.example/"
            })
    void readsAUrlAndWritesItInOneForm(String text, String written) {
        var url = HttpUrl.of(text).orElseThrow();
        assertEquals(written, url.toString());
        assertEquals(Optional.of(url), HttpUrl.of(written));
    }

    @ParameterizedTest
    @CsvSource({
        "http://a, /",
        "http://a?, /?",
        "http://a/..., /...",
        "http://a/.b, /.b",
        "http://a/b., /b.",
        "http://a/..b/c.., /..b/c..",
        "http://a/%2eb, /%2eb",
        "http://a/%252e%252e/, /%252e%252e/",
        "http://a/?../, /?../",
        "http://a/?b=/../c, /?b=/../c",
        "http://a/b?/.., /b?/.."
    })
    void keepsDotsThatNobodyResolves(String text, String target) {
        assertEquals(Optional.of(target), HttpUrl.of(text).map(HttpUrl::target));
    }

    // The whole

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "a",
                "/",
                "/a",
                "//a",
                "//a/",
                ":",
                "://a",
                "http",
                "http:",
                "http:/",
                "http://",
                "http:///",
                "http:a",
                "http:/a",
                "http:///a",
                "http:////a",
                "http//a",
                "http;//a",
                "http:\\\\a",
                "http:/\\a",
                "http:\\/a",
                "http://?a",
                "http://:80",
                "http://:80/a",
                "httpss://a",
                "xhttp://a",
                "ftp://a",
                "file:///etc/passwd",
                "file://a/b",
                "ws://a",
                "unix:///run/a.sock",
                "http+unix://a",
                "javascript:alert(1)",
                "data:,a",
                "jar:http://a!/b",
                "url:http://a",
                "view-source:http://a",
                "http://http://a",
                "\ufeffhttp://a",
                "ht\u200btp://a",
                "http\u017f://a"
            })
    void refusesWhatIsNoUrlOfTheTwoSchemes(String text) {
        assertEquals(Optional.empty(), HttpUrl.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://u@a",
                "http://u:p@a",
                "http://@a",
                "http://:@a",
                "http://a@",
                "http://a@/",
                "http://a@@b",
                "http://a@b@c",
                "http://a:80@b",
                "http://a:@b",
                "http://a%40b",
                "http://a%3A80",
                "http://[::1]@a",
                "http://u@[::1]",
                "http://a;@b",
                "http://a&@b",
                "http://a\\@b"
            })
    void refusesCredentials(String text) {
        assertEquals(Optional.empty(), HttpUrl.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://a#",
                "http://a#b",
                "http://a/#",
                "http://a/b#c",
                "http://a?b#c",
                "http://a#@b",
                "http://a#.b/",
                "http://a:80#b"
            })
    void refusesAFragment(String text) {
        assertEquals(Optional.empty(), HttpUrl.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\\",
                "\t",
                "\r",
                "\n",
                "\r\n",
                "\u0000",
                "\u0001",
                "\u000b",
                "\f",
                "\u001f",
                " ",
                "\u007f",
                "\u0080",
                "\u0085",
                "\u00a0",
                "\u00ad",
                "\u00e9",
                "\u200b",
                "\u2028",
                "\u3000",
                "\u3002",
                "\uff0e",
                "\uff0f",
                "\uff03",
                "\uff20",
                "\u2100",
                "\u212a",
                "\u0130",
                "\u0131",
                "\u0660",
                "\ud83d\ude00",
                "\ud800",
                "\ufffe",
                "\"",
                "<",
                ">",
                "^",
                "`",
                "{",
                "}",
                "|"
            })
    void refusesWhatStandsInNoUrlWhereverItStands(String text) {
        for (var place : new String[] {
            "^http://a/b", "h^ttp://a/b", "http^://a/b", "http:^//a/b", "http://^a/b", "http://a^a/b", "http://a^/b",
            "http://a:^80/b", "http://a:80^/b", "http://a/^b", "http://a/b^", "http://a/b?^c", "http://a^",
                    "http://a/b?c^"
        }) {
            var url = place.replace("^", text);
            assertEquals(Optional.empty(), HttpUrl.of(url), url);
        }
    }

    @Test
    void isNoLongerThanItsLimit() {
        var path = "http://a/" + "b".repeat(HttpUrl.LENGTH_MAX - "http://a/".length());
        assertEquals(path, HttpUrl.of(path).orElseThrow().toString());
        assertEquals(Optional.empty(), HttpUrl.of(path + "b"));
        var escapes = "http://a/?" + "%41b".repeat((HttpUrl.LENGTH_MAX - "http://a/?".length()) / 4);
        assertEquals(escapes, HttpUrl.of(escapes).orElseThrow().toString());
        var slashes = "http://a" + "/".repeat(HttpUrl.LENGTH_MAX - "http://a".length());
        assertEquals(slashes, HttpUrl.of(slashes).orElseThrow().toString());
        assertEquals(Optional.empty(), HttpUrl.of("http://a/" + "b".repeat(1_000_000)));
    }

    @Test
    void readsTheLongestOnAThreadWithASmallStack() throws InterruptedException {
        var escapes = "http://a/" + "%41".repeat((HttpUrl.LENGTH_MAX - "http://a/".length()) / 3);
        var read = new AtomicBoolean();
        var thread = new Thread(null, () -> read.set(HttpUrl.of(escapes).isPresent()), "small", 256 * 1024);
        thread.start();
        thread.join();
        assertTrue(read.get());
    }

    // The host

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "127",
                "127.1",
                "127.0.1",
                "127.0.0.1.",
                "127.0.0.1..",
                ".127.0.0.1",
                "127..0.1",
                "127.0.0.1.5",
                "127.0.0.0.1",
                "127.0.0.256",
                "999.0.0.1",
                "127.0.0.1000",
                "0177.0.0.1",
                "127.0.0.01",
                "00.0.0.0",
                "0x7f.1",
                "0x7f.0.0.1",
                "0X7F000001",
                "0x",
                "127.0.0.0x1",
                "127.0.0.0x",
                "017700000001",
                "2130706433",
                "4294967296",
                "a.1",
                "a.0x1",
                "example.127",
                "1e3.1",
                "127.0.0.1%00",
                "%31%32%37.0.0.1",
                "\u2460\u2461\u2466.0.0.1"
            })
    void refusesAHostThatIsAnAddressInAnotherForm(String host) {
        assertNoHost(host);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost.",
                "localhost..",
                ".localhost",
                ".",
                "..",
                "a..b",
                "-a",
                "a-",
                "a.-b",
                "a-.b",
                "-",
                "*",
                "*.a",
                "a,b",
                "a;b",
                "a=b",
                "a+b",
                "a!b",
                "a~b",
                "a(b)",
                "a%",
                "%61",
                "a%2eb",
                "a%2fb",
                "a%00b",
                "a%0d%0ab",
                "b\u00fccher.example",
                "\u0430pple.example",
                "a\u3002b",
                "a\u2024b"
            })
    void refusesAHostThatIsNoName(String host) {
        assertNoHost(host);
    }

    @Test
    void aNameAndItsLabelsAreNoLongerThanTheirLimits() {
        var label = "a".repeat(63);
        var longest = label + "." + label + "." + label + "." + "a".repeat(61);
        assertEquals(253, longest.length());
        assertEquals(longest, host(longest));
        assertNoHost(longest + "a");
        assertNoHost(label + "a");
        assertNoHost("b." + label + "a.c");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "1.2.3.4", "127.0.0.1", "255.255.255.255", "10.20.30.40"})
    void readsAnIpv4AddressInItsUsualForm(String host) {
        assertEquals(host, host(host));
    }

    @ParameterizedTest
    @CsvSource({
        "::, ::",
        "::1, ::1",
        "0:0:0:0:0:0:0:0, ::",
        "0:0:0:0:0:0:0:1, ::1",
        "0000:0000:0000:0000:0000:0000:0000:0001, ::1",
        "::7f00:1, ::7f00:1",
        "FE80::ABCD, fe80::abcd",
        "2001:db8::, 2001:db8::",
        "2001:db8:0:0:0:0:0:0, 2001:db8::",
        "2001:0db8::0001, 2001:db8::1",
        "2001:db8::1:0:0:1, 2001:db8::1:0:0:1",
        "2001:db8:0:0:1::1, 2001:db8::1:0:0:1",
        "2001:0:0:1::1, 2001:0:0:1::1",
        "2001:db8::1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
        "1:2:3:4:5:6:7::, 1:2:3:4:5:6:7:0",
        "::2:3:4:5:6:7:8, 0:2:3:4:5:6:7:8",
        "10:0:0:0:0:0:0:100, 10::100",
        "1:0:0:2:0:0:0:3, 1:0:0:2::3",
        "1:2:3:4:5:6:7:8, 1:2:3:4:5:6:7:8"
    })
    void readsAnIpv6AddressAndWritesItInOneForm(String text, String host) {
        assertEquals(host, host("[" + text + "]"));
        assertEquals(
                "http://[" + host + "]/",
                HttpUrl.of("http://[" + text + "]").orElseThrow().toString());
        assertEquals(host, host("[" + host + "]"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "[:]",
                "[:::]",
                "[1]",
                "[1:2]",
                "[1:2:3:4:5:6:7]",
                "[1:2:3:4:5:6:7:8:9]",
                "[1::2::3]",
                "[1::2:3:4:5:6:7:8]",
                "[:1:2:3:4:5:6:7]",
                "[::1:]",
                "[12345::]",
                "[00001::1]",
                "[g::1]",
                "[::ffff:127.0.0.1]",
                "[::FFFF:7f00:1]",
                "[::ffff:0:0]",
                "[0:0:0:0:0:ffff:a00:1]",
                "[::127.0.0.1]",
                "[64:ff9b::127.0.0.1]",
                "[64:ff9b::0177.0.0.1]",
                "[127.0.0.1]",
                "[a]",
                "[fe80::1%1]",
                "[fe80::1%eth0]",
                "[fe80::1%25eth0]",
                "[::1%00]",
                "[v1.a]",
                "[[::1]]",
                "[::1",
                "::1]",
                "::1",
                "[::1]a",
                "[::1].a",
                "a[::1]",
                "[::1][::1]",
                "[ ::1]",
                "%5b::1%5d"
            })
    void refusesWhatIsNoIpv6AddressOrAMappedOrZonedOne(String host) {
        assertNoHost(host);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "00",
                "00000",
                "080",
                "00080",
                "65536",
                "99999",
                "100000",
                "4294967376",
                "-1",
                "+80",
                " 80",
                "80 ",
                "8a",
                "0x50",
                "80:80",
                "80:",
                ":80",
                "http",
                "\u0668\u0660",
                "%38%30"
            })
    void refusesAPortThatIsNone(String port) {
        for (var host : new String[] {"a", "127.0.0.1", "[::1]"}) {
            for (var behind : new String[] {"", "/", "?b"}) {
                var url = "http://" + host + ":" + port + behind;
                assertEquals(Optional.empty(), HttpUrl.of(url), url);
            }
        }
    }

    // The target

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/.",
                "/..",
                "/./",
                "/../",
                "/../b",
                "/b/..",
                "/b/../c",
                "/b/./c",
                "/b/.?c",
                "/b/..?c",
                "/%2e",
                "/%2E%2e",
                "/%2e%2e/",
                "/.%2e/b",
                "/%2E./b",
                "/b/%2e?c",
                "//..",
                "/..//",
                "/..?/..",
                "/b/../?c",
                "/.../.."
            })
    void refusesDotsToBeResolved(String target) {
        assertEquals(Optional.empty(), HttpUrl.of("http://a" + target));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/%", "/%2", "/%zz", "/%2g", "/%%", "/%u0041", "/b%", "/?%", "/?b=%4", "/%-1", "/[b]", "/?[b]"})
    void refusesABrokenEscapeAndBrackets(String target) {
        assertEquals(Optional.empty(), HttpUrl.of("http://a" + target));
    }

    private static String host(String written) {
        return HttpUrl.of("http://" + written).orElseThrow().origin().host();
    }

    private static void assertNoHost(String host) {
        for (var behind : new String[] {"", "/", ":80", "?b"}) {
            var url = "http://" + host + behind;
            assertEquals(Optional.empty(), HttpUrl.of(url), url);
        }
    }
}
