package dev.heddle.notifications;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.db.Database;
import dev.heddle.testing.Psql;
import dev.heddle.testing.Race;
import dev.heddle.testing.TestPostgres;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Counts that jobs keep are exact once the jobs are done, whatever happened on the way. */
class StatsIT {

    private static final long SEED = 20_261_122;

    private static final String[] COUNTING = {"send_notification", "update_stats"};

    private static TestServer server;
    private static Psql psql;
    private static Database database;

    @BeforeAll
    static void start() {
        server = TestServer.start();
        psql = new Psql(server.schema());
        database = Database.open(TestPostgres.options(server.schema()));
    }

    @AfterAll
    static void stop() {
        database.close();
        server.close();
    }

    /** What a user may be told. */
    private record Counts(long total, long completed, long open) {}

    private static Counts stats(Person person) {
        var reply = server.get("/stats", person.token());
        assertEquals(200, reply.status(), reply::text);
        var json = reply.json();
        return new Counts(
                json.get("total").asLong(),
                json.get("completed").asLong(),
                json.get("open").asLong());
    }

    /** By the tasks themselves. */
    private static Counts counted(Person person) {
        long total = count(person, "");
        long completed = count(person, "?completed=true");
        return new Counts(total, completed, total - completed);
    }

    private static long count(Person person, String query) {
        return server.get("/tasks/count" + query, person.token())
                .json()
                .get("count")
                .asLong();
    }

    private static String create(Person person) {
        return server.task(person, "{\"title\": \"it\"}").get("id").asText();
    }

    private static Reply change(Person person, String method, String path) {
        return server.send(method, "/tasks/" + path, person.token(), null);
    }

    private static void complete(Person person, String task) {
        assertEquals(200, change(person, "POST", task + "/complete").status());
    }

    private static void delete(Person person, String task) {
        assertEquals(204, change(person, "DELETE", task).status());
    }

    private static void reconcile() {
        new Notifications(database).reconcile();
    }

    /** What somebody does who cannot make up their mind. */
    private static Callable<Integer> mix(Person person, ConcurrentLinkedQueue<String> tasks, long seed, int steps) {
        return () -> {
            var random = new Random(seed);
            int created = 0;
            for (int i = 0; i < steps; i++) {
                // Another thread may have deleted it.
                var task = tasks.poll();
                if (task == null || random.nextInt(3) == 0) {
                    tasks.add(create(person));
                    created++;
                }
                if (task != null) {
                    switch (random.nextInt(5)) {
                        case 0 -> change(person, "DELETE", task);
                        case 1, 2 -> {
                            tasks.add(task);
                            change(person, "POST", task + "/complete");
                        }
                        default -> {
                            tasks.add(task);
                            change(person, "POST", task + "/reopen");
                        }
                    }
                }
            }
            return created;
        };
    }

    private static int mixes(List<Person> people, int steps) throws InterruptedException {
        var mixes = new ArrayList<Callable<Integer>>();
        for (var person : people) {
            var tasks = new ConcurrentLinkedQueue<String>();
            // Two threads on the same tasks of one user.
            mixes.add(mix(person, tasks, SEED + mixes.size(), steps));
            mixes.add(mix(person, tasks, SEED + mixes.size(), steps));
        }
        return Race.between(mixes).stream().mapToInt(Integer::intValue).sum();
    }

    @Test
    void aNewUserHasNothing() {
        var json = server.get("/stats", server.person().token()).json();
        assertEquals("{\"total\":0,\"completed\":0,\"open\":0,\"updated_at\":null}", json.toString());
    }

    @Test
    void theCountsFollowTheTasks() {
        var person = server.person();
        var before = Instant.now().minusSeconds(60);
        var one = create(person);
        var two = create(person);
        create(person);
        complete(person, one);
        complete(person, two);
        change(person, "POST", one + "/reopen");
        delete(person, two);
        server.awaitJobs();
        assertEquals(new Counts(2, 0, 2), stats(person));
        complete(person, one);
        server.awaitJobs();
        assertEquals(new Counts(2, 1, 1), stats(person));
        delete(person, one);
        server.awaitJobs();
        assertEquals(new Counts(1, 0, 1), stats(person));
        var updated = server.get("/stats", person.token()).json().get("updated_at");
        assertTrue(before.isBefore(Instant.parse(updated.asText())));
    }

