package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PercentEncodingTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
        ""                | ""
        plain             | plain
        a%2Fb             | a/b
        a%2fb             | a/b
        %25               | %
        %2525             | %25
        %41%42            | AB
        a%20b             | "a b"
        %C3%A9            | é
        %F0%9F%98%80      | 😀
        x%E2%82%ACy       | x€y
        """)
    void decodesUtf8Once(String text, String decoded) {
        assertEquals(Optional.of(decoded), PercentEncoding.decode(text, false));
    }

    @Test
    void aPlusIsABlankOnlyInForms() {
        assertEquals(Optional.of("a+b"), PercentEncoding.decode("a+b", false));
        assertEquals(Optional.of("a b"), PercentEncoding.decode("a+b", true));
        assertEquals(Optional.of("a+b +"), PercentEncoding.decode("a%2Bb+%2b", true));
    }

    @Test
    void decodesWhatItsCallersMustRefuse() {
        assertEquals(Optional.of("\0\r\n"), PercentEncoding.decode("%00%0D%0a", false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "%",
                "a%",
                "%4",
                "%4%41",
                "%zz",
                "%+1",
                "%-1",
                "% 1",
                "%u0041",
                "%１１",
                "%C3",
                "%A9",
                "%C3%28",
                "%C0%AF",
                "%E0%80%AF",
                "%ED%A0%80",
                "%F4%90%80%80",
                "%FF",
                "é",
                "é%20"
            })
    void repairsNothing(String text) {
        assertEquals(Optional.empty(), PercentEncoding.decode(text, false));
    }
}
