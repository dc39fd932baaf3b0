package dev.heddle.concurrent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.FanOut.Ending;
import dev.heddle.concurrent.FanOut.Part;
import dev.heddle.concurrent.FanOut.Result;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parts of many callers: who has the next turn, and that nothing of what is given up is left. */
class SharedFanOutTest {

    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(100);

    private final SharedFanOut fanOut = new SharedFanOut("test", 1, 1000);
    private final Queue<String> order = new ConcurrentLinkedQueue<>();
    private final CountDownLatch gate = new CountDownLatch(1);

    @AfterEach
    void nothingIsLeft() {
        gate.countDown();
        assertIdle(fanOut);
    }

    private static void assertIdle(SharedFanOut its) {
        await().atMost(LONG).until(() -> its.workers() == 0);
        assertEquals(0, its.waiting());
        assertEquals(0, its.callers());
    }

    private Part<String> noted(String name) {
        return new Part<>(name, LONG, () -> {
            order.add(name);
            return name;
        });
    }

    private Part<String> waiting(String name, Duration limit) {
        return new Part<>(name, limit, () -> {
            order.add(name);
            gate.await();
            return name;
        });
    }

    private static <T> CompletableFuture<List<Result<T>>> start(SharedFanOut its, String caller, List<Part<T>> parts) {
        return CompletableFuture.supplyAsync(() -> its.run(caller, parts), Thread::startVirtualThread);
    }

    /** Starts it; its parts wait when this returns. */
    private CompletableFuture<List<Result<String>>> startWaiting(String caller, String... parts) {
        int expected = fanOut.waiting() + parts.length;
        var run = start(fanOut, caller, Stream.of(parts).map(this::noted).toList());
        await().atMost(LONG).until(() -> fanOut.waiting() == expected);
        return run;
    }

    /** Lets the only thread be busy until the gate opens. */
    private CompletableFuture<List<Result<String>>> startGate() {
        var run = start(fanOut, "gate", List.of(waiting("gate", LONG)));
        await().atMost(LONG).until(() -> order.contains("gate"));
        return run;
    }

    private static List<Ending> endings(List<Result<String>> results) {
        return results.stream().map(Result::ending).toList();
    }

    // ---- Width and queue ----

    @ParameterizedTest
    @CsvSource({"0, 1", "-1, 1", "1, -1"})
    void refusesToBeWithoutThreadsOrWithLessThanNoQueue(int width, int queue) {
        assertThrows(IllegalArgumentException.class, () -> new SharedFanOut("test", width, queue));
    }

    @Test
    void noPartsAreNoResults() {
        assertEquals(List.of(), fanOut.run("a", List.<Part<String>>of()));
    }

    @Test
    void asManyRunAtOnceOverAllCallersAsItIsWide() {
        var wide = new SharedFanOut("wide", 3, 100);
        var together = new CyclicBarrier(3);
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var runs = Stream.of("a", "b", "c")
                .map(caller -> start(
                        wide,
                        caller,
                        IntStream.range(0, 5)
                                .mapToObj(i -> new Part<>("part " + i, LONG, () -> {
                                    most.accumulateAndGet(running.incrementAndGet(), Math::max);
                                    together.await(20, TimeUnit.SECONDS);
                                    running.decrementAndGet();
                                    return i;
                                }))
                                .toList()))
                .toList();
        for (var run : runs) {
            var results = run.join();
            assertEquals(
                    List.of(0, 1, 2, 3, 4), results.stream().map(Result::value).toList());
            assertEquals("part 4", results.getLast().name());
        }
        assertEquals(3, most.get());
        assertIdle(wide);
    }

    @Test
    void whatHasNoRoomHasFailedAtOnceAndNobodyElsesHas() {
        var small = new SharedFanOut("small", 1, 2);
        var mine = start(small, "a", List.of(waiting("1", LONG), noted("2"), noted("3"), noted("4"), noted("5")));
        await().atMost(LONG).until(() -> small.waiting() == 2);
        assertEquals(2, small.refused());
        var more = small.run("a", List.of(noted("6")));
        assertInstanceOf(BulkheadFullException.class, more.getFirst().cause());
        var other = start(small, "b", List.of(noted("b1"), noted("b2")));
        await().atMost(LONG).until(() -> small.waiting() == 4);
        gate.countDown();
        assertEquals(
                List.of(Ending.DONE, Ending.DONE, Ending.DONE, Ending.FAILED, Ending.FAILED), endings(mine.join()));
        assertInstanceOf(BulkheadFullException.class, mine.join().getLast().cause());
        assertEquals(List.of(Ending.DONE, Ending.DONE), endings(other.join()));
        assertEquals(3, small.refused());
        assertIdle(small);
    }

