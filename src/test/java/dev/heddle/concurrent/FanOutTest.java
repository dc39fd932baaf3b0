package dev.heddle.concurrent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.FanOut.Ending;
import dev.heddle.concurrent.FanOut.Part;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Parts side by side: what is kept of them, and that nothing of them is left. */
class FanOutTest {

    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(100);
    private static final ScopedValue<String> CALLER = ScopedValue.newInstance();

    private final AtomicBoolean interrupted = new AtomicBoolean();

    private static <T> Part<T> part(String name, Callable<T> work) {
        return new Part<>(name, LONG, work);
    }

    private Part<String> stuck(String name, Duration limit) {
        return new Part<>(name, limit, () -> {
            try {
                new CountDownLatch(1).await();
                return "never";
            } catch (InterruptedException e) {
                interrupted.set(true);
                throw e;
            }
        });
    }

    @Test
    void partsRunAtTheSameTimeAndKeepTheirOrder() {
        var together = new CyclicBarrier(3);
        var results = new FanOut(3)
                .run(IntStream.range(0, 3)
                        .mapToObj(i -> part("part " + i, () -> {
                            together.await(20, TimeUnit.SECONDS);
                            return i;
                        }))
                        .toList());
        assertEquals(
                List.of(0, 1, 2), results.stream().map(FanOut.Result::value).toList());
        assertEquals(
                List.of("part 0", "part 1", "part 2"),
                results.stream().map(FanOut.Result::name).toList());
    }

    @Test
    void noPartsAreNoResults() {
        assertEquals(List.of(), new FanOut(1).run(List.of()));
    }

    @Test
    void aLatePartIsInterruptedAndTheOthersAreKept() {
        var results = new FanOut(2).run(List.of(stuck("stuck", SHORT), part("quick", () -> "value")));
        assertEquals(Ending.LATE, results.get(0).ending());
        assertNull(results.get(0).value());
        assertNull(results.get(0).cause());
        assertTrue(interrupted.get());
        assertEquals(Ending.DONE, results.get(1).ending());
        assertEquals("value", results.get(1).value());
    }

    @Test
    void theDeadlineEndsPartsThatHaveLongerLimits() {
        var results = Deadline.after(Duration.ofSeconds(1))
                .call(() -> new FanOut(2).run(List.of(stuck("stuck", LONG), part("quick", () -> "value"))));
        assertEquals(Ending.LATE, results.get(0).ending());
        assertEquals("value", results.get(1).value());
    }

    @Test
    void afterTheDeadlineNothingBegins() {
        var began = new AtomicBoolean();
        var results = Deadline.after(Duration.ZERO)
                .call(() -> new FanOut(1).run(List.of(part("late", () -> {
                    began.set(true);
                    return "value";
                }))));
        assertEquals(Ending.LATE, results.getFirst().ending());
        assertFalse(began.get());
    }

    @Test
    void aPartThatFailsIsNoneOfTheOthersBusiness() {
        var results = new FanOut(2)
                .run(List.of(
                        part("failing", () -> {
                            throw new IllegalStateException("its own");
                        }),
                        part("quick", () -> "value")));
        assertEquals(Ending.FAILED, results.get(0).ending());
        assertEquals(
                "its own",
                assertInstanceOf(IllegalStateException.class, results.get(0).cause())
                        .getMessage());
        assertEquals("value", results.get(1).value());
    }

    @Test
    void anErrorIsAFailureOfItsPartToo() {
        var results = new FanOut(1).run(List.of(part("broken", () -> {
            throw new AssertionError("broken");
        })));
        assertInstanceOf(AssertionError.class, results.getFirst().cause());
    }

    @Test
    void whatFailsAtItsDeadlineIsLate() {
        var results = new FanOut(1).run(List.of(new Part<>("waiting", SHORT, () -> {
            while (!Deadline.current().isExpired()) {
                Thread.onSpinWait();
            }
            throw new IllegalStateException("a statement was cancelled");
        })));
        assertEquals(Ending.LATE, results.getFirst().ending());
    }

    @Test
    void noMoreRunAtOnceThanTheWidth() {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        var results = new FanOut(3)
                .run(IntStream.range(0, 20)
                        .mapToObj(i -> part("part " + i, () -> {
                            most.accumulateAndGet(running.incrementAndGet(), Math::max);
                            Thread.onSpinWait();
                            running.decrementAndGet();
                            return i;
                        }))
                        .toList());
        assertEquals(20, results.stream().filter(r -> r.ending() == Ending.DONE).count());
        assertTrue(most.get() <= 3, "at once: " + most);
    }

