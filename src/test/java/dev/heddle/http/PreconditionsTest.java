package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.Preconditions.IfMatch;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PreconditionsTest {

    /** A header, the versions it names for If-Match (strong) and for If-None-Match (weak ones too). */
    record Tags(String header, List<Long> strong, List<Long> weak) {
        Tags(String header, Long... versions) {
            this(header, List.of(versions), List.of(versions));
        }
    }

    private static List<Tags> tags() {
        return List.of(
                new Tags("\"1\"", 1L),
                new Tags("\"1\", \"2\"", 1L, 2L),
                new Tags("\"1\",\"2\" ,\t\"3\"", 1L, 2L, 3L),
                new Tags(",, \"1\",", 1L),
                new Tags("\"999999999999999999\"", 999_999_999_999_999_999L),
                new Tags("W/\"1\"", List.of(), List.of(1L)),
                new Tags("W/\"1\", \"2\"", List.of(2L), List.of(1L, 2L)),
                // Tags that we never made name nothing, but do not hide the others.
                new Tags("\"abc\", \"2\"", 2L),
                new Tags("\"a,b\", \"2\"", 2L),
                new Tags("\"*\", \"2\"", 2L),
                new Tags("\"\", \"2\"", 2L),
                new Tags("\"01\""),
                new Tags("\"+1\""),
                new Tags("\"1.0\""),
                new Tags("\"-1\""),
                new Tags("\"0\""),
                new Tags("\"9999999999999999999999\""),
                // No list of tags at all: nothing is guessed.
                new Tags("1"),
                new Tags("\"1"),
                new Tags("1\""),
                new Tags("'1'"),
                new Tags("x\"1\""),
                new Tags("\"1\"x"),
                new Tags("\"1\" \"2\""),
                new Tags("w/\"1\""),
                new Tags("W/ \"1\""),
                new Tags("\"1 \""),
                new Tags("*, \"1\""),
                new Tags("**"));
    }

    @ParameterizedTest
    @MethodSource("tags")
    void readsListsOfTagsAndGuessesNothing(Tags tags) {
        assertEquals(new IfMatch.OneOf(tags.strong()), Preconditions.ifMatch(tags.header()));
        for (long version : List.of(1L, 2L, 3L, 999_999_999_999_999_999L)) {
            assertEquals(
                    tags.weak().contains(version),
                    Preconditions.noneMatchFails(tags.header(), version),
                    () -> "version " + version);
        }
    }

    @Test
    void aConditionHoldsForTheVersionsItNames() {
        var condition = Preconditions.ifMatch("\"1\", W/\"2\", \"3\"");
        assertTrue(condition.allows(1));
        assertFalse(condition.allows(2));
        assertTrue(condition.allows(3));
        assertFalse(condition.allows(4));
    }

    @Test
    void aStarNamesEveryVersion() {
        assertEquals(new IfMatch.Existing(), Preconditions.ifMatch("*"));
        assertTrue(Preconditions.ifMatch("*").allows(7));
        assertTrue(Preconditions.noneMatchFails("*", 7));
    }

    @Test
    void withoutAHeaderNothingIsAsked() {
        assertEquals(new IfMatch.Anything(), Preconditions.ifMatch(""));
        assertTrue(Preconditions.ifMatch("").allows(7));
        assertFalse(Preconditions.noneMatchFails("", 7));
    }

    @Test
    void garbageAllowsNoWrite() {
        assertFalse(Preconditions.ifMatch("garbage").allows(1));
    }

    @Test
    void aTagReadsBackAsItsVersion() {
        assertTrue(Preconditions.ifMatch(Preconditions.tag(42)).allows(42));
        assertTrue(Preconditions.noneMatchFails(Preconditions.tag(42), 42));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
        "a"              | true  | true
        "x", "a"         | true  | true
        "x","a" , "y"    | true  | true
        *                | true  | true
        W/"a"            | false | true
        "x", W/"a"       | false | true
        W/"x"            | false | false
        "A"              | false | false
        "aa"             | false | false
        a                | false | false
        "a               | false | false
        'x"a"'           | false | false
        "a"x             | false | false
        w/"a"            | false | false
        ''               | false | false
        """)
    void namesATagStronglyOrWeakly(String header, boolean strong, boolean weak) {
        assertEquals(strong, Preconditions.matches(header, "a", false));
        assertEquals(weak, Preconditions.matches(header, "a", true));
    }

    @Test
    void aTagMayHaveCommasAndBeEmpty() {
        assertTrue(Preconditions.matches("\"x\", \"a,b\"", "a,b", false));
        assertFalse(Preconditions.matches("\"a,b\"", "a", false));
        assertTrue(Preconditions.matches("\"\"", "", false));
        assertFalse(Preconditions.matches("", "", false));
    }
}
