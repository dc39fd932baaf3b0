package dev.heddle.connection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Notices that a client hangs up while its request is worked on, and interrupts that work: what nobody waits for any
 * more is to take nobody's turn. Only reading tells, so for work that takes long another thread reads; should the next
 * request come instead, its beginning is kept for the connection's thread.
 */
final class HangUps {

    private static final System.Logger LOG = System.getLogger(HangUps.class.getName());

    /** Most work ends sooner, and costs nothing of this. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** What is heard at once; most requests are shorter, and the rest follows. */
    private static final int HEARD_BYTES_MAX = 1024;

    private static final byte[] NOTHING = new byte[0];

    private static final int END = -1;

    // Set once.
    private final Wire wire;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition silent = lock.newCondition();

    // Under the lock.
    private @Nullable Thread worker;
    private long began;
    private boolean isListening;
    private boolean isGone;
    /** What came while somebody listened. */
    private ByteBuffer heard = ByteBuffer.wrap(NOTHING);

    HangUps(Wire wire) {
        this.wire = wire;
    }

    /** From now on this thread is interrupted when the client hangs up. It must not read meanwhile. */
    void begin() {
        lock.lock();
        try {
            worker = Thread.currentThread();
            began = System.nanoTime();
        } finally {
            lock.unlock();
        }
    }

    /**
     * From now on it is not, and what it was is forgotten.
     *
     * @return whether the client has hung up
     */
    boolean end() {
        lock.lock();
        try {
            worker = null;
            if (isGone) {
                Thread.interrupted();
            }
            return isGone;
        } finally {
            lock.unlock();
        }
    }

    /** Begins to listen if work goes on for long. For the watch. */
    void listenIfLate(long now) {
        lock.lock();
        try {
            boolean isLate = worker != null && now - began > PATIENCE.toNanos();
            if (isLate && !isListening && !isGone && !heard.hasRemaining()) {
                Thread.ofVirtual().name("heddle-hang-up").start(this::listen);
                isListening = true;
            }
        } finally {
            lock.unlock();
        }
    }

    private void listen() {
        byte[] next = NOTHING;
        int length = 0;
        try {
            next = new byte[HEARD_BYTES_MAX];
            length = wire.read(ByteBuffer.wrap(next));
        } catch (IOException e) {
            length = END;
            LOG.log(System.Logger.Level.TRACE, "a connection broke while its request was worked on", e);
        } finally {
            // Also of what there was no memory for: then the connection's own thread reads on.
            ended(next, length);
        }
    }

    private void ended(byte[] next, int length) {
        lock.lock();
        try {
            isListening = false;
            if (length > 0) {
                heard = ByteBuffer.wrap(next, 0, length);
            } else if (length < 0 && worker != null) {
                isGone = true;
                worker.interrupt();
            }
            silent.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Whether something has been heard that was not read. */
    boolean hasHeard() {
        lock.lock();
        try {
            return heard.hasRemaining();
        } finally {
            lock.unlock();
        }
    }

    /** Reads what comes next, whoever hears it first; -1 at the end of what the client sends. */
    int read(ByteBuffer to) throws IOException {
        lock.lock();
        try {
            while (isListening) {
                silent.await();
            }
            if (heard.hasRemaining()) {
                int length = Math.min(heard.remaining(), to.remaining());
                to.put(heard.slice().limit(length));
                heard.position(heard.position() + length);
                return length;
            }
        } catch (InterruptedException e) {
            // As a channel does it, and the listener ends with it.
            wire.cut();
            Thread.currentThread().interrupt();
            throw (ClosedByInterruptException) new ClosedByInterruptException().initCause(e);
        } finally {
            lock.unlock();
        }
        return wire.read(to);
    }

    /** Waits until nobody listens, at most so long; then the socket is this thread's alone if it is true. */
    boolean awaitSilence(Duration limit) {
        lock.lock();
        try {
            long left = limit.toNanos();
            while (isListening && left > 0) {
                left = silent.awaitNanos(left);
            }
            return !isListening;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}
