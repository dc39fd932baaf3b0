package dev.heddle.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.admission.RateLimit.Rule;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RateLimitTest {

    private long now = 1;

    private void pass(Duration time) {
        now += time.toNanos();
    }

    /** Five at once, two a second. */
    private final RateLimit limit = new RateLimit(new Rule("token", 2, Duration.ofSeconds(1), 5), () -> now);

    private int takeAll(Object caller) {
        int taken = 0;
        while (true) {
            try {
                limit.take(caller);
                taken++;
            } catch (RateLimitedException e) {
                return taken;
            }
        }
    }

    @Test
    void aBurstIsLetThroughAndThenAsManyAsComeInTheTime() {
        assertEquals(5, takeAll("ada"));
        pass(Duration.ofSeconds(1));
        assertEquals(2, takeAll("ada"));
        pass(Duration.ofMillis(499));
        assertEquals(0, takeAll("ada"));
        pass(Duration.ofMillis(1));
        assertEquals(1, takeAll("ada"));
        pass(Duration.ofHours(1));
        assertEquals(5, takeAll("ada"), "never more than fit in");
    }

    @Test
    void everyoneHasABucketOfTheirOwn() {
        assertEquals(5, takeAll("ada"));
        assertEquals(5, takeAll("grace"));
    }

    @Test
    void itSaysWhatIsLeftAndWhenAllIsBack() {
        var state = limit.take("ada");
        assertNotNull(state);
        assertEquals("\"token\";q=5;w=3", state.policy());
        assertEquals("\"token\";r=4;t=1", state.left());
        limit.take("ada");
        limit.take("ada");
        limit.take("ada");
        var last = limit.take("ada");
        assertNotNull(last);
        assertEquals("\"token\";r=0;t=3", last.left());
    }

    @Test
    void itSaysWhenToTryAgain() {
        takeAll("ada");
        pass(Duration.ofMillis(100));
        var refused = assertThrows(RateLimitedException.class, () -> limit.take("ada"));
        assertEquals(Duration.ofMillis(400), refused.untilNext());
        assertEquals("\"token\";r=0;t=3", refused.state().left());
        pass(refused.untilNext());
        assertEquals(1, takeAll("ada"));
    }

    @Test
    void asksThatAreRefusedTakeNothing() {
        takeAll("ada");
        for (int i = 0; i < 1000; i++) {
            assertThrows(RateLimitedException.class, () -> limit.take("ada"));
        }
        pass(Duration.ofMillis(500));
        assertEquals(1, takeAll("ada"));
        assertTrue(limit.refused() >= 1000);
    }

    @Test
    void whoeverIsPutAsideWhileOthersAskIsNotRefusedForAnOldTime() {
        var others = new ArrayDeque<Runnable>();
        var shared = new RateLimit(new Rule("address", 2, Duration.ofSeconds(1), 5), () -> {
            long looked = now;
            var meanwhile = others.poll();
            if (meanwhile != null) {
                meanwhile.run();
            }
            return looked;
        });
        shared.take("ada");
        others.add(() -> {
            pass(Duration.ofSeconds(10));
            shared.take("ada");
        });
        assertNotNull(shared.take("ada"));
        assertEquals(0, shared.refused());
    }

    @Test
    void withoutALimitAnythingIsLetThrough() {
        var none = RateLimit.none();
        for (int i = 0; i < 100_000; i++) {
            assertNull(none.take("ada"));
        }
    }

    @Test
    void oneBucketIsNotUsedTwiceByManyAtOnce() {
        var large = new RateLimit(new Rule("token", 1, Duration.ofHours(1), 1000), () -> now);
        var taken = new AtomicInteger();
        var all = new ArrayList<CompletableFuture<Void>>();
        for (int i = 0; i < 20; i++) {
            all.add(CompletableFuture.runAsync(
                    () -> {
                        for (int round = 0; round < 100; round++) {
                            try {
                                large.take("ada");
                                taken.incrementAndGet();
                            } catch (RateLimitedException e) {
                                // Somebody else was first.
                            }
                        }
                    },
                    Thread::startVirtualThread));
        }
        all.forEach(CompletableFuture::join);
        assertEquals(1000, taken.get());
        assertEquals(1000, large.refused());
    }
}
