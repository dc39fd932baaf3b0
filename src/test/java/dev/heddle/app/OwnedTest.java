package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Closes in reverse, all of it, once. */
class OwnedTest {

    private final List<String> closed = new ArrayList<>();

    @Test
    void closesTheLastFirstAndEachOnce() {
        var owned = new Owned();
        owned.add(() -> closed.add("database"));
        owned.add(() -> closed.add("server"));
        owned.close();
        owned.close();
        assertEquals(List.of("server", "database"), closed);
    }

    @Test
    void aFailureToCloseOneLeavesNoneOpen() {
        var owned = new Owned();
        owned.add(() -> closed.add("database"));
        owned.add(() -> {
            throw new IllegalStateException("stuck");
        });
        owned.close();
        assertEquals(List.of("database"), closed);
    }

    @Test
    void whatComesTooLateIsClosedAtOnce() {
        var owned = new Owned();
        owned.close();
        owned.add(() -> closed.add("late"));
        assertEquals(List.of("late"), closed);
    }
}
