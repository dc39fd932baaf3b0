package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.concurrent.BulkheadFullException;
import dev.heddle.concurrent.Deadline;
import dev.heddle.db.DatabaseException.Kind;
import dev.heddle.testing.InThisJvm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Units of work that may not go on: their time is up, there is no place for them, or nobody wants them any more. */
@InThisJvm
@Timeout(120)
class DatabaseLimitsIT {

    private final Notes notes = new Notes();
    private final Database database = notes.database();

    @AfterEach
    void closeWhole() {
        notes.close();
    }

    @Nested
    class ADeadline {

        @Test
        void cancelsTheStatementThatRunsAndKeepsTheConnection() {
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                long started = System.nanoTime();
                Notes.assertKind(
                        Kind.DEADLINE,
                        () -> Deadline.after(Notes.LIMIT).call(() -> database.read(sql -> Notes.sleep(sql, 20))));
                assertTrue(
                        Notes.since(started).compareTo(Notes.LIMIT) >= 0, () -> Notes.since(started) + " is too early");
                assertTrue(
                        Notes.since(started).compareTo(Notes.LONG.dividedBy(2)) < 0,
                        () -> Notes.since(started) + " is too late");
                await().atMost(Notes.LONG.dividedBy(2))
                        .pollInterval(Duration.ofMillis(10))
                        .until(() -> notes.backends("state <> 'idle'").isEmpty());
                assertTrue(database.<Boolean>read(sql -> Notes.sleep(sql, 0)));
            }
        }

