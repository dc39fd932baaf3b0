package dev.heddle.jobs;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.logging.LogLevel;
import com.github.kagkarlsson.scheduler.serializer.Serializer;
import com.github.kagkarlsson.scheduler.task.Execution;
import com.github.kagkarlsson.scheduler.task.Task;
import com.github.kagkarlsson.scheduler.task.helper.RecurringTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import dev.heddle.concurrent.Batcher;
import dev.heddle.concurrent.Deadline;
import dev.heddle.db.Database;
import dev.heddle.db.DatabaseException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The workers of one lane, on db-scheduler: it picks due jobs (FOR UPDATE SKIP LOCKED), keeps their heartbeats, and finds
 * the jobs of servers that are gone. What a job writes, how it fails and where it goes then is ours. Most jobs that
 * take little are not picked at all: see {@link DueWorker}.
 *
 * <p>No job waits in memory for longer than a moment: see {@link Intake}.
 */
final class LaneWorker {

    private static final System.Logger LOG = System.getLogger(LaneWorker.class.getName());

    /** For what other servers enqueue or have left; our own commits wake the workers at once. */
    private static final Duration POLLING_INTERVAL = Duration.ofSeconds(1);

    /**
     * A server that has not been heard of for twenty-eight of these is taken for dead. The engine looks for the dead every
     * second interval, so a short one finds them soon; twenty-eight seconds survive a long pause and clocks that differ.
     */
    private static final Duration HEARTBEAT_INTERVAL = Duration.ofSeconds(1);

    private static final int HEARTBEATS_MISSED_MAX = 28;

    /** On shutdown, before running jobs are interrupted, and then again at most: fifteen seconds in all. */
    private static final Duration SHUTDOWN_WAIT = Duration.ofSeconds(7);

    /** For one attempt; all effects are short, and whoever is called has limits of its own. */
    private static final Duration ATTEMPT_MAX = Duration.ofSeconds(60);

    private static final Duration RETRY_DELAY_MAX = Duration.ofMinutes(10);

    /** A kind that this version does not know belongs to a newer one beside it, or to one that was rolled back. */
    private static final Duration KEEP_UNKNOWN = Duration.ofDays(3650);

    /** Of an error's text; the rest is in the log. */
    private static final int ERROR_LENGTH_MAX = 1000;

    /** Of one kind: while one waits for a lock, another goes on. */
    private static final int BATCHES_AT_ONCE = 2;

    /** Of such a statement; one job that waits longer for a lock does so by itself. */
    private static final Duration BATCH_LIMIT = Duration.ofSeconds(2);

    private static final String SERVER_GONE = "the server that ran it has gone";

    // Set once.
    private final Database database;
    private final JobObserver observer;
    private final Duration retryDelay;
    private final Scheduler scheduler;
    private final Intake intake;
    private final JobStore store = new JobStore();
    private final Map<JobKind, Batcher<JobStore.Claim, Boolean>> effects = new ConcurrentHashMap<>();
    private final Map<JobKind, Actions> actions = new ConcurrentHashMap<>();
    private final Map<JobKind, DueWorker> dueWorkers = new HashMap<>();

    // Set once, on shutdown, by the thread that closes; read by the workers.
    private volatile boolean stopping;

    LaneWorker(
            Lane lane,
            Database database,
            String serverName,
            Intake intake,
            Duration retryDelay,
            List<Registration> kinds,
            List<Recurring> recurring,
            JobObserver observer) {
        this.database = database;
        this.observer = observer;
        this.intake = intake;
        this.retryDelay = retryDelay;
        var since = Instant.now();
        for (var kind : kinds) {
            Due.of(database, store, kind, since)
                    .ifPresent(due ->
                            dueWorkers.put(kind.kind(), new DueWorker(kind.kind(), due, observer, this::wakeEngine)));
        }
        List<Task<?>> tasks = new ArrayList<>();
        kinds.forEach(kind -> tasks.add(task(kind)));
        scheduler = Scheduler.create(database.dataSource(), tasks)
                .startTasks(recurring.stream().map(LaneWorker::task).toList())
                .tableName(lane.table())
                .schedulerName(new SchedulerName.Fixed(serverName))
                .threads(intake.most())
                .executorService(Executors.newThreadPerTaskExecutor(threads("heddle-" + lane.table() + "-")))
                .pollUsingLockAndFetch(0.5, 1.0)
                .pollingInterval(POLLING_INTERVAL)
                .heartbeatInterval(HEARTBEAT_INTERVAL)
                .missedHeartbeatsLimit(HEARTBEATS_MISSED_MAX)
                .shutdownMaxWait(SHUTDOWN_WAIT)
                .deleteUnresolvedAfter(KEEP_UNKNOWN)
                .jdbcCustomization(new Picking(lane.table(), intake, this::unpicked, since))
                .serializer(new NoData())
                .failureLogging(LogLevel.OFF, false)
                .build();
    }

