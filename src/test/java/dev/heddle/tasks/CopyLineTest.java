package dev.heddle.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Tasks as PostgreSQL's COPY wants them; that it reads them so is for the round trips to show. */
class CopyLineTest {

    private static final UUID ID = UUID.fromString("01a202c0-f64b-752e-bca9-6513269e0d37");
    private static final Instant TIME = Instant.parse("2026-11-22T10:15:30.123456Z");

    private static String line(String title, @Nullable String description, List<String> labels, @Nullable Instant at) {
        var task = new Task(ID, "ada", title, description, at != null, at, 2, labels, at, TIME, TIME, 7);
        return new String(new CopyLine().of(task), StandardCharsets.UTF_8);
    }

    @Test
    void nullIsNotTheTextThatLooksLikeIt() {
        assertEquals(
                ID + "\tada\ta\t\\N\tf\t\\N\t2\t{}\t\\N\t2026-11-22T10:15:30.123456Z\t2026-11-22T10:15:30.123456Z\t7\n",
                line("a", null, List.of(), null));
        assertEquals(
                ID + "\tada\t\\\\N\t\tt\t2026-11-22T10:15:30.123456Z\t2\t{}\t2026-11-22T10:15:30.123456Z"
                        + "\t2026-11-22T10:15:30.123456Z\t2026-11-22T10:15:30.123456Z\t7\n",
                line("\\N", "", List.of(), TIME));
    }

    @Test
    void whatWouldEndAColumnOrALineIsEscaped() {
        assertEquals(
                "a\\tb\\nc\\rd\\\\e",
                line("a\tb\nc\rd\\e", null, List.of(), null).split("\t", -1)[2]);
    }

    @Test
    void labelsAreEscapedAsAnArrayAndThenAsAColumn() {
        assertEquals(
                "{\"a,b\",\"{}\",\"\\\\\"\",\"\\\\\\\\\",\"\\t\",\"NULL\"}",
                line("a", null, List.of("a,b", "{}", "\"", "\\", "\t", "NULL"), null)
                        .split("\t", -1)[7]);
    }
}
