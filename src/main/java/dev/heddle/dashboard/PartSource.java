package dev.heddle.dashboard;

import dev.heddle.http.Json;
import dev.heddle.http.Trace;
import java.util.Map;
import java.util.SequencedSet;

/** Where a part comes from. Safe for any thread: many requests ask it at once. */
public interface PartSource {

    /** The names of the values that it needs from the caller; {@code user_id} is the subject and always there. */
    SequencedSet<String> parameters();

    /**
     * The part, as one JSON value. It is made within the deadline that is bound, and interrupted after it.
     *
     * @throws Exception whatever went wrong; what is no problem of the catalogue counts as a bug and is logged as one
     */
    Json.Writing get(Asked asked) throws Exception;

    /**
     * What is asked of it.
     *
     * @param userId whose part; the caller may see it
     * @param values one for each parameter
     */
    record Asked(String userId, Map<String, String> values, Trace trace) {}
}