    /** The kinds that the engine leaves to their {@link DueWorker} for now. */
    private List<String> unpicked() {
        return dueWorkers.values().stream()
                .filter(worker -> !worker.isResting())
                .map(worker -> worker.kind().name())
                .toList();
    }

    /** Of which each has a job in its hands. */
    private ThreadFactory threads(String prefix) {
        var threads = Thread.ofVirtual().name(prefix, 0).factory();
        return job -> {
            intake.begin();
            return threads.newThread(() -> {
                try {
                    job.run();
                } finally {
                    if (intake.end()) {
                        wakeEngine();
                    }
                }
            });
        };
    }

    void start() {
        dueWorkers.values().forEach(DueWorker::start);
        scheduler.start();
    }

    /** There are new jobs of that kind. */
    void wake(JobKind kind) {
        var worker = dueWorkers.get(kind);
        if (worker == null || worker.isResting()) {
            wakeEngine();
        } else {
            worker.wake();
        }
    }

    private void wakeEngine() {
        scheduler.triggerCheckForDueExecutions();
    }

    /** Takes no more jobs. */
    void pause() {
        dueWorkers.values().forEach(DueWorker::pause);
        scheduler.pause();
    }

    /** Takes no more jobs. What is returned, all to be run at the same time, finishes what runs or gives it back. */
    List<Runnable> ends() {
        stopping = true;
        dueWorkers.values().forEach(DueWorker::pause);
        var ends = new ArrayList<Runnable>();
        ends.add(scheduler::stop);
        dueWorkers.values().forEach(worker -> ends.add(worker::awaitEnd));
        return ends;
    }

    private Task<Void> task(Registration registration) {
        return Tasks.custom(registration.kind().name(), Void.class)
                .onFailure((complete, operations) -> LOG.log(
                        Level.ERROR,
                        "the end of a job could not be noted; it is run again when its heartbeat is missed",
                        complete.getCause().orElse(null)))
                .onDeadExecution((complete, operations) -> orphaned(registration, complete.getExecution()))
                .execute((instance, context) -> {
                    attempt(registration, context.getExecution());
                    // The job has been marked by its effect, or rescheduled by its failure.
                    return (complete, operations) -> {};
                });
    }

