package dev.heddle.concurrent;

import java.io.Closeable;
import java.util.HashMap;
import java.util.Map;

/**
 * Room in the heap for what is held as long as its caller likes, such as an answer that is not read: so much in all, and
 * half of that for one caller. Nobody waits for more, because nobody can foresee when it comes. Safe for any thread.
 */
public final class SharedBytes {

    // Set once.
    private final String name;
    private final long most;

    // Under this object's lock.
    private final Map<String, Long> held = new HashMap<>();
    private long taken;

    /**
     * Makes it.
     *
     * @param name what it is for, for the message of a refusal
     * @param most of all callers together, in bytes
     */
    public SharedBytes(String name, long most) {
        this.name = name;
        this.most = most;
    }

    /** What one piece of a caller's work holds, until it is closed; closing it twice is closing it once. For any thread. */
    public final class Lease implements Closeable {

        private final String caller;

        // Under the lock of all.
        private long bytes;
        private boolean isClosed;

        private Lease(String caller) {
            this.caller = caller;
        }

        /**
         * Takes so much more.
         *
         * @throws BulkheadFullException when there is no room for it, or it is closed; what was taken before stays
         */
        public void take(long more) {
            enter(this, more);
        }

        /** How much it holds. */
        public long bytes() {
            synchronized (SharedBytes.this) {
                return bytes;
            }
        }

        @Override
        public void close() {
            leave(this);
        }
    }

    /** One that holds nothing yet. */
    @SuppressWarnings("MustBeClosedChecker") // The caller closes it.
    public Lease lease(String caller) {
        return new Lease(caller);
    }

    private synchronized void enter(Lease lease, long more) {
        long its = held.getOrDefault(lease.caller, 0L);
        if (lease.isClosed) {
            throw new BulkheadFullException(name + ": who asked for it has gone");
        }
        if (taken + more > most) {
            throw new BulkheadFullException(name + ": " + taken + " of " + most + " bytes are taken");
        }
        if (its + more > most / 2) {
            throw new BulkheadFullException(name + ": one caller has " + its + " bytes already");
        }
        held.put(lease.caller, its + more);
        taken += more;
        lease.bytes += more;
    }

    private synchronized void leave(Lease lease) {
        long its = lease.bytes;
        lease.isClosed = true;
        lease.bytes = 0;
        if (its > 0) {
            held.computeIfPresent(lease.caller, (caller, count) -> count == its ? null : Long.valueOf(count - its));
            taken -= its;
        }
    }

    /** How much is taken. */
    public synchronized long taken() {
        return taken;
    }
}
