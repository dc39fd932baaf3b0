package dev.heddle.concurrent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class SharedPlacesTest {

    private final SharedPlaces places = new SharedPlaces("test", 3, 2);

    @Test
    void oneCallerHasItsShareAndNoMore() {
        places.enter("ada");
        places.enter("ada");
        assertThrows(BulkheadFullException.class, () -> places.enter("ada"));
        places.enter("bob");
        assertEquals(3, places.taken());
    }

    @Test
    void whenAllAreTakenNobodyGetsOne() {
        places.enter("ada");
        places.enter("bob");
        places.enter("eve");
        assertThrows(BulkheadFullException.class, () -> places.enter("dan"));
    }

    @Test
    void aPlaceThatWasLeftIsThereAgain() {
        for (int i = 0; i < 10; i++) {
            try (var _ = places.enter("ada");
                    var _ = places.enter("ada")) {
                assertEquals(2, places.taken());
            }
        }
        assertEquals(0, places.taken());
    }

    @Test
    void whoLeavesTwiceHasLeftOnce() {
        var first = places.enter("ada");
        var second = places.enter("ada");
        first.close();
        first.close();
        assertEquals(1, places.taken());
        places.enter("ada");
        assertThrows(BulkheadFullException.class, () -> places.enter("ada"));
        second.close();
        assertEquals(1, places.taken());
    }
}
