package dev.heddle.concurrent;

import dev.heddle.concurrent.FanOut.Ending;
import dev.heddle.concurrent.FanOut.Part;
import dev.heddle.concurrent.FanOut.Result;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.SequencedMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A {@link FanOut} whose width all its users share, fairly: whoever becomes free takes a part of the next caller's, and
 * of his requests each has its turn too. So whoever has a thousand parts waiting delays another's one by a turn, not by
 * a thousand, and each has room of his own to wait in. Parts that wait are a place in a list and no threads. Safe for
 * any thread.
 *
 * <p>Parts inherit the deadline of their request and nothing else. Its threads end when there is nothing to do.
 */
public final class SharedFanOut {

    private static final System.Logger LOG = System.getLogger(SharedFanOut.class.getName());

    // Set once.
    private final String name;
    private final int width;
    private final int queue;

    // Under the lock.
    private final ReentrantLock lock = new ReentrantLock();
    /** Who has parts waiting, the next one's turn first. Invariant: no caller is in it without any. */
    private final SequencedMap<String, Turns> callers = new LinkedHashMap<>();

    private int workers;
    private int waiting;
    private long refused;

    /** What one caller has waiting. */
    private static final class Turns {
        /** Whose turn is next stands first. Invariant: each has something to take. */
        private final Queue<Request> requests = new ArrayDeque<>();

        private int waiting;
    }

    /** The parts of one run; those from the one to the other wait. */
    private static final class Request {
        private final String caller;
        private final FanOutRun<?> run;
        private int next;
        private final int end;

        Request(String caller, FanOutRun<?> run, int end) {
            this.caller = caller;
            this.run = run;
            this.end = end;
        }
    }

    /** A part that is to be done now. */
    private record Taken(FanOutRun<?> run, int index) {
        void call() {
            run.call(index);
        }
    }

    /**
     * Makes one.
     *
     * @param name what is shared, for the names of its threads and the message of a refusal
     * @param width how many parts are done at once, over all callers
     * @param queue how many parts of one caller may wait
     */
    public SharedFanOut(String name, int width, int queue) {
        if (width < 1 || queue < 0) {
            throw new IllegalArgumentException(name + ": width " + width + ", a queue of " + queue);
        }
        this.name = name;
        this.width = width;
        this.queue = queue;
    }

    /**
     * Does all parts, as {@link FanOut#run} does. Those that have no room to wait have failed at once, by a
     * {@link BulkheadFullException}.
     *
     * @param caller for whom; nothing of it is kept when it has nothing waiting
     * @return their results, in their order
     * @throws CancellationException when this thread was interrupted; the parts are too, and the flag stays set
     */
    public <T> List<Result<T>> run(String caller, List<Part<T>> parts) {
        if (parts.isEmpty()) {
            return List.of();
        }
        var run = new FanOutRun<>(parts);
        var first = new ArrayList<Taken>(width);
        var request = enter(caller, run, parts.size(), first);
        try {
            if (request.end < parts.size()) {
                run.endFrom(request.end, Ending.FAILED, new BulkheadFullException(name + ": its queue is full"));
            }
            while (!first.isEmpty()) {
                var part = first.getLast();
                Thread.ofVirtual().name("heddle-" + name).start(() -> work(part));
                first.removeLast();
            }
            run.awaitEnd(() -> refuse(request));
        } catch (InterruptedException e) {
            giveUp(request, first.size());
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while its parts ran");
        } catch (Throwable e) {
            // No thread to be had, or no memory: what it holds is for the others.
            giveUp(request, first.size());
            throw e;
        }
        return run.results();
    }

    /**
     * Takes its place, and as many threads as are free.
     *
     * @param first gets what these are to begin with
     */
    private Request enter(String caller, FanOutRun<?> run, int parts, List<Taken> first) {
        lock.lock();
        try {
            var its = callers.get(caller);
            int free = width - workers;
            int taken = Math.min(parts, free + queue - (its == null ? 0 : its.waiting));
            refused += parts - taken;
            var request = new Request(caller, run, taken);
            if (taken > 0) {
                if (its == null) {
                    its = new Turns();
                    callers.put(caller, its);
                }
                its.requests.add(request);
                its.waiting += taken;
                waiting += taken;
                // Where a thread is free nobody waits, so what it takes first is this one's.
                for (int i = Math.min(free, taken); i > 0; i--) {
                    workers++;
                    first.add(Objects.requireNonNull(take()));
                }
            }
            return request;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing of it goes on when this returns. */
    private void giveUp(Request request, int neverStarted) {
        lock.lock();
        try {
            workers -= neverStarted;
            withdraw(request);
        } finally {
            lock.unlock();
        }
        request.run.abandon();
    }

    private void work(Taken first) {
        for (var part = first; part != null; part = take()) {
            try {
                part.call();
            } catch (Throwable e) {
                LOG.log(System.Logger.Level.ERROR, "the end of a part was not noted", e);
            }
            // Whoever it was is past it; the next part is somebody else's.
            Thread.interrupted();
        }
    }

    private @Nullable Taken take() {
        lock.lock();
        try {
            var turn = callers.pollFirstEntry();
            if (turn == null) {
                workers--;
                return null;
            }
            var its = turn.getValue();
            var request = its.requests.remove();
            var part = new Taken(request.run, request.next++);
            its.waiting--;
            waiting--;
            if (request.next < request.end) {
                its.requests.add(request);
            }
            if (!its.requests.isEmpty()) {
                callers.putLast(turn.getKey(), its);
            }
            return part;
        } finally {
            lock.unlock();
        }
    }

    /** Takes back what waits when its time is up; the first of that. */
    private int refuse(Request request) {
        lock.lock();
        try {
            refused += request.end - request.next;
            return withdraw(request);
        } finally {
            lock.unlock();
        }
    }

    /** Takes back what waits; the first of that. */
    private int withdraw(Request request) {
        lock.lock();
        try {
            int first = request.next;
            int left = request.end - first;
            request.next = request.end;
            var its = callers.get(request.caller);
            if (left > 0 && its != null) {
                its.requests.remove(request);
                its.waiting -= left;
                waiting -= left;
                if (its.requests.isEmpty()) {
                    callers.remove(request.caller);
                }
            }
            return first;
        } finally {
            lock.unlock();
        }
    }

    /** How many parts wait. */
    public int waiting() {
        lock.lock();
        try {
            return waiting;
        } finally {
            lock.unlock();
        }
    }

    /** How many callers are remembered: those who have something waiting. */
    int callers() {
        lock.lock();
        try {
            return callers.size();
        } finally {
            lock.unlock();
        }
    }

    /** How many threads there are. */
    int workers() {
        lock.lock();
        try {
            return workers;
        } finally {
            lock.unlock();
        }
    }

    /** How many parts since the start found no room to wait, or had no turn before their deadline. */
    public long refused() {
        lock.lock();
        try {
            return refused;
        } finally {
            lock.unlock();
        }
    }
}
