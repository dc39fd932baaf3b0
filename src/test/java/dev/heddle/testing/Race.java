package dev.heddle.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Lets several pieces of work begin at the same moment, as far as a barrier can. */
public final class Race {

    private static final int START_SECONDS_MAX = 30;

    private Race() {}

    /** Runs each on a thread of its own; their results in the order of the list. */
    public static <T> List<T> between(List<Callable<T>> runners) throws InterruptedException {
        var barrier = new CyclicBarrier(runners.size());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var running = new ArrayList<Future<T>>();
            for (var runner : runners) {
                running.add(threads.submit(() -> {
                    begin(barrier);
                    return runner.call();
                }));
            }
            var results = new ArrayList<T>();
            for (var one : running) {
                results.add(one.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private static void begin(CyclicBarrier barrier) throws InterruptedException {
        try {
            barrier.await(START_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (BrokenBarrierException | TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }
}
