package dev.heddle.connection;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Notices that a client hangs up while its request is worked on, and interrupts that work: what nobody waits for any more
 * is to take nobody's turn. Only reading tells, so for work that takes long another thread reads; should the next request come instead,
 * its first byte is kept for the connection's thread.
 */
final class HangUps {

    private static final System.Logger LOG = System.getLogger(HangUps.class.getName());

    /** Most work ends sooner, and costs nothing of this. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private static final int NOTHING = -1;

    // Set once.
    private final Wire wire;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition silent = lock.newCondition();

    // Under the lock.
    private @Nullable Thread worker;
    private long began;
    private boolean isListening;
    private boolean isGone;
    /** The byte that came while somebody listened. */
    private int heard = NOTHING;

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
            if (isLate && !isListening && !isGone && heard == NOTHING) {
                Thread.ofVirtual().name("heddle-hang-up").start(this::listen);
                isListening = true;
            }
        } finally {
            lock.unlock();
        }
    }

    private void listen() {
        var next = ByteBuffer.allocate(1);
        boolean isEnd = true;
        try {
            isEnd = wire.read(next) < 0;
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a connection broke while its request was worked on", e);
        }
        lock.lock();
        try {
            isListening = false;
            if (!isEnd) {
                heard = next.get(0) & 0xff;
            } else if (worker != null) {
                isGone = true;
                worker.interrupt();
            }
            silent.signal();
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
            if (heard != NOTHING) {
                to.put((byte) heard);
                heard = NOTHING;
                return 1;
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
