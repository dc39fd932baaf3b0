package dev.heddle.concurrent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BatcherTest {

    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final List<List<Integer>> batches = new CopyOnWriteArrayList<>();
    private final Semaphore allowed = new Semaphore(0);

    /** Each batch needs a permit; a negative number fails it. */
    private List<String> work(List<Integer> numbers) {
        batches.add(numbers);
        try {
            if (!allowed.tryAcquire(
                    Math.max(1, Deadline.current().limitNanos(Duration.ofSeconds(20))), TimeUnit.NANOSECONDS)) {
                throw new IllegalStateException("late");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        if (numbers.stream().anyMatch(number -> number < 0)) {
            throw new IllegalArgumentException("negative");
        }
        return numbers.stream().map(String::valueOf).toList();
    }

    private void awaitBatches(int number) {
        Awaitility.await().until(() -> batches.size() == number);
    }

    /** As many as there are have come, and wait. */
    private static void awaitParked(List<Thread> threads) {
        Awaitility.await().until(() -> threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));
    }

    @Test
    void whoComesAloneIsNotKeptWaiting() {
        var batcher = new Batcher<Integer, String>(1, 10, LIMIT, this::work);
        allowed.release(2);
        assertEquals("1", batcher.call(1));
        assertEquals("2", batcher.call(2));
        assertEquals(List.of(List.of(1), List.of(2)), batches);
    }

    @Test
    void whoComesMeanwhileGoesTogetherAndGetsItsOwn() throws InterruptedException {
        var batcher = new Batcher<Integer, String>(1, 10, LIMIT, this::work);
        var results = new CopyOnWriteArrayList<String>();
        var first = Thread.ofVirtual().start(() -> results.add("0=" + batcher.call(0)));
        awaitBatches(1);
        var others = IntStream.rangeClosed(1, 12)
                .mapToObj(n -> Thread.ofVirtual().start(() -> results.add(n + "=" + batcher.call(n))))
                .toList();
        awaitParked(others);
        allowed.release(100);
        first.join();
        for (var other : others) {
            other.join();
        }
        assertEquals(
                IntStream.rangeClosed(0, 12).mapToObj(n -> n + "=" + n).sorted().toList(),
                results.stream().sorted().toList());
        assertEquals(List.of(1, 10, 2), batches.stream().map(List::size).toList(), "one, then ten at most");
    }

    @Test
    void whatIsWrongWithOneIsNobodyElsesFailure() throws InterruptedException, ExecutionException {
        var batcher = new Batcher<Integer, String>(1, 10, LIMIT, this::work);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var first = threads.submit(() -> batcher.call(0));
            awaitBatches(1);
            var started = new CountDownLatch(3);
            List<Future<String>> others = new ArrayList<>();
            for (int n : new int[] {1, -2, 3}) {
                others.add(threads.submit(() -> {
                    started.countDown();
                    return batcher.call(n);
                }));
            }
            started.await();
            allowed.release(100);
            assertEquals("0", first.get());
            assertEquals("1", others.get(0).get());
            var failure =
                    assertThrows(ExecutionException.class, () -> others.get(1).get());
            assertEquals("java.lang.IllegalArgumentException: negative", failure.getMessage());
            assertEquals("3", others.get(2).get());
        }
    }

    @Test
    void aFailureOfOneThatIsAloneIsNotTriedTwice() {
        var batcher = new Batcher<Integer, String>(1, 10, LIMIT, this::work);
        allowed.release(100);
        assertThrows(IllegalArgumentException.class, () -> batcher.call(-1));
        assertEquals(List.of(List.of(-1)), batches);
        assertEquals("2", batcher.call(2), "the next one has its turn");
    }

    @Test
    void aBatchThatTakesTooLongEndsAndEachIsDoneByItself() {
        var batcher = new Batcher<Integer, String>(1, 10, Duration.ofMillis(50), this::work);
        var waiter = Thread.ofVirtual().start(() -> batcher.call(1));
        awaitBatches(2);
        assertEquals(List.of(List.of(1), List.of(1)), batches, "together, then by itself with its own deadline");
        allowed.release(100);
        Awaitility.await().until(() -> !waiter.isAlive());
        assertEquals("2", batcher.call(2));
    }

    @Test
    void whoHasLittleTimeLeftDoesNotWaitForOthers() throws InterruptedException {
        var batcher = new Batcher<Integer, String>(1, 10, LIMIT, this::work);
        var first = Thread.ofVirtual().start(() -> batcher.call(0));
        awaitBatches(1);
        var hurried = Thread.ofVirtual().start(() -> Deadline.after(LIMIT).call(() -> batcher.call(1)));
        awaitBatches(2);
        allowed.release(2);
        first.join();
        hurried.join();
    }

    @Test
    void anInterruptionIsForWhoDoesTheWorkAlone() throws InterruptedException {
        var batcher = new Batcher<Integer, String>(1, 10, LIMIT, this::work);
        var failures = new CopyOnWriteArrayList<String>();
        var first = Thread.ofVirtual().start(() -> {
            try {
                batcher.call(0);
            } catch (IllegalStateException e) {
                failures.add(String.valueOf(e.getMessage()));
            }
        });
        awaitBatches(1);
        var results = new CopyOnWriteArrayList<String>();
        var other = Thread.ofVirtual().start(() -> results.add(batcher.call(1)));
        awaitParked(List.of(other));
        first.interrupt();
        first.join();
        allowed.release(100);
        other.join();
        assertEquals(List.of("interrupted"), failures);
        assertEquals(List.of("1"), results);
        assertTrue(batches.contains(List.of(1)));
    }
}
