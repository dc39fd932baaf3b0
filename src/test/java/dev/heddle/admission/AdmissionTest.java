package dev.heddle.admission;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.BulkheadFullException;
import dev.heddle.concurrent.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AdmissionTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    private static Admission of(int least, int most, int queue, Duration wait) {
        return new Admission(new Admission.Options(least, most, LONG, queue, wait));
    }

    @Test
    void letsInAsManyAsItMayAndCountsThem() {
        var admission = of(1, 2, 0, LONG);
        var first = admission.enter();
        try (var _ = admission.enter()) {
            assertEquals(2, admission.inside());
            assertThrows(BulkheadFullException.class, admission::enter);
            first.close();
            first.close();
            assertEquals(1, admission.inside(), "closed twice is closed once");
            admission.enter().close();
        }
        assertEquals(0, admission.inside());
        assertEquals(2, admission.places());
        assertEquals(1, admission.refused());
    }

    @Test
    void whoIsOverTheQueueIsRefusedAtOnce() {
        var admission = of(1, 1, 1, LONG);
        try (var _ = admission.enter()) {
            var waiting = waiting(admission, 1);
            assertThrows(BulkheadFullException.class, admission::enter);
            assertEquals(1, admission.waiting());
            waiting.cancel(true);
        }
    }

    @Test
    void whoWaitsTooLongIsRefused() {
        var admission = of(1, 1, 10, Duration.ofMillis(30));
        try (var _ = admission.enter()) {
            assertThrows(BulkheadFullException.class, admission::enter);
            assertEquals(0, admission.waiting());
        }
        admission.enter().close();
    }

    @Test
    void nobodyWaitsPastItsDeadline() {
        var admission = of(1, 1, 10, LONG);
        try (var _ = admission.enter()) {
            assertThrows(
                    BulkheadFullException.class,
                    () -> Deadline.after(Duration.ofMillis(30)).call(admission::enter));
        }
    }

    @Test
    void whoIsInterruptedStopsWaiting() throws InterruptedException {
        var admission = of(1, 1, 10, LONG);
        var outcome = new AtomicReference<String>("nothing");
        try (var _ = admission.enter()) {
            var thread = Thread.startVirtualThread(() -> {
                try {
                    admission.enter();
                } catch (CancellationException e) {
                    outcome.set("interrupted: " + Thread.currentThread().isInterrupted());
                }
            });
            await().until(() -> admission.waiting() == 1);
            thread.interrupt();
            thread.join();
        }
        assertEquals("interrupted: true", outcome.get());
        assertEquals(0, admission.waiting());
        admission.enter().close();
    }

    @Test
    void thoseWhoWaitComeInInTheirOrder() {
        var admission = of(1, 1, 100, LONG);
        var order = Collections.synchronizedList(new ArrayList<Integer>());
        var all = new ArrayList<CompletableFuture<Void>>();
        try (var _ = admission.enter()) {
            for (int i = 0; i < 20; i++) {
                int number = i;
                all.add(CompletableFuture.runAsync(
                        () -> {
                            try (var _ = admission.enter()) {
                                order.add(number);
                            }
                        },
                        Thread::startVirtualThread));
                int so = i + 1;
                await().until(() -> admission.waiting() == so);
            }
        }
        all.forEach(CompletableFuture::join);
        assertEquals(20, order.size());
        assertEquals(order.stream().sorted().toList(), order);
    }

    @Test
    void noPlaceIsLostAmongManyWhoComeAndGo() {
        var admission = of(1, 3, 10_000, LONG);
        var most = new AtomicInteger();
        var inside = new AtomicInteger();
        var all = new ArrayList<CompletableFuture<Void>>();
        for (int i = 0; i < 200; i++) {
            all.add(CompletableFuture.runAsync(
                    () -> {
                        for (int round = 0; round < 50; round++) {
                            try (var _ = admission.enter()) {
                                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                                inside.decrementAndGet();
                            }
                        }
                    },
                    Thread::startVirtualThread));
        }
        all.forEach(CompletableFuture::join);
        assertTrue(most.get() <= 3, most::toString);
        assertEquals(0, admission.inside());
        assertEquals(0, admission.waiting());
        assertEquals(3, admission.places());
        assertEquals(0, admission.refused());
    }

    @Test
    void whatIsSlowMakesItSmallerAndWhatIsQuickLargerAgain() {
        var admission = new Admission(new Admission.Options(2, 40, Duration.ofMillis(5), 0, Duration.ofMillis(1)));
        assertEquals(40, admission.places());
        for (int i = 0; i < 60; i++) {
            try (var _ = admission.enter()) {
                slowly();
            }
        }
        assertEquals(2, admission.places(), "and never smaller than that");
        for (int i = 0; i < 1000 && admission.places() < 40; i++) {
            var places = new ArrayList<Admission.Place>();
            int now = admission.places();
            for (int each = 0; each < now; each++) {
                places.add(admission.enter());
            }
            places.forEach(Admission.Place::close);
        }
        assertEquals(40, admission.places());
    }

    private static void slowly() {
        long until = System.nanoTime() + Duration.ofMillis(6).toNanos();
        for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static CompletableFuture<Void> waiting(Admission admission, int count) {
        var future = CompletableFuture.runAsync(
                () -> {
                    try {
                        admission.enter().close();
                    } catch (RuntimeException e) {
                        throw new CompletionException(e);
                    }
                },
                Thread::startVirtualThread);
        await().until(() -> admission.waiting() == count);
        return future;
    }

    @Test
    void itsBoundsMayMeet() {
        assertEquals(5, of(5, 5, 0, LONG).places());
    }
}
