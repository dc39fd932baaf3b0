package dev.heddle.client;

import dev.heddle.concurrent.Deadline;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;

/**
 * A socket whose every read ends by the deadline of the exchange, also those that TLS makes on its own. Used by one thread
 * at a time.
 */
final class TimedSocket extends Socket {

    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Duration readTimeout;
    private Deadline deadline = Deadline.after(Duration.ZERO);
    private int soTimeout;
    private boolean isAtEnd;

    TimedSocket(Duration readTimeout) {
        // Or the JDK's system properties could send it to somebody else than the address that was vetted.
        super(Proxy.NO_PROXY);
        this.readTimeout = readTimeout;
    }

    /** From now on reads are for an exchange that must have ended by then. */
    void deadline(Deadline ofExchange) {
        deadline = ofExchange;
    }

    /** Whether a read has found the other side gone. */
    boolean isAtEnd() {
        return isAtEnd;
    }

    /** What is left, in milliseconds; at least one, because zero would mean for ever. */
    static int millis(Deadline deadline) throws SocketTimeoutException {
        return millis(deadline.remainingNanos());
    }

    private static int millis(long nanos) throws SocketTimeoutException {
        if (nanos <= 0) {
            throw new SocketTimeoutException("the deadline has passed");
        }
        return (int) Math.min(Integer.MAX_VALUE, (nanos + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI);
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(super.getInputStream()) {
            @Override
            public int read() throws IOException {
                arm();
                return noted(super.read());
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                arm();
                return noted(super.read(buffer, offset, length));
            }
        };
    }

    private int noted(int read) {
        isAtEnd |= read < 0;
        return read;
    }

    private void arm() throws IOException {
        int millis = millis(deadline.limitNanos(readTimeout));
        if (millis != soTimeout) {
            soTimeout = millis;
            setSoTimeout(millis);
        }
    }
}
