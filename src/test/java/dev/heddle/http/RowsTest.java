package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Bodies of many rows. */
class RowsTest {

    private final Rows rows = new Rows();

    private JsonFields row(long line, String json) {
        return rows.json(line, json.getBytes(StandardCharsets.UTF_8)).orElseThrow();
    }

    private String complaints() {
        return rows.refusal().complaints().stream()
                .map(it -> it.line() + " " + it.name() + " " + it.code())
                .collect(Collectors.joining(", "));
    }

    @Test
    void complaintsAreAboutTheRowThatIsRead() {
        row(3, "{\"title\": 7}").text("title", 1, 10);
        row(5, "{\"title\": \"good\"}").text("title", 1, 10);
        row(9, "{\"a\": 1, \"a\": 2}").complainAboutUnknown();
        rows.members(11, Map.of("priority", "x")).integer("priority", 0, 4);
        rows.complain(12, "", "odd", "is odd");
        assertEquals(
                "3 /title wrong_type, 9 /a duplicate, 9 /a unknown, 11 /priority wrong_type, 12  odd", complaints());
    }

    @Test
    void aRowThatIsNotWellFormedIsOneComplaintAndTheOthersAreRead() {
        assertTrue(rows.json(4, "{\"a\":".getBytes(StandardCharsets.UTF_8)).isEmpty());
        assertTrue(rows.json(5, new byte[] {'"', (byte) 0xff, '"'}).isEmpty());
        assertEquals("b", row(6, "{\"a\": \"b\"}").text("a", 1, 1).or(""));
        assertEquals("4  invalid_json, 5  invalid_json", complaints());
        assertTrue(rows.refusal().complaints().getFirst().detail().contains("see line 4, column "));
    }

    @Test
    void whereNothingIsWrongNothingIsRefused() {
        assertTrue(rows.isValid());
        rows.refuseIfAny();
        rows.complain(1, "", "odd", "is odd");
        assertFalse(rows.isValid());
        assertEquals(
                Problem.INVALID_ROWS,
                assertThrows(ProblemException.class, rows::refuseIfAny).problem());
    }

    @Test
    void itIsHopelessWhenNoMoreComplaintsAreKept() {
        for (int line = 1; line <= Rows.COMPLAINTS_MAX; line++) {
            assertFalse(rows.isHopeless());
            rows.complain(line, "", "odd", "is odd");
        }
        assertTrue(rows.isHopeless());
        rows.complain(101, "", "odd", "is odd");
        assertEquals(Rows.COMPLAINTS_MAX, rows.refusal().complaints().size());
    }

    @Test
    void aTextIsTheValueThatItIsInJsonOrItself() {
        assertEquals(7L, Rows.value("7"));
        assertEquals(0L, Rows.value("0"));
        assertEquals(-3L, Rows.value("-3"));
        assertEquals(true, Rows.value("true"));
        assertEquals(List.of(), Rows.value("[]"));
        assertEquals(List.of("a", "b"), Rows.value("[\"a\", \"b\"]"));
        assertEquals(new BigDecimal("1.5"), Rows.value("1.5"));
        assertEquals(Long.MAX_VALUE, Rows.value(String.valueOf(Long.MAX_VALUE)));
        for (var text : List.of("", "02", "TRUE", "a", "[", "1 2", "\u0661")) {
            assertEquals(text, Rows.value(text));
        }
    }

    @Test
    void widerMembersAreCheckedToo() {
        var id = "01A202C0-f64b-752e-bca9-6513269e0d37";
        var row = row(
                1, "{\"id\": \"" + id + "\", \"none\": \"x\", \"many\": 9007199254740991, \"more\": 3, \"at\": null}");
        assertEquals(UUID.fromString(id), row.uuid("id").orNull());
        assertEquals(
                9_007_199_254_740_991L, row.bigint("many", 1, Long.MAX_VALUE).or(0L));
        row.uuid("none");
        row.bigint("more", 1, 2);
        row.time("at");
        row.complainAboutUnknown();
        assertEquals("1 /none not_a_uuid, 1 /more out_of_range, 1 /at wrong_type", complaints());
    }
}
