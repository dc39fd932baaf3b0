package dev.heddle.jobs;

import static org.awaitility.Awaitility.await;

import dev.heddle.db.Database;
import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import dev.heddle.testing.TestPostgres;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A schema of its own with one kind of job for each lane, workers for it, and what the tests of the engine ask of it. */
final class Workshop implements AutoCloseable {

    /** Longer than anything in these tests may take, the finding of a dead server aside. */
    static final Duration LONG = Duration.ofSeconds(20);

    /** Copies its data into the table {@code effects}. */
    static final JobKind COPY = new JobKind("copy", Lane.DATABASE);

    static final JobHandler.Effect COPYING = new JobHandler.Effect(
            List.of("copied AS (INSERT INTO effects (id, text) SELECT id, data->>'text' FROM job)"));

    /** Whatever the test wants. */
    static final JobKind CALL = new JobKind("call", Lane.OUTBOUND);

    static final JobInsert COPY_INSERT = JobInsert.following("change", new JobInsert.Follower(COPY, data()));

    static final JobInsert CALL_INSERT = JobInsert.following("change", new JobInsert.Follower(CALL, data()));

    static final JobInsert BOTH_INSERT =
            JobInsert.following("change", new JobInsert.Follower(COPY, data()), new JobInsert.Follower(CALL, data()));

    private final String schema = TestPostgres.newSchema();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final Database database = open();
    private final JobQueue queue = new JobQueue();
    private final List<JobObserver.Outcome> outcomes = new CopyOnWriteArrayList<>();

    Workshop() {
        database.migrate();
        database.single(sql -> sql.update("CREATE TABLE changes (text text NOT NULL)"));
        database.single(sql -> sql.update("CREATE TABLE effects (id uuid NOT NULL, text text NOT NULL)"));
    }

    private static String data() {
        return "jsonb_build_object('text', text)";
    }

    private Database open() {
        var its = Database.open("test-jobs", Database.Session.JOBS, TestPostgres.options(schema));
        opened.add(its);
        return its;
    }

    Database database() {
        return database;
    }

    /** How attempts have ended, in their order. */
    List<JobObserver.Outcome> outcomes() {
        return outcomes;
    }

    /** Workers that call this for jobs of the kind {@link #CALL}. */
    JobWorker start(int attempts, Consumer<Work> action) {
        return start(queue, attempts, Duration.ofMillis(10), action, List.of());
    }

    /** The same, with all that can be chosen. */
    JobWorker start(
            JobQueue wakes, int attempts, Duration retryDelay, Consumer<Work> action, List<Recurring> recurring) {
        return start(wakes, attempts, retryDelay, recurring, jobs -> action);
    }

    /** Workers that do what this prepares for jobs of the kind {@link #CALL}. */
    JobWorker startPrepared(JobHandler.Action action) {
        return start(queue, 3, Duration.ofMillis(10), List.of(), action);
    }

    /** Workers that do jobs of the kind {@link #CALL} with this, many at once, or if need be each by itself. */
    JobWorker startTogether(Consumer<List<Work>> together) {
        return startPrepared(new JobHandler.Action() {
            @Override
            public Consumer<Work> prepare(List<Work> jobs) {
                return job -> together.accept(List.of(job));
            }

            @Override
            public Optional<Consumer<List<Work>>> together() {
                return Optional.of(together);
            }
        });
    }

    private JobWorker start(
            JobQueue wakes, int attempts, Duration retryDelay, List<Recurring> recurring, JobHandler.Action action) {
        var worker = new JobWorker(
                open(),
                wakes,
                List.of(new Registration(COPY, COPYING, attempts), new Registration(CALL, action, attempts)),
                recurring,
                (kind, outcome, took) -> outcomes.add(outcome),
                new JobWorker.Options(4, 2, retryDelay));
        opened.add(worker);
        worker.start();
        return worker;
    }

    /** Writes a change and what follows from it in one statement, in a unit of the caller's. */
    void change(Sql sql, String text, JobInsert insert) {
        var parameters = new ArrayList<Object>(List.of(text));
        parameters.addAll(insert.parameters());
        sql.first(
                "WITH change AS (INSERT INTO changes (text) VALUES (?) RETURNING *)" + insert.text()
                        + " SELECT count(*) FROM change",
                Row::bigint,
                parameters.toArray());
        queue.wake(sql, insert);
    }

    void change(String text, JobInsert insert) {
        database.single(sql -> {
            change(sql, text, insert);
            return text;
        });
    }

    /** The texts of all effects, sorted. */
    List<String> effects() {
        return database.read(sql -> sql.list("SELECT text FROM effects ORDER BY text LIMIT 10000", Row::text));
    }

    long count(String from) {
        return database.read(sql -> sql.first("SELECT count(*) FROM " + from, Row::bigint))
                .orElseThrow();
    }

    /** Every job but what recurs. */
    List<Job> jobs() {
        var jobs = new Jobs(database, new JobQueue(), List.of(COPY, CALL));
        return jobs.list(new Jobs.Filter(Optional.empty(), Optional.empty()), Optional.empty(), 0, 100);
    }

    void awaitJobs(Consumer<List<Job>> assertion) {
        await().atMost(LONG).untilAsserted(() -> assertion.accept(jobs()));
    }

    @Override
    public void close() {
        for (var resource : opened.reversed()) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
