package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CursorTest {

    private static final String POSITION = "1763806530123456 0199-abc";
    private static final String FILTER = "tasks of ada";

    @Test
    void readsWhatItHasWritten() {
        var cursor = Cursor.write(POSITION, FILTER);
        assertEquals(Optional.of(POSITION), Cursor.read(cursor, FILTER));
        assertTrue(cursor.matches("[A-Za-z0-9_-]+"), "it would need escapes in a query");
    }

    @Test
    void isGoodForItsFilterOnly() {
        var cursor = Cursor.write(POSITION, FILTER);
        assertEquals(Optional.empty(), Cursor.read(cursor, "tasks of bob"));
        assertEquals(Optional.empty(), Cursor.read(cursor, ""));
    }

    @Test
    void noCharacterOfItCanBeChangedCutOrAdded() {
        var cursor = Cursor.write(POSITION, FILTER);
        for (int i = 0; i < cursor.length(); i++) {
            var edited = cursor.substring(0, i) + (cursor.charAt(i) == 'A' ? 'B' : 'A') + cursor.substring(i + 1);
            assertEquals(Optional.empty(), Cursor.read(edited, FILTER), "edited at " + i);
            assertEquals(Optional.empty(), Cursor.read(cursor.substring(0, i), FILTER), "cut at " + i);
            assertEquals(Optional.empty(), Cursor.read(cursor.substring(i + 1), FILTER), "begun after " + i);
        }
        assertEquals(Optional.empty(), Cursor.read(cursor + "A", FILTER));
        assertEquals(Optional.empty(), Cursor.read(cursor + "=", FILTER));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "A", "AAAAAAAAAAA", "====", "+/+/", "a b", "%", "\u00e9", "null", "-1"})
    void garbageIsNone(String text) {
        assertEquals(Optional.empty(), Cursor.read(text, FILTER));
    }
}