    @Test
    void whoNeverGotItsTurnIsLate() {
        var results = Deadline.after(SHORT)
                .call(() -> new FanOut(1).run(List.of(stuck("first", LONG), stuck("second", LONG))));
        assertEquals(
                List.of(Ending.LATE, Ending.LATE),
                results.stream().map(FanOut.Result::ending).toList());
    }

    @Test
    void theLimitOfAPartIsItsDeadline() {
        var left = new FanOut(1)
                .run(List.of(new Part<>(
                        "asking",
                        Duration.ofSeconds(3),
                        () -> Deadline.current().remaining())));
        assertTrue(Objects.requireNonNull(left.getFirst().value()).compareTo(Duration.ofSeconds(3)) <= 0);
        var shorter = Deadline.after(Duration.ofSeconds(1))
                .call(() -> new FanOut(1)
                        .run(List.of(part("asking", () -> Deadline.current().remaining()))));
        assertTrue(Objects.requireNonNull(shorter.getFirst().value()).compareTo(Duration.ofSeconds(1)) <= 0);
    }

    @Test
    void partsInheritWhatIsBoundAroundThem() {
        var results = ScopedValue.where(CALLER, "ann").call(() -> new FanOut(1).run(List.of(part("who", CALLER::get))));
        assertEquals("ann", results.getFirst().value());
    }

    @Test
    void interruptingTheOneWhoWaitsEndsTheParts() throws InterruptedException {
        var began = new CountDownLatch(1);
        var thrown = new AtomicReference<Throwable>();
        var flag = new AtomicBoolean();
        var waiting = Thread.ofVirtual().start(() -> {
            try {
                new FanOut(1).run(List.of(part("stuck", () -> {
                    began.countDown();
                    return stuck("inner", LONG).work().call();
                })));
            } catch (CancellationException e) {
                thrown.set(e);
                flag.set(Thread.currentThread().isInterrupted());
            }
        });
        assertTrue(began.await(20, TimeUnit.SECONDS));
        waiting.interrupt();
        waiting.join();
        assertInstanceOf(CancellationException.class, thrown.get());
        assertTrue(flag.get());
        assertTrue(interrupted.get(), "the part has ended before the waiting did");
    }

    @Test
    void thereIsAWidth() {
        assertThrows(IllegalArgumentException.class, () -> new FanOut(0));
    }

    @Test
    void afterAnInterruptionNothingMoreIsBegun() throws InterruptedException {
        var begun = new AtomicInteger();
        var started = new CountDownLatch(1);
        var owner = Thread.ofVirtual().start(() -> {
            var parts = IntStream.range(0, 10)
                    .mapToObj(i -> part("part " + i, () -> {
                        begun.incrementAndGet();
                        started.countDown();
                        new CountDownLatch(1).await();
                        return i;
                    }))
                    .toList();
            assertThrows(CancellationException.class, () -> new FanOut(1).run(parts));
        });
        assertTrue(started.await(20, TimeUnit.SECONDS));
        owner.interrupt();
        assertTrue(owner.join(LONG));
        assertEquals(1, begun.get());
    }

    @Test
    void whatEndsByItselfAtItsLimitIsNotInterrupted() {
        var results = new FanOut(1).run(List.of(new Part<>("own", SHORT, () -> {
            // As every wait in the house: until the deadline and no longer.
            while (!Deadline.current().isExpired()) {
                LockSupport.parkNanos(Deadline.current().remainingNanos());
            }
            interrupted.set(Thread.currentThread().isInterrupted());
            throw new IllegalStateException("no more time");
        })));
        assertEquals(Ending.LATE, results.getFirst().ending());
        assertFalse(interrupted.get());
    }

    @Test
    void aShortPartThatBeginsBehindALongOneIsStillInterruptedInTime() {
        var results = new FanOut(2)
                .run(List.of(
                        part("first", () -> "value"), stuck("long", Duration.ofSeconds(3)), stuck("short", SHORT)));
        assertEquals(Ending.LATE, results.get(2).ending());
        assertTrue(results.get(2).took().compareTo(Duration.ofSeconds(2)) < 0, results.toString());
    }
}
