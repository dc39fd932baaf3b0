package dev.heddle.db;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** A statement that somebody waits for. */
final class PipelineRequest {

    private static final int QUEUED = 0;
    private static final int SENT = 1;
    private static final int LEFT = 2;
    private static final int DONE = 3;
    private static final int ALONE = 4;

    // Set once.
    private final PipelineStatement statement;
    private final byte[] messages;
    private final Thread waiter = Thread.currentThread();

    private final AtomicInteger state = new AtomicInteger(QUEUED);

    // The worker's until it is done, then the waiter's.
    private final List<byte[]> rows = new ArrayList<>(1);
    private boolean complete;

    PipelineRequest(PipelineStatement statement, byte[] messages) {
        this.statement = statement;
        this.messages = messages;
    }

    PipelineStatement statement() {
        return statement;
    }

    byte[] messages() {
        return messages;
    }

    /** The rows, each a DataRow message, when {@link #await} has said that they are there. */
    List<byte[]> rows() {
        return rows;
    }

    void add(byte[] row) {
        rows.add(row);
    }

    /** There are no more rows. */
    void complete() {
        complete = true;
    }

    boolean hasRows() {
        return complete;
    }

    /** False when nobody waits for it any more. */
    boolean send() {
        return state.compareAndSet(QUEUED, SENT);
    }

    /** False when it has been sent. */
    boolean leave() {
        return state.compareAndSet(QUEUED, LEFT);
    }

    /** Its rows are there. */
    void done() {
        end(DONE);
    }

    /** It did not come to its end, and wants a connection for itself. */
    void alone() {
        end(ALONE);
    }

    boolean hasEnded() {
        return state.get() >= LEFT;
    }

    private void end(int how) {
        state.set(how);
        LockSupport.unpark(waiter);
    }

    /**
     * Waits for its end, which the pipeline brings about soon, or for an interruption of the waiter; whether the rows are
     * there. No timer: it would cost more than the statement.
     */
    boolean await() {
        while (!hasEnded()) {
            LockSupport.park(this);
            if (Thread.currentThread().isInterrupted()) {
                break;
            }
        }
        return state.get() == DONE;
    }
}
