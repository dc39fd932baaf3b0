package dev.heddle.app;

import dev.heddle.http.AccessLog;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A server from its start to its end, which may be asked for before the start is through. One thread starts it. */
final class Serving {

    private static final System.Logger LOG = System.getLogger(Serving.class.getName());

    /**
     * How long a start that is given up may take to take itself back: what it waits for then is an embedded PostgreSQL that
     * ends, and connections that are being made. What is left after it, the next start repairs.
     */
    private static final long GIVE_UP_SECONDS = 20;

    // Set once.
    private final Thread starter = Thread.currentThread();
    private final CountDownLatch startEnded = new CountDownLatch(1);

    // Written by the starter before the start has ended.
    private @Nullable Heddle heddle;
    private boolean failed;

    // Any thread.
    private volatile boolean asked;

    /**
     * Starts it; see {@link Heddle#start}.
     *
     * @throws RuntimeException when that is impossible, and when it is {@linkplain #isAsked() asked} to end meanwhile
     */
    Heddle start(Settings settings, AccessLog accessLog) {
        try {
            var started = Heddle.start(settings, accessLog);
            heddle = started;
            return started;
        } catch (RuntimeException | Error e) {
            failed = !asked;
            throw e;
        } finally {
            startEnded.countDown();
        }
    }

    /** Whether somebody wants its end. */
    boolean isAsked() {
        return asked;
    }

    /**
     * Ends it, whether it serves or is being started, and returns when it has ended.
     *
     * @return whether there is nothing to complain of: neither had its start failed by itself, nor was anything left
     */
    boolean stop() {
        asked = true;
        if (!hasStartEnded(0)) {
            LOG.log(System.Logger.Level.INFO, "stopping: the start is given up");
            starter.interrupt();
        }
        if (!hasStartEnded(GIVE_UP_SECONDS)) {
            LOG.log(System.Logger.Level.WARNING, "the start could not be given up in time");
            return false;
        }
        if (heddle != null) {
            heddle.close();
        } else if (!failed) {
            LOG.log(System.Logger.Level.INFO, "stopped");
        }
        return !failed;
    }

    private boolean hasStartEnded(long seconds) {
        try {
            return startEnded.await(seconds, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
