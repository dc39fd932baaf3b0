package dev.heddle.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.Race;
import dev.heddle.upstream.Breaker.Outcome;
import dev.heddle.upstream.Breaker.State;
import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BreakerTest {

    private static final Duration PAUSE = Duration.ofSeconds(10);

    /** Such as a nano time may be: it overflows while the tests run. */
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - PAUSE.toNanos() / 2);

    private final Breaker breaker = new Breaker(PAUSE, nanos::get);

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private boolean call(Outcome outcome) {
        long admitted = breaker.admit(true);
        assertNotEquals(Breaker.REFUSED, admitted);
        return breaker.ended(admitted, outcome);
    }

    /** {@code F} for a failure, {@code S} for a success, {@code U} for neither. */
    private void calls(String outcomes) {
        outcomes.chars().forEach(c -> call(c == 'F' ? Outcome.FAILURE : c == 'S' ? Outcome.SUCCESS : Outcome.UNKNOWN));
    }

    private void open() {
        calls("FFFFFFFFFF");
        assertEquals(State.OPEN, breaker.state());
    }

    @ParameterizedTest
    @CsvSource({
        "'', CLOSED",
        "FFFFFFFFF, CLOSED",
        "FFFFFFFFFF, OPEN",
        "SFSFSFSFSF, OPEN",
        "SSSSSFFFFF, OPEN",
        "FFFFFSSSSS, CLOSED",
        "SSSSSSFFFFF, CLOSED",
        "FFFFFFFFFUUUUUUUUUUUUUUUUUUUU, CLOSED",
        "FFFFFFFFFUUUUUF, OPEN",
        "UUUUUUUUUUUUUUUUUUUUUUUUU, CLOSED",
        "SSSSSSSSSSSSSSSSSSSSFFFFFFFFF, CLOSED",
        "SSSSSSSSSSSSSSSSSSSSFFFFFFFFFF, OPEN",
        "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSFFFFFFFFFF, OPEN",
        "SSSSSSSSSSSFFFFFFFFFSSSSSSSSSSSFFFFFFFFF, CLOSED",
        "SSSSSSSSSSSFFFFFFFFFF, OPEN"
    })
    void opensWhenHalfOfTheLastTwentyCallsHaveFailedButNotBelowTen(String outcomes, State state) {
        calls(outcomes);
        assertEquals(state, breaker.state());
    }

    @Test
    void saysWhichCallHasOpenedAndWhichHasClosedIt() {
        for (int i = 1; i < 10; i++) {
            assertFalse(call(Outcome.FAILURE));
        }
        assertTrue(call(Outcome.FAILURE));
        pass(PAUSE);
        assertTrue(call(Outcome.FAILURE));
        pass(PAUSE);
        assertFalse(call(Outcome.UNKNOWN));
        assertTrue(call(Outcome.SUCCESS));
        assertFalse(call(Outcome.SUCCESS));
    }

    @Test
    void letsNobodyThroughUntilThePauseIsOver() {
        assertEquals(Duration.ZERO, breaker.remaining());
        open();
        assertEquals(Breaker.REFUSED, breaker.admit(true));
        assertEquals(PAUSE, breaker.remaining());
        pass(PAUSE.minusNanos(1));
        assertEquals(Breaker.REFUSED, breaker.admit(true));
        assertEquals(Duration.ofNanos(1), breaker.remaining());
        assertEquals(State.OPEN, breaker.state());
        pass(Duration.ofNanos(1));
        assertEquals(State.HALF_OPEN, breaker.state());
        assertEquals(Duration.ZERO, breaker.remaining());
        assertNotEquals(Breaker.REFUSED, breaker.admit(true));
    }

    @Test
    void whatRemainsIsNeverNegativeThoughTimeGoesOnMeanwhile() {
        var step = new AtomicLong();
        var ticking = new Breaker(Duration.ofNanos(15), () -> nanos.getAndAdd(step.get()));
        for (int i = 0; i < 10; i++) {
            ticking.ended(ticking.admit(true), Outcome.FAILURE);
        }
        step.set(20);
        assertEquals(Duration.ZERO, ticking.remaining());
    }

    @Test
    void oneCallTriesAndTheOthersAreRefusedMeanwhile() {
        open();
        pass(PAUSE);
        long trying = breaker.admit(true);
        assertNotEquals(Breaker.REFUSED, trying);
        assertEquals(Breaker.REFUSED, breaker.admit(true));
        assertEquals(Breaker.REFUSED, breaker.admit(true));
        assertTrue(breaker.ended(trying, Outcome.SUCCESS));
        assertEquals(State.CLOSED, breaker.state());
        assertNotEquals(Breaker.REFUSED, breaker.admit(true));
        assertNotEquals(Breaker.REFUSED, breaker.admit(true));
    }

    @Test
    void aTryThatFailsOpensItForAnotherPause() {
        open();
        pass(PAUSE.plusSeconds(3));
        call(Outcome.FAILURE);
        assertEquals(State.OPEN, breaker.state());
        assertEquals(PAUSE, breaker.remaining());
    }

    @Test
    void aTryThatSaysNothingMakesPlaceForAnother() {
        open();
        pass(PAUSE);
        call(Outcome.UNKNOWN);
        assertEquals(State.HALF_OPEN, breaker.state());
        call(Outcome.UNKNOWN);
        call(Outcome.SUCCESS);
        assertEquals(State.CLOSED, breaker.state());
    }

    @Test
    void callsWithoutPatienceCannotKeepAPatientOneFromTrying() {
        open();
        pass(PAUSE);
        long brief = breaker.admit(false);
        assertNotEquals(Breaker.REFUSED, brief);
        assertEquals(Breaker.REFUSED, breaker.admit(false));
        long patient = breaker.admit(true);
        assertNotEquals(Breaker.REFUSED, patient);
        assertEquals(Breaker.REFUSED, breaker.admit(true));

        assertFalse(breaker.ended(brief, Outcome.UNKNOWN));
        assertEquals(Breaker.REFUSED, breaker.admit(true));
        assertNotEquals(Breaker.REFUSED, breaker.admit(false));
        assertTrue(breaker.ended(patient, Outcome.SUCCESS));
        assertEquals(State.CLOSED, breaker.state());
    }

    @Test
    void whatFailedBeforeItClosedCountsNoMore() {
        open();
        pass(PAUSE);
        call(Outcome.SUCCESS);
        calls("FFFFFFFFF");
        assertEquals(State.CLOSED, breaker.state());
        calls("F");
        assertEquals(State.OPEN, breaker.state());
    }

    @ParameterizedTest
    @CsvSource({"SUCCESS", "FAILURE", "UNKNOWN"})
    void aCallThatBeganBeforeItOpenedDecidesNothing(Outcome outcome) {
        long early = breaker.admit(true);
        open();
        assertFalse(breaker.ended(early, outcome));
        assertEquals(State.OPEN, breaker.state());

        pass(PAUSE);
        long trying = breaker.admit(true);
        assertFalse(breaker.ended(early, outcome));
        assertEquals(State.HALF_OPEN, breaker.state());
        assertEquals(Breaker.REFUSED, breaker.admit(true));

        assertTrue(breaker.ended(trying, Outcome.SUCCESS));
        assertFalse(breaker.ended(early, outcome));
        assertFalse(breaker.ended(Breaker.REFUSED, outcome));
        assertEquals(State.CLOSED, breaker.state());
    }

    @Test
    void ofManyAtOnceOneTries() throws InterruptedException {
        for (int round = 0; round < 100; round++) {
            open();
            pass(PAUSE);
            var admitted = Race.between(Collections.nCopies(8, (Callable<Long>) () -> breaker.admit(true))).stream()
                    .filter(each -> each != Breaker.REFUSED)
                    .toList();
            assertEquals(1, admitted.size());
            assertTrue(breaker.ended(admitted.getFirst(), Outcome.SUCCESS));
        }
    }
}
