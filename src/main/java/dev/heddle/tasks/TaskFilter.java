package dev.heddle.tasks;

import dev.heddle.http.Query;
import dev.heddle.identity.Caller;
import java.time.Instant;
import java.util.Optional;

/** Which of a user's tasks are meant: the same for the list, the count and the export. */
record TaskFilter(
        String userId,
        Optional<Boolean> completed,
        Optional<String> label,
        Optional<Integer> priority,
        Optional<Instant> dueBefore,
        Optional<Instant> dueAfter,
        Optional<String> words) {

    /** A search for more is no search. */
    private static final int WORDS_MAX = 200;

    static TaskFilter of(Query query) {
        return new TaskFilter(
                Caller.current().subject(query),
                query.flag("completed"),
                query.text("label", Task.LABEL_MAX),
                query.integer("priority", 0, Task.PRIORITY_MAX),
                query.time("due_before"),
                query.time("due_after"),
                query.text("q", WORDS_MAX));
    }

    /** What a user still has to do. */
    static TaskFilter open(String userId) {
        return new TaskFilter(
                userId,
                Optional.of(false),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** The same text for the same filter: what a cursor is bound to. */
    String fingerprint() {
        return "tasks " + this;
    }
}
