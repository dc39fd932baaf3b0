package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Any bytes where a JSON document should be. */
public final class JsonFuzz {

    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private static final Pattern WORD = Pattern.compile("[a-z]+");

    private JsonFuzz() {}

    /** Where it begins, and what was found. */
    public static Stream<byte[]> seeds() {
        return Stream.of(
                        "",
                        "{}",
                        "[1,-2.5e3,true,false,null,\"\\u0041\\n\"]",
                        """
                        {"title": "a", "number": 7, "when": "2026-11-22T10:15:30Z", "flag": true, "labels": ["x", "y"]}\
                        """,
                        """
                        {"id": "0199a3f0-1234-7abc-8def-0123456789ab", "word": "read", "words": ["read"], "a": {"b": [{}]}}\
                        """,
                        "{\"a\":1,\"a\":2}",
                        "1e999999999",
                        "99999999999999999999",
                        "4".repeat(62) + "9e9",
                        "19e00000",
                        "{\"a\\udd60\": 1}",
                        "\"\\ud800\"",
                        "\ufeff{}")
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    /** Any bytes are a document or a refusal, and nothing else. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        var complaints = new Complaints();
        Object document;
        try {
            document = JsonReader.read(data, complaints);
        } catch (ProblemException e) {
            assertEquals(Problem.INVALID_JSON, e.problem());
            return;
        }
        assertTrue(Json.isDocument(data), "what is read is also passed on");
        if (complaints.isEmpty()) {
            assertEquals(plain(MAPPER.readTree(new String(data, StandardCharsets.UTF_8))), document);
            var written = MAPPER.writeValueAsBytes(document);
            // A number near the limit of its length may be written longer than it was read.
            if (written.length < Json.MAX_NUMBER_LENGTH) {
                assertEquals(
                        plain(MAPPER.readTree(new String(written, StandardCharsets.UTF_8))),
                        JsonReader.read(written, complaints),
                        "out and in again");
            }
        }
        readAll(document, complaints);
    }

    /** In the values of {@link JsonReader}. */
    private static @Nullable Object plain(JsonNode node) {
        return switch (node.getNodeType()) {
            case OBJECT -> {
                var members = new HashMap<String, @Nullable Object>();
                node.forEachEntry((name, value) -> members.put(name, plain(value)));
                yield members;
            }
            case ARRAY -> {
                var items = new ArrayList<@Nullable Object>();
                node.forEach(item -> items.add(plain(item)));
                yield items;
            }
            case STRING -> node.textValue();
            case NUMBER -> node.isInt() || node.isLong() ? (Object) node.longValue() : node.decimalValue();
            case BOOLEAN -> node.booleanValue();
            default -> null;
        };
    }

    /** As a route does, whatever it is: complaints, but no other failure. */
    private static void readAll(@Nullable Object document, Complaints complaints) {
        var fields = new JsonFields(document, complaints);
        fields.require("title");
        fields.text("title", 1, 200);
        fields.textOrNull("description", 20);
        fields.integer("number", 0, 4);
        fields.bigint("number", Long.MIN_VALUE, Long.MAX_VALUE);
        fields.uuid("id");
        fields.flag("flag");
        fields.time("when");
        fields.timeOrNull("when");
        fields.oneOf("word", List.of("read", "write"));
        fields.matching("word", WORD, "must be a word");
        fields.words("words", List.of("read", "write"));
        fields.texts("labels", 0, 20, 50);
        fields.list("labels", 0, 20, 50);
        fields.complainAboutUnknown();
        try {
            complaints.refuseIfAny();
        } catch (ProblemException e) {
            var answer = Problems.answer(e, "/tasks", "id");
            assertEquals(422, answer.status());
            assertTrue(Json.isDocument(answer.bytes()), "the refusal is a document, whatever it quotes");
        }
    }
}
