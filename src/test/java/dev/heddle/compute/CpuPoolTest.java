package dev.heddle.compute;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.BulkheadFullException;
import dev.heddle.concurrent.Deadline;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CpuPoolTest {

    /** Longer than any test: whoever waits that long has not been let in. */
    private static final Duration LONG = Duration.ofMinutes(1);

    private static final Duration SHORT = Duration.ofMillis(500);

    private final CpuPool pool = new CpuPool(1, 1, LONG);

    @AfterEach
    void close() {
        pool.close();
    }

    /** Work that computes until it is told to stop, deaf to its interruption. */
    private static final class Stubborn {
        private final CountDownLatch begun = new CountDownLatch(1);
        private final AtomicBoolean stop = new AtomicBoolean();

        String run() {
            begun.countDown();
            while (!stop.get()) {
                Thread.onSpinWait();
            }
            return "done";
        }
    }

    /** Work that computes until it is interrupted. */
    private static String untilInterrupted(CountDownLatch begun) {
        begun.countDown();
        while (!Thread.currentThread().isInterrupted()) {
            Thread.onSpinWait();
        }
        throw new CancellationException("interrupted");
    }

    @Test
    void worksOnAPlatformThreadOfItsOwnAndHandsTheResultBack() throws InterruptedException {
        var thread = new AtomicReference<Thread>();
        Thread.ofVirtual()
                .start(() -> thread.set(pool.call(Thread::currentThread)))
                .join();
        assertFalse(thread.get().isVirtual());
        assertTrue(thread.get().getName().startsWith("heddle-compute-"));
        assertEquals(new CpuPool.Usage(0, 0, 0), idle());
    }

    /** A place is given back by the thread of the pool, a moment after the result. */
    private CpuPool.Usage idle() {
        await().pollDelay(Duration.ZERO).until(() -> pool.usage().busy() == 0);
        return pool.usage();
    }

    @Test
    void theDeadlineHoldsOnTheThreadOfThePoolToo() {
        var deadline = Deadline.after(LONG);
        assertSame(deadline, deadline.call(() -> pool.call(Deadline::current)));
    }

    @Test
    void whatTheWorkThrowsIsThrown() {
        var failure = assertThrows(
                IllegalArgumentException.class,
                () -> pool.call(() -> {
                    throw new IllegalArgumentException("no");
                }));
        assertEquals("no", failure.getMessage());
        var error = new AssertionError("broken");
        assertSame(
                error,
                assertThrows(
                        AssertionError.class,
                        () -> pool.call(() -> {
                            throw error;
                        })));
        assertEquals(0, idle().busy());
    }

    @Test
    void whoFindsThreadAndQueueFullIsRefusedAtOnce() throws InterruptedException {
        var work = new Stubborn();
        var first = Thread.ofVirtual().start(() -> pool.call(work::run));
        work.begun.await();
        var second = Thread.ofVirtual().start(() -> pool.call(() -> "next"));
        await().until(() -> pool.usage().waiting() == 1);
        assertThrows(BulkheadFullException.class, () -> pool.call(() -> "none"));
        assertEquals(new CpuPool.Usage(1, 1, 1), pool.usage());
        work.stop.set(true);
        first.join();
        second.join();
        assertEquals(new CpuPool.Usage(0, 0, 1), idle());
    }

    @Test
    void whenTheDeadlinePassesTheCallerGoesAndTheWorkIsInterrupted() throws InterruptedException {
        var begun = new CountDownLatch(1);
        // Its thread is there from then on, so that the work begins in time.
        assertEquals("first", pool.call(() -> "first"));
        assertThrows(
                CancellationException.class,
                () -> Deadline.after(SHORT).call(() -> pool.call(() -> untilInterrupted(begun))));
        begun.await();
        assertEquals(0, idle().busy());
    }

    @Test
    void thePlaceOfWorkThatDoesNotStopIsNotGivenAway() {
        var work = new Stubborn();
        assertEquals("first", pool.call(() -> "first"));
        assertThrows(CancellationException.class, () -> Deadline.after(SHORT).call(() -> pool.call(work::run)));
        assertEquals(1, pool.usage().busy());
        assertThrows(BulkheadFullException.class, () -> Deadline.after(SHORT).call(() -> pool.call(() -> "next")));
        work.stop.set(true);
        assertEquals(0, idle().busy());
        assertEquals("next", pool.call(() -> "next"));
    }

    @Test
    void anInterruptedCallerGoesWithItsFlagAndTakesItsWorkAlong() throws InterruptedException {
        var begun = new CountDownLatch(1);
        var flag = new CompletableFuture<Boolean>();
        var caller = Thread.ofVirtual().start(() -> {
            try {
                pool.call(() -> untilInterrupted(begun));
            } catch (CancellationException e) {
                flag.complete(Thread.currentThread().isInterrupted());
            }
        });
        begun.await();
        caller.interrupt();
        assertTrue(flag.join());
        assertEquals(0, idle().busy());
        assertFalse(pool.call(() -> Thread.currentThread().isInterrupted()), "the next work is not interrupted");
    }

    @Test
    void closingInterruptsWhatRunsAndRefusesWhatComes() throws InterruptedException {
        var begun = new CountDownLatch(1);
        var ended = new CompletableFuture<Boolean>();
        var caller = Thread.ofVirtual().start(() -> {
            try {
                pool.call(() -> untilInterrupted(begun));
            } catch (CancellationException e) {
                ended.complete(true);
            }
        });
        begun.await();
        pool.close();
        caller.join();
        assertTrue(ended.join());
        assertThrows(CancellationException.class, () -> pool.call(() -> "late"));
        assertEquals(0, pool.usage().busy());
    }
}