    // ---- Turns ----

    @Test
    void callersTakeTurnsAndSoDoTheRequestsOfEach() {
        var gatekeeper = startGate();
        var runs = List.of(
                startWaiting("a", "a1", "a2", "a3"),
                startWaiting("b", "b1", "b2"),
                startWaiting("a", "A1", "A2"),
                startWaiting("c", "c1"));
        gate.countDown();
        runs.forEach(CompletableFuture::join);
        gatekeeper.join();
        assertEquals(List.of("gate", "a1", "b1", "c1", "A1", "b2", "a2", "A2", "a3"), List.copyOf(order));
    }

    @Test
    void aThousandOfOneCallerDelayAnotherCallersOneByOneTurn() {
        var gatekeeper = startGate();
        var many = startWaiting(
                "a", IntStream.range(0, 1000).mapToObj(i -> "a" + i).toArray(String[]::new));
        var one = startWaiting("b", "b");
        gate.countDown();
        one.join();
        assertEquals(1000, many.join().size());
        gatekeeper.join();
        assertEquals("b", List.copyOf(order).get(2));
    }

    // ---- Deadlines ----

    @Test
    void whatHasNotBegunByTheDeadlineIsLateThoughSomebodyElsesPartGoesOn() {
        var gatekeeper = startGate();
        var results = Deadline.after(SHORT).call(() -> fanOut.run("a", List.of(noted("a1"), noted("a2"))));
        assertEquals(List.of(Ending.LATE, Ending.LATE), endings(results));
        assertFalse(gatekeeper.isDone());
        assertEquals(2, fanOut.refused());
        assertEquals(0, fanOut.waiting());
        gate.countDown();
        gatekeeper.join();
        assertEquals(List.of("gate"), List.copyOf(order));
    }

    @Test
    void whatIsRefusedIsNotLateToo() {
        var small = new SharedFanOut("small", 1, 1);
        var results =
                Deadline.after(SHORT).call(() -> small.run("a", List.of(waiting("1", LONG), noted("2"), noted("3"))));
        assertEquals(List.of(Ending.LATE, Ending.LATE, Ending.FAILED), endings(results));
        assertIdle(small);
    }

    @Test
    void theDeadlineOfTheRequestIsThatOfItsParts() {
        var left = Deadline.after(Duration.ofSeconds(3))
                .call(() -> fanOut.run(
                        "a",
                        List.of(new Part<>(
                                "asking", LONG, () -> Deadline.current().remaining()))));
        var value = left.getFirst().value();
        assertTrue(value != null && value.compareTo(Duration.ofSeconds(3)) <= 0, left::toString);
    }

    @Test
    void aLatePartIsInterruptedAndTheNextOneOnItsThreadIsNot() {
        var results = fanOut.run("a", List.of(waiting("stuck", SHORT), new Part<>("next", LONG, () -> {
            assertFalse(Thread.currentThread().isInterrupted());
            return "value";
        })));
        assertEquals(List.of(Ending.LATE, Ending.DONE), endings(results));
        assertNull(results.getFirst().cause());
    }

    @Test
    void aPartThatLeavesItsThreadInterruptedSpoilsNoOther() {
        var results = fanOut.run(
                "a",
                List.of(
                        new Part<>("rude", LONG, () -> {
                            Thread.currentThread().interrupt();
                            throw new IllegalStateException("its own");
                        }),
                        new Part<>("next", LONG, () -> {
                            assertFalse(Thread.currentThread().isInterrupted());
                            return "value";
                        })));
        assertEquals(List.of(Ending.FAILED, Ending.DONE), endings(results));
    }

    // ---- Interruptions ----

