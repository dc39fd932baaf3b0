package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.connection.Exchange;
import dev.heddle.connection.Heads;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PageTest {

    private static final String FILTER = "tasks";
    private static final Instant FIVE = Instant.EPOCH.plus(5, ChronoUnit.MICROS);

    private final Complaints complaints = new Complaints();

    private Page page(String query) {
        return Page.of(Query.of(query, complaints), FILTER);
    }

    /** The link after a page of that request, when the database gave so many rows. */
    private Optional<String> next(String target, int rows) {
        int query = target.indexOf('?');
        return page(query < 0 ? "" : target.substring(query + 1))
                .next(request(target), Collections.nCopies(rows, "row"), row -> new Keyset(FIVE, row));
    }

    /** A request of which only the first line can be asked. */
    private static Request request(String target) {
        var head = Heads.of("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
        var in = Proxy.newProxyInstance(
                PageTest.class.getClassLoader(), new Class<?>[] {Exchange.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("head")) {
                        return head;
                    }
                    throw new UnsupportedOperationException(method.getName());
                });
        return new Request((Exchange) in, 0, "id", new Kernel.Limits(Duration.ofSeconds(1), 16_384, 1 << 20));
    }

    @Test
    void thePageWithoutParametersIsTheFirstTen() {
        assertEquals(new Page(10, 0, Optional.empty(), FILTER), page(""));
        assertEquals(11, page("").rows());
    }

    @Test
    void readsItsParameters() {
        assertEquals(new Page(100, 100_000, Optional.empty(), FILTER), page("limit=100&skip=100000"));
        assertEquals(new Page(1, 0, Optional.of("5 x"), FILTER), page("limit=1&cursor=" + Cursor.write("5 x", FILTER)));
        assertTrue(complaints.isEmpty());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        limit=0                       | limit out_of_range
        limit=101                     | limit out_of_range
        skip=-1                       | skip out_of_range
        skip=100001                   | skip out_of_range
        skip=9223372036854775807      | skip out_of_range
        cursor=                       | cursor too_short
        cursor=abc                    | cursor not_a_cursor
        """)
    void complainsAboutWhatIsOutOfRange(String query, String complaint) {
        page(query);
        assertEquals(complaint, Complained.in(complaints).getFirst());
    }

    @Test
    void aCursorOfAnotherFilterIsNone() {
        page("cursor=" + Cursor.write("5 x", "tasks of bob"));
        assertEquals(List.of("cursor not_a_cursor"), Complained.in(complaints));
    }

    @Test
    void anEndlessCursorIsNotDecoded() {
        page("cursor=" + "A".repeat(401));
        assertEquals(List.of("cursor too_long"), Complained.in(complaints).subList(0, 1));
    }

    @Test
    void skipAndCursorContradictEachOther() {
        page("skip=0&cursor=" + Cursor.write("5 x", FILTER));
        assertEquals(List.of("cursor contradiction"), Complained.in(complaints));
    }

    @Test
    void oneRowMoreThanWantedIsNotPartOfThePage() {
        assertEquals(List.of("a", "b"), page("limit=2").of(List.of("a", "b", "c")));
        assertEquals(List.of("a", "b"), page("limit=2").of(List.of("a", "b")));
        assertEquals(List.of(), page("limit=2").of(List.of()));
    }

    @Test
    void theLastPageHasNoLink() {
        assertEquals(Optional.empty(), next("/tasks?limit=2", 2));
        assertEquals(Optional.empty(), next("/tasks?limit=2", 0));
    }

    @Test
    void theLinkIsRelativeAndKeepsTheOtherParametersAsTheyWere() {
        var cursor = Cursor.write("5 row", FILTER);
        assertEquals(
                Optional.of("</tasks?limit=2&q=a%2Bb+c&completed=true&cursor=" + cursor + ">; rel=\"next\""),
                next("/tasks?limit=2&q=a%2Bb+c&completed=true", 3));
        assertEquals(Optional.of("</tasks?cursor=" + cursor + ">; rel=\"next\""), next("/tasks", 11));
    }

    @Test
    void theLinkReplacesTheCursorHoweverItWasWritten() {
        var cursor = Cursor.write("5 row", FILTER);
        assertEquals(
                Optional.of("</tasks?limit=2&cursor=" + cursor + ">; rel=\"next\""),
                next("/tasks?%63ursor=" + Cursor.write("9 x", FILTER) + "&limit=2", 3));
    }

    @Test
    void whoSkipsGoesOnSkipping() {
        assertEquals(Optional.of("</tasks?limit=2&skip=6>; rel=\"next\""), next("/tasks?skip=4&limit=2", 3));
    }

    @Test
    void whoHasSkippedAsFarAsAllowedGoesOnWithACursor() {
        assertEquals(Optional.of("</tasks?limit=2&skip=100000>; rel=\"next\""), next("/tasks?skip=99998&limit=2", 3));
        assertEquals(
                Optional.of("</tasks?limit=2&cursor=" + Cursor.write("5 row", FILTER) + ">; rel=\"next\""),
                next("/tasks?skip=99999&limit=2", 3));
    }

    @Test
    void aLinkDoesNotRepeatTheNameThatTheClientGaveTheServer() {
        var link = next("http://internal.example/tasks?limit=2", 3).orElseThrow();
        assertTrue(link.startsWith("</tasks?limit=2&"), link);
        assertFalse(link.contains("internal"), link);
    }

    @Test
    void aPositionReadsBackToTheMicrosecond() {
        for (var time : List.of(
                "2026-11-22T10:15:30.123456Z",
                "1969-12-31T23:59:59.999999Z",
                "1970-01-01T00:00:00Z",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999999Z")) {
            var keyset = new Keyset(Instant.parse(time), "ada@example.com");
            var page = page("cursor=" + Cursor.write(keyset.position(), FILTER));
            assertEquals(Optional.of(keyset), Keyset.of(page));
        }
        assertEquals(Optional.empty(), Keyset.of(page("")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "5", " x", "5 ", "x y", "5.0 x", "999999999999999999999 x", "5 a b", "5 a\0"})
    void aForgedPositionIsTheClientsFault(String position) {
        var page = new Page(1, 0, Optional.of(position), FILTER);
        var refused = assertThrows(ProblemException.class, () -> Keyset.of(page));
        assertEquals(Problem.BAD_REQUEST, refused.problem());
    }
}