        @Test
        void cancelsTheStatementOfATransactionAndFreesItsLocks() {
            database.single(sql -> Notes.write(sql, 1, "as it was"));
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                Notes.assertKind(
                        Kind.DEADLINE,
                        () -> Deadline.after(Notes.LIMIT)
                                .call(() -> database.inTransaction(sql -> {
                                    sql.update("UPDATE notes SET text = 'changed' WHERE id = 1");
                                    return Notes.sleep(sql, 20);
                                })));
                var free = database.inTransaction(
                        sql -> sql.first("SELECT text FROM notes WHERE id = 1 FOR UPDATE NOWAIT", Row::text));
                assertEquals(Optional.of("as it was"), free);
            }
        }

        @Test
        void endsTheWaitForALock() {
            database.single(sql -> Notes.write(sql, 1, "as it was"));
            database.inTransaction(sql -> {
                sql.update("UPDATE notes SET text = 'held' WHERE id = 1");
                Notes.elsewhere(() -> Notes.assertKind(
                        Kind.DEADLINE,
                        () -> Deadline.after(Notes.LIMIT)
                                .call(() -> database.single(
                                        its -> its.update("UPDATE notes SET text = 'waited' WHERE id = 1")))));
                return true;
            });
            assertEquals(List.of("held"), notes.all());
        }

        @Test
        void thatHasPassedRunsNothing() {
            var ran = new AtomicInteger();
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                Notes.assertKind(
                        Kind.DEADLINE,
                        () -> Deadline.after(Duration.ZERO)
                                .call(() -> database.inTransaction(sql -> {
                                    Notes.write(sql, 1, "late");
                                    return ran.incrementAndGet();
                                })));
                Notes.assertKind(
                        Kind.DEADLINE,
                        () -> Deadline.after(Duration.ZERO)
                                .call(() ->
                                        database.single(sql -> Notes.write(sql, 1, "late") + ran.incrementAndGet())));
            }
            assertEquals(0, ran.get());
            assertEquals(List.of(), notes.all());
        }

        @Test
        void thatWorkOutlivesByFarCostsAtMostItsOwnConnection() {
            for (int i = 0; i < 6; i++) {
                Notes.assertKind(
                        Kind.DEADLINE,
                        () -> Deadline.after(Duration.ofMillis(50))
                                .call(() -> database.inTransaction(sql -> {
                                    Notes.write(sql, 1, "in time");
                                    // Longer than the watch is patient.
                                    await().pollDelay(Duration.ofMillis(700)).until(() -> true);
                                    return Notes.sleep(sql, 0);
                                })));
                assertTrue(database.<Boolean>read(sql -> Notes.sleep(sql, 0)));
            }
            assertEquals(List.of(), notes.all());
        }

        @Test
        void ofOneUnitNeverCancelsTheNextUserOfItsConnection() {
            var innocentFailures = new ArrayList<Throwable>();
            var late = new AtomicInteger();
            var hasty = IntStream.range(0, 6)
                    .mapToObj(i -> CompletableFuture.runAsync(() -> beHasty(late), Thread::startVirtualThread))
                    .toList();
            var innocent = IntStream.range(0, 4)
                    .mapToObj(i -> CompletableFuture.runAsync(() -> beInnocent(hasty), Thread::startVirtualThread))
                    .toList();
            for (var caller : innocent) {
                caller.exceptionally(e -> {
                            innocentFailures.add(e);
                            return null;
                        })
                        .join();
            }
            hasty.forEach(CompletableFuture::join);
            assertEquals(List.of(), innocentFailures);
            assertTrue(late.get() > 20, () -> "only " + late + " were cancelled");
        }

        /** Half of these end just before their deadline and half just after it. */
        private void beHasty(AtomicInteger late) {
            for (int i = 0; i < 60; i++) {
                long millis = ThreadLocalRandom.current().nextLong(5, 80);
                try {
                    Deadline.after(Duration.ofMillis(millis)).call(() -> database.read(sql -> Notes.sleep(sql, 0.04)));
                } catch (DatabaseException e) {
                    assertEquals(Kind.DEADLINE, e.kind(), e::toString);
                    late.incrementAndGet();
                } catch (BulkheadFullException e) {
                    late.incrementAndGet();
                }
            }
        }

        private void beInnocent(List<CompletableFuture<Void>> hasty) {
            while (!hasty.stream().allMatch(CompletableFuture::isDone)) {
                database.read(sql -> Notes.sleep(sql, 0.003));
            }
        }
    }

    @Nested
    class WithoutADeadline {

        @Test
        void theBackstopEndsAStatement() {
            try (var hasty = notes.open(4, 100, Duration.ofSeconds(1), Notes.LIMIT)) {
                Notes.assertKind(Kind.DEADLINE, () -> hasty.read(sql -> Notes.sleep(sql, 20)));
                Notes.assertKind(Kind.DEADLINE, () -> hasty.inTransaction(sql -> Notes.sleep(sql, 20)));
                assertTrue(hasty.<Boolean>read(sql -> Notes.sleep(sql, 0)));
            }
        }
    }

    @Nested
    class AnExhaustedPool {

        private final CountDownLatch enough = new CountDownLatch(1);

        private List<CompletableFuture<Boolean>> holdAll(Database held) {
            Notes.assertWhole(held);
            var holders = IntStream.range(0, 4)
                    .mapToObj(i -> CompletableFuture.supplyAsync(
                            () -> held.read(sql -> {
                                awaitEnough();
                                return Notes.sleep(sql, 0);
                            }),
                            Thread::startVirtualThread))
                    .toList();
            await().until(() -> held.usage().inUse() == 4);
            return holders;
        }

        private void awaitEnough() {
            try {
                enough.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }

        private void release(List<CompletableFuture<Boolean>> holders) {
            enough.countDown();
            holders.forEach(holder -> assertTrue(holder.join()));
        }

        @Test
        void refusesWithinTheWaitOfTheGateAndServesAfterwards() {
            try (var busy = notes.open(4, 2, Notes.LIMIT, Notes.LONG)) {
                var holders = holdAll(busy);
                long started = System.nanoTime();
                assertThrows(BulkheadFullException.class, () -> busy.read(Notes::backend));
                assertTrue(Notes.since(started).compareTo(Notes.LIMIT) >= 0);
                assertTrue(Notes.since(started).compareTo(Notes.LONG.dividedBy(2)) < 0);
                assertEquals(1, busy.usage().refused());
                assertEquals(4, busy.usage().inUse());
                release(holders);
                assertTrue(busy.<Boolean>read(sql -> Notes.sleep(sql, 0)));
            }
        }

        @Test
        void refusesAtOnceWhenItsQueueIsFull() {
            try (var busy = notes.open(4, 1, Notes.LONG, Notes.LONG)) {
                var holders = holdAll(busy);
                var waiter = CompletableFuture.supplyAsync(
                        () -> busy.read(sql -> Notes.sleep(sql, 0)), Thread::startVirtualThread);
                await().until(() -> busy.usage().waiting() == 1);
                long started = System.nanoTime();
                assertThrows(BulkheadFullException.class, () -> busy.read(Notes::backend));
                assertTrue(Notes.since(started).compareTo(Notes.LONG.dividedBy(2)) < 0);
                release(holders);
                assertTrue(waiter.join());
            }
        }

        @Test
        void refusesAtTheDeadlineWhenThatComesFirst() {
            try (var busy = notes.open(4, 2, Notes.LONG, Notes.LONG)) {
                var holders = holdAll(busy);
                long started = System.nanoTime();
                assertThrows(
                        BulkheadFullException.class,
                        () -> Deadline.after(Notes.LIMIT).call(() -> busy.read(Notes::backend)));
                assertTrue(Notes.since(started).compareTo(Notes.LONG.dividedBy(2)) < 0);
                release(holders);
            }
        }

        @Test
        void isNoOutage() {
            try (var busy = notes.open(4, 2, Notes.LIMIT, Notes.LONG)) {
                var holders = holdAll(busy);
                assertEquals(Optional.empty(), busy.failure());
                release(holders);
            }
        }
    }

    @Nested
    class AnInterruption {

        @Test
        void endsTheStatementKeepsTheFlagAndLosesNoConnection() {
            for (int i = 0; i < 6; i++) {
                var flag = new CompletableFuture<Boolean>();
                var thread = Thread.startVirtualThread(() -> {
                    Notes.assertKind(
                            Kind.DEADLINE,
                            () -> database.inTransaction(sql -> {
                                Notes.write(sql, 1, "half");
                                return Notes.sleep(sql, 20);
                            }));
                    flag.complete(Thread.currentThread().isInterrupted());
                });
                await().until(() -> sleeping() == 1);
                thread.interrupt();
                assertTrue(flag.join());
                notes.assertWhole();
                // Its backend notices within half a second that it is alone.
                await().atMost(Notes.LONG).until(() -> sleeping() == 0);
            }
            assertEquals(List.of(), notes.all());
        }

        @Test
        void betweenTwoStatementsRunsNoMoreAndCommitsNothing() {
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                var flag = Notes.elsewhere(() -> {
                    Notes.assertKind(
                            Kind.DEADLINE,
                            () -> database.inTransaction(sql -> {
                                Notes.write(sql, 1, "half");
                                Thread.currentThread().interrupt();
                                return Notes.write(sql, 2, "other half");
                            }));
                    return Thread.interrupted();
                });
                assertTrue(flag);
            }
            notes.assertWhole();
            assertEquals(List.of(), notes.all());
        }

        @Test
        void beforeTheUnitRunsNothingAndKeepsTheFlag() {
            for (int i = 0; i < Notes.MORE_THAN_THE_POOL; i++) {
                var flag = Notes.elsewhere(() -> {
                    Thread.currentThread().interrupt();
                    assertThrows(
                            CancellationException.class, () -> database.single(sql -> Notes.write(sql, 1, "written")));
                    return Thread.interrupted();
                });
                assertTrue(flag);
            }
            notes.assertWhole();
            assertEquals(List.of(), notes.all());
        }

        @Test
        void ofAWaiterFreesItsPlaceInTheQueue() {
            var enough = new CompletableFuture<Boolean>();
            try (var busy = notes.open(1, 1, Notes.LONG, Notes.LONG)) {
                var holder = CompletableFuture.supplyAsync(
                        () -> busy.read(sql -> enough.join()), Thread::startVirtualThread);
                await().until(() -> busy.usage().inUse() == 1);
                var flag = new CompletableFuture<Boolean>();
                var waiter = Thread.startVirtualThread(() -> {
                    assertThrows(CancellationException.class, () -> busy.read(Notes::backend));
                    flag.complete(Thread.currentThread().isInterrupted());
                });
                await().until(() -> busy.usage().waiting() == 1);
                waiter.interrupt();
                assertTrue(flag.join());
                assertEquals(0, busy.usage().waiting());
                enough.complete(true);
                assertTrue(holder.join());
            }
        }

        private int sleeping() {
            return notes.backends("wait_event = 'PgSleep'").size();
        }
    }
}