    @Test
    void theyAreExactWhenAllIsQuietAgain() throws InterruptedException {
        var people = List.of(server.person(), server.person(), server.person());
        int created = mixes(people, 60);
        server.awaitJobs();
        for (var person : people) {
            assertEquals(counted(person), stats(person));
        }
        var told = people.stream()
                .mapToLong(person ->
                        psql.number("SELECT count(*) FROM notifications WHERE user_id = '" + person.id() + "'"))
                .sum();
        assertEquals(created, told, "each creation is told of once");
        assertEquals(0, psql.number("SELECT count(*) FROM dead_jobs"));
    }

    @Test
    void whoeverCountsLateNoCountIsBelowZero() {
        var person = server.person();
        try (var _ = psql.puttingOff("send_notification")) {
            var one = create(person);
            complete(person, one);
            server.awaitJobs();
            assertEquals(new Counts(0, 0, 0), stats(person), "one is completed, none is created yet");
            delete(person, one);
            server.awaitJobs();
            assertEquals(new Counts(0, 0, 0), stats(person));
            assertEquals(-1, psql.number("SELECT total FROM stats WHERE user_id = '" + person.id() + "'"));
        }
        psql.hurryJobs();
        server.awaitJobs();
        assertEquals(0, psql.number("SELECT total FROM stats WHERE user_id = '" + person.id() + "'"));
    }

    @Test
    void onlyOnesOwnAreTold() {
        var person = server.person();
        create(person);
        server.awaitJobs();
        var other = server.person();
        assertEquals(new Counts(0, 0, 0), stats(other));
        assertEquals(
                403, server.get("/stats?user_id=" + person.id(), other.token()).status());
        assertEquals(
                1,
                server.get("/stats?user_id=" + person.id(), server.adminToken())
                        .json()
                        .get("total")
                        .asInt());
        assertEquals(422, server.get("/stats?task_id=x", person.token()).status());
    }

    // Reconciliation

    @Test
    void countingAnewCorrectsWhatIsWrongAndNothingElse() {
        var person = server.person();
        var right = server.person();
        for (var one : List.of(person, right)) {
            create(one);
            complete(one, create(one));
        }
        server.awaitJobs();
        var untouched = server.get("/stats", right.token()).json();
        psql.execute("UPDATE stats SET total = 99, completed = -3 WHERE user_id = '" + person.id() + "'");
        reconcile();
        assertEquals(new Counts(2, 1, 1), stats(person));
        psql.execute("DELETE FROM stats WHERE user_id = '" + person.id() + "'");
        reconcile();
        assertEquals(new Counts(2, 1, 1), stats(person));
        assertEquals(untouched, server.get("/stats", right.token()).json(), "its time is the old one too");
    }

    @Test
    void countingAnewDoesNotCountWhatAJobWillCount() {
        var person = server.person();
        create(person);
        server.awaitJobs();
        try (var _ = psql.puttingOff(COUNTING)) {
            var one = create(person);
            var two = create(person);
            complete(person, one);
            complete(person, two);
            change(person, "POST", two + "/reopen");
            delete(person, two);
        }
        reconcile();
        assertEquals(new Counts(1, 0, 1), stats(person), "the jobs wait");
        psql.execute("UPDATE stats SET total = 7 WHERE user_id = '" + person.id() + "'");
        reconcile();
        assertEquals(new Counts(1, 0, 1), stats(person), "the jobs wait");
        psql.hurryJobs();
        server.awaitJobs();
        assertEquals(new Counts(2, 1, 1), stats(person));
        reconcile();
        assertEquals(new Counts(2, 1, 1), stats(person));
    }

