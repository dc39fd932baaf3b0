package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonReaderTest {

    /** What a hostile document may cost. Generous: a cold JVM that shares its cores takes part of it. */
    private static final Duration BOUND = Duration.ofSeconds(2);

    private final Complaints complaints = new Complaints();

    private @Nullable Object read(String text) {
        return JsonReader.read(text.getBytes(StandardCharsets.UTF_8), complaints);
    }

    private ProblemException refused(byte[] document) {
        var refused = assertThrows(ProblemException.class, () -> JsonReader.read(document, complaints));
        assertEquals(Problem.INVALID_JSON, refused.problem());
        return refused;
    }

    private ProblemException refused(String document) {
        return refused(document.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsEveryKindOfValue() {
        var expected = Map.of(
                "text",
                "x\n\u00e9\ud83d\ude00",
                "whole",
                -12L,
                "big",
                new BigDecimal("9223372036854775808"),
                "decimal",
                new BigDecimal("1.50"),
                "yes",
                true,
                "no",
                false,
                "list",
                List.of(1L, List.of(), Map.of()));
        assertEquals(expected, read("""
            {"text": "x\\n\u00e9\\ud83d\\ude00", "whole": -12, "big": 9223372036854775808, "decimal": 1.50,
             "yes": true, "no": false, "list": [1, [], {}]}
            """));
        assertTrue(complaints.isEmpty());
    }

    @Test
    void aDocumentNeedNotBeAnObject() {
        assertEquals("x", read("\"x\""));
        assertEquals(List.of(), read(" [ ] "));
        assertEquals(7L, read("7"));
        assertNull(read("null"));
    }

    @Test
    void keepsALoneSurrogateForTheFieldThatRefusesIt() {
        assertEquals("\ud800", read("\"\\ud800\""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{} {}",
                "{}x",
                "1 2",
                "[],",
                "{\"a\": 1,}",
                "[1,]",
                "[,1]",
                "{\"a\" 1}",
                "{\"a\": }",
                "{a: 1}",
                "{'a': 1}",
                "{\"a\": 'x'}",
                "{\"title\": \"x\"",
                "[1",
                "\"x",
                "nul",
                "True",
                "undefined",
                "NaN",
                "[Infinity]",
                "[-Infinity]",
                "[+1]",
                "[01]",
                "[.5]",
                "[5.]",
                "[1e]",
                "[0x10]",
                "[1_000]",
                "// comment\n{}",
                "{} // comment",
                "/* comment */ {}",
                "# comment\n{}",
                "\"tab\tinside\"",
                "\"line\ninside\"",
                "\"\\x41\"",
                "\"\\u12\"",
                "\"\\a\""
            })
    void refusesWhatIsNotOneDocumentOfRfc8259(String document) {
        refused(document);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\n\t\r "})
    void saysWhenThereIsNothing(String document) {
        assertEquals("The body is empty.", refused(document).detail());
    }

    @Test
    void saysWhereADocumentIsBroken() {
        assertEquals(
                "The body is not well-formed JSON: see line 2, column 10.",
                refused("{\n  \"a\": 1 x}").detail());
    }

    @Test
    void neverQuotesTheDocumentItRefuses() {
        var detail = refused("{\"password\": hunter2}").detail();
        assertFalse(detail.contains("hunter"), detail);
    }

    @ParameterizedTest
    @CsvSource({
        "EFBBBF7B7D, a byte order mark",
        "FEFF007B007D, UTF-16 big-endian with its mark",
        "FFFE7B007D00, UTF-16 little-endian with its mark",
        "007B007D, UTF-16 big-endian",
        "7B007D00, UTF-16 little-endian",
        "0000007B0000007D, UTF-32",
        "22C322, a byte cut off",
        "228022, a continuation alone",
        "22C0AF22, an overlong slash",
        "22C08022, an overlong NUL",
        "22E080AF22, overlong in three bytes",
        "22EDA08022, a surrogate",
        "22F490808022, above U+10FFFF",
        "22FF22, no byte of UTF-8",
        "22E922, Latin-1"
    })
    void refusesWhatIsNotUtf8WithoutAMark(String hex, String what) {
        assertEquals(Problem.INVALID_JSON, refused(HexFormat.of().parseHex(hex)).problem(), what);
    }

    @Test
    void takesDocumentsAsDeepAsTheLimitAndNoDeeper() {
        read("[".repeat(Json.MAX_DEPTH) + "]".repeat(Json.MAX_DEPTH));
        refused("[".repeat(Json.MAX_DEPTH + 1) + "]".repeat(Json.MAX_DEPTH + 1));
        refused("{\"a\":".repeat(Json.MAX_DEPTH + 1) + "1" + "}".repeat(Json.MAX_DEPTH + 1));
    }

    @Test
    void aHundredThousandOpenBracketsCostNothing() {
        assertTimeout(BOUND, () -> refused("[".repeat(100_000)));
    }

    @Test
    void aNumberOfAMillionDigitsIsRefusedUnread() {
        assertTimeout(BOUND, () -> refused("[" + "9".repeat(1_000_000) + "]"));
        assertTimeout(BOUND, () -> refused("[0." + "9".repeat(1_000_000) + "]"));
    }

    @Test
    void aHugeExponentStaysSmall() {
        assertTimeout(BOUND, () -> assertEquals(new BigDecimal("1e999999999"), read("1e999999999")));
        assertTimeout(BOUND, () -> assertEquals(new BigDecimal("1e-999999999"), read("1e-999999999")));
        assertTimeout(BOUND, () -> refused("1e99999999999999999999"));
    }

    @Test
    void asManyMembersAsFitIntoABodyAreReadInTime() {
        var members =
                IntStream.range(0, 50_000).mapToObj(i -> "\"m" + i + "\":0").collect(Collectors.joining(","));
        assertTimeout(BOUND, () -> read("{" + members + "}"));
    }

    @Test
    void longNamesAroundManyItemsAreReadInTime() {
        int names = 6;
        var items = "[" + "0,".repeat(100_000) + "0]";
        assertTimeout(
                BOUND, () -> read(("{\"" + "n".repeat(49_000) + "\":").repeat(names) + items + "}".repeat(names)));
    }

    @Test
    void aPointerIsToldAsFarAsItIsOfUse() {
        read("{\"" + "n".repeat(49_000) + "\": {\"a\": 1, \"a\": 2}}");
        assertEquals(List.of("/" + "n".repeat(99) + "… duplicate"), Complained.in(complaints));
    }

    @Test
    void complainsAboutEveryMemberThatStandsTwiceByItsPointer() {
        read("""
            {"a": 1, "a": 2, "b": {"c~/d": 1, "c~/d": 1}, "e": [{}, {"": 1, "": 2}], "a": 3}
            """);
        assertEquals(
                List.of("/b/c~0~1d duplicate", "/e/1/ duplicate", "/a duplicate", "/a duplicate").stream()
                        .sorted()
                        .toList(),
                Complained.in(complaints).stream().sorted().toList());
    }

    @Test
    void theSameNameInTwoObjectsIsNoDuplicate() {
        read("[{\"a\": 1}, {\"a\": {\"a\": 1}}]");
        assertTrue(complaints.isEmpty());
    }

    @Test
    void oneHundredComplaintsAreEnough() {
        var members = new String[1000];
        Arrays.fill(members, "\"a\":1");
        read("{" + String.join(",", members) + "}");
        assertEquals(100, Complained.in(complaints).size());
    }
}
