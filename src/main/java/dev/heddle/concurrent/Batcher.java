package dev.heddle.concurrent;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Does together what several threads want at about the same time: the first does its own at once, and whoever comes while
 * that is under way waits, until one of them does the work of all that wait. So nobody waits for company, and the more is
 * wanted the larger the batches are. Safe for any thread.
 *
 * @param <I> what each brings
 * @param <O> what each gets
 */
public final class Batcher<I, O> {

    private final int most;
    private final Duration limit;
    private final Function<List<I>, List<O>> work;

    private final ReentrantLock lock = new ReentrantLock();
    // Under the lock.
    private final ArrayDeque<Item<I, O>> waiting = new ArrayDeque<>();
    private int free;

    /** Belongs to the thread that brought it, but for what is said of its fields. */
    private static final class Item<I, O> {
        private final I input;
        private final Thread owner = Thread.currentThread();
        // Written by whoever leads, before the state.
        private @Nullable O output;
        private volatile State state = State.WAITING;

        Item(I input) {
            this.input = input;
        }

        void end(State how) {
            state = how;
            if (owner != Thread.currentThread()) {
                LockSupport.unpark(owner);
            }
        }
    }

    private enum State {
        WAITING,
        /** It does the work of those that wait, and its own. */
        LEADS,
        /** Somebody else does its work. */
        TAKEN,
        DONE,
        /** It was in a batch that failed. */
        ALONE
    }

    /**
     * Makes a batcher.
     *
     * @param batches at once
     * @param most in one batch
     * @param limit the deadline of a batch; whoever has less than twice as much left is done by itself at once
     * @param work does a batch within {@link Deadline#current()}, all of it or, by an exception, nothing; what it returns is
     *     in the order of what it is given
     */
    public Batcher(int batches, int most, Duration limit, Function<List<I>, List<O>> work) {
        this.free = batches;
        this.most = most;
        this.limit = limit;
        this.work = work;
    }

    /**
     * Does one, perhaps with others. When a batch fails, each of it is done by itself, so that what is wrong with one is
     * nobody else's failure; what cannot be done twice must know that it has been done. An interruption is for whoever does
     * the work; the others get what they came for.
     */
    public O call(I input) {
        if (Deadline.current().remainingNanos() < 2 * limit.toNanos()) {
            return alone(input);
        }
        var item = new Item<I, O>(input);
        var batch = enter(item);
        if (batch.isEmpty()) {
            await(item);
            batch = item.state == State.LEADS ? taken(item) : batch;
        }
        if (!batch.isEmpty()) {
            lead(batch);
        }
        var output = item.output;
        return item.state == State.DONE && output != null ? output : alone(input);
    }

    private O alone(I input) {
        return work.apply(List.of(input)).getFirst();
    }

    /** No timer, which would cost more than many a work: those before it have limits. */
    private void await(Item<I, O> item) {
        boolean interrupted = false;
        while (item.state == State.WAITING || item.state == State.TAKEN) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The batch that it leads, or empty when it has to wait. */
    private List<Item<I, O>> enter(Item<I, O> item) {
        lock.lock();
        try {
            if (free == 0) {
                waiting.add(item);
                return List.of();
            }
            free--;
            return taken(item);
        } finally {
            lock.unlock();
        }
    }

    /** Itself and those that wait. */
    private List<Item<I, O>> taken(Item<I, O> leader) {
        var batch = new ArrayList<Item<I, O>>();
        batch.add(leader);
        lock.lock();
        try {
            while (batch.size() < most && !waiting.isEmpty()) {
                var item = waiting.remove();
                item.state = State.TAKEN;
                batch.add(item);
            }
        } finally {
            lock.unlock();
        }
        return batch;
    }

    private void lead(List<Item<I, O>> batch) {
        var deadline = Deadline.after(limit);
        boolean done = false;
        try {
            var outputs = deadline.call(
                    () -> work.apply(batch.stream().map(item -> item.input).toList()));
            for (int i = 0; i < outputs.size(); i++) {
                batch.get(i).output = outputs.get(i);
            }
            done = true;
        } catch (RuntimeException e) {
            if (batch.size() == 1 && !deadline.isExpired()) {
                throw e;
            }
        } finally {
            for (var item : batch) {
                item.end(done ? State.DONE : State.ALONE);
            }
            leave();
        }
    }

    /** Hands the lead on to who waits longest. */
    private void leave() {
        lock.lock();
        try {
            var next = waiting.poll();
            if (next == null) {
                free++;
            } else {
                next.end(State.LEADS);
            }
        } finally {
            lock.unlock();
        }
    }
}
