package dev.heddle.db;

import java.util.ArrayList;
import java.util.List;

/** What is to run after a unit of work. Belongs to the thread of the unit. */
final class Afterwards {

    // Most units have none.
    private List<Runnable> actions = List.of();

    void add(Runnable action) {
        if (actions.isEmpty()) {
            actions = new ArrayList<>();
        }
        actions.add(action);
    }

    void run() {
        for (var action : actions) {
            action.run();
        }
    }
}
