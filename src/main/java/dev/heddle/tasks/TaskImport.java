package dev.heddle.tasks;

import dev.heddle.http.JsonFields;
import dev.heddle.http.MediaTypes;
import dev.heddle.http.Rows;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * What comes in the body of an import, on its way into a {@link Spool}: read, checked and written row by row, in constant
 * memory and without a database connection, however slowly it comes. One thread's, for one body.
 */
final class TaskImport {

    private final Rows rows = new Rows();
    private final Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
    private final String userId;
    private final Spool spool;

    private TaskImport(String userId, Spool spool) {
        this.userId = userId;
        this.spool = spool;
    }

    /**
     * Receives the body.
     *
     * @return the digest of its type and its bytes: what makes it the same as another one
     * @throws dev.heddle.http.ProblemException {@link dev.heddle.http.Problem#INVALID_ROWS}
     */
    static byte[] receive(InputStream body, String type, String userId, Spool spool) {
        var its = new TaskImport(userId, spool);
        var passing = new Passing(body, digest(type));
        try {
            its.read(passing, type);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        its.rows.refuseIfAny();
        return passing.getMessageDigest().digest();
    }

    private void read(InputStream in, String type) throws IOException {
        if (type.equals(MediaTypes.CSV)) {
            new CsvRows(rows, this).read(in);
        } else {
            new NdjsonRows(rows, this).read(in);
        }
    }

    /** Takes the row that begins on that line. */
    void take(long line, JsonFields json) {
        var task = TaskRow.of(json, userId, now);
        // Nothing is imported when anything is wrong; the rows after it are only checked.
        if (rows.isValid()) {
            spool.add(line, task);
        }
    }

    private static MessageDigest digest(String type) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update((type + "\n").getBytes(StandardCharsets.US_ASCII));
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static final class Passing extends DigestInputStream {
        Passing(InputStream in, MessageDigest digest) {
            super(in, digest);
        }

        /**
         * A client that sends as fast as we read would never make this thread wait, and so keep one of the few carriers that
         * all requests run on: between two pieces the others have their turn.
         */
        @Override
        @SuppressWarnings("ThreadPriorityCheck") // A hint is all it needs to be.
        public int read(byte[] to, int offset, int length) throws IOException {
            Thread.yield();
            return super.read(to, offset, length);
        }
    }
}
