package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.http.AccessLog;
import java.io.IOException;
import java.time.Instant;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

/** One event is one line, whatever stands in it. */
class LogFormatTest {

    private static final Instant NOON = Instant.parse("2026-11-22T12:00:00Z");
    private static final String HOSTILE = "x\n2026-01-01T00:00:00Z error Main: fake \u001b[31m\r\u0085";

    private static LogRecord record(String message) {
        var record = new LogRecord(Level.WARNING, message);
        record.setInstant(NOON);
        record.setLoggerName("dev.heddle.app.Main");
        return record;
    }

    private static AccessLog.Entry entry(String path) {
        return new AccessLog.Entry("r-1", null, "ada", "192.0.2.7", "GET", path, "/tasks/{id}", 200, 1_234_567, 42);
    }

    @Test
    void textEscapesWhatWouldBeginAnotherLineOrMoveTheCursor() {
        for (var line : new String[] {
            new LogFormat.Text().record(record(HOSTILE)), new LogFormat.Text().access(NOON, entry(HOSTILE))
        }) {
            assertFalse(line.chars().anyMatch(Character::isISOControl), line);
        }
    }

    @Test
    void textTellsTimeLevelAndLogger() {
        assertEquals(
                "2026-11-22T12:00:00.000000Z warning Main: it rains", new LogFormat.Text().record(record("it rains")));
    }

    @Test
    void aLoggerWithoutANameIsHeardToo() throws IOException {
        var record = record("it rains");
        record.setLoggerName(null);
        assertEquals("2026-11-22T12:00:00.000000Z warning : it rains", new LogFormat.Text().record(record));
        var json = new ObjectMapper().readTree(new LogFormat.JsonLines().record(record));
        assertEquals("it rains", json.get("message").asText());
        assertTrue(json.get("logger").isNull());
    }

    @Test
    void everyLineOfAStackIsMovedIn() {
        var record = record("it broke");
        record.setThrown(new IllegalStateException("first\nsecond"));
        var lines = new LogFormat.Text().record(record).split("\n", -1);
        assertTrue(lines.length > 3);
        for (int i = 1; i < lines.length; i++) {
            assertTrue(lines[i].startsWith("    "), lines[i]);
        }
    }

    @Test
    void anAccessLineInTextHoldsEverything() {
        assertEquals(
                "2026-11-22T12:00:00.000000Z access GET /tasks/7 200 1.2ms 42B caller=ada client=192.0.2.7"
                        + " route=/tasks/{id} id=r-1",
                new LogFormat.Text().access(NOON, entry("/tasks/7")));
    }

    @Test
    void jsonIsOneObjectALine() throws IOException {
        var record = record(HOSTILE);
        record.setThrown(new IllegalStateException("boom"));
        var line = new LogFormat.JsonLines().record(record);
        assertFalse(line.contains("\n"));
        var json = new ObjectMapper().readTree(line);
        assertEquals(HOSTILE, json.get("message").asText());
        assertEquals("warning", json.get("level").asText());
        assertTrue(json.get("stack").asText().contains("boom"));
    }

    @Test
    void anAccessLineInJsonHoldsEverything() throws IOException {
        var json = new ObjectMapper().readTree(new LogFormat.JsonLines().access(NOON, entry("/tasks/7")));
        assertEquals("ada", json.get("caller").asText());
        assertEquals("/tasks/{id}", json.get("route").asText());
        assertEquals(200, json.get("status").asInt());
        assertEquals(1.234567, json.get("duration_ms").asDouble());
        assertEquals(42, json.get("bytes").asInt());
        assertEquals("r-1", json.get("request_id").asText());
    }
}
