package dev.heddle.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IntakeTest {

    private static final int WORKERS = 2;
    private static final int EACH_MAX = 16;

    private final Intake intake = new Intake(WORKERS, EACH_MAX);
    private final CountDownLatch stuck = new CountDownLatch(1);

    @AfterEach
    void letGo() {
        stuck.countDown();
    }

    private void hold(int jobs) {
        IntStream.range(0, jobs).forEach(i -> intake.begin());
    }

    private void doQuickOnes(int jobs) {
        IntStream.range(0, jobs).forEach(i -> assertTrue(intake.take(() -> {})));
    }

    /** All workers are busy when it returns, until the test ends. */
    private void occupy() throws InterruptedException {
        var busy = new CountDownLatch(WORKERS);
        for (int i = 0; i < WORKERS; i++) {
            Thread.ofVirtual()
                    .start(() -> intake.take(() -> {
                        busy.countDown();
                        while (stuck.getCount() > 0) {
                            LockSupport.parkNanos(1_000_000);
                        }
                    }));
        }
        busy.await();
    }

    @Test
    void atFirstNoMoreAreInHandThanAreDoneAtOnce() {
        assertEquals(WORKERS, intake.room());
        hold(WORKERS - 1);
        assertEquals(1, intake.room());
        hold(1);
        assertEquals(0, intake.room());
    }

    @Test
    void ofThoseThatTakeLittleManyAreForEachWorker() {
        doQuickOnes(100);
        assertEquals(WORKERS * EACH_MAX, intake.room());
        assertEquals(WORKERS * EACH_MAX, intake.most());
    }

    @Test
    void thoseThatTakeLittleAreNotPickedOneByOne() {
        doQuickOnes(100);
        hold(WORKERS * EACH_MAX / 2 + 1);
        assertEquals(0, intake.room());
        assertTrue(intake.end(), "half of them are done");
        assertEquals(WORKERS * EACH_MAX / 2, intake.room());
    }

    @Test
    void oneWhoseTurnDoesNotComeIsNotRunAndTheNextArePickedOneByOne() throws InterruptedException {
        doQuickOnes(100);
        occupy();
        assertFalse(intake.take(() -> {
            throw new AssertionError("it was run");
        }));
        assertEquals(WORKERS, intake.room());
    }

    @Test
    void oneThatTakesLongIsRememberedAndForgottenAfterSomeQuickOnes() {
        doQuickOnes(100);
        intake.take(() -> {
            long end = System.nanoTime() + 400_000_000;
            while (System.nanoTime() < end) {
                LockSupport.parkNanos(end - System.nanoTime());
            }
        });
        assertEquals(WORKERS, intake.room());
        doQuickOnes(100);
        assertEquals(WORKERS * EACH_MAX, intake.room());
    }

    @Test
    void whenAllThatWereAskedForCameThereMayBeMore() {
        intake.picked(2, 2);
        hold(2);
        assertTrue(intake.end());
        intake.picked(1, 0);
        assertFalse(intake.end(), "there are none");
    }

    @Test
    void whoCameWhenThereWasNoRoomIsPickedWhenThereIs() {
        intake.picked(3, 2);
        hold(2);
        assertEquals(0, intake.room());
        assertTrue(intake.end());
    }

    @Test
    void oneThatFailsGivesItsPlaceBack() {
        for (int i = 0; i < WORKERS + 1; i++) {
            assertThrows(
                    ArithmeticException.class,
                    () -> intake.take(() -> {
                        throw new ArithmeticException();
                    }));
        }
    }

    @Test
    void anInterruptionEndsTheWaitAndIsKept() throws InterruptedException {
        occupy();
        Thread.currentThread().interrupt();
        assertThrows(IllegalStateException.class, () -> intake.take(() -> {}));
        assertTrue(Thread.interrupted());
    }
}