    @Test
    void countingAnewDoesNotCountWhatADeadJobWouldCountUntilItIsDeleted() {
        var person = server.person();
        try (var _ = psql.puttingOff(COUNTING)) {
            complete(person, create(person));
        }
        psql.execute("""
            WITH dead AS (DELETE FROM jobs WHERE data->>'user_id' = '%s' AND execution_time > now() RETURNING *)
            INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at)
            SELECT CAST(task_instance AS uuid), task_name, data, 8, 'by hand', created_at FROM dead
            """.formatted(person.id()));
        reconcile();
        assertEquals(new Counts(0, 0, 0), stats(person));
        var dead = server.get("/jobs?state=failed", server.adminToken()).json().findValuesAsText("id");
        assertEquals(2, dead.size());
        for (var id : dead) {
            var retry = server.send("POST", "/jobs/" + id + "/retry", server.adminToken(), null);
            assertEquals(200, retry.status(), retry::text);
        }
        server.awaitJobs();
        assertEquals(new Counts(1, 1, 0), stats(person), "each was counted once");

        try (var _ = psql.puttingOff(COUNTING)) {
            create(person);
        }
        psql.execute("DELETE FROM jobs WHERE execution_time > now() AND data->>'user_id' = '" + person.id() + "'");
        server.awaitJobs();
        assertEquals(new Counts(1, 1, 0), stats(person), "nobody will count it");
        reconcile();
        assertEquals(new Counts(2, 1, 1), stats(person));
    }

    @Test
    void countingAnewWhileJobsRunSpoilsNothing() throws InterruptedException {
        var people = List.of(server.person(), server.person());
        var running = new AtomicInteger(1);
        var reconciling = CompletableFuture.runAsync(
                () -> {
                    while (running.get() > 0) {
                        reconcile();
                    }
                },
                Thread::startVirtualThread);
        try {
            mixes(people, 40);
            server.awaitJobs();
        } finally {
            running.decrementAndGet();
            reconciling.join();
        }
        for (var person : people) {
            assertEquals(counted(person), stats(person));
        }
    }

    // Deleted users

    private static long rowsOf(Person person) {
        return List.of("tasks", "notifications", "activity", "stats", "tokens").stream()
                .mapToLong(table ->
                        psql.number("SELECT count(*) FROM " + table + " WHERE user_id = '" + person.id() + "'"))
                .sum();
    }

    private static long jobsOf(Person person) {
        return psql.number("SELECT count(*) FROM unfinished_jobs WHERE data->>'user_id' = '" + person.id() + "'");
    }

    private static int deleteUser(Person person) {
        return server.send("DELETE", "/users/" + person.id(), server.adminToken(), null)
                .status();
    }

