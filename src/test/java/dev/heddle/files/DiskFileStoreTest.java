package dev.heddle.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.BodyOutputs;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract, on a disk. */
class DiskFileStoreTest extends FileStoreContract {

    private static final byte[] CONTENT = "warp and weft".repeat(5000).getBytes(StandardCharsets.UTF_8);

    @TempDir
    private Path directory;

    @Override
    FileStore open() throws IOException {
        return new DiskFileStore(directory, 0);
    }

    private List<Path> files() throws IOException {
        try (var all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile)
                    .filter(file -> !file.endsWith("lock"))
                    .toList();
        }
    }

    @Test
    void everythingIsForItsOwnersEyesOnly() throws IOException {
        kept(store(), CONTENT);
        var file = files().getFirst();
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        var shard = file.resolveSibling("..").normalize();
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(shard)));
    }

    @Test
    void aStoreThatOpensRemovesWhatADeadOneWasStoring() throws IOException {
        // A dead server's directory: nobody holds its lock.
        var dead = Files.createDirectories(directory.resolve("incoming").resolve("dead"));
        Files.createFile(dead.resolve("lock"));
        Files.write(dead.resolve(UUID.randomUUID().toString()), CONTENT);
        try (var other = open()) {
            assertEquals(List.of(), files());
            assertFalse(Files.exists(dead));
            assertArrayEquals(CONTENT, read(other, kept(other, CONTENT)));
        }
    }

    @Test
    void aStoreThatOpensLeavesWhatALivingOneIsStoring() throws IOException {
        try (var incoming = store().begin(0)) {
            incoming.write(CONTENT, 0, CONTENT.length);
            open().close();
            incoming.keep();
            assertArrayEquals(CONTENT, read(store(), incoming.id()));
        }
    }

    @Test
    void aDirectoryWithoutItsLockIsLeftAMinuteToItsMaker() throws IOException {
        var young = Files.createDirectories(directory.resolve("incoming").resolve("young"));
        store().sweep(Instant.now(), ids -> Set.copyOf(ids));
        assertTrue(Files.exists(young));
        Files.setLastModifiedTime(young, FileTime.from(Instant.now().minusSeconds(120)));
        store().sweep(Instant.now(), ids -> Set.copyOf(ids));
        assertFalse(Files.exists(young));
    }

    @Test
    void filesOfOthersInTheDirectoryAreLeftAlone() throws IOException {
        var foreign = Files.writeString(directory.resolve("README"), "mine");
        var inside = Files.createDirectories(directory.resolve("ab")).resolve("notes.txt");
        Files.writeString(inside, "mine too");
        store().sweep(Instant.now().plusSeconds(60), ids -> Set.of());
        assertTrue(Files.exists(foreign));
        assertTrue(Files.exists(inside));
    }

    @Test
    void aFileThatShrinksWhileItIsReadNeverPassesForWhole() throws IOException {
        var id = kept(store(), CONTENT);
        try (var kept = store().open(id).orElseThrow()) {
            try (var channel = Files.newByteChannel(files().getFirst(), StandardOpenOption.WRITE)) {
                channel.truncate(100);
            }
            assertThrows(
                    IOException.class,
                    () -> kept.write(0, kept.size(), BodyOutputs.into(OutputStream.nullOutputStream())));
        }
    }

    @Test
    void aFileThatChangesWhileItIsReadNeverPassesForWhole() throws IOException {
        var id = kept(store(), CONTENT);
        try (var kept = store().open(id).orElseThrow()) {
            var file = files().getFirst();
            Files.write(file, new byte[] {1}, StandardOpenOption.WRITE);
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(5)));
            var sent = new long[1];
            var counting = new OutputStream() {
                @Override
                public void write(int b) {
                    sent[0]++;
                }
            };
            assertThrows(IOException.class, () -> kept.write(0, kept.size(), BodyOutputs.into(counting)));
            assertTrue(sent[0] < CONTENT.length);
        }
    }

    @Test
    void aLinkInThePlaceOfAFileIsNotFollowed(@TempDir Path elsewhere) throws IOException {
        var id = kept(store(), CONTENT);
        var file = files().getFirst();
        Files.delete(file);
        Files.createSymbolicLink(file, Files.writeString(elsewhere.resolve("secret"), "secret"));
        assertThrows(IOException.class, () -> store().open(id));
    }

    @Test
    void moreThanTheDiskHasRoomForIsRefusedBeforeAnyOfItIsStored() throws IOException {
        assertThrows(StorageFullException.class, () -> store().begin(Long.MAX_VALUE));
        try (var careful = new DiskFileStore(directory, Long.MAX_VALUE)) {
            assertThrows(StorageFullException.class, () -> careful.begin(1));
        }
        assertEquals(List.of(), files());
    }

    @Test
    void aStoreWhoseDirectoryIsClearedAwayMakesAnother() throws IOException {
        try (var servers = Files.list(directory.resolve("incoming"))) {
            for (var server : servers.toList()) {
                Files.delete(server.resolve("lock"));
                Files.delete(server);
            }
        }
        assertArrayEquals(CONTENT, read(store(), kept(store(), CONTENT)));
    }

    @Test
    void whatIsNoDirectoryIsNoServerAndNoPlace() throws IOException {
        Files.writeString(directory.resolve("incoming").resolve("note"), "mine");
        Files.writeString(directory.resolve("zz"), "mine");
        store().sweep(Instant.now().plusSeconds(60), ids -> Set.of());
        open().close();
        assertTrue(Files.exists(directory.resolve("zz")));
    }

    @Test
    void bytesThatCameLongAgoAreAsNewAsTheirPlace() throws IOException {
        try (var incoming = store().begin(0)) {
            incoming.write(CONTENT, 0, CONTENT.length);
            Files.setLastModifiedTime(
                    files().getFirst(), FileTime.from(Instant.now().minusSeconds(172_800)));
            incoming.keep();
            assertEquals(0, store().sweep(Instant.now().minusSeconds(3600), ids -> Set.of()));
        }
    }

    @Test
    void aClosedStoreLeavesNothingOfItsOwn() throws IOException {
        open().close();
        try (var servers = Files.list(directory.resolve("incoming"))) {
            assertEquals(1, servers.count(), "that of the store that is open");
        }
    }
}
