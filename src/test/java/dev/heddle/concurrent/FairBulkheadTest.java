package dev.heddle.concurrent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FairBulkheadTest {

    /** Longer than any test: whoever waits that long has not been let in. */
    private static final Duration LONG = Duration.ofMinutes(1);

    private static final Duration SHORT = Duration.ofMillis(50);

    // Places and the queue

    @ParameterizedTest
    @CsvSource({"0, 1", "-1, 1", "1, -1"})
    void refusesToBeWithoutPlacesOrWithLessThanNoQueue(int places, int queue) {
        assertThrows(IllegalArgumentException.class, () -> new FairBulkhead("test", places, queue, LONG));
    }

    @Test
    void asManyEnterOverAllCallersAsThereArePlacesAndALeaverMakesRoom() {
        var bulkhead = new FairBulkhead("test", 2, 0, LONG);
        bulkhead.enter("a");
        bulkhead.enter("b");
        assertThrows(BulkheadFullException.class, () -> bulkhead.enter("a"));
        assertThrows(BulkheadFullException.class, () -> bulkhead.enter("c"));
        assertCounts(bulkhead, 2, 0, 2);
        bulkhead.leave();
        assertEquals(1, bulkhead.inside());
        bulkhead.enter("c");
        assertEquals(2, bulkhead.inside());
    }

    @Test
    void whoFindsTheirQueueFullIsRefusedAtOnceAndNobodyElseIs() {
        var bulkhead = new FairBulkhead("test", 1, 2, LONG);
        bulkhead.enter("a");
        var waiters =
                new ArrayList<>(List.of(startWaiting(bulkhead, "a", () -> {}), startWaiting(bulkhead, "a", () -> {})));

        long started = System.nanoTime();
        var refusal = assertThrows(BulkheadFullException.class, () -> bulkhead.enter("a"));
        assertEquals("test: its queue is full", refusal.getMessage());
        assertTrue(since(started).compareTo(LONG.dividedBy(2)) < 0);
        waiters.add(startWaiting(bulkhead, "b", () -> {}));
        assertCounts(bulkhead, 1, 3, 1);

        bulkhead.leave();
        waiters.forEach(CompletableFuture::join);
        assertCounts(bulkhead, 0, 0, 1);
    }

    @Test
    void whoLeavesWithoutHavingEnteredMakesNoPlace() {
        var bulkhead = new FairBulkhead("test", 1, 0, LONG);
        assertThrows(IllegalStateException.class, bulkhead::leave);
        bulkhead.enter("a");
        bulkhead.leave();
        assertThrows(IllegalStateException.class, bulkhead::leave);
        bulkhead.enter("a");
        assertThrows(BulkheadFullException.class, () -> bulkhead.enter("a"));
        assertEquals(1, bulkhead.inside());
    }

    // Turns

    @Test
    void callersTakeTurnsAndWithinACallerTheFirstComesFirst() {
        assertEquals(
                List.of("a1", "b1", "c1", "a2", "b2", "a3", "a4"),
                orderOf(List.of("a1", "a2", "a3", "a4", "b1", "c1", "b2")));
    }

    @Test
    void withOneCallerThoseWhoWaitEnterInTheOrderInWhichTheyCame() {
        var names = List.of("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9");
        assertEquals(names, orderOf(names));
    }

    @Test
    void aThousandOfOneCallerDelayAnotherCallersOneByOneTurn() {
        var arrivals = new ArrayList<String>();
        for (int i = 0; i < 1000; i++) {
            arrivals.add("a" + i);
        }
        arrivals.add("b");
        assertEquals(List.of("a0", "b", "a1"), orderOf(arrivals).subList(0, 3));
    }

    @Test
    void whoComesWhileTheOthersAreServedStillWaitsOneTurnOnly() {
        var bulkhead = new FairBulkhead("test", 1, 20, LONG);
        var order = new ConcurrentLinkedQueue<String>();
        var newcomer = new CompletableFuture<CompletableFuture<Void>>();
        bulkhead.enter("main");
        var waiters = new ArrayList<CompletableFuture<Void>>();
        for (int i = 0; i < 5; i++) {
            int number = i;
            waiters.add(startWaiting(bulkhead, "a", () -> {
                order.add("a" + number);
                if (number == 1) {
                    // One of a caller that was not there before comes while this one has the place.
                    newcomer.complete(startWaiting(bulkhead, "b", () -> order.add("b")));
                }
            }));
        }
        bulkhead.leave();
        newcomer.join().join();
        waiters.forEach(CompletableFuture::join);
        // The next turn had been a's already.
        assertEquals(List.of("a0", "a1", "a2", "b", "a3", "a4"), List.copyOf(order));
    }

    @Test
    void whoGivesUpLosesNeitherThePlaceInLineOfItsCallerNorThatOfAnyoneElse() {
        var bulkhead = new FairBulkhead("test", 1, 20, LONG);
        var order = new ConcurrentLinkedQueue<String>();
        bulkhead.enter("main");
        var givesUp = startInterruptible(bulkhead, "a");
        var first = startWaiting(bulkhead, "b", () -> order.add("b"));
        var second = startWaiting(bulkhead, "a", () -> order.add("a"));
        givesUp.interrupt();
        await().until(() -> bulkhead.waiting() == 2);
        bulkhead.leave();
        CompletableFuture.allOf(first, second).join();
        assertEquals(List.of("a", "b"), List.copyOf(order));
    }

    @Test
    void aNewcomerDoesNotOvertakeThoseWhoWait() {
        // Again and again, because a newcomer that may overtake wins most of these races but not all.
        for (int round = 0; round < 100; round++) {
            var bulkhead = new FairBulkhead("test", 1, 2, LONG);
            var order = new ConcurrentLinkedQueue<String>();
            bulkhead.enter("a");
            var waiter = startWaiting(bulkhead, "b", () -> order.add("waiter"));
            bulkhead.leave();
            bulkhead.enter("a");
            order.add("newcomer");
            bulkhead.leave();
            waiter.join();
            assertEquals(List.of("waiter", "newcomer"), List.copyOf(order));
        }
    }

    // The end of a wait

    @Test
    void whoWaitsLongerThanAllowedIsRefused() {
        var bulkhead = new FairBulkhead("test", 1, 1, SHORT);
        bulkhead.enter("a");
        long started = System.nanoTime();
        var refusal = assertThrows(BulkheadFullException.class, () -> bulkhead.enter("b"));
        assertTrue(since(started).compareTo(SHORT) >= 0);
        assertEquals("test: no place became free in time", refusal.getMessage());
        assertCounts(bulkhead, 1, 0, 1);
    }

    @Test
    void aDeadlineThatIsShorterThanTheWaitEndsIt() {
        var bulkhead = new FairBulkhead("test", 1, 1, LONG);
        bulkhead.enter("a");
        long started = System.nanoTime();
        assertThrows(BulkheadFullException.class, () -> enterWithin(SHORT, bulkhead));
        assertTrue(since(started).compareTo(SHORT) >= 0);
        assertTrue(since(started).compareTo(LONG.dividedBy(2)) < 0);
        assertCounts(bulkhead, 1, 0, 1);
    }

    @Test
    void aDeadlineThatHasPassedWaitsForNothing() {
        var bulkhead = new FairBulkhead("test", 1, 1, LONG);
        bulkhead.enter("a");
        assertThrows(BulkheadFullException.class, () -> enterWithin(Duration.ZERO, bulkhead));
        assertCounts(bulkhead, 1, 0, 1);
    }

    @Test
    void anInterruptedWaiterLeavesTheQueueAndKeepsItsFlag() {
        var bulkhead = new FairBulkhead("test", 1, 1, LONG);
        bulkhead.enter("a");
        var flag = new CompletableFuture<Boolean>();
        var waiter = Thread.ofVirtual().start(() -> {
            try {
                bulkhead.enter("b");
                flag.completeExceptionally(new AssertionError("it entered"));
            } catch (CancellationException e) {
                flag.complete(Thread.currentThread().isInterrupted());
            }
        });
        awaitWaiting(bulkhead, 1);
        waiter.interrupt();
        assertTrue(flag.join());
        // An interruption is no refusal: nothing was exhausted.
        assertCounts(bulkhead, 1, 0, 0);
    }

    @Test
    void whoComesInterruptedDoesNotEnterAFreePlace() {
        var bulkhead = new FairBulkhead("test", 1, 1, LONG);
        Thread.currentThread().interrupt();
        try {
            assertThrows(CancellationException.class, () -> bulkhead.enter("a"));
        } finally {
            assertTrue(Thread.interrupted());
        }
        assertCounts(bulkhead, 0, 0, 0);
    }

    // What must never happen

    @Test
    void whoIsHandedAPlaceWhenAlreadyInterruptedPassesItOn() {
        var bulkhead = new FairBulkhead("test", 1, 2, LONG);
        bulkhead.enter("a");
        var interrupted = startInterruptible(bulkhead, "b");
        bulkhead.lock.lock();
        try {
            interrupted.interrupt();
            // Out of its wait, it needs the lock to give up; the place comes first.
            await().until(() -> bulkhead.lock.hasQueuedThread(interrupted));
            bulkhead.leave();
            assertCounts(bulkhead, 1, 0, 0);
        } finally {
            bulkhead.lock.unlock();
        }
        join(interrupted);
        assertCounts(bulkhead, 0, 0, 0);
        bulkhead.enter("a");
        assertEquals(1, bulkhead.inside());
    }

    @Test
    void whoIsHandedAPlaceWhenItsTimeIsJustUpHasIt() {
        // Enough to be seen waiting before it is up.
        var bulkhead = new FairBulkhead("test", 1, 2, Duration.ofSeconds(1));
        bulkhead.enter("a");
        var late = Thread.startVirtualThread(() -> bulkhead.enter("b"));
        awaitWaiting(bulkhead, 1);
        bulkhead.lock.lock();
        try {
            await().until(() -> bulkhead.lock.hasQueuedThread(late));
            bulkhead.leave();
        } finally {
            bulkhead.lock.unlock();
        }
        join(late);
        assertCounts(bulkhead, 1, 0, 0);
    }

    @Test
    void aPlaceIsNeverLostWhenItIsHandedOverToWhoIsInterruptedAtThatMoment() {
        for (int round = 0; round < 500; round++) {
            var bulkhead = new FairBulkhead("test", 1, 2, LONG);
            bulkhead.enter("a");
            var interrupted = startInterruptible(bulkhead, "b");
            var behind = startWaiting(bulkhead, "c", () -> {});
            var interrupts = Thread.startVirtualThread(interrupted::interrupt);
            bulkhead.leave();
            behind.join();
            join(interrupts);
            join(interrupted);
            assertCounts(bulkhead, 0, 0, 0);
        }
    }

    @Test
    void aPlaceIsNeverLostWhenItIsHandedOverToWhoseTimeIsUpAtThatMoment() {
        var random = new Random(1);
        for (int round = 0; round < 500; round++) {
            var bulkhead = new FairBulkhead("test", 1, 2, LONG);
            bulkhead.enter("a");
            var limit = Duration.ofNanos(random.nextInt(200_000));
            var late = CompletableFuture.runAsync(
                    () -> {
                        try {
                            enterWithin(limit, bulkhead);
                            bulkhead.leave();
                        } catch (BulkheadFullException e) {
                            assertEquals("test: no place became free in time", e.getMessage());
                        }
                    },
                    Thread::startVirtualThread);
            LockSupport.parkNanos(random.nextInt(200_000));
            bulkhead.leave();
            late.join();
            assertCounts(bulkhead, 0, 0, bulkhead.refused());
        }
    }

    @Test
    void callersThatHaveNothingWaitingLeaveNoTrace() {
        var bulkhead = new FairBulkhead("test", 1, 10, LONG);
        for (int i = 0; i < 1000; i++) {
            bulkhead.enter("caller " + i);
            assertThrows(BulkheadFullException.class, () -> enterWithin(Duration.ZERO, bulkhead));
            bulkhead.leave();
        }
        assertEquals(0, bulkhead.callers());

        bulkhead.enter("a");
        var waiters = List.of(startWaiting(bulkhead, "b", () -> {}), startWaiting(bulkhead, "b", () -> {}));
        var interrupted = startInterruptible(bulkhead, "c");
        assertEquals(2, bulkhead.callers());
        interrupted.interrupt();
        join(interrupted);
        assertEquals(1, bulkhead.callers());
        bulkhead.leave();
        waiters.forEach(CompletableFuture::join);
        assertEquals(0, bulkhead.callers());
    }

    @Test
    void waitersHoldNoThreadOfTheMachine() {
        // More than there are carriers: were they pinned, or did they spin, nobody would be left to do the last one's
        // part.
        int many = 50 * Runtime.getRuntime().availableProcessors();
        var bulkhead = new FairBulkhead("test", 1, many, LONG);
        bulkhead.enter("a");
        var waiters = new ArrayList<Thread>();
        for (int i = 0; i < many; i++) {
            var caller = "caller " + i % 7;
            waiters.add(Thread.startVirtualThread(() -> {
                bulkhead.enter(caller);
                bulkhead.leave();
            }));
        }
        awaitWaiting(bulkhead, many);
        await().until(() -> waiters.stream().allMatch(it -> it.getState() == Thread.State.TIMED_WAITING));
        assertEquals(
                "done",
                CompletableFuture.supplyAsync(() -> "done", Thread::startVirtualThread)
                        .join());
        bulkhead.leave();
        waiters.forEach(FairBulkheadTest::join);
        assertCounts(bulkhead, 0, 0, 0);
    }

    @Test
    void isWholeAfterAStormOfTimeOutsAndInterruptions() {
        int places = 3;
        var bulkhead = new FairBulkhead("test", places, 20, Duration.ofMillis(1));
        var storm = new Storm(bulkhead);
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 40; i++) {
            int seed = i;
            threads.add(Thread.startVirtualThread(() -> storm.visit("caller " + seed % 5, new Random(seed))));
        }
        var isOver = new AtomicBoolean();
        var interrupter = Thread.startVirtualThread(() -> {
            var random = new Random(99);
            while (!isOver.get()) {
                threads.get(random.nextInt(threads.size())).interrupt();
                LockSupport.parkNanos(20_000);
            }
        });
        threads.forEach(FairBulkheadTest::join);
        isOver.set(true);
        join(interrupter);

        assertEquals(40 * Storm.VISITS, storm.entered.get() + storm.refused.get() + storm.interrupted.get());
        assertTrue(
                storm.entered.get() > 0 && storm.refused.get() > 0 && storm.interrupted.get() > 0,
                () -> storm.entered + " entered, " + storm.refused + " refused, " + storm.interrupted + " interrupted");
        assertTrue(storm.most.get() <= places, () -> storm.most + " were inside");
        assertCounts(bulkhead, 0, 0, storm.refused.get());
        assertEquals(0, bulkhead.callers());
        for (int i = 0; i < places; i++) {
            bulkhead.enter("after");
        }
        assertThrows(BulkheadFullException.class, () -> bulkhead.enter("after"));
    }

    /** What the threads of the storm do, and how it ended for them. */
    private static final class Storm {

        static final int VISITS = 500;

        private final FairBulkhead bulkhead;
        private final AtomicInteger inside = new AtomicInteger();
        private final AtomicInteger most = new AtomicInteger();
        private final AtomicInteger entered = new AtomicInteger();
        private final AtomicInteger refused = new AtomicInteger();
        private final AtomicInteger interrupted = new AtomicInteger();

        Storm(FairBulkhead bulkhead) {
            this.bulkhead = bulkhead;
        }

        void visit(String caller, Random random) {
            for (int i = 0; i < VISITS; i++) {
                try {
                    Deadline.after(Duration.ofNanos(random.nextInt(2_000_000))).call(() -> {
                        bulkhead.enter(caller);
                        return true;
                    });
                } catch (BulkheadFullException e) {
                    refused.incrementAndGet();
                    continue;
                } catch (CancellationException e) {
                    interrupted.incrementAndGet();
                    // The flag was kept; without this no visit after it would come to anything.
                    assertTrue(Thread.interrupted());
                    continue;
                }
                entered.incrementAndGet();
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                LockSupport.parkNanos(random.nextInt(50_000));
                inside.decrementAndGet();
                bulkhead.leave();
            }
        }
    }

    /** Who enters in which order, when they came in that order: the first letter is the caller. */
    private static List<String> orderOf(List<String> arrivals) {
        var bulkhead = new FairBulkhead("test", 1, arrivals.size(), LONG);
        var order = new ConcurrentLinkedQueue<String>();
        bulkhead.enter("main");
        var waiters = arrivals.stream()
                .map(name -> startWaiting(bulkhead, name.substring(0, 1), () -> order.add(name)))
                .toList();
        assertEquals(arrivals.size(), bulkhead.waiting());
        bulkhead.leave();
        waiters.forEach(CompletableFuture::join);
        assertCounts(bulkhead, 0, 0, 0);
        return List.copyOf(order);
    }

    /** Someone who waits for a place, does its part inside and leaves. It waits when this returns. */
    private static CompletableFuture<Void> startWaiting(FairBulkhead bulkhead, String caller, Runnable inside) {
        int before = bulkhead.waiting();
        var waiter = CompletableFuture.runAsync(
                () -> {
                    bulkhead.enter(caller);
                    try {
                        inside.run();
                    } finally {
                        bulkhead.leave();
                    }
                },
                Thread::startVirtualThread);
        awaitWaiting(bulkhead, before + 1);
        return waiter;
    }

    /** Someone who waits for a place and leaves at once, unless interrupted. It waits when this returns. */
    private static Thread startInterruptible(FairBulkhead bulkhead, String caller) {
        int before = bulkhead.waiting();
        var waiter = Thread.startVirtualThread(() -> {
            try {
                bulkhead.enter(caller);
            } catch (CancellationException e) {
                return;
            }
            bulkhead.leave();
        });
        awaitWaiting(bulkhead, before + 1);
        return waiter;
    }

    private static void awaitWaiting(FairBulkhead bulkhead, int count) {
        await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1)).until(() -> bulkhead.waiting() == count);
    }

    private static boolean enterWithin(Duration limit, FairBulkhead bulkhead) {
        return Deadline.after(limit).call(() -> {
            bulkhead.enter("within");
            return true;
        });
    }

    private static void join(Thread thread) {
        try {
            assertTrue(thread.join(LONG), "it has not ended");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void assertCounts(FairBulkhead bulkhead, int inside, int waiting, long refused) {
        assertEquals(
                List.of((long) inside, (long) waiting, refused),
                Arrays.asList((long) bulkhead.inside(), (long) bulkhead.waiting(), bulkhead.refused()),
                "inside, waiting, refused");
    }

    private static Duration since(long startedNanos) {
        return Duration.ofNanos(System.nanoTime() - startedNanos);
    }
}
