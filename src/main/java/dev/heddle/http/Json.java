package dev.heddle.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** JSON, written and read by streaming. */
public final class Json {

    /** Deeper than any document of ours; a parser that recursed further would only cost stack. */
    static final int MAX_DEPTH = 32;

    /** No number of ours has more digits; longer ones cost quadratic time to convert. */
    static final int MAX_NUMBER_LENGTH = 64;

    private static final JsonBuffers BUFFERS = new JsonBuffers();

    static final JsonFactory FACTORY = JsonFactory.builder()
            // Interning costs more than reading when every name is another one, and nothing here compares with ==.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .recyclerPool(BUFFERS)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
                    .build())
            .build();

    /** For documents of others: deeper than any of ours, as deep as any sensible one. */
    private static final int FOREIGN_DEPTH = 200;

    private static final JsonFactory FOREIGN = JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .recyclerPool(BUFFERS)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(FOREIGN_DEPTH)
                    .build())
            .build();

    private Json() {}

    /** Writes one document. */
    @FunctionalInterface
    public interface Writing {
        /** Writes to the generator; it is closed by the caller. */
        void to(JsonGenerator json) throws IOException;
    }

    /** Writes one of many. */
    @FunctionalInterface
    public interface Item<T> {
        /** Writes to the generator; it is closed by the caller. */
        void write(JsonGenerator json, T item) throws IOException;
    }

    /** The document as UTF-8. */
    public static byte[] write(Writing writing) {
        var bytes = new ByteArrayOutputStream(512);
        try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
            writing.to(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** Whether these bytes are one JSON document in UTF-8, so that they can stand in one of ours as they are. */
    public static boolean isDocument(byte[] bytes) {
        if (!isUtf8(bytes)) {
            return false;
        }
        try (var parser = FOREIGN.createParser(bytes)) {
            int depth = 0;
            var token = parser.nextToken();
            if (token == null) {
                return false;
            }
            do {
                depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
                // Parses what is read lazily, such as a text with a broken escape.
                parser.finishToken();
                token = parser.nextToken();
            } while (token != null && depth > 0);
            return token == null && depth == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Without NUL, by which the parser would take it for UTF-16. */
    private static boolean isUtf8(byte[] bytes) {
        boolean isAscii = true;
        for (byte b : bytes) {
            if (b == 0) {
                return false;
            }
            isAscii &= b > 0;
        }
        if (isAscii) {
            return true;
        }
        try {
            var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return text.charAt(0) != '\uFEFF';
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    /** Writes a value that {@link #isDocument} has found to be one. */
    public static void raw(JsonGenerator json, byte[] document) throws IOException {
        json.writeRawValue(new RawJson(document));
    }

    /** A list as a JSON array. */
    public static <T> Writing array(List<T> items, Item<T> item) {
        return json -> {
            json.writeStartArray();
            for (var each : items) {
                item.write(json, each);
            }
            json.writeEndArray();
        };
    }

    /** Writes a timestamp member, or null. */
    public static void time(JsonGenerator json, String name, @Nullable Instant time) throws IOException {
        json.writeFieldName(name);
        if (time == null) {
            json.writeNull();
        } else {
            var ascii = Timestamps.ascii(time);
            json.writeRawUTF8String(ascii, 0, ascii.length);
        }
    }
}
