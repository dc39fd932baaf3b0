package dev.heddle.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.BodyOutputs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store of files does, wherever it keeps them. */
abstract class FileStoreContract {

    private FileStore store;

    /** An empty one. */
    abstract FileStore open() throws IOException;

    @BeforeEach
    void openStore() throws IOException {
        store = open();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    FileStore store() {
        return store;
    }

    /** Stores it; its id. */
    static UUID kept(FileStore store, byte[] content) throws IOException {
        try (var incoming = store.begin(content.length)) {
            incoming.write(content, 0, content.length);
            incoming.keep();
            return incoming.id();
        }
    }

    static byte[] read(FileStore store, UUID id) throws IOException {
        try (var kept = store.open(id).orElseThrow()) {
            return read(kept, 0, kept.size());
        }
    }

    private static byte[] read(FileStore.Kept kept, long position, long count) throws IOException {
        var bytes = new ByteArrayOutputStream();
        kept.write(position, count, BodyOutputs.into(bytes));
        return bytes.toByteArray();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void whatIsKeptIsThereByteForByteWhateverItsSize() throws IOException {
        var random = new Random(7);
        for (int size : List.of(0, 1, 4095, 4096, 4097, 8192, 70_000, 3_000_000)) {
            var content = new byte[size];
            random.nextBytes(content);
            assertArrayEquals(content, read(store, kept(store, content)), size + " bytes");
        }
    }

    @Test
    void aPartIsThatPart() throws IOException {
        var id = kept(store, bytes("0123456789".repeat(2000)));
        try (var kept = store.open(id).orElseThrow()) {
            assertEquals(20_000, kept.size());
            assertEquals("345", new String(read(kept, 3, 3), StandardCharsets.UTF_8));
            assertEquals("9", new String(read(kept, 19_999, 1), StandardCharsets.UTF_8));
            assertEquals("", new String(read(kept, 20_000, 0), StandardCharsets.UTF_8));
            assertEquals("0123456789".repeat(1000), new String(read(kept, 10_000, 10_000), StandardCharsets.UTF_8));
        }
    }

    @Test
    void morePartsThanThereIsFail() throws IOException {
        var id = kept(store, bytes("short"));
        try (var kept = store.open(id).orElseThrow()) {
            assertThrows(IOException.class, () -> read(kept, 0, 6));
        }
    }

    @Test
    void nothingIsThereBeforeItIsKept() throws IOException {
        try (var incoming = store.begin(0)) {
            incoming.write(bytes("half"), 0, 4);
            assertEquals(Optional.empty(), store.open(incoming.id()));
        }
    }

    @Test
    void whatIsClosedWithoutBeingKeptHasNeverBeen() throws IOException {
        UUID id;
        try (var incoming = store.begin(0)) {
            id = incoming.id();
            incoming.write(bytes("half"), 0, 4);
        }
        assertEquals(Optional.empty(), store.open(id));
    }

    @Test
    void whatWasDeletedIsGoneAndMayBeDeletedAgain() throws IOException {
        var id = kept(store, bytes("here"));
        store.delete(id);
        assertEquals(Optional.empty(), store.open(id));
        store.delete(id);
        store.delete(UUID.randomUUID());
    }

    @Test
    void whoHasOpenedItReadsItToItsEndThoughItIsDeleted() throws IOException {
        var id = kept(store, bytes("gone while read".repeat(10_000)));
        try (var kept = store.open(id).orElseThrow()) {
            store.delete(id);
            assertEquals(150_000, read(kept, 0, kept.size()).length);
        }
    }

    @Test
    void aSweepRemovesWhatIsOldAndNotKnown() throws IOException {
        var known = kept(store, bytes("known"));
        var unknown = kept(store, bytes("unknown"));
        assertEquals(1, store.sweep(Instant.now().plusSeconds(60), asked -> Set.of(known)));
        assertArrayEquals(bytes("known"), read(store, known));
        assertEquals(Optional.empty(), store.open(unknown));
    }

    @Test
    void aSweepLeavesWhatIsNewAndAsksNobodyAboutIt() throws IOException {
        var id = kept(store, bytes("new"));
        var asked = new ArrayList<Collection<UUID>>();
        assertEquals(0, store.sweep(Instant.now().minusSeconds(60), ids -> {
            asked.add(ids);
            return Set.of();
        }));
        assertTrue(asked.isEmpty());
        assertArrayEquals(bytes("new"), read(store, id));
    }

    @Test
    void aSweepLeavesWhatIsOnItsWayIn() throws IOException {
        try (var incoming = store.begin(0)) {
            incoming.write(bytes("whole"), 0, 5);
            store.sweep(Instant.now().plusSeconds(60), ids -> Set.copyOf(ids));
            incoming.keep();
            assertArrayEquals(bytes("whole"), read(store, incoming.id()));
        }
    }
}
