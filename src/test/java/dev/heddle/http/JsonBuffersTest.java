package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class JsonBuffersTest {

    private final JsonBuffers buffers = new JsonBuffers();

    @Test
    void whatIsGivenBackIsUsedAgain() {
        var its = buffers.acquirePooled();
        buffers.releasePooled(its);
        assertSame(its, buffers.acquirePooled());
    }

    @Test
    void nobodyGetsWhatIsInUse() {
        var first = buffers.acquirePooled();
        assertNotSame(first, buffers.acquirePooled());
    }

    @Test
    void oneDocumentIsWrittenInsideAnother() {
        var outer = Json.write(json -> {
            json.writeStartObject();
            json.writeStringField("before", "ä".repeat(3000));
            json.writeFieldName("inside");
            Json.raw(json, Json.write(inner -> inner.writeString("ö".repeat(3000))));
            json.writeEndObject();
        });
        assertEquals(
                "{\"before\":\"" + "ä".repeat(3000) + "\",\"inside\":\"" + "ö".repeat(3000) + "\"}",
                new String(outer, StandardCharsets.UTF_8));
    }

    @Test
    void manyThreadsWriteTheirOwnTexts() {
        var all = new ArrayList<CompletableFuture<Void>>();
        for (int i = 0; i < 500; i++) {
            var text = "text %d ".formatted(i).repeat(500);
            all.add(CompletableFuture.runAsync(
                    () -> {
                        for (int round = 0; round < 20; round++) {
                            assertEquals(
                                    '"' + text + '"',
                                    new String(Json.write(json -> json.writeString(text)), StandardCharsets.UTF_8));
                        }
                    },
                    Thread::startVirtualThread));
        }
        all.forEach(CompletableFuture::join);
    }
}