    /** Attempts of this server that ended so, of all kinds. */
    private static double attempts(String outcome) {
        return server.operations("/metrics")
                .text()
                .lines()
                .filter(line ->
                        line.startsWith("heddle_job_attempts_total") && line.contains("outcome=\"" + outcome + "\""))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    @Test
    void aDeletedUserLeavesNothingAndNoJobThatFails() {
        var person = server.person();
        complete(person, create(person));
        server.awaitJobs();
        try (var _ = psql.puttingOff("send_notification", "send_email", "update_stats", "log_activity")) {
            var task = create(person);
            complete(person, task);
            delete(person, task);
        }
        assertEquals(6, jobsOf(person));
        assertEquals(204, deleteUser(person));
        assertEquals(0, rowsOf(person));
        var failed = attempts("failed");
        psql.hurryJobs();
        server.awaitJobs();
        assertEquals(0, rowsOf(person));
        assertEquals(0, jobsOf(person), "none is dead either");
        assertEquals(failed, attempts("failed"));
        reconcile();
        assertEquals(0, rowsOf(person));
    }

    @Test
    void aUserCanBeDeletedWhileTheirJobsRun() throws InterruptedException {
        for (int round = 0; round < 20; round++) {
            var person = server.person();
            var task = create(person);
            var statuses = Race.between(List.<Callable<Integer>>of(
                    () -> change(person, "POST", task + "/complete").status(), () -> deleteUser(person)));
            assertTrue(List.of(200, 401, 404).contains(statuses.get(0)), statuses::toString);
            assertEquals(204, statuses.get(1), statuses::toString);
            server.awaitJobs();
            assertEquals(0, rowsOf(person));
            assertEquals(0, jobsOf(person));
        }
        assertEquals(0, attempts("dead"));
    }

    @Test
    void aJobDoesNotStandInTheWayOfADeletionThatTakesLong() {
        var person = server.person();
        var other = server.person();
        create(person);
        server.awaitJobs();
        try (var _ = psql.puttingOff("send_notification")) {
            create(person);
        }
        var failed = attempts("failed");
        CompletableFuture<Integer> deletion;
        try (var _ = psql.lock("activity", "ACCESS EXCLUSIVE")) {
            deletion = CompletableFuture.supplyAsync(() -> deleteUser(person), Thread::startVirtualThread);
            // It has deleted the user and the notifications by then, and the counts are still to come. What recurs may
            // wait
            // for the table as well, so it is the deletion that is looked for.
            awaitOne("""
                SELECT count(*) FROM pg_stat_activity WHERE application_name = 'heddle' AND wait_event_type = 'Lock'
                """);
            psql.hurryJobs();
            // A commit of ours wakes the workers: nobody waits for the next look at the queue.
            create(other);
            // Longer than PostgreSQL waits before it looks for a deadlock, so that the deletion would be its victim.
            awaitOne("""
                SELECT count(*) FROM pg_stat_activity job
                    JOIN pg_stat_activity deletion ON deletion.pid = ANY (pg_blocking_pids(job.pid))
                WHERE job.application_name = 'heddle-jobs' AND deletion.application_name = 'heddle'
                    AND job.query_start < clock_timestamp() - interval '1200 ms'
                """);
            assertFalse(deletion.isDone());
        }
        assertEquals(204, deletion.join());
        server.awaitJobs();
        assertEquals(0, rowsOf(person));
        assertEquals(0, jobsOf(person));
        assertEquals(failed, attempts("failed"));
    }

    private static void awaitOne(String query) {
        try {
            await().atMost(Duration.ofSeconds(4)).until(() -> psql.number(query) == 1);
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(psql.situation(), e);
        }
    }

    @Test
    void countingAnewPassesOverAUserWhoIsJustBeingDeleted() {
        var person = server.person();
        var other = server.person();
        create(other);
        server.awaitJobs();
        psql.execute("UPDATE stats SET total = 9 WHERE user_id = '" + other.id() + "'");
        CompletableFuture<Integer> deletion;
        CompletableFuture<Void> reconciling;
        try (var _ = psql.lock("activity", "ACCESS EXCLUSIVE")) {
            deletion = CompletableFuture.supplyAsync(() -> deleteUser(person), Thread::startVirtualThread);
            psql.awaitBlocked(1);
            reconciling = CompletableFuture.runAsync(StatsIT::reconcile, Thread::startVirtualThread);
            await().atMost(Duration.ofSeconds(4)).until(() -> psql.number("""
                SELECT count(*) FROM pg_stat_activity
                WHERE application_name = 'heddle' AND wait_event_type = 'Lock'
                """) == 2);
        }
        assertEquals(204, deletion.join());
        reconciling.join();
        assertEquals(0, rowsOf(person));
        assertEquals(new Counts(1, 0, 1), stats(other));
    }

    @Test
    void everyUserIsReconciledHoweverManyThereAre() {
        try (var one = TestServer.start()) {
            var own = new Psql(one.schema());
            own.execute("""
                INSERT INTO users (id, email, name, role)
                    SELECT 'u' || i, 'u' || i || '@test.example', 'U', 'user' FROM generate_series(1, 250) AS i;
                INSERT INTO tasks (user_id, id, title) SELECT id, gen_random_uuid(), 'x' FROM users;
                """);
            try (var its = Database.open(TestPostgres.options(one.schema()))) {
                new Notifications(its).reconcile();
            }
            assertEquals(251, own.number("SELECT count(*) FROM stats WHERE total = 1 AND completed = 0"));
            assertEquals(
                    1, one.get("/stats", one.adminToken()).json().get("total").asInt());
        }
    }

    @Test
    void anImportIsCountedOnceWhateverIsCountedAnewMeanwhile() {
        var person = server.person();
        create(person);
        server.awaitJobs();
        var rows = "{\"title\": \"open\"}\n".repeat(200) + "{\"title\": \"done\", \"completed\": true}\n".repeat(100);
        try (var _ = psql.puttingOff(COUNTING)) {
            var reply = server.send("POST", "/process", person.token(), rows, "Content-Type", "application/x-ndjson");
            assertEquals(200, reply.status(), reply::text);
            reconcile();
            assertEquals(new Counts(1, 0, 1), stats(person), "the job has not counted yet");
        }
        psql.hurryJobs();
        server.awaitJobs();
        assertEquals(new Counts(301, 100, 201), stats(person));
        reconcile();
        assertEquals(counted(person), stats(person));
    }
}
