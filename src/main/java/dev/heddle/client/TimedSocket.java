package dev.heddle.client;

import dev.heddle.concurrent.Deadline;
import dev.heddle.concurrent.Timekeeper;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A socket whose every read ends by the deadline of the exchange, also those that TLS makes on its own: what is late is
 * closed. Used by one thread at a time.
 */
final class TimedSocket extends Socket implements Timekeeper.Timed {

    private static final System.Logger LOG = System.getLogger(TimedSocket.class.getName());

    private static final long NANOS_PER_MILLI = 1_000_000;

    /** Nothing is waited for. */
    private static final long NEVER = 0;

    /** The time of what was waited for was up. */
    private static final long LATE = 1;

    private final Duration readTimeout;
    private Deadline deadline = Deadline.after(Duration.ZERO);
    private boolean isAtEnd;

    /** When the read must have ended that is under way. */
    private final AtomicLong due = new AtomicLong(NEVER);

    TimedSocket(Duration readTimeout) {
        // Or the JDK's system properties could send it to somebody else than the address that was vetted.
        super(Proxy.NO_PROXY);
        this.readTimeout = readTimeout;
    }

    /** From now on reads are for an exchange that must have ended by then; {@link #rest} must follow. */
    void begin(Deadline ofExchange) {
        deadline = ofExchange;
        Timekeeper.watch(this);
    }

    /** The exchange is over. */
    void rest() {
        Timekeeper.forget(this);
    }

    /** Whether a read has found the other side gone. */
    boolean isAtEnd() {
        return isAtEnd;
    }

    /** What is left, in milliseconds; at least one, because zero would mean for ever. */
    static int millis(Deadline deadline) throws SocketTimeoutException {
        long nanos = deadline.remainingNanos();
        requireTime(nanos);
        return (int) Math.min(Integer.MAX_VALUE, (nanos + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI);
    }

    private static void requireTime(long nanos) throws SocketTimeoutException {
        if (nanos <= 0) {
            throw new SocketTimeoutException("the deadline has passed");
        }
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(super.getInputStream()) {
            @Override
            public int read() throws IOException {
                var one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                long until = arm();
                int read;
                try {
                    read = super.read(buffer, offset, length);
                } catch (SocketException e) {
                    throw disarm(until) ? e : late(e);
                }
                if (!disarm(until)) {
                    throw late(null);
                }
                isAtEnd |= read < 0;
                return read;
            }
        };
    }

    private long arm() throws SocketTimeoutException {
        long left = deadline.limitNanos(readTimeout);
        requireTime(left);
        long until = System.nanoTime() + left;
        // Never one of the two that mean something else.
        until = until == NEVER || until == LATE ? 2 : until;
        due.set(until);
        return until;
    }

    /** False when it was too late. */
    private boolean disarm(long until) {
        return due.compareAndSet(until, NEVER);
    }

    private static SocketTimeoutException late(@Nullable SocketException cause) {
        var late = new SocketTimeoutException("nothing came in time");
        late.initCause(cause);
        return late;
    }

    @Override
    public void look(long now) {
        long until = due.get();
        if (until != NEVER && until != LATE && until - now <= 0 && due.compareAndSet(until, LATE)) {
            try {
                close();
            } catch (IOException e) {
                LOG.log(System.Logger.Level.TRACE, "a connection was gone before it was ended", e);
            }
        }
    }
}
