package dev.heddle.concurrent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.SingleFlight.Landed;
import dev.heddle.concurrent.SingleFlight.Outcome;
import dev.heddle.concurrent.SingleFlight.Sharing;
import dev.heddle.testing.Race;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SingleFlightTest {

    private static final Duration SHORT = Duration.ofMillis(50);

    private final SingleFlight<String, Integer> flights = new SingleFlight<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger worked = new AtomicInteger();
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicReference<Thread> leader = new AtomicReference<>();

    @AfterEach
    void end() {
        go.countDown();
        threads.close();
    }

    /** Work that ends when the test says so. */
    private Supplier<Outcome<Integer>> held(Supplier<Outcome<Integer>> end) {
        return () -> {
            leader.set(Thread.currentThread());
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw (CancellationException) new CancellationException().initCause(e);
            }
            return end.get();
        };
    }

    private Outcome<Integer> own() {
        return new Outcome<>(100 + worked.incrementAndGet(), Sharing.ALL);
    }

    private Future<Landed<Integer>> lead(Supplier<Outcome<Integer>> end) throws InterruptedException {
        var leading = threads.submit(() -> flights.get("a", held(end)));
        begun.await();
        return leading;
    }

    /** So many who wait for the one who leads. */
    private List<Future<Landed<Integer>>> follow(int count) {
        return follow(count, this::own);
    }

    private List<Future<Landed<Integer>>> follow(int count, Supplier<Outcome<Integer>> work) {
        var following = new ArrayList<Future<Landed<Integer>>>();
        for (int i = 0; i < count; i++) {
            following.add(threads.submit(() -> flights.get("a", work)));
        }
        awaitWaiting(count);
        return following;
    }

    private void awaitWaiting(int count) {
        await().until(() -> flights.waiting("a") == count);
    }

    /** What one of them does for all: before it has done it all others wait for it. */
    private Supplier<Outcome<Integer>> forAllOf(int count) {
        return () -> {
            awaitWaiting(count - 1);
            return own();
        };
    }

    private void assertOneDoesItForAll(List<Future<Landed<Integer>>> following)
            throws InterruptedException, ExecutionException {
        for (var each : following) {
            assertEquals(101, each.get().value());
        }
        assertEquals(1, worked.get());
    }

    private void assertNothingLeft() throws TimeoutException {
        int before = worked.get();
        assertEquals(new Landed<>(101 + before, false), flights.get("a", this::own));
    }

    @Test
    void oneDoesItAndAllGetIt() throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> new Outcome<>(1, Sharing.ALL));
        var following = follow(5);
        assertEquals(new Landed<>(101, false), flights.get("b", this::own));
        go.countDown();
        assertEquals(new Landed<>(1, false), leading.get());
        for (var each : following) {
            assertEquals(new Landed<>(1, true), each.get());
        }
        assertEquals(1, worked.get());
        assertNothingLeft();
    }

    @Test
    void whatIsTheFirstOnesAloneIsDoneAnewByEachOfTheOthers()
            throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> new Outcome<>(1, Sharing.NONE));
        var following = follow(5);
        go.countDown();
        assertEquals(new Landed<>(1, false), leading.get());
        for (var each : following) {
            assertFalse(each.get().isOthers());
            assertTrue(each.get().value() > 100);
        }
        assertEquals(5, worked.get());
        assertNothingLeft();
    }

    @Test
    void whatBreaksTheFirstBreaksNobodyElse() throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> {
            throw new IllegalStateException("broken");
        });
        var following = follow(3, forAllOf(3));
        go.countDown();
        var thrown = assertThrows(ExecutionException.class, leading::get);
        assertInstanceOf(IllegalStateException.class, thrown.getCause());
        assertOneDoesItForAll(following);
        assertNothingLeft();
    }

    @Test
    void anErrorOfTheFirstLeavesNobodyWaiting() throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> {
            throw new StackOverflowError();
        });
        var following = follow(1);
        go.countDown();
        assertThrows(ExecutionException.class, leading::get);
        assertFalse(following.getFirst().get().isOthers());
        assertNothingLeft();
    }

    @Test
    void theInterruptionOfTheFirstIsNobodyElses() throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> new Outcome<>(1, Sharing.ALL));
        var following = follow(3, forAllOf(3));
        leader.get().interrupt();
        assertInstanceOf(
                CancellationException.class,
                assertThrows(ExecutionException.class, leading::get).getCause());
        assertOneDoesItForAll(following);
        assertNothingLeft();
    }

    @Test
    void theEndOfTheFirstOnesTimeIsNobodyElses() throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> new Outcome<>(1, Sharing.GAVE_UP));
        var following = follow(20, forAllOf(20));
        go.countDown();
        assertEquals(new Landed<>(1, false), leading.get());
        assertOneDoesItForAll(following);
        assertNothingLeft();
    }

    @Test
    void whenTwoHaveGivenUpNobodyWaitsForAThird() throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> new Outcome<>(1, Sharing.GAVE_UP));
        var together = new CyclicBarrier(4);
        var following = follow(5, () -> {
            if (worked.incrementAndGet() == 1) {
                awaitWaiting(4);
                return new Outcome<>(2, Sharing.GAVE_UP);
            }
            try {
                // Each of the others does the work itself, beside the others.
                together.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new IllegalStateException(e);
            }
            return new Outcome<>(3, Sharing.ALL);
        });
        go.countDown();
        leading.get();
        for (var each : following) {
            assertFalse(each.get().isOthers());
        }
        assertNothingLeft();
    }

    @Test
    void whoWaitsLeavesAtTheirOwnDeadline() throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> new Outcome<>(1, Sharing.ALL));
        var patient = follow(1);
        assertThrows(TimeoutException.class, () -> Deadline.after(SHORT).call(() -> flights.get("a", this::own)));
        assertThrows(
                TimeoutException.class, () -> Deadline.after(Duration.ZERO).call(() -> flights.get("a", this::own)));
        go.countDown();
        assertEquals(new Landed<>(1, false), leading.get());
        assertEquals(new Landed<>(1, true), patient.getFirst().get());
        assertEquals(0, worked.get());
        assertNothingLeft();
    }

    @Test
    void whoIsInterruptedWhileWaitingLeavesWithTheFlagSet()
            throws InterruptedException, ExecutionException, TimeoutException {
        var leading = lead(() -> new Outcome<>(1, Sharing.ALL));
        var follower = threads.submit(() -> {
            Thread.currentThread().interrupt();
            assertThrows(CancellationException.class, () -> flights.get("a", this::own));
            return Thread.currentThread().isInterrupted();
        });
        assertTrue(follower.get());
        go.countDown();
        assertEquals(new Landed<>(1, false), leading.get());
        assertNothingLeft();
    }

    /** Nobody waits for ever, nobody gets what was over before they asked. */
    @Test
    void whateverComesFirstEveryoneGetsWhatWasDoneAfterTheyAsked()
            throws InterruptedException, ExecutionException, TimeoutException {
        var clock = new AtomicInteger();
        for (int round = 0; round < 2000; round++) {
            boolean isShared = round % 3 != 0;
            Callable<Boolean> asking = () -> {
                int asked = clock.get();
                var landed = flights.get(
                        "a", () -> new Outcome<>(clock.incrementAndGet(), isShared ? Sharing.ALL : Sharing.NONE));
                return landed.value() >= asked && (isShared || !landed.isOthers());
            };
            assertFalse(Race.between(Collections.nCopies(4, asking)).contains(false));
        }
        assertNothingLeft();
    }
}