    @Test
    void interruptingTheOneWhoWaitsEndsItsPartsAndNobodyElses() throws InterruptedException {
        var hasEnded = new AtomicBoolean();
        var flag = new AtomicBoolean();
        var isRunning = new CountDownLatch(1);
        var owner = Thread.startVirtualThread(() -> {
            var stuck = new Part<>("stuck", LONG, () -> {
                isRunning.countDown();
                try {
                    return new CountDownLatch(1).await(LONG.toMillis(), TimeUnit.MILLISECONDS);
                } finally {
                    hasEnded.set(true);
                }
            });
            assertThrows(CancellationException.class, () -> fanOut.run("a", List.of(stuck, stuck, stuck)));
            flag.set(hasEnded.get() && Thread.currentThread().isInterrupted());
        });
        isRunning.await();
        var others = startWaiting("b", "b1", "b2");
        owner.interrupt();
        assertTrue(owner.join(LONG));
        assertTrue(flag.get(), "what ran has ended first, and the flag stays set");
        assertEquals(List.of(Ending.DONE, Ending.DONE), endings(others.join()));
    }

    @Test
    void whoGivesUpWhileItWaitsLosesNobodysTurn() throws InterruptedException {
        var gatekeeper = startGate();
        var first = startWaiting("a", "a1");
        int before = fanOut.waiting();
        var quitter = Thread.startVirtualThread(() ->
                assertThrows(CancellationException.class, () -> fanOut.run("a", List.of(noted("never")))));
        await().atMost(LONG).until(() -> fanOut.waiting() == before + 1);
        var last = startWaiting("a", "a2");
        var other = startWaiting("b", "b1");
        quitter.interrupt();
        assertTrue(quitter.join(LONG));
        gate.countDown();
        Stream.of(gatekeeper, first, last, other).forEach(CompletableFuture::join);
        assertEquals(List.of("gate", "a1", "b1", "a2"), List.copyOf(order));
    }

    @Test
    void isWholeAfterAStormOfTimeOutsAndInterruptions() throws InterruptedException {
        var shared = new SharedFanOut("storm", 3, 8);
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var endings = new ConcurrentLinkedQueue<Ending>();
        var interrupted = new AtomicInteger();
        var wrong = new ConcurrentLinkedQueue<String>();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 40; i++) {
            var caller = "caller " + i % 5;
            var random = new Random(i);
            threads.add(Thread.startVirtualThread(() -> {
                for (int round = 0; round < 200; round++) {
                    var own = new AtomicInteger();
                    var parts = IntStream.range(0, 1 + random.nextInt(5))
                            .mapToObj(index -> new Part<>(String.valueOf(index), LONG, () -> {
                                own.incrementAndGet();
                                most.accumulateAndGet(running.incrementAndGet(), Math::max);
                                LockSupport.parkNanos(20_000);
                                running.decrementAndGet();
                                own.decrementAndGet();
                                return index;
                            }))
                            .toList();
                    try {
                        var results = Deadline.after(Duration.ofNanos(random.nextInt(2_000_000)))
                                .call(() -> shared.run(caller, parts));
                        for (int index = 0; index < parts.size(); index++) {
                            var result = results.get(index);
                            endings.add(result.ending());
                            if (result.ending() == Ending.DONE
                                    && !Integer.valueOf(index).equals(result.value())) {
                                wrong.add(result.toString());
                            }
                        }
                    } catch (CancellationException e) {
                        interrupted.incrementAndGet();
                        // The flag was kept; without this no round after it would come to anything.
                        if (!Thread.interrupted()) {
                            wrong.add("the flag was lost");
                        }
                    }
                    if (own.get() != 0) {
                        wrong.add("a part outlives its run");
                    }
                }
            }));
        }
        var isOver = new AtomicBoolean();
        var interrupter = Thread.startVirtualThread(() -> {
            var random = new Random(99);
            while (!isOver.get()) {
                threads.get(random.nextInt(threads.size())).interrupt();
                LockSupport.parkNanos(50_000);
            }
        });
        for (var thread : threads) {
            assertTrue(thread.join(Duration.ofMinutes(1)), "it has not ended");
        }
        isOver.set(true);
        interrupter.join();

        assertEquals(List.of(), List.copyOf(wrong));
        for (var ending : Ending.values()) {
            assertTrue(endings.contains(ending), ending + " is missing");
        }
        assertTrue(interrupted.get() > 0);
        assertTrue(most.get() <= 3, () -> most + " at once");
        long failed = endings.stream().filter(Ending.FAILED::equals).count();
        assertTrue(failed <= shared.refused(), "those of runs that were given up are among the refused");
        assertIdle(shared);
        assertEquals(
                Ending.DONE,
                shared.run("after", List.of(noted("after"))).getFirst().ending());
    }
}
