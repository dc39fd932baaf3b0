package dev.heddle.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.client.HttpUrl;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {

    // What may be one

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/v1/current",
                "/{a}",
                "/v1/{a}/x/{b}",
                "/{a}{b}",
                "/{a},{b};v=1",
                "/tiles/{z}/{x}/{y}.png",
                "/v1/current?city={city}",
                "/?{name}={value}&fixed=1",
                "/?from=.{a}",
                "/%7Euser/{a}",
                "/{a_1}",
                "/{a234567890123456789012345678901234567890}"
            })
    void readsAPathWithPlaces(String text) {
        assertTrue(Template.of(text).isPresent());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/{",
                "/}",
                "/{}",
                "/{a",
                "/a}",
                "/{{a}}",
                "/{a}}",
                "/{{a}",
                "/{a{b}}",
                "/{A}",
                "/{1}",
                "/{_a}",
                "/{a-b}",
                "/{a b}",
                "/{ a}",
                "/{+a}",
                "/{a*}",
                "/{a,b}",
                "/{\u00e9}",
                "/{a2345678901234567890123456789012345678901}",
                "{a}/}"
            })
    void refusesMalformedBraces(String text) {
        assertEquals(Optional.empty(), Template.of(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "{a}",
                "?a={a}",
                "http://a/{a}",
                ":80/{a}",
                "@b/{a}",
                "/a b",
                "/a#{a}",
                "/{a}#",
                "/\\{a}",
                "/a\t{a}",
                "/a\r\n{a}",
                "/{a}\n",
                "/\u00e9/{a}",
                "/%",
                "/%2",
                "/%zz",
                "/../{a}",
                "/{a}/..",
                "/{a}/./b",
                "/%2e%2E/{a}",
                "/.?a={a}"
            })
    void refusesWhatCouldNotBeAPath(String text) {
        assertEquals(Optional.empty(), Template.of(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/%{a}", "/%2{a}", "/%{a}{b}", "/{a}%", "/?a=%{a}"})
    void refusesAPlaceThatWouldEndAnEscape(String text) {
        assertEquals(Optional.empty(), Template.of(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/.{a}", "/{a}.", "/{a}.{b}", "/..{a}", "/.{a}.{b}/x", "/x/%2e{a}?b=1", "/{a}.?b={b}"})
    void refusesALiteralThatAnEmptyValueLeavesAsDots(String text) {
        assertEquals(Optional.empty(), Template.of(text));
    }

    @Test
    void refusesWhatIsTooLongEvenWithShortValues() {
        int fits = HttpUrl.LENGTH_MAX - "http://a/x".length();
        assertTrue(Template.of("/" + "a".repeat(fits) + "{a}").isPresent());
        assertEquals(Optional.empty(), Template.of("/" + "a".repeat(fits + 1) + "{a}"));
    }

    // Its names

    @Test
    void namesItsPlacesOnceAndInTheirOrder() {
        var template = Template.of("/{b}/{a}/{b}?c={c}&a={a}").orElseThrow();
        assertEquals(List.of("b", "a", "c"), List.copyOf(template.names()));
        assertEquals(List.of(), List.copyOf(Template.of("/x").orElseThrow().names()));
    }

    @Test
    void fillsEveryPlaceOfAName() {
        var template = Template.of("/{b}/{a}/{b}?c={c}&a={a}").orElseThrow();
        assertEquals("/2/1/2?c=3&a=1", template.fill(Map.of("a", "1", "b", "2", "c", "3")));
    }

    @Test
    void withoutPlacesItIsWhatItSays() {
        assertEquals("/v1/x?y=z", Template.of("/v1/x?y=z").orElseThrow().fill(Map.of("a", "1")));
    }

    // What a value may hold

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "abcXYZ019|abcXYZ019",
                "-._~|-._~",
                "...|...",
                "a/b|a%2Fb",
                "../x|..%2Fx",
                "a?b|a%3Fb",
                "a&b=c|a%26b%3Dc",
                "a#b|a%23b",
                "100%|100%25",
                "%2e%2e|%252e%252e",
                "a b|a%20b",
                "a+b|a%2Bb",
                "a;b|a%3Bb",
                "a:b@c|a%3Ab%40c",
                "a\\b|a%5Cb",
                "{a}|%7Ba%7D",
                "\u00e9|%C3%A9",
                "\u0661|%D9%A1",
                "\u6771\u4eac|%E6%9D%B1%E4%BA%AC",
                "\ud83d\ude00|%F0%9F%98%80",
                "\ud800|%3F"
            })
    void aValueIsOneSegmentAndOneValueWhateverItHolds(String value, String escaped) {
        var template = Template.of("/x/{v}/y?z={v}").orElseThrow();
        assertFilled("/x/" + escaped + "/y?z=" + escaped, template, Map.of("v", value));
    }

    @Test
    void aValueThatNoTableCanHoldIsOneSegmentToo() {
        var template = Template.of("/x/{v}/y?z={v}").orElseThrow();
        assertFilled("/x/%27/y?z=%27", template, Map.of("v", "'"));
        assertFilled("/x//y?z=", template, Map.of("v", ""));
        assertFilled("/x/a%00b/y?z=a%00b", template, Map.of("v", "a\u0000b"));
        assertFilled("/x/%0D%0AHost%3A/y?z=%0D%0AHost%3A", template, Map.of("v", "\r\nHost:"));
    }

    @ParameterizedTest
    @ValueSource(strings = {".", ".."})
    void refusesDotsInThePathAndTakesThemInTheQuery(String dots) {
        var both = Template.of("/x/{a}?z={b}").orElseThrow();
        assertThrows(IllegalArgumentException.class, () -> both.fill(Map.of("a", dots, "b", "1")));
        assertFilled("/x/1?z=" + dots, both, Map.of("a", "1", "b", dots));
        var onlyQuery = Template.of("/?z={a}/{a}").orElseThrow();
        assertFilled("/?z=" + dots + "/" + dots, onlyQuery, Map.of("a", dots));
        var onlyPath = Template.of("/{a}{b}").orElseThrow();
        assertThrows(IllegalArgumentException.class, () -> onlyPath.fill(Map.of("a", "", "b", dots)));
    }

    @Test
    void aFilledTemplateIsATargetWhateverTheValues() {
        var templates = List.of(
                "/{a}",
                "/{a}{b}",
                "/{a}/{b}/{a}",
                "/x{a}y/{b}",
                "/{a}-{b}",
                "/{a}?{b}",
                "/{a}?b={b}&c=/../{a}",
                "/?a={a}{b}",
                "/%41{a}/{b}.png");
        var random = new Random(42);
        for (int round = 0; round < 20_000; round++) {
            var text = templates.get(round % templates.size());
            var values = new HashMap<String, String>();
            for (var name : List.of("a", "b")) {
                values.put(name, value(random));
            }
            var target = Template.of(text).orElseThrow().fill(values);
            assertEquals(
                    Optional.of(target), HttpUrl.of("http://a" + target).map(HttpUrl::target), () -> text + values);
        }
    }

    @Test
    void whatWasFilledInIsWhatTheOtherSideReads() {
        var template = Template.of("/{a}").orElseThrow();
        var random = new Random(43);
        for (int round = 0; round < 5_000; round++) {
            var value = value(random);
            var segment = template.fill(Map.of("a", value)).substring(1);
            // No plus sign is left that this decoder, which is one of forms, could take for a blank.
            assertEquals(value, URLDecoder.decode(segment, StandardCharsets.UTF_8));
        }
    }

    /** Up to 20 characters, mostly those that mean something somewhere; never dots alone. */
    private static String value(Random random) {
        var special = "./?&#%+;:@\\{}[]\"'<>|^` \t\r\n\u0000\u007f\u0080\u00e9\u2028\u6771aZ09-_~";
        while (true) {
            var value = new StringBuilder();
            for (int left = random.nextInt(20); left > 0; left--) {
                switch (random.nextInt(8)) {
                    case 0 -> value.appendCodePoint(0x1F600 + random.nextInt(64));
                    case 1 -> value.append("%2e");
                    case 2 -> value.append('.');
                    default -> value.append(special.charAt(random.nextInt(special.length())));
                }
            }
            var text = value.toString();
            if (!text.equals(".") && !text.equals("..")) {
                return text;
            }
        }
    }

    private static void assertFilled(String expected, Template template, Map<String, String> values) {
        assertEquals(expected, template.fill(values));
        assertEquals(Optional.of(expected), HttpUrl.of("http://a" + expected).map(HttpUrl::target));
    }
}
