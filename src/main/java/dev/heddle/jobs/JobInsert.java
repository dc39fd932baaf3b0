package dev.heddle.jobs;

import dev.heddle.db.Uuid7;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The part of a statement that enqueues jobs: the change and what follows from it are written in one round trip, both or
 * neither. Immutable, made once per statement.
 *
 * <pre>{@code "WITH task AS (INSERT … RETURNING *)" + insert.text() + " SELECT … FROM task"}</pre>
 */
public final class JobInsert {

    /**
     * A job that follows from the change.
     *
     * @param data an SQL expression for its data, a jsonb object, over the columns of the change
     */
    public record Follower(JobKind kind, String data) {}

    private final String text;
    private final List<JobKind> kinds;

    private JobInsert(String text, List<JobKind> kinds) {
        this.text = text;
        this.kinds = kinds;
    }

    /** A follower's part: its number and its kind are known. */
    private interface Select {
        String of(int number, Follower follower);
    }

    /**
     * One job of each kind follows from the row of a common table expression.
     *
     * @param from its name; it has at most one row, as each job has one id
     */
    public static JobInsert following(String from, Follower... followers) {
        return of(
                followers,
                (number, follower) ->
                        "SELECT '%s', CAST(? AS text), CAST(? AS timestamptz), CAST(? AS timestamptz), %s FROM %s"
                                .formatted(follower.kind().name(), follower.data(), from));
    }

    /**
     * One job of each kind follows from each row of a common table expression, which brings along what else would be the
     * statement's {@link #parameters()}.
     *
     * @param from its name; beside the change it has the columns {@code job_0 text}, {@code job_1}, … with {@link #ids()} of
     *     each row, and {@code time_0 timestamptz}, {@code time_1}, … with the {@link #time} of each
     */
    public static JobInsert followingEach(String from, Follower... followers) {
        return of(
                followers,
                (number, follower) -> "SELECT '%1$s', job_%2$d, time_%2$d, time_%2$d, %3$s FROM %4$s"
                        .formatted(follower.kind().name(), number, follower.data(), from));
    }

    private static JobInsert of(Follower[] followers, Select select) {
        var text = new StringBuilder();
        var lanes = Arrays.stream(followers)
                .map(follower -> follower.kind().lane())
                .distinct()
                .sorted()
                .toList();
        for (var lane : lanes) {
            text.append(", added_")
                    .append(lane.table())
                    .append(" AS (INSERT INTO ")
                    .append(lane.table());
            text.append(" (task_name, task_instance, execution_time, created_at, data) ");
            text.append(IntStream.range(0, followers.length)
                    .filter(i -> followers[i].kind().lane() == lane)
                    .mapToObj(i -> select.of(i, followers[i]))
                    .collect(Collectors.joining(" UNION ALL ")));
            text.append(")");
        }
        return new JobInsert(
                text.toString(), Arrays.stream(followers).map(Follower::kind).toList());
    }

    /** Behind the change, before the statement's own SELECT; begins with a comma. */
    public String text() {
        return text;
    }

    /** Behind the parameters of the change: new ids, due now. */
    public List<Object> parameters() {
        var parameters = new ArrayList<Object>(3 * kinds.size());
        for (int i = 0; i < kinds.size(); i++) {
            var id = Uuid7.next();
            // By our clock, not PostgreSQL's: the worker that is woken asks for what is due by ours.
            var time = Uuid7.time(id);
            parameters.add(id.toString());
            parameters.add(time);
            parameters.add(time);
        }
        return parameters;
    }

    /** New ids, for one row of those that {@link #followingEach} is about. */
    public List<UUID> ids() {
        return Stream.generate(Uuid7::next).limit(kinds.size()).toList();
    }

    /** When a job with that id is due: now, by our clock. */
    public static Instant time(UUID id) {
        return Uuid7.time(id);
    }

    /** Of each job that it enqueues. */
    List<JobKind> kinds() {
        return kinds;
    }
}