    private static RecurringTask<Void> task(Recurring recurring) {
        return Tasks.recurring(recurring.name(), recurring.schedule()).execute((instance, context) -> {
            try {
                recurring.work().run();
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, recurring.name() + " failed; it comes back by its schedule", e);
            }
        });
    }

    private static JobStore.Claim claim(Registration registration, Execution execution) {
        return new JobStore.Claim(registration.kind(), execution.getId(), execution.version);
    }

    private void attempt(Registration registration, Execution execution) {
        long began = System.nanoTime();
        Optional<JobObserver.Outcome> outcome;
        try {
            outcome = Deadline.after(ATTEMPT_MAX).call(() -> run(registration, claim(registration, execution)));
        } catch (RuntimeException | Error e) {
            // Whoever interrupted wanted the job to end, not the note about it to be lost.
            Thread.interrupted();
            outcome = Optional.of(failed(registration, execution, e));
        }
        var took = Duration.ofNanos(System.nanoTime() - began);
        outcome.ifPresent(its -> observer.ended(registration.kind(), its, took));
    }

    /** Empty when it was not tried. */
    private Optional<JobObserver.Outcome> run(Registration registration, JobStore.Claim claim) {
        return switch (registration.handler()) {
            case JobHandler.Effect effect -> {
                var its = effects.computeIfAbsent(registration.kind(), kind -> together(kind, effect));
                yield Optional.of(its.call(claim) ? JobObserver.Outcome.DONE : JobObserver.Outcome.LOST);
            }
            case JobHandler.Action action ->
                actions.computeIfAbsent(registration.kind(), kind -> new Actions(database, store, kind, action, intake))
                        .run(claim);
        };
    }

    private Batcher<JobStore.Claim, Boolean> together(JobKind kind, JobHandler.Effect effect) {
        return new Batcher<>(
                BATCHES_AT_ONCE,
                DueWorker.BATCH_MAX,
                BATCH_LIMIT,
                claims -> JobStore.among(claims, database.single(sql -> store.apply(sql, kind, claims, effect))));
    }

    private JobObserver.Outcome failed(Registration registration, Execution execution, Throwable cause) {
        var claim = claim(registration, execution);
        if (stopping) {
            database.single(sql -> store.release(sql, claim));
            return JobObserver.Outcome.INTERRUPTED;
        }
        int attempts = execution.consecutiveFailures + 1;
        boolean isLast = attempts >= registration.attemptsMax() || cause instanceof HopelessException;
        var what = "job " + claim.id() + " (" + registration.kind().name() + ") failed, attempt " + attempts;
        if (isLast) {
            LOG.log(Level.WARNING, what + "; it is among the dead letters now", cause);
            database.single(sql -> store.bury(sql, claim, attempts, describe(cause)));
            return JobObserver.Outcome.DEAD;
        }
        LOG.log(Level.DEBUG, what, cause);
        database.single(sql -> store.retryLater(sql, claim, attempts, describe(cause), delay(attempts)));
        return JobObserver.Outcome.FAILED;
    }

    /** Counts as an attempt: a job that takes its server down must not do so for ever. */
    private void orphaned(Registration registration, Execution execution) {
        var claim = claim(registration, execution);
        int attempts = execution.consecutiveFailures + 1;
        boolean isLast = attempts >= registration.attemptsMax();
        boolean isOurs = database.single(sql -> isLast
                ? store.bury(sql, claim, attempts, SERVER_GONE)
                : store.retryLater(sql, claim, attempts, SERVER_GONE, Duration.ZERO));
        if (isOurs) {
            LOG.log(
                    Level.WARNING,
                    "job " + claim.id() + " (" + registration.kind().name() + "): " + SERVER_GONE + ", attempt "
                            + attempts + (isLast ? "; it is among the dead letters now" : ""));
            wakeEngine();
        }
    }

    /** Doubles with every attempt, give or take a quarter, so that what failed together does not return together. */
    private Duration delay(int attempts) {
        long millis = Math.min(RETRY_DELAY_MAX.toMillis(), retryDelay.toMillis() << Math.min(attempts - 1, 30));
        return Duration.ofMillis((long) (millis * ThreadLocalRandom.current().nextDouble(0.75, 1.25)));
    }

    /** As PostgreSQL takes it: a text without NUL and without half a character at its end. */
    private static String describe(Throwable cause) {
        var text = cause instanceof DatabaseException
                ? String.valueOf(cause.getMessage())
                : cause.getClass().getSimpleName() + ": " + cause.getMessage();
        var kept = text.codePoints()
                .filter(c -> c != 0 && !(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE))
                .limit(ERROR_LENGTH_MAX)
                .toArray();
        return new String(kept, 0, kept.length);
    }

    /** Our jobs keep their data as JSON in a column of ours; the engine's own stays empty. */
    private static final class NoData implements Serializer {
        @Override
        @SuppressWarnings("NullAway") // db-scheduler's interface says nothing of null, and passes it.
        public byte @Nullable [] serialize(@Nullable Object data) {
            if (data != null) {
                throw new IllegalArgumentException("no data is kept in task_data");
            }
            return null;
        }

        @Override
        @SuppressWarnings("NullAway")
        public <T> @Nullable T deserialize(Class<T> type, byte @Nullable [] data) {
            return null;
        }
    }
}
