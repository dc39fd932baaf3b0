package dev.heddle.http;

import dev.heddle.concurrent.Deadline;
import io.helidon.webserver.CloseConnectionException;
import java.io.IOException;
import java.io.InputStream;

/**
 * The body of a request as it comes. A client that leaves in the middle, chunks that are broken and a body that is too
 * long all end the reading with what the kernel makes an answer, or the end of the connection, of. Closing it closes
 * nothing: that would wait for the rest of a body that was given up.
 */
final class BodyInput extends InputStream {

    private final InputStream in;
    private final long max;
    private long count;

    BodyInput(InputStream in, long max) {
        this.in = in;
        this.max = max;
    }

    /** Refuses a body that is longer than that. */
    static ProblemException tooLarge(long max) {
        return Problem.CONTENT_TOO_LARGE.because("The body may have at most " + max + " bytes.");
    }

    /** How many bytes were read. */
    long count() {
        return count;
    }

    @Override
    public int read() {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) {
        int read = readPart(to, offset, length);
        if (read > 0) {
            count += read;
            if (count > max) {
                throw tooLarge(max);
            }
        }
        return read;
    }

    private int readPart(byte[] to, int offset, int length) {
        if (Deadline.current().isExpired()) {
            throw Problem.DEADLINE_EXCEEDED.asException();
        }
        try {
            return in.read(to, offset, length);
        } catch (IOException e) {
            if (Deadline.current().isExpired()) {
                // It was waited for until then.
                throw Problem.DEADLINE_EXCEEDED.causedBy(e);
            }
            throw new CloseConnectionException("the client left in the middle of its body", e);
        }
    }
}
