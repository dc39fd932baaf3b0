package dev.heddle.files;

import dev.heddle.content.Representation;
import java.io.Closeable;
import java.io.IOException;
import java.time.Instant;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

/**
 * Where the bytes of files are, each under an id of its own that is never used again. What is kept does not change: it is
 * there, whole, or it is not. Safe for any thread, and for several servers with one store. Whoever opens it closes it.
 */
public interface FileStore extends AutoCloseable {

    /**
     * Begins to store something.
     *
     * @param announced how long it will be at most, as far as that is known; room for it is looked for
     * @throws StorageFullException when there is none
     */
    Incoming begin(long announced) throws IOException;

    /** Something on its way in. It is nowhere until it is kept; closed before that, it has never been. One thread's. */
    interface Incoming extends Closeable {
        /** Under which id it will be. */
        UUID id();

        /**
         * Writes the next bytes.
         *
         * @throws StorageFullException when there is no room for them
         */
        void write(byte[] bytes, int offset, int length) throws IOException;

        /** When this returns, it is there, and still will be after a loss of power. */
        void keep() throws IOException;
    }

    /** Something that is kept. Whoever opens it closes it. */
    interface Kept extends Representation.Source {
        /** In bytes. */
        long size();
    }

    /** Opens what is kept under that id; empty when there is nothing. It can be read to its end even if it is deleted. */
    Optional<Kept> open(UUID id) throws IOException;

    /** Deletes what is kept under that id; nothing happens when there is nothing. */
    void delete(UUID id) throws IOException;

    /**
     * Removes what nobody wants: what servers that have died were storing, and what was kept before that time and is not
     * among the known.
     *
     * @param known tells which of some ids are still in use
     * @return how many files
     */
    int sweep(Instant before, Function<Collection<UUID>, Set<UUID>> known) throws IOException;

    @Override
    void close();
}
