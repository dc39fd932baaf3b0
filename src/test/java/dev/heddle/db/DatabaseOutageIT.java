package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.BulkheadFullException;
import dev.heddle.concurrent.Deadline;
import dev.heddle.db.DatabaseException.Kind;
import dev.heddle.testing.Forwarder;
import dev.heddle.testing.Forwarder.Mode;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.TestPostgres;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A database that goes away and comes back, on a PostgreSQL of its own behind a network that can be spoilt. */
@InThisJvm
@Timeout(120)
class DatabaseOutageIT {

    private static final Duration GATE_WAIT = Duration.ofSeconds(1);

    /** What a failure may take beyond the wait that bounds it, on a machine that is busy with other tests. */
    private static final Duration LITTLE = Duration.ofSeconds(2);

    /** A pool tries again at least every five seconds. */
    private static final Duration RECOVERY = Duration.ofSeconds(30);

    private static final Duration LIMIT = Duration.ofMillis(300);

    private static EmbeddedPostgres postgres;

    private final Forwarder network = new Forwarder(port());
    private final Database database = open(password());

    @BeforeAll
    static void start() {
        postgres = EmbeddedPostgres.start(TestPostgres.another());
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    @AfterEach
    void close() {
        database.close();
        network.close();
    }

    private static int port() {
        var url = postgres.url();
        return Integer.parseInt(url, url.lastIndexOf(':') + 1, url.lastIndexOf('/'), 10);
    }

    private static String password() {
        return postgres.password();
    }

    private Database open(String password) {
        return open(password, "heddle");
    }

    private Database open(String password, String name) {
        return open(password, name, Duration.ofSeconds(10));
    }

    private Database open(String password, String name, Duration statementTimeout) {
        return Database.open(new Database.Options(
                "jdbc:postgresql://127.0.0.1:" + network.port() + "/" + name,
                postgres.username(),
                password,
                4,
                100,
                GATE_WAIT,
                statementTimeout));
    }

    private void assertWorks() {
        await().atMost(RECOVERY).untilAsserted(() -> {
            assertEquals(Optional.empty(), database.failure());
            assertTrue(database.<Boolean>read(sql -> Notes.sleep(sql, 0)));
            assertTrue(database.<Boolean>inTransaction(sql -> Notes.sleep(sql, 0)));
        });
        Notes.assertWhole(database);
    }

    /** Every unit fails, as unavailable, and soon. */
    private void assertAway() {
        long started = System.nanoTime();
        Notes.assertKind(Kind.UNAVAILABLE, () -> database.read(Notes::backend));
        Notes.assertKind(Kind.UNAVAILABLE, () -> database.inTransaction(Notes::backend));
        assertWithin(GATE_WAIT.multipliedBy(2).plus(LITTLE), started);
        var outage = database.failure().orElseThrow();
        assertTrue(outage.mayPass(), outage::toString);
        assertFalse(outage.sentence().isBlank());
    }

    private static void assertWithin(Duration limit, long startedNanos) {
        var took = Notes.since(startedNanos);
        assertTrue(took.compareTo(limit) < 0, () -> "it took " + took);
    }

    private CompletableFuture<Boolean> startSleeping(double seconds) {
        var sleeper = CompletableFuture.supplyAsync(
                () -> database.<Boolean>inTransaction(sql -> Notes.sleep(sql, seconds)), Thread::startVirtualThread);
        await().until(() -> database.usage().inUse() == 1);
        return sleeper;
    }

    private static Kind kindOf(CompletableFuture<?> failing) {
        var failure = assertThrows(CompletionException.class, failing::join);
        return failure.getCause() instanceof DatabaseException e ? e.kind() : Kind.FAILURE;
    }

    @Test
    void aServerThatStopsFailsItsUnitsPromptlyAndOneThatReturnsIsUsedAgain() {
        assertWorks();
        var running = startSleeping(60);
        postgres.close();
        try {
            assertEquals(Kind.UNAVAILABLE, kindOf(running));
            assertAway();
        } finally {
            start();
            network.target(port());
        }
        assertWorks();
    }

    @Test
    void manyCallersOfAnAbsentDatabaseAreAllAnsweredPromptly() {
        assertWorks();
        network.mode(Mode.REFUSE);
        long started = System.nanoTime();
        var callers = IntStream.range(0, 50)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> assertThrows(RuntimeException.class, () -> database.read(Notes::backend)),
                        Thread::startVirtualThread))
                .toList();
        for (var caller : callers) {
            var failure = caller.join();
            assertTrue(
                    failure instanceof BulkheadFullException
                            || (failure instanceof DatabaseException e && e.kind() == Kind.UNAVAILABLE),
                    failure::toString);
        }
        // The wait for a place, then the wait for a connection.
        assertWithin(GATE_WAIT.multipliedBy(2).plus(LITTLE), started);
        network.mode(Mode.FORWARD);
        assertWorks();
    }

    @Test
    void aNetworkThatRefusesIsAnOutageThatPasses() {
        assertWorks();
        network.mode(Mode.REFUSE);
        assertAway();
        network.mode(Mode.FORWARD);
        assertWorks();
    }

    @Test
    void aNetworkThatResetsEndsWhatRunsAndIsAnOutageThatPasses() {
        assertWorks();
        var running = startSleeping(60);
        network.mode(Mode.RESET);
        assertEquals(Kind.UNAVAILABLE, kindOf(running));
        assertAway();
        network.mode(Mode.FORWARD);
        assertWorks();
    }

    @Test
    void workThatGoesOnAfterItsConnectionWasLostIsToldSo() {
        assertWorks();
        Notes.assertKind(
                Kind.UNAVAILABLE,
                () -> database.read(sql -> {
                    network.mode(Mode.RESET);
                    Notes.assertKind(Kind.UNAVAILABLE, () -> Notes.backend(sql));
                    // The pool has taken the connection away by now and answers in its own words.
                    return Notes.backend(sql);
                }));
        network.mode(Mode.FORWARD);
        assertWorks();
    }

    @Test
    void aDeadlineEndsAStatementThatTheNetworkHasSwallowed() {
        for (int i = 0; i < 2; i++) {
            assertWorks();
            var lost = new CompletableFuture<Duration>();
            var caller = Thread.startVirtualThread(() -> {
                var limit = Deadline.after(Duration.ofSeconds(1));
                try {
                    limit.call(() -> database.inTransaction(sql -> Notes.sleep(sql, 60)));
                } catch (DatabaseException e) {
                    lost.complete(Duration.ofNanos(-limit.remainingNanos()));
                }
            });
            await().until(() -> database.usage().inUse() == 1);
            network.mode(Mode.BLACK_HOLE);
            var late = lost.join();
            assertTrue(late.compareTo(Duration.ofMillis(1500)) < 0, () -> late + " after its deadline");
            assertFalse(caller.isInterrupted());
            // What was swallowed arrives now, the cancellation too; it must hit nobody.
            network.mode(Mode.FORWARD);
            for (int turn = 0; turn < 40; turn++) {
                assertTrue(retried(() -> database.read(sql -> Notes.sleep(sql, 0.005))));
            }
        }
        assertWorks();
    }

    /** The connections that were idle in the hole may be found dead; a cancellation that hits an innocent is no outage. */
    private boolean retried(Supplier<Boolean> work) {
        return await().atMost(RECOVERY)
                .ignoreExceptionsMatching(
                        e -> e instanceof DatabaseException failure && failure.kind() == Kind.UNAVAILABLE)
                .until(work::get, value -> value);
    }

    @Test
    void aNetworkThatSwallowsEverythingHoldsNobodyLongerThanItsDeadline() {
        assertWorks();
        network.mode(Mode.BLACK_HOLE);
        for (int i = 0; i < 5; i++) {
            long started = System.nanoTime();
            assertThrows(RuntimeException.class, () -> Deadline.after(LIMIT).call(() -> database.read(Notes::backend)));
            // Either the wait for a connection or the deadline bounds it.
            assertWithin(GATE_WAIT.plus(LITTLE), started);
        }
        assertTrue(database.failure().orElseThrow().mayPass());
        network.mode(Mode.FORWARD);
        assertWorks();
    }

    @Test
    void withoutADeadlineTheNetworkHoldsAUnitLittleLongerThanAStatementMayTake() {
        try (var patient = open(password(), "heddle", Duration.ofMillis(500))) {
            Notes.assertWhole(patient);
            // Idle, so that only our own limits end it.
            var lost = CompletableFuture.supplyAsync(
                    () -> patient.<Boolean>inTransaction(sql -> {
                        network.mode(Mode.BLACK_HOLE);
                        return Notes.sleep(sql, 0);
                    }),
                    Thread::startVirtualThread);
            assertTrue(lost.handle((_, failure) -> failure != null)
                    .completeOnTimeout(false, 30, TimeUnit.SECONDS)
                    .join());
            network.mode(Mode.FORWARD);
            Notes.assertWhole(patient);
        }
    }

    @Test
    void itOpensBeforeItsDatabaseIsThere() {
        network.mode(Mode.REFUSE);
        try (var early = open(password())) {
            assertTrue(early.failure().orElseThrow().mayPass());
            network.mode(Mode.FORWARD);
            await().atMost(RECOVERY).until(() -> early.failure().isEmpty());
            assertTrue(early.<Boolean>read(sql -> Notes.sleep(sql, 0)));
        }
    }

    @Test
    void aWrongPasswordDoesNotPass() {
        try (var wrong = open("wrong")) {
            await().atMost(RECOVERY).until(() -> !wrong.failure().orElseThrow().mayPass());
            var sentence = wrong.failure().orElseThrow().sentence();
            assertTrue(sentence.contains("password authentication failed"), sentence);
            Notes.assertKind(Kind.UNAVAILABLE, () -> wrong.read(Notes::backend));
        }
    }

    @Test
    void aDatabaseThatDoesNotExistDoesNotPass() {
        try (var wrong = open(password(), "nowhere")) {
            await().atMost(RECOVERY).until(() -> !wrong.failure().orElseThrow().mayPass());
            var sentence = wrong.failure().orElseThrow().sentence();
            assertTrue(sentence.contains("\"nowhere\" does not exist"), sentence);
        }
    }
}
