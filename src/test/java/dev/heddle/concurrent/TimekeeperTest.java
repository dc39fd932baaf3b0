package dev.heddle.concurrent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.Timekeeper.Timed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Waits without timers. */
class TimekeeperTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    private static boolean isAsleep() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(it -> it.getName().equals("heddle-timekeeper") && it.getState() == Thread.State.WAITING);
    }

    private static Duration since(long started) {
        return Duration.ofNanos(System.nanoTime() - started);
    }

    @Test
    void whatIsSoIsNotWaitedFor() throws InterruptedException {
        assertTrue(Timekeeper.await(() -> true, 0));
    }

    @Test
    void aWaitEndsWhenItsTimeIsUpAndNotBefore() throws InterruptedException {
        long started = System.nanoTime();
        assertFalse(Timekeeper.await(() -> false, Duration.ofMillis(100).toNanos()));
        assertTrue(since(started).toMillis() >= 100);
        assertTrue(since(started).compareTo(LONG) < 0);
        assertFalse(Timekeeper.await(() -> false, 0));
        assertFalse(Timekeeper.await(() -> false, -1));
    }

    @Test
    void aWaitEndsWhenWhoeverMakesItSoUnparks() throws InterruptedException {
        var isSo = new AtomicBoolean();
        var waiter = Thread.currentThread();
        var other = Thread.startVirtualThread(() -> {
            isSo.set(true);
            LockSupport.unpark(waiter);
        });
        assertTrue(Timekeeper.await(isSo::get, LONG.toNanos()));
        other.join();
    }

    @Test
    void anInterruptionEndsAWaitAndClearsTheFlag() {
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> Timekeeper.await(() -> false, LONG.toNanos()));
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void itSleepsWhileNobodyWaitsAndWakesForTheNext() throws InterruptedException {
        await().atMost(LONG).until(TimekeeperTest::isAsleep);
        assertFalse(Timekeeper.await(() -> false, Duration.ofMillis(50).toNanos()));
        await().atMost(LONG).until(TimekeeperTest::isAsleep);
    }

    @Test
    void oneThatFailsKeepsNoOtherFromBeingLookedAt() {
        Timed broken = _ -> {
            throw new IllegalStateException("broken, as the test wants it");
        };
        var looks = new AtomicInteger();
        Timed sound = _ -> looks.incrementAndGet();
        Timekeeper.watch(broken);
        Timekeeper.watch(sound);
        try {
            await().atMost(LONG).until(() -> looks.get() > 3);
        } finally {
            Timekeeper.forget(broken);
            Timekeeper.forget(sound);
        }
    }

    @Test
    void aThousandWaitAtOnceEachForItsOwnTime() {
        var waits = new ArrayList<CompletableFuture<Boolean>>();
        for (int i = 0; i < 1000; i++) {
            long nanos = Duration.ofMillis(20L * (i % 10)).toNanos();
            waits.add(CompletableFuture.supplyAsync(
                    () -> {
                        long started = System.nanoTime();
                        try {
                            return !Timekeeper.await(() -> false, nanos) && System.nanoTime() - started >= nanos;
                        } catch (InterruptedException e) {
                            return false;
                        }
                    },
                    Thread::startVirtualThread));
        }
        assertEquals(1000, waits.stream().filter(CompletableFuture::join).count());
    }
}
