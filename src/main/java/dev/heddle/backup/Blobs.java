package dev.heddle.backup;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.UUID;

/** Where the bytes of files are: never changed, in place before a row names them, removed after it has gone. */
public interface Blobs {

    /** What is kept under that id; empty when there is nothing. It can be read to its end even if it is deleted. */
    Optional<InputStream> open(UUID id) throws IOException;

    /** Keeps those bytes under that id; when this returns they are there after a loss of power. */
    void put(UUID id, InputStream bytes, long size) throws IOException;

    /** Takes back what was put. */
    void delete(UUID id) throws IOException;

    /** Whether nothing is kept. */
    boolean isEmpty() throws IOException;
}
