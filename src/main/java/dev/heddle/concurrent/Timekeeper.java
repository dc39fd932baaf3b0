package dev.heddle.concurrent;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Ends waits whose time is up. One thread looks at all of them every few milliseconds: a virtual thread that parks with
 * a timer makes another thread set it and take it back, which costs more than most of what is waited for, a call to
 * another server included. While nobody waits, it sleeps. For waits whose limits are well above its tick; safe for any
 * thread.
 */
public final class Timekeeper {

    private static final System.Logger LOG = System.getLogger(Timekeeper.class.getName());

    /** How late it may be; limits are of tenths of seconds and more. */
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /** How many ticks without anybody to look at before it sleeps: to be woken costs more than some ticks. */
    private static final int LINGER_TICKS = 50;

    private static final Timekeeper ONLY = new Timekeeper();

    private final Set<Timed> watched = ConcurrentHashMap.newKeySet();
    private final Thread thread;
    private volatile boolean isAsleep;

    /** What may have to be ended. */
    @FunctionalInterface
    public interface Timed {
        /** Ends what is overdue at that time, of {@link System#nanoTime()}. Called again and again; must not wait. */
        void look(long now);
    }

    private Timekeeper() {
        thread = Thread.ofPlatform().daemon().name("heddle-timekeeper").start(this::keep);
    }

    /** Looks at it from now on; {@link #forget} must follow. */
    public static void watch(Timed timed) {
        ONLY.watched.add(timed);
        if (ONLY.isAsleep) {
            LockSupport.unpark(ONLY.thread);
        }
    }

    /** Does not look at it any more; it may be about to, once. */
    public static void forget(Timed timed) {
        ONLY.watched.remove(timed);
    }

    /**
     * Parks this thread until something is so. Whoever makes it so unparks this thread then.
     *
     * @return false when it is not so after that time
     * @throws InterruptedException when this thread is interrupted and it is not so
     */
    public static boolean await(BooleanSupplier isSo, long limitNanos) throws InterruptedException {
        if (isSo.getAsBoolean()) {
            return true;
        }
        var sleeper = new Sleeper(Thread.currentThread(), System.nanoTime() + limitNanos);
        watch(sleeper);
        try {
            while (!isSo.getAsBoolean()) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                if (sleeper.isOverdue(System.nanoTime())) {
                    return false;
                }
                LockSupport.park(sleeper);
            }
            return true;
        } finally {
            forget(sleeper);
        }
    }

    /** A thread that waits. */
    private record Sleeper(Thread thread, long until) implements Timed {

        boolean isOverdue(long now) {
            return until - now <= 0;
        }

        @Override
        public void look(long now) {
            if (isOverdue(now)) {
                LockSupport.unpark(thread);
            }
        }
    }

    private void keep() {
        int ticks = 0;
        while (true) {
            ticks = watched.isEmpty() ? ticks + 1 : 0;
            if (ticks < LINGER_TICKS) {
                LockSupport.parkNanos(this, TICK_NANOS);
                look();
            } else {
                isAsleep = true;
                // Looked at again after saying so, so that nobody who came in between is slept over.
                if (watched.isEmpty()) {
                    LockSupport.park(this);
                }
                isAsleep = false;
                ticks = 0;
            }
        }
    }

    private void look() {
        long now = System.nanoTime();
        for (var timed : watched) {
            try {
                timed.look(now);
            } catch (RuntimeException | OutOfMemoryError e) {
                // One that cannot be ended now must not keep the others from it.
                LOG.log(System.Logger.Level.WARNING, "a wait could not be ended", e);
            }
        }
    }
}
