package dev.heddle.concurrent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class BulkheadTest {

    /** Longer than any test: whoever waits that long has not been let in. */
    private static final Duration LONG = Duration.ofMinutes(1);

    private static final Duration SHORT = Duration.ofMillis(50);

    @Test
    void asManyEnterAsThereArePlacesAndALeaverMakesRoom() {
        var bulkhead = new Bulkhead("test", 2, 0, LONG);
        bulkhead.enter();
        bulkhead.enter();
        assertEquals(2, bulkhead.inside());
        assertThrows(BulkheadFullException.class, bulkhead::enter);
        bulkhead.leave();
        assertEquals(1, bulkhead.inside());
        bulkhead.enter();
        assertEquals(2, bulkhead.inside());
    }

    @Test
    void whoFindsTheQueueFullIsRefusedAtOnce() throws InterruptedException {
        var bulkhead = new Bulkhead("test", 1, 1, LONG);
        bulkhead.enter();
        var waiter = startWaiting(bulkhead, () -> {});

        long started = System.nanoTime();
        var refusal = assertThrows(BulkheadFullException.class, bulkhead::enter);
        assertTrue(since(started).compareTo(LONG.dividedBy(2)) < 0);
        assertEquals("test: its queue is full", refusal.getMessage());
        assertEquals(1, bulkhead.waiting());
        assertEquals(1, bulkhead.refused());

        bulkhead.leave();
        waiter.join();
        assertCounts(bulkhead, 0, 0, 1);
    }

    @Test
    void whoWaitsLongerThanAllowedIsRefused() {
        var bulkhead = new Bulkhead("test", 1, 1, SHORT);
        bulkhead.enter();
        long started = System.nanoTime();
        var refusal = assertThrows(BulkheadFullException.class, bulkhead::enter);
        assertTrue(since(started).compareTo(SHORT) >= 0);
        assertEquals("test: no place became free in time", refusal.getMessage());
        assertCounts(bulkhead, 1, 0, 1);
    }

    @Test
    void aDeadlineThatIsShorterThanTheWaitEndsIt() {
        var bulkhead = new Bulkhead("test", 1, 1, LONG);
        bulkhead.enter();
        long started = System.nanoTime();
        assertThrows(BulkheadFullException.class, () -> Deadline.after(SHORT).call(() -> enterAndReturn(bulkhead)));
        assertTrue(since(started).compareTo(LONG.dividedBy(2)) < 0);
        assertCounts(bulkhead, 1, 0, 1);
    }

    @Test
    void aDeadlineThatHasPassedWaitsForNothing() {
        var bulkhead = new Bulkhead("test", 1, 1, LONG);
        bulkhead.enter();
        assertThrows(
                BulkheadFullException.class, () -> Deadline.after(Duration.ZERO).call(() -> enterAndReturn(bulkhead)));
        assertCounts(bulkhead, 1, 0, 1);
    }

    @Test
    void anInterruptedWaiterLeavesTheQueueAndKeepsItsFlag() {
        var bulkhead = new Bulkhead("test", 1, 1, LONG);
        bulkhead.enter();
        var flag = new CompletableFuture<Boolean>();
        var waiter = Thread.ofVirtual().start(() -> {
            try {
                bulkhead.enter();
                flag.completeExceptionally(new AssertionError("it entered"));
            } catch (CancellationException e) {
                flag.complete(Thread.currentThread().isInterrupted());
            }
        });
        await().until(() -> bulkhead.waiting() == 1);
        waiter.interrupt();
        assertTrue(flag.join());
        // An interruption is no refusal: nothing was exhausted.
        assertCounts(bulkhead, 1, 0, 0);
    }

    @Test
    void thoseWhoWaitEnterInTheOrderInWhichTheyCame() throws InterruptedException {
        var bulkhead = new Bulkhead("test", 1, 10, LONG);
        bulkhead.enter();
        var order = new ConcurrentLinkedQueue<Integer>();
        var waiters = new ArrayList<Thread>();
        for (int i = 0; i < 10; i++) {
            int number = i;
            waiters.add(startWaiting(bulkhead, () -> order.add(number)));
        }
        bulkhead.leave();
        for (var waiter : waiters) {
            waiter.join();
        }
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), List.copyOf(order));
    }

    @Test
    void aNewcomerDoesNotOvertakeThoseWhoWait() throws InterruptedException {
        // Again and again, because a newcomer that may overtake wins most of these races but not all.
        for (int round = 0; round < 100; round++) {
            var bulkhead = new Bulkhead("test", 1, 2, LONG);
            var order = new ConcurrentLinkedQueue<String>();
            bulkhead.enter();
            var waiter = startWaiting(bulkhead, () -> order.add("waiter"));
            bulkhead.leave();
            bulkhead.enter();
            order.add("newcomer");
            bulkhead.leave();
            waiter.join();
            assertEquals(List.of("waiter", "newcomer"), List.copyOf(order));
        }
    }

    @Test
    void withoutAQueueNobodyWaitsAndAFreePlaceIsGiven() {
        var bulkhead = new Bulkhead("test", 1, 0, LONG);
        for (int round = 0; round < 3; round++) {
            bulkhead.enter();
            assertThrows(BulkheadFullException.class, bulkhead::enter);
            bulkhead.leave();
        }
        assertCounts(bulkhead, 0, 0, 3);
    }

    @Test
    void neverMoreAreInsideThanThereArePlacesAndTheCountsComeBackToZero() {
        var bulkhead = new Bulkhead("test", 3, 5, LONG);
        var inside = new AtomicInteger();
        var most = new AtomicInteger();
        var refused = new AtomicInteger();
        var callers = new ArrayList<CompletableFuture<Void>>();
        for (int i = 0; i < 50; i++) {
            callers.add(CompletableFuture.runAsync(
                    () -> {
                        for (int turn = 0; turn < 200; turn++) {
                            try {
                                bulkhead.enter();
                            } catch (BulkheadFullException e) {
                                refused.incrementAndGet();
                                continue;
                            }
                            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                            LockSupport.parkNanos(1);
                            inside.decrementAndGet();
                            bulkhead.leave();
                        }
                    },
                    Thread::startVirtualThread));
        }
        callers.forEach(CompletableFuture::join);
        assertTrue(most.get() <= 3, () -> most + " were inside");
        assertCounts(bulkhead, 0, 0, refused.get());
    }

    /** A thread that waits for a place, does its part inside and leaves. It waits when this returns. */
    private static Thread startWaiting(Bulkhead bulkhead, Runnable inside) {
        var waiter = Thread.startVirtualThread(() -> {
            bulkhead.enter();
            inside.run();
            bulkhead.leave();
        });
        await().pollInterval(Duration.ofMillis(1)).until(() -> waiter.getState() == Thread.State.WAITING);
        return waiter;
    }

    private static boolean enterAndReturn(Bulkhead bulkhead) {
        bulkhead.enter();
        return true;
    }

    private static void assertCounts(Bulkhead bulkhead, int inside, int waiting, long refused) {
        assertEquals(inside, bulkhead.inside(), "inside");
        assertEquals(waiting, bulkhead.waiting(), "waiting");
        assertEquals(refused, bulkhead.refused(), "refused");
    }

    private static Duration since(long startedNanos) {
        return Duration.ofNanos(System.nanoTime() - startedNanos);
    }
}
