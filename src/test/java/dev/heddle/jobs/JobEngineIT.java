package dev.heddle.jobs;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.db.Row;
import dev.heddle.http.ProblemException;
import dev.heddle.jobs.JobObserver.Outcome;
import dev.heddle.testing.InThisJvm;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Durable jobs on a real PostgreSQL: enqueued with their cause, done once, kept when they fail. */
@InThisJvm
class JobEngineIT {

    private static void nothing(Work job) {}

    /** They are counted a moment after the jobs have gone. */
    private void assertOutcomes(List<Outcome> expected) {
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(expected, workshop.outcomes()));
    }

    private final Workshop workshop = new Workshop();

    @AfterEach
    void close() {
        workshop.close();
    }

    @Test
    void aRollbackTakesTheJobWithIt() {
        workshop.start(3, JobEngineIT::nothing);
        assertThrows(
                IllegalStateException.class,
                () -> workshop.database().inTransaction(sql -> {
                    workshop.change(sql, "undone", Workshop.BOTH_INSERT);
                    throw new IllegalStateException("after the statement");
                }));
        workshop.change("done", Workshop.BOTH_INSERT);
        await().atMost(Workshop.LONG).until(() -> !workshop.effects().isEmpty());
        assertEquals(List.of("done"), workshop.effects());
        assertEquals(1, workshop.count("changes"));
    }

    @Test
    void aJobIsNotSeenBeforeTheCommitThatBringsIt() {
        workshop.start(3, JobEngineIT::nothing);
        workshop.database().inTransaction(sql -> {
            workshop.change(sql, "in flight", Workshop.COPY_INSERT);
            // A whole polling interval and more: the workers have looked, from other connections.
            sql.first("SELECT pg_sleep(1.5) IS NOT NULL", Row::flag);
            assertEquals(
                    0L, sql.first("SELECT count(*) FROM effects", Row::bigint).orElseThrow());
            return 1;
        });
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(List.of("in flight"), workshop.effects()));
    }

    @Test
    void aCommitWakesTheWorkersAndTheyDoNotWaitForTheNextPoll() {
        var starts = new ConcurrentHashMap<String, Long>();
        workshop.start(3, job -> starts.put(job.text("text").orElseThrow(), System.nanoTime()));
        var waits = new ArrayList<Long>();
        for (int i = 0; i < 21; i++) {
            var text = "job " + i;
            workshop.change(text, Workshop.CALL_INSERT);
            long committed = System.nanoTime();
            await().atMost(Workshop.LONG).pollInterval(Duration.ofMillis(1)).until(() -> starts.containsKey(text));
            waits.add(starts.getOrDefault(text, 0L) - committed);
        }
        waits.sort(null);
        // Polling alone has a median of half a second.
        assertTrue(waits.get(10) < Duration.ofMillis(250).toNanos(), waits.toString());
    }

    @ParameterizedTest
    @MethodSource("whatWorkersAsk")
    void aPlanThatWasMadeForAnEmptyQueueDoesNotReadAllOfALongOne(String statement, String wanted) {
        workshop.database().single(sql -> sql.update("VACUUM ANALYZE jobs, outbound_jobs"));
        assertPlan(statement, wanted);
    }

    @ParameterizedTest
    @MethodSource("whatWorkersAsk")
    void norDoesOneThatWasMadeForAQueueOfOne(String statement, String wanted) {
        for (var lane : Lane.values()) {
            workshop.database()
                    .single(sql -> sql.update("INSERT INTO " + lane.table()
                            + " (task_name, task_instance, execution_time) VALUES ('copy', 'one', now())"));
        }
        workshop.database().single(sql -> sql.update("VACUUM ANALYZE jobs, outbound_jobs"));
        assertPlan(statement, wanted);
    }

    /** As it is kept for a connection that has asked this often. */
    private void assertPlan(String statement, String wanted) {
        var plan = workshop.database().inTransaction(sql -> {
            sql.update("SET LOCAL plan_cache_mode = force_generic_plan");
            var number = new AtomicInteger();
            sql.update("PREPARE its AS "
                    + Pattern.compile("[?]").matcher(statement).replaceAll(at -> "\\$" + number.incrementAndGet()));
            return String.join(
                    "\n",
                    sql.list(
                            "EXPLAIN EXECUTE its (" + String.join(", ", Collections.nCopies(number.get(), "NULL"))
                                    + ")",
                            Row::text));
        });
        assertTrue(Pattern.compile(wanted).matcher(plan).find(), plan);
        assertFalse(plan.contains("Seq Scan"), plan);
    }

    static List<Arguments> whatWorkersAsk() {
        // First by the ids: of an index that begins with the kind, older versions of PostgreSQL may use the kind alone.
        var byKey = "(Index Scan using|Bitmap Index Scan on) %s_pkey .*\\n"
                + ".*Index Cond: \\W*task_instance = ANY .*task_name =";
        return List.of(
                Arguments.of(Picking.statement("jobs"), "Tid Scan"),
                Arguments.of(
                        Picking.statement("jobs"), "Index Scan using jobs_due .*\\n.*Index Cond: .*execution_time"),
                Arguments.of(JobStore.dueApplication(Workshop.COPY, Workshop.COPYING), "Tid Scan"),
                Arguments.of(
                        JobStore.dueApplication(Workshop.COPY, Workshop.COPYING),
                        "Index Scan using jobs_due .*\\n.*Index Cond: .*execution_time >= .*execution_time <="),
                Arguments.of(JobStore.dueTaking(Workshop.CALL), "Tid Scan"),
                Arguments.of(
                        JobStore.dueTaking(Workshop.CALL),
                        "Index Scan using outbound_jobs_execution_time_idx .*\\n"
                                + ".*Index Cond: .*execution_time >= .*execution_time <="),
                Arguments.of(JobStore.application(Workshop.COPY, Workshop.COPYING), byKey.formatted("jobs")),
                Arguments.of(JobStore.reading(Workshop.CALL), byKey.formatted("outbound_jobs")),
                Arguments.of(JobStore.ending(Workshop.CALL), byKey.formatted("outbound_jobs")));
    }

    @Test
    void twoServersDoEveryJobOnce() {
        var calls = new ConcurrentHashMap<String, AtomicInteger>();
        Consumer<Work> counting =
                job -> calls.computeIfAbsent(job.text("text").orElseThrow(), text -> new AtomicInteger())
                        .incrementAndGet();
        workshop.start(3, counting);
        workshop.start(new JobQueue(), 3, Duration.ofMillis(10), counting, List.of());
        var all = new TreeSet<String>();
        IntStream.range(0, 300).forEach(i -> {
            all.add("job " + i);
            workshop.change("job " + i, Workshop.BOTH_INSERT);
        });
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertEquals(List.copyOf(all), workshop.effects());
        assertEquals(all, new TreeSet<>(calls.keySet()));
        assertTrue(calls.values().stream().allMatch(count -> count.get() == 1), calls.toString());
    }

    @Test
    void aJobThatFailsIsTriedAgainAndThenKeptWithItsError() {
        var attempts = new AtomicInteger();
        workshop.start(3, job -> {
            attempts.incrementAndGet();
            throw new IllegalStateException("the other side is away");
        });
        workshop.change("wanted", Workshop.CALL_INSERT);
        workshop.awaitJobs(jobs -> {
            assertEquals(1, jobs.size());
            assertEquals(Job.State.FAILED, jobs.getFirst().state());
        });
        var dead = workshop.jobs().getFirst();
        assertEquals(3, attempts.get());
        assertEquals(3, dead.attempts());
        assertEquals("IllegalStateException: the other side is away", dead.lastError());
        assertTrue(dead.data().contains("wanted"));
        assertOutcomes(List.of(Outcome.FAILED, Outcome.FAILED, Outcome.DEAD));
    }

    @Test
    void anEffectThatTheDatabaseRefusesIsWrittenAndMarkedInALaterAttempt() {
        workshop.database().single(sql -> sql.update("ALTER TABLE effects RENAME TO away"));
        workshop.start(20, JobEngineIT::nothing);
        workshop.change("late", Workshop.COPY_INSERT);
        workshop.awaitJobs(jobs -> assertTrue(jobs.getFirst().attempts() >= 2, jobs.toString()));
        workshop.database().single(sql -> sql.update("ALTER TABLE away RENAME TO effects"));
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertEquals(List.of("late"), workshop.effects());
    }

    @Test
    void whatCannotBeMendedIsNotTriedAgain() {
        workshop.start(8, job -> {
            throw new HopelessException("no such mailbox", new IllegalArgumentException("550"));
        });
        workshop.change("letter", Workshop.CALL_INSERT);
        workshop.awaitJobs(
                jobs -> assertEquals(Job.State.FAILED, jobs.getFirst().state()));
        assertEquals(1, workshop.jobs().getFirst().attempts());
    }

    @Test
    void theDelayDoublesWithEveryAttemptGiveOrTakeAQuarter() {
        workshop.start(
                new JobQueue(),
                8,
                Duration.ofSeconds(100),
                job -> {
                    throw new IllegalStateException("no");
                },
                List.of());
        workshop.change("first", Workshop.CALL_INSERT);
        workshop.awaitJobs(jobs -> assertEquals(1, jobs.getFirst().attempts()));
        assertDelay(100);
        // As if two had failed and the time had come.
        workshop.database()
                .single(sql -> sql.update("UPDATE outbound_jobs SET consecutive_failures = 2, execution_time = now()"));
        workshop.awaitJobs(jobs -> assertEquals(3, jobs.getFirst().attempts()));
        assertDelay(400);
    }

    private void assertDelay(int seconds) {
        var delay = Duration.between(Instant.now(), workshop.jobs().getFirst().runAt());
        assertTrue(delay.toSeconds() >= 0.75 * seconds - 20, delay.toString());
        assertTrue(delay.toSeconds() <= 1.25 * seconds, delay.toString());
    }

    @Test
    void aSlowKindElsewhereDoesNotHoldUpTheOthers() throws InterruptedException {
        var stuck = new CountDownLatch(1);
        workshop.start(3, job -> {
            try {
                stuck.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        for (int i = 0; i < 50; i++) {
            workshop.change("slow " + i, Workshop.CALL_INSERT);
        }
        workshop.change("quick", Workshop.COPY_INSERT);
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(List.of("quick"), workshop.effects()));
        assertEquals(50, workshop.count("outbound_jobs"));
        assertEquals(2, workshop.count("outbound_jobs WHERE picked"), "no more are picked than there are workers");
        stuck.countDown();
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
    }

    @Test
    void jobsThatTakeLittleAreReadManyAtATime() {
        IntStream.range(0, 300).forEach(i -> workshop.change("quick " + i, Workshop.CALL_INSERT));
        var read = new ConcurrentLinkedQueue<Integer>();
        var done = ConcurrentHashMap.<String>newKeySet();
        workshop.startPrepared(jobs -> {
            read.add(jobs.size());
            return job -> done.add(job.text("text").orElseThrow());
        });
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertEquals(300, done.size());
        assertOutcomes(Collections.nCopies(300, Outcome.DONE));
        assertTrue(read.stream().anyMatch(size -> size > 8), read.toString());
        assertTrue(read.size() < 150, "read in " + read.size() + " statements");
    }

    @Test
    void behindThoseThatTakeLongNoneWaitsThatAnotherServerCouldDo() throws InterruptedException {
        var stuck = new CountDownLatch(1);
        var runs = new ConcurrentLinkedQueue<String>();
        Consumer<Work> action = job -> {
            var text = job.text("text").orElseThrow();
            runs.add(text);
            if (text.startsWith("slow")) {
                try {
                    stuck.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        };
        // By these it has learned that jobs take little.
        IntStream.range(0, 100).forEach(i -> workshop.change("before " + i, Workshop.CALL_INSERT));
        workshop.start(3, action);
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        workshop.database().inTransaction(sql -> {
            List.of("slow 1", "slow 2").forEach(text -> workshop.change(sql, text, Workshop.CALL_INSERT));
            IntStream.range(0, 40).forEach(i -> workshop.change(sql, "after " + i, Workshop.CALL_INSERT));
            return 42;
        });
        await().atMost(Workshop.LONG).untilAsserted(() -> {
            assertTrue(runs.containsAll(List.of("slow 1", "slow 2")));
            assertEquals(2, workshop.count("outbound_jobs WHERE picked"));
        });
        assertTrue(workshop.jobs().stream().allMatch(job -> job.attempts() == 0));
        workshop.start(new JobQueue(), 3, Duration.ofMillis(10), action, List.of());
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(2, workshop.count("outbound_jobs")));
        stuck.countDown();
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertEquals(142, runs.size(), "each was run once: " + runs);
        assertOutcomes(Collections.nCopies(142, Outcome.DONE));
    }

    @Test
    void aJobThatTheShutdownInterruptsIsGivenBackWithAllItsAttempts() throws InterruptedException {
        var began = new CountDownLatch(1);
        var worker = workshop.start(3, job -> {
            began.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted", e);
            }
        });
        workshop.change("long", Workshop.CALL_INSERT);
        assertTrue(began.await(20, TimeUnit.SECONDS));
        var stopping = Instant.now();
        worker.close();
        assertTrue(Duration.between(stopping, Instant.now()).toSeconds() < 20);
        var job = workshop.jobs().getFirst();
        assertEquals(Job.State.WAITING, job.state());
        assertEquals(0, job.attempts());
        assertEquals(List.of(Outcome.INTERRUPTED), workshop.outcomes());
        var done = ConcurrentHashMap.<String>newKeySet();
        workshop.start(3, next -> done.add(next.text("text").orElseThrow()));
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(Set.of("long"), done));
    }

    @Test
    void aJobWhoseServerHasGoneIsRunByAnotherAndHasLostAnAttempt() {
        workshop.change("orphan", Workshop.COPY_INSERT);
        orphan(0);
        workshop.start(3, JobEngineIT::nothing);
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(List.of("orphan"), workshop.effects()));
    }

    @Test
    void aJobThatTakesItsServersDownEndsAmongTheDeadLetters() {
        workshop.change("poison", Workshop.COPY_INSERT);
        orphan(2);
        workshop.start(3, JobEngineIT::nothing);
        workshop.awaitJobs(
                jobs -> assertEquals(Job.State.FAILED, jobs.getFirst().state()));
        assertEquals(
                "the server that ran it has gone", workshop.jobs().getFirst().lastError());
        assertEquals(List.of(), workshop.effects());
    }

    /** As a server leaves it that was killed a minute ago. */
    private void orphan(int failures) {
        workshop.database().single(sql -> sql.update("""
            UPDATE jobs SET picked = true, picked_by = 'gone', last_heartbeat = now() - interval '1 minute',
                consecutive_failures = ?, version = version + 1
            """, failures));
    }

    @Test
    void aWorkerThatWasTakenForDeadWritesNothingWhenItWakes() {
        workshop.change("fenced", Workshop.COPY_INSERT);
        var id = workshop.jobs().getFirst().id().toString();
        var store = new JobStore();
        var before = new JobStore.Claim(Workshop.COPY, id, 1);
        workshop.database().single(sql -> sql.update("UPDATE jobs SET version = version + 1"));
        assertEquals(Set.of(), apply(store, before));
        assertEquals(Set.of(), workshop.database().single(sql -> store.finish(sql, Workshop.COPY, List.of(before))));
        assertEquals(Map.of(), workshop.database().read(sql -> store.read(sql, Workshop.COPY, List.of(before))));
        assertEquals(false, workshop.database().single(sql -> store.bury(sql, before, 8, "late")));
        assertEquals(false, workshop.database().single(sql -> store.release(sql, before)));
        assertEquals(false, workshop.database().single(sql -> store.retryLater(sql, before, 1, "late", Duration.ZERO)));
        assertEquals(List.of(), workshop.effects());
        var now = new JobStore.Claim(Workshop.COPY, id, 2);
        assertEquals(Set.of(id), apply(store, now));
        assertEquals(Set.of(), apply(store, now));
        assertEquals(List.of("fenced"), workshop.effects());
    }

    private Set<String> apply(JobStore store, JobStore.Claim... claims) {
        return workshop.database().single(sql -> store.apply(sql, Workshop.COPY, List.of(claims), Workshop.COPYING));
    }

    @Test
    void ofJobsThatAreDoneTogetherThoseOfAnotherWorkerAreLeft() {
        workshop.change("ours", Workshop.COPY_INSERT);
        workshop.change("theirs", Workshop.COPY_INSERT);
        workshop.change("ours too", Workshop.COPY_INSERT);
        // Newest first.
        var ids = workshop.jobs().stream().map(job -> job.id().toString()).toList();
        workshop.database()
                .single(sql -> sql.update("UPDATE jobs SET version = version + 1 WHERE task_instance = ?", ids.get(1)));
        var claims =
                ids.stream().map(id -> new JobStore.Claim(Workshop.COPY, id, 1)).toArray(JobStore.Claim[]::new);
        assertEquals(Set.of(ids.get(0), ids.get(2)), apply(new JobStore(), claims));
        assertEquals(
                List.of("ours", "ours too"),
                workshop.effects().stream().sorted().toList());
    }

    @Test
    void anEffectIsWrittenWithoutThatItsJobIsPickedFirst() {
        workshop.start(3, JobEngineIT::nothing);
        countPicks("jobs");
        IntStream.range(0, 200).forEach(i -> workshop.change("job " + i, Workshop.COPY_INSERT));
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertEquals(200, workshop.effects().size());
        assertEquals(0, workshop.count("picks"));
        assertOutcomes(Collections.nCopies(200, Outcome.DONE));
    }

    @Test
    void butOneThatWasThereBeforeTheServerIsPickedAsItMayHaveTakenOneDown() {
        countPicks("jobs");
        workshop.change("left behind", Workshop.COPY_INSERT);
        workshop.start(3, JobEngineIT::nothing);
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(List.of("left behind"), workshop.effects()));
        assertEquals(1, workshop.count("picks"));
    }

    private void countPicks(String table) {
        workshop.database().single(sql -> sql.update("CREATE TABLE picks (id text)"));
        workshop.database().single(sql -> sql.update("""
            CREATE FUNCTION note_pick() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO picks VALUES (NEW.task_instance); RETURN NEW; END'
            """));
        workshop.database().single(sql -> sql.update("""
            CREATE TRIGGER pick BEFORE UPDATE ON %s FOR EACH ROW WHEN (NEW.picked) EXECUTE FUNCTION note_pick()
            """.formatted(table)));
    }

    @Test
    void whatTakesMomentsOutsideIsDoneManyAtATimeAndNotPickedEither() {
        var sizes = new ConcurrentLinkedQueue<Integer>();
        var done = ConcurrentHashMap.<String>newKeySet();
        workshop.startTogether(jobs -> {
            sizes.add(jobs.size());
            jobs.forEach(job -> assertTrue(done.add(job.text("text").orElseThrow())));
        });
        countPicks("outbound_jobs");
        workshop.database().inTransaction(sql -> {
            IntStream.range(0, 300).forEach(i -> workshop.change(sql, "job " + i, Workshop.CALL_INSERT));
            return 300;
        });
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertEquals(300, done.size());
        assertEquals(List.of(128, 128, 44), List.copyOf(sizes));
        assertEquals(0, workshop.count("picks"));
        assertOutcomes(Collections.nCopies(300, Outcome.DONE));
    }

    @Test
    void ifThatFailsEachIsDoneByItselfAndOnlyWhatCannotBeDoneIsTriedAgain() {
        var done = new ConcurrentLinkedQueue<String>();
        workshop.startTogether(jobs -> jobs.forEach(job -> {
            var text = job.text("text").orElseThrow();
            if (text.equals("poison")) {
                throw new IllegalStateException("cannot be written");
            }
            done.add(text);
        }));
        workshop.database().inTransaction(sql -> {
            IntStream.range(0, 40)
                    .forEach(i -> workshop.change(sql, i == 20 ? "poison" : "job " + i, Workshop.CALL_INSERT));
            return 40;
        });
        workshop.awaitJobs(jobs -> assertEquals(
                List.of(Job.State.FAILED), jobs.stream().map(Job::state).toList()));
        assertEquals(
                "IllegalStateException: cannot be written",
                workshop.jobs().getFirst().lastError());
        assertEquals(3, workshop.jobs().getFirst().attempts());
        assertEquals(39, Set.copyOf(done).size());
        assertTrue(done.size() <= 39 + 39, "none was done more than once together and once by itself: " + done);
    }

    @Test
    void whatCannotBeDoneWithOthersIsDoneByItselfAndTheOthersTogether() {
        var sizes = new ConcurrentLinkedQueue<Integer>();
        workshop.startTogether(jobs -> {
            if (jobs.size() == 1) {
                throw new HopelessException("no such mailbox", new IllegalArgumentException("550"));
            }
            var unfit = jobs.stream()
                    .filter(job -> job.text("text").orElseThrow().startsWith("unfit"))
                    .map(Work::id)
                    .collect(Collectors.toSet());
            if (!unfit.isEmpty()) {
                throw new UnfitException(unfit);
            }
            sizes.add(jobs.size());
        });
        workshop.database().inTransaction(sql -> {
            IntStream.range(0, 40)
                    .forEach(i -> workshop.change(sql, (i % 20 == 7 ? "unfit " : "job ") + i, Workshop.CALL_INSERT));
            return 40;
        });
        workshop.awaitJobs(jobs -> assertEquals(
                List.of(Job.State.FAILED, Job.State.FAILED),
                jobs.stream().map(Job::state).toList()));
        assertEquals(List.of(38), List.copyOf(sizes));
        assertTrue(workshop.jobs().stream()
                .allMatch(job -> job.attempts() == 1 && job.data().contains("unfit")));
    }

    @Test
    void anErrorOfTheJvmIsSurvived() {
        var isBroken = new AtomicBoolean(true);
        var sizes = new ConcurrentLinkedQueue<Integer>();
        workshop.startTogether(jobs -> {
            if (isBroken.compareAndSet(true, false)) {
                throw new StackOverflowError();
            }
            sizes.add(jobs.size());
        });
        workshop.change("first", Workshop.CALL_INSERT);
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        await().atMost(Workshop.LONG).until(() -> {
            workshop.database().inTransaction(sql -> {
                IntStream.range(0, 5).forEach(i -> workshop.change(sql, "job " + i, Workshop.CALL_INSERT));
                return 5;
            });
            workshop.awaitJobs(left -> assertEquals(List.of(), left));
            return sizes.contains(5);
        });
    }

    @Test
    void asLongAsDoingThemTogetherFailsItIsTriedEverLessOften() {
        var failures = new CopyOnWriteArrayList<Long>();
        workshop.startTogether(jobs -> {
            if (jobs.size() > 1) {
                failures.add(System.nanoTime());
                throw new IllegalStateException("too many for this disk");
            }
        });
        await().atMost(Workshop.LONG).until(() -> {
            workshop.database().inTransaction(sql -> {
                IntStream.range(0, 2).forEach(i -> workshop.change(sql, "job " + i, Workshop.CALL_INSERT));
                return 2;
            });
            return failures.size() >= 3;
        });
        var second = Duration.ofNanos(failures.get(2) - failures.get(1));
        assertTrue(second.toMillis() >= 4000, "after two seconds the first time, " + second + " the next");
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
    }

    @Test
    void whoNamesNoneOfThemIsNotAskedAgainAtOnce() {
        var calls = new AtomicInteger();
        workshop.startTogether(jobs -> {
            calls.incrementAndGet();
            throw new UnfitException(Set.of(UUID.randomUUID()));
        });
        workshop.change("job", Workshop.CALL_INSERT);
        workshop.awaitJobs(jobs -> assertEquals(
                List.of(Job.State.FAILED), jobs.stream().map(Job::state).toList()));
        assertTrue(calls.get() < 10, calls + " calls");
    }

    @Test
    void aJobThatIsBeingDoneWhereItLiesIsLeftAloneByOperators() throws InterruptedException {
        var began = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        workshop.startTogether(jobs -> {
            began.countDown();
            awaitUninterruptibly(goOn);
        });
        workshop.change("at work", Workshop.CALL_INSERT);
        assertTrue(began.await(20, TimeUnit.SECONDS));
        var id = workshop.jobs().getFirst().id();
        var jobs = new Jobs(workshop.database(), new JobQueue(), List.of(Workshop.COPY, Workshop.CALL));
        assertTrue(String.valueOf(assertThrows(ProblemException.class, () -> jobs.delete(id))
                        .getMessage())
                .contains("The job is running"));
        assertThrows(ProblemException.class, () -> jobs.retry(id));
        goOn.countDown();
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertOutcomes(List.of(Outcome.DONE));
    }

    @Test
    void twoServersThatDoManyAtATimeDoEachOnce() {
        var calls = new ConcurrentHashMap<String, AtomicInteger>();
        Consumer<List<Work>> counting = jobs ->
                jobs.forEach(job -> calls.computeIfAbsent(job.text("text").orElseThrow(), text -> new AtomicInteger())
                        .incrementAndGet());
        workshop.startTogether(counting);
        workshop.startTogether(counting);
        IntStream.range(0, 300).forEach(i -> workshop.change("job " + i, Workshop.CALL_INSERT));
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertEquals(300, calls.size());
        assertTrue(calls.values().stream().allMatch(count -> count.get() == 1), calls.toString());
    }

    @Test
    void aDiskThatDoesNotAnswerHoldsUpNoShutdownAndItsJobsAreKept() throws InterruptedException {
        // First those that were left behind, which the engine does, then one that is done where it lies.
        workshop.change("long", Workshop.CALL_INSERT);
        var began = new CountDownLatch(2);
        var isAnswering = new CountDownLatch(1);
        var worker = workshop.startTogether(jobs -> {
            began.countDown();
            awaitUninterruptibly(isAnswering);
        });
        workshop.change("as long", Workshop.CALL_INSERT);
        assertTrue(began.await(20, TimeUnit.SECONDS));
        var stopping = Instant.now();
        worker.close();
        assertTrue(Duration.between(stopping, Instant.now()).toSeconds() < 20);
        isAnswering.countDown();
        var done = ConcurrentHashMap.<String>newKeySet();
        workshop.startTogether(
                jobs -> jobs.forEach(job -> done.add(job.text("text").orElseThrow())));
        workshop.awaitJobs(left -> assertEquals(List.of(), left));
        assertTrue(done.contains("as long"), "what nobody noted is done again: " + done);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void whatOtherServersHaveLeftIsFoundByLooking() {
        workshop.start(new JobQueue(), 3, Duration.ofMillis(10), JobEngineIT::nothing, List.of());
        workshop.change("nobody was told", Workshop.COPY_INSERT);
        await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(List.of("nobody was told"), workshop.effects()));
        workshop.change("nor this time", Workshop.COPY_INSERT);
        await().atMost(Workshop.LONG)
                .untilAsserted(() -> assertEquals(2, workshop.effects().size()));
    }

    @Test
    void onceWhatFailedIsOutOfTheWayEffectsAreWrittenWithoutPickingAgain() {
        workshop.database().single(sql -> sql.update("ALTER TABLE effects ADD CHECK (text <> 'poison')"));
        workshop.start(1, JobEngineIT::nothing);
        workshop.change("poison", Workshop.COPY_INSERT);
        workshop.awaitJobs(jobs -> assertEquals(
                List.of(Job.State.FAILED), jobs.stream().map(Job::state).toList()));
        countPicks("jobs");
        await().atMost(Workshop.LONG).untilAsserted(() -> {
            long picks = workshop.count("picks");
            workshop.change("sound", Workshop.COPY_INSERT);
            await().atMost(Workshop.LONG).untilAsserted(() -> assertEquals(0, workshop.count("jobs")));
            assertEquals(picks, workshop.count("picks"));
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void oneThatFailsTakesNoneAlongThatIsDoneWithIt(boolean isStarted) {
        workshop.database().single(sql -> sql.update("ALTER TABLE effects ADD CHECK (text <> 'poison')"));
        if (isStarted) {
            workshop.start(8, JobEngineIT::nothing);
        }
        workshop.database().inTransaction(sql -> {
            for (int i = 0; i < 40; i++) {
                workshop.change(sql, i % 20 == 7 ? "poison" : "sound", Workshop.COPY_INSERT);
            }
            return 40;
        });
        if (!isStarted) {
            workshop.start(8, JobEngineIT::nothing);
        }
        await().atMost(Workshop.LONG)
                .untilAsserted(() -> assertEquals(38, workshop.effects().size()));
        workshop.awaitJobs(jobs -> assertEquals(
                List.of(1, 1),
                jobs.stream().map(job -> Math.min(1, job.attempts())).toList()));
    }

    @Test
    void aKindOfANewerServerIsLeftForIt() {
        workshop.database().single(sql -> sql.update("""
            INSERT INTO jobs (task_name, task_instance, execution_time)
            VALUES ('from_the_future', 'one', now() - interval '1 minute')
            """));
        workshop.start(3, JobEngineIT::nothing);
        for (int i = 0; i < 20; i++) {
            workshop.change("known " + i, Workshop.COPY_INSERT);
        }
        await().atMost(Workshop.LONG)
                .untilAsserted(() -> assertEquals(20, workshop.effects().size()));
        await().atMost(Workshop.LONG)
                .untilAsserted(() ->
                        assertEquals(1, workshop.count("jobs WHERE task_name = 'from_the_future' AND NOT picked")));
    }

    @Test
    void whatRecursComesBackAlthoughItFails() {
        var runs = new AtomicInteger();
        var nightly = new AtomicInteger();
        workshop.start(
                new JobQueue(),
                3,
                Duration.ofMillis(10),
                JobEngineIT::nothing,
                List.of(
                        Recurring.every(Duration.ofMillis(50), "tick", () -> {
                            runs.incrementAndGet();
                            throw new IllegalStateException("every time");
                        }),
                        Recurring.daily(
                                LocalTime.now(ZoneOffset.UTC).minusHours(1), "nightly", nightly::incrementAndGet)));
        await().atMost(Workshop.LONG).until(() -> runs.get() >= 2);
        assertEquals(0, nightly.get());
        assertEquals(List.of(), workshop.jobs(), "what recurs is no job of the API");
    }

    @Test
    void deadLettersAreSweptWhenTheyAreOld() {
        workshop.database().single(sql -> sql.update("""
            INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at, died_at)
            SELECT gen_random_uuid(), 'copy', '{}', 8, 'no', now(), now() - n * interval '1 day'
            FROM generate_series(1, 2500) AS n
            """));
        new Jobs(workshop.database(), new JobQueue(), List.of(Workshop.COPY))
                .sweep(Duration.ofDays(30).plusHours(12));
        assertEquals(30, workshop.count("dead_jobs"));
    }
}
