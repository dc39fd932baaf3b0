package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestIdsTest {

    @ParameterizedTest
    @ValueSource(strings = {"a", "0199f3a0-7c1e-7000-8000-000000000000", "A.b_c-9", "...", "-"})
    void keepsTheClientsOwn(String sent) {
        assertEquals(sent, RequestIds.of(sent));
    }

    @Test
    void keeps128CharactersAndNoMore() {
        assertEquals("a".repeat(128), RequestIds.of("a".repeat(128)));
        assertFresh("a".repeat(129));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a b", "a\n", "a\nb", "a\u001b[31m", "a/b", "a,b", "a\"b", "<b>", "é", "a\0"})
    void replacesWhatCouldDoHarm(String sent) {
        assertFresh(sent);
    }

    @Test
    void freshOnesDiffer() {
        assertEquals(
                1000,
                IntStream.range(0, 1000)
                        .mapToObj(i -> RequestIds.fresh())
                        .collect(Collectors.toSet())
                        .size());
    }

    private static void assertFresh(String sent) {
        var id = RequestIds.of(sent);
        assertNotEquals(sent, id);
        assertTrue(id.matches("[0-9a-f]{32}"), id);
    }
}
