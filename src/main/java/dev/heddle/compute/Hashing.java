package dev.heddle.compute;

import dev.heddle.concurrent.Deadline;
import dev.heddle.http.Digests;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestException;
import java.security.MessageDigest;
import java.util.concurrent.CancellationException;

/** SHA-256 of what callers send. Safe for any thread. */
final class Hashing {

    /**
     * Up to here the digest is made where it is asked for: that takes some microseconds, and to hand it to a thread of the
     * pool and back takes longer. No request line has room for more.
     */
    private static final int IN_PLACE_BYTES_MAX = 16 * 1024;

    /**
     * What is digested at a time. Handing it over takes about a fifth of digesting it; a larger piece would save little of
     * that, and every client that stops sending in the middle of one keeps one in memory.
     */
    private static final int PIECE_BYTES = 128 * 1024;

    /** Less than a millisecond. */
    private static final int ROUNDS_BETWEEN_CHECKS = 4096;

    private final CpuPool pool;

    Hashing(CpuPool pool) {
        this.pool = pool;
    }

    /** The digest of a text in UTF-8, which a request line had room for. */
    byte[] of(String data) {
        return Digests.sha256().digest(data.getBytes(StandardCharsets.UTF_8));
    }

    /** The digest of what comes. While nothing comes, no thread of the pool is held. */
    byte[] of(InputStream body) throws IOException {
        var digest = Digests.sha256();
        var start = body.readNBytes(IN_PLACE_BYTES_MAX);
        digest.update(start);
        if (start.length < IN_PLACE_BYTES_MAX) {
            return digest.digest();
        }
        var piece = new byte[PIECE_BYTES];
        for (int length; (length = body.readNBytes(piece, 0, PIECE_BYTES)) > 0; ) {
            int count = length;
            // Whoever gives up in between uses neither the digest nor the piece again.
            pool.call(() -> {
                digest.update(piece, 0, count);
                return digest;
            });
        }
        return digest.digest();
    }

    /** The digest of a text in UTF-8, and of that digest, and so on for so many rounds. */
    byte[] iterated(String data, int rounds) {
        return pool.call(() -> iterate(data, rounds));
    }

    private static byte[] iterate(String data, int rounds) {
        var digest = Digests.sha256();
        var hash = digest.digest(data.getBytes(StandardCharsets.UTF_8));
        for (int round = 2; round <= rounds; round++) {
            if (round % ROUNDS_BETWEEN_CHECKS == 0) {
                requireWanted();
            }
            again(digest, hash);
        }
        return hash;
    }

    /** In place: a new array for every round would halve the speed. */
    private static void again(MessageDigest digest, byte[] hash) {
        digest.update(hash);
        try {
            digest.digest(hash, 0, hash.length);
        } catch (DigestException e) {
            // Only when there is no room for it.
            throw new IllegalStateException(e);
        }
    }

    private static void requireWanted() {
        if (Thread.currentThread().isInterrupted() || Deadline.current().isExpired()) {
            throw new CancellationException("nobody waits for the rest of the rounds");
        }
    }
}
