package dev.heddle.concurrent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class SharedBytesTest {

    private final SharedBytes room = new SharedBytes("test", 100);

    @Test
    void oneCallerHasHalfAndAllHaveNoMoreThanThereIs() {
        var ada = room.lease("ada");
        ada.take(30);
        ada.take(20);
        assertThrows(BulkheadFullException.class, () -> ada.take(1));
        assertThrows(BulkheadFullException.class, () -> room.lease("ada").take(1));
        room.lease("ben").take(45);
        assertThrows(BulkheadFullException.class, () -> room.lease("eve").take(6));
        room.lease("eve").take(5);
        assertEquals(50, ada.bytes());
        assertEquals(100, room.taken());
    }

    @Test
    void whatIsGivenBackIsThereForOthersAndGivenBackOnce() {
        var ada = room.lease("ada");
        ada.take(50);
        ada.close();
        ada.close();
        assertEquals(0, room.taken());
        room.lease("ben").take(50);
        assertEquals(50, room.taken());
        // Somebody may still be at work for it.
        assertThrows(BulkheadFullException.class, () -> ada.take(1));
        assertEquals(50, room.taken());
    }
}
