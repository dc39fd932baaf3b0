package dev.heddle.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** JSON, written and read by streaming. */
public final class Json {

    /** Deeper than any document of ours; a parser that recursed further would only cost stack. */
    static final int MAX_DEPTH = 32;

    /** No number of ours has more digits; longer ones cost quadratic time to convert. */
    private static final int MAX_NUMBER_LENGTH = 64;

    static final JsonFactory FACTORY = JsonFactory.builder()
            // Interning costs more than reading when every name is another one, and nothing here compares with ==.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            // Jackson's own default recycles per thread, and every request has a thread of its own.
            .recyclerPool(JsonRecyclerPools.sharedConcurrentDequePool())
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
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
