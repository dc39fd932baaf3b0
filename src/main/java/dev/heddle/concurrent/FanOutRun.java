package dev.heddle.concurrent;

import dev.heddle.concurrent.FanOut.Ending;
import dev.heddle.concurrent.FanOut.Part;
import dev.heddle.concurrent.FanOut.Result;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Parts on their way: some threads do them, in their order, and the one that wants the results keeps the time
 * meanwhile. Safe for any thread.
 */
final class FanOutRun<T> implements Timekeeper.Timed {

    /**
     * What a part gets to end by itself, when its time is up, before it is interrupted: a statement that is cancelled leaves
     * its connection whole, one that is interrupted takes it along.
     */
    private static final Duration GRACE = Duration.ofMillis(100);

    private final List<Part<T>> parts;
    private final Deadline deadline = Deadline.current();
    private final long began = System.nanoTime();

    // Under the lock.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<@Nullable Result<T>> results;
    private final List<Turn> running = new ArrayList<>();
    private int ended;
    private boolean isAbandoned;

    /** A part that runs. Its state is under the lock. */
    private static final class Turn {
        private final Thread thread = Thread.currentThread();
        private final Deadline deadline;
        private boolean isInterrupted;

        Turn(Deadline deadline) {
            this.deadline = deadline;
        }

        boolean isOverdue() {
            return deadline.remainingNanos() + GRACE.toNanos() <= 0;
        }

        void interrupt() {
            isInterrupted = true;
            thread.interrupt();
        }
    }

    FanOutRun(List<Part<T>> parts) {
        this.parts = parts;
        this.results = new ArrayList<>(Collections.nCopies(parts.size(), null));
    }

    // ---- The threads that do the parts ----

    /** Does that part, on this thread. Once for each part. */
    void call(int index) {
        var part = parts.get(index);
        // From its own beginning: whoever waits for a turn has not begun.
        var own = deadline.within(part.limit());
        if (own.isExpired()) {
            end(index, ended(index, Ending.LATE, null, null));
            return;
        }
        var turn = begin(own);
        if (turn == null) {
            return;
        }
        @Nullable Result<T> result = null;
        try {
            result = result(index, part, own);
        } finally {
            end(turn, index, result);
        }
    }

    private Result<T> result(int index, Part<T> part, Deadline own) {
        try {
            return ended(index, Ending.DONE, own.call(part.work()::call), null);
        } catch (Throwable e) {
            // What fails after its deadline has failed because of it: every wait inside honours it by itself.
            return own.isExpired() ? ended(index, Ending.LATE, null, null) : ended(index, Ending.FAILED, null, e);
        }
    }

    /** Null when nobody wants it any more. */
    private @Nullable Turn begin(Deadline own) {
        lock.lock();
        try {
            if (isAbandoned) {
                return null;
            }
            var turn = new Turn(own);
            running.add(turn);
            return turn;
        } finally {
            lock.unlock();
        }
    }

    /** From here on it is not interrupted; what it was is no reason to leave the next part undone. */
    private void end(Turn turn, int index, @Nullable Result<T> result) {
        lock.lock();
        try {
            running.remove(turn);
            if (turn.isInterrupted) {
                Thread.interrupted();
            }
            end(index, result);
        } finally {
            lock.unlock();
        }
    }

    // ---- The thread that wants the results ----

    /** Ends the parts from that one on, which are never called; what has ended already stays as it is. */
    void endFrom(int first, Ending ending, @Nullable Throwable cause) {
        lock.lock();
        try {
            for (int index = first; index < parts.size(); index++) {
                if (results.get(index) == null) {
                    end(index, ended(index, ending, null, cause));
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void end(int index, @Nullable Result<T> result) {
        lock.lock();
        try {
            results.set(index, result);
            if (++ended == parts.size() || (isAbandoned && running.isEmpty())) {
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    private Result<T> ended(int index, Ending ending, @Nullable T value, @Nullable Throwable cause) {
        var took = Duration.ofNanos(System.nanoTime() - began);
        return new Result<>(parts.get(index).name(), ending, value, cause, took);
    }

    /**
     * Returns when all parts have ended; those that are late are interrupted.
     *
     * @param withdraw called when the deadline has passed: takes back the parts that nobody has taken yet, and says
     *     which is the first of them; that and the following are late
     * @throws InterruptedException when this thread is interrupted; parts may still run
     */
    void awaitEnd(IntSupplier withdraw) throws InterruptedException {
        Timekeeper.watch(this);
        try {
            if (!hasEndedBy(deadline)) {
                endFrom(withdraw.getAsInt(), Ending.LATE, null);
                hasEndedBy(Deadline.never());
            }
        } finally {
            Timekeeper.forget(this);
        }
    }

    private boolean hasEndedBy(Deadline limit) throws InterruptedException {
        lock.lock();
        try {
            while (ended < parts.size()) {
                if (limit.isExpired()) {
                    return false;
                }
                changed.await();
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Interrupts the parts that are late, and wakes the one who waits when the deadline has passed. */
    @Override
    public void look(long now) {
        lock.lock();
        try {
            for (var turn : running) {
                if (!turn.isInterrupted && turn.isOverdue()) {
                    turn.interrupt();
                }
            }
            if (deadline.isExpired()) {
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Interrupts what runs, lets nothing more begin, and returns when nothing runs any more. */
    void abandon() {
        lock.lock();
        try {
            isAbandoned = true;
            running.forEach(Turn::interrupt);
            while (!running.isEmpty()) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** What they came to, when all have ended. */
    List<Result<T>> results() {
        lock.lock();
        try {
            var all = new ArrayList<Result<T>>(parts.size());
            for (int index = 0; index < parts.size(); index++) {
                var result = results.get(index);
                // What could not even be noted: there was no memory for it.
                all.add(result == null ? ended(index, Ending.FAILED, null, null) : result);
            }
            return all;
        } finally {
            lock.unlock();
        }
    }
}
