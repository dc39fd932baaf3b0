package dev.heddle.http;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON document (RFC 8259) into plain values: {@link Map}, {@link List}, {@link String}, {@link Long}, {@link
 * BigDecimal}, {@link Boolean} or null. Strict: UTF-8 without a byte order mark, one document, no extensions. A member
 * that stands twice is complained about, not chosen from.
 */
final class JsonReader {

    private final JsonParser parser;
    private final Complaints complaints;

    /** From the document inwards to what is being read: a name in each object, and each array, whose number is how many it has so far. */
    private final List<Object> path = new ArrayList<>();

    private JsonReader(JsonParser parser, Complaints complaints) {
        this.parser = parser;
        this.complaints = complaints;
    }

    /** Reads the document, or refuses it with {@link Problem#INVALID_JSON}. */
    static @Nullable Object read(byte[] utf8, Complaints complaints) {
        return read(utf8, 1, complaints);
    }

    /**
     * The same for a part of a body.
     *
     * @param line of the body on which it begins
     */
    static @Nullable Object read(byte[] utf8, long line, Complaints complaints) {
        // Decoded here and not by Jackson, which guesses UTF-16 and UTF-32 and lets overlong UTF-8 pass.
        try (JsonParser parser = Json.FACTORY.createParser(decode(utf8))) {
            if (parser.nextToken() == null) {
                throw Problem.INVALID_JSON.because("The body is empty.");
            }
            var value = new JsonReader(parser, complaints).value();
            if (parser.nextToken() != null) {
                throw Problem.INVALID_JSON.because("Something follows the end of the JSON document.");
            }
            return value;
        } catch (StreamConstraintsException e) {
            throw Problem.INVALID_JSON.because(
                    "The JSON document is nested too deep, or has a too long number or name.");
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw Problem.INVALID_JSON.because(
                    at == null
                            ? Problem.INVALID_JSON.detail()
                            : "The body is not well-formed JSON: see line %d, column %d."
                                    .formatted(line - 1 + at.getLineNr(), at.getColumnNr()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String decode(byte[] utf8) {
        try {
            var text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
            if (text.startsWith("\uFEFF")) {
                throw Problem.INVALID_JSON.because("The body begins with a byte order mark.");
            }
            return text;
        } catch (CharacterCodingException e) {
            throw Problem.INVALID_JSON.because("The body is not valid UTF-8.");
        }
    }

    private @Nullable Object value() throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> object();
            case START_ARRAY -> array();
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT -> integer();
            case VALUE_NUMBER_FLOAT -> decimal();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> throw Problem.INVALID_JSON.asException();
        };
    }

    private Map<String, @Nullable Object> object() throws IOException {
        var members = new LinkedHashMap<String, @Nullable Object>();
        path.add("");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var name = parser.currentName();
            path.set(path.size() - 1, name);
            parser.nextToken();
            var value = value();
            if (members.containsKey(name)) {
                complaints.body(pointer(), "duplicate", "stands more than once");
            }
            members.put(name, value);
        }
        path.removeLast();
        return members;
    }

    private List<@Nullable Object> array() throws IOException {
        var items = new ArrayList<@Nullable Object>();
        path.add(items);
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(value());
        }
        path.removeLast();
        return items;
    }

    /**
     * Of what is being read (RFC 6901), or as much of it as is told. Made only for a complaint, and no longer: names may be
     * long and items many, and one of each together would be gigabytes.
     */
    private String pointer() {
        var pointer = new StringBuilder();
        for (var step : path) {
            if (pointer.length() > Complaints.NAME_MAX) {
                break;
            }
            var name = step instanceof List<?> items ? String.valueOf(items.size()) : step.toString();
            pointer.append('/').append(name.replace("~", "~0").replace("/", "~1"));
        }
        return pointer.toString();
    }

    private Object integer() throws IOException {
        return parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                ? new BigDecimal(parser.getBigIntegerValue())
                : Long.valueOf(parser.getLongValue());
    }

    /** Never expanded: 1e999999999 is eleven characters here and a gigabyte as an integer. */
    private Object decimal() {
        try {
            return parser.getDecimalValue();
        } catch (IOException | NumberFormatException e) {
            throw Problem.INVALID_JSON.because("The JSON document has a number that is out of range.");
        }
    }
}
