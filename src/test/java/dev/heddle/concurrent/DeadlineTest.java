package dev.heddle.concurrent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.StructuredTaskScope;
import org.junit.jupiter.api.Test;

class DeadlineTest {

    private static final Duration HOUR = Duration.ofHours(1);

    @Test
    void whatIsLeftShrinksTowardsTheLimit() {
        var deadline = Deadline.after(HOUR);
        long first = deadline.remainingNanos();
        long second = deadline.remainingNanos();
        assertTrue(first <= HOUR.toNanos(), () -> first + " ns");
        assertTrue(second <= first, () -> second + " after " + first);
        assertTrue(deadline.remaining().compareTo(HOUR.minusMinutes(1)) > 0);
        assertFalse(deadline.isExpired());
    }

    @Test
    void noTimeOrLessHasPassedAlready() {
        for (var limit : new Duration[] {Duration.ZERO, Duration.ofNanos(-1), HOUR.negated()}) {
            var deadline = Deadline.after(limit);
            assertTrue(deadline.isExpired(), limit::toString);
            assertEquals(Duration.ZERO, deadline.remaining(), limit::toString);
            assertEquals(0, deadline.limitNanos(HOUR), limit::toString);
        }
    }

    @Test
    void aLimitOfAnyLengthIsALimit() {
        assertFalse(Deadline.after(Duration.ofSeconds(Long.MAX_VALUE)).isExpired());
        assertTrue(Deadline.after(Duration.ofSeconds(Long.MIN_VALUE)).isExpired());
        assertTrue(Deadline.after(HOUR).limitNanos(Duration.ofSeconds(Long.MAX_VALUE)) <= HOUR.toNanos());
    }

    @Test
    void aWaitTakesTheSmallerOfItsOwnLimitAndWhatIsLeft() {
        var deadline = Deadline.after(HOUR);
        assertEquals(Duration.ofSeconds(1).toNanos(), deadline.limitNanos(Duration.ofSeconds(1)));
        long limit = deadline.limitNanos(Duration.ofHours(2));
        assertTrue(limit <= HOUR.toNanos() && limit > HOUR.minusMinutes(1).toNanos(), () -> limit + " ns");
        assertEquals(0, deadline.limitNanos(Duration.ofSeconds(-1)));
    }

    @Test
    void aLimitOfOursThatIsSoonerIsNotTheCallersChoice() {
        var callers = Deadline.ofCaller(System.nanoTime(), HOUR);
        assertTrue(callers.isCallers());
        assertSame(callers, callers.within(HOUR.plusHours(1)));
        var ours = callers.within(Duration.ofMinutes(1));
        assertFalse(ours.isCallers());
        assertTrue(ours.remaining().compareTo(Duration.ofMinutes(1)) <= 0);
        assertFalse(Deadline.after(HOUR).isCallers());
    }

    @Test
    void withoutADeadlineThereIsAllTheTimeOneNeeds() {
        assertFalse(Deadline.current().isExpired());
        assertEquals(HOUR.toNanos(), Deadline.current().limitNanos(HOUR));
    }

    @Test
    void theWorkFindsItsDeadlineAndTheNextWorkDoesNot() {
        var deadline = Deadline.after(HOUR);
        var inner = Deadline.after(Duration.ZERO);
        deadline.call(() -> {
            assertSame(deadline, Deadline.current());
            inner.call(() -> assertSameAndReturn(inner));
            return assertSameAndReturn(deadline);
        });
        assertFalse(Deadline.current().isExpired());
        assertTrue(Deadline.current().remaining().compareTo(HOUR) > 0);
    }

    @Test
    void whatTheWorkForksInheritsItsDeadline() throws InterruptedException {
        var deadline = Deadline.after(HOUR);
        var seen = deadline.call(() -> {
            try (var scope = StructuredTaskScope.open()) {
                var fork = scope.fork(Deadline::current);
                scope.join();
                return fork.get();
            }
        });
        assertSame(deadline, seen);
    }

    @Test
    void theWorkThrowsWhatItThrows() {
        var failure = new IOException("told");
        assertSame(
                failure,
                assertThrows(
                        IOException.class,
                        () -> Deadline.after(HOUR).call(() -> {
                            throw failure;
                        })));
    }

    private static boolean assertSameAndReturn(Deadline expected) {
        assertSame(expected, Deadline.current());
        return true;
    }
}
