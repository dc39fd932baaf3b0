package dev.heddle.app;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.app.ChaosPostgres.Stop;
import dev.heddle.app.ChaosQueue.Claim;
import dev.heddle.testing.Forwarder;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Servers and their database die under load, again and again. By default a short round; the long one, with its report:
 *
 * <pre>
 * mvn test -Dtest=ChaosIT -Dchaos.kills=12 -Dchaos.restarts=3 -Dchaos.pause=20 -Dchaos.freeze=40 \
 *     -Dchaos.report=bench/&lt;date&gt;-chaos.md
 * </pre>
 *
 * <p>{@code -Dchaos.seed} repeats the moments of a round, as far as the machine lets it.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class ChaosIT {

    /** How often the only server is killed. */
    private static final int KILLS = Integer.getInteger("chaos.kills", 3);

    /** One kill in so many hits a server that is just starting. */
    private static final int KILL_OF_A_START = 4;

    /** How often PostgreSQL is stopped in either way. */
    private static final int RESTARTS = Integer.getInteger("chaos.restarts", 1);

    /** Short enough to keep the jobs. */
    private static final Duration PAUSE = Duration.ofSeconds(Integer.getInteger("chaos.pause", 6));

    /** Long enough to lose them; none when zero. */
    private static final Duration FREEZE = Duration.ofSeconds(Integer.getInteger("chaos.freeze", 0));

    private static final long SEED = Long.getLong("chaos.seed", System.currentTimeMillis());

    private static final String REPORT = System.getProperty("chaos.report", "");

    /** What is promised: thirty seconds of silence, a poll, and two: then another server has begun the jobs of a dead one. */
    private static final Duration RERUN_MAX = Duration.ofSeconds(33);

    private static final int WRITERS = 8;

    /** Between two operations of a writer: a load, but one that leaves something of the machine to the others. */
    private static final Duration BREATH = Duration.ofMillis(15);

    private static final Duration RECOVERY_MAX = Duration.ofSeconds(30);

    /** How many jobs a server must have when it is paused or killed. */
    private static final int JOBS_IN_HAND = 3;

    /** Whose jobs can be held. */
    private static final String HELD = "held";

    private final Random random = new Random(SEED);
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(2))
            .build();
    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(WRITERS);
    private final List<ScheduledFuture<?>> writing = new ArrayList<>();
    private final AtomicLong acknowledged = new AtomicLong();
    private final List<ChaosReplica> replicas = new CopyOnWriteArrayList<>();
    private final List<Path> mailFolders = new ArrayList<>();
    private final List<ChaosWriter> writers = new ArrayList<>();
    private final ChaosReport report = new ChaosReport();
    private final long began = System.nanoTime();

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private Path directory;

    private ChaosPostgres postgres;
    private ChaosQueue queue;
    private ChaosWriter held;
    private String adminToken;

    @BeforeEach
    void startOneServerAndItsWriters() throws SQLException, IOException, InterruptedException {
        System.out.println("chaos.seed=" + SEED);
        postgres = new ChaosPostgres();
        queue = new ChaosQueue(postgres);
        var first = start();
        adminToken = first.adminToken();
        held = writer(HELD);
        queue.prepare(HELD);
        for (int i = 1; i <= WRITERS; i++) {
            var writer = writer("w" + i);
            writers.add(writer);
            writing.add(threads.scheduleWithFixedDelay(writer::step, 0, BREATH.toMillis(), TimeUnit.MILLISECONDS));
        }
        introduce();
    }

    @AfterEach
    void stop() {
        threads.shutdownNow();
        replicas.forEach(ChaosReplica::close);
        postgres.close();
        client.close();
    }

    private ChaosReplica start() throws InterruptedException {
        var replica = ChaosReplica.start(directory.resolve("server-" + (mailFolders.size() + 1)), postgres);
        replicas.add(replica);
        mailFolders.add(replica.mails());
        replica.awaitReady();
        return replica;
    }

    private ChaosWriter writer(String id) throws IOException, InterruptedException {
        admin("/users", """
            {"id": "%s", "email": "%s@test.example", "name": "%s", "role": "user"}\
            """.formatted(id, id, id));
        var made = admin("/users/" + id + "/tokens", "{\"name\": \"chaos\", \"scopes\": [\"read\", \"write\"]}");
        var token = new ObjectMapper().readTree(made).get("token").asText();
        return new ChaosWriter(client, replicas, acknowledged::incrementAndGet, id, token, random.nextLong());
    }

    private String admin(String path, String body) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(
                        replicas.getFirst().address().orElseThrow().resolve(path))
                .header("Authorization", "Bearer " + adminToken)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
        var response = client.send(request, BodyHandlers.ofString());
        assertEquals(201, response.statusCode(), response.body());
        return response.body();
    }

    private void introduce() throws SQLException {
        report.paragraph("# Durable jobs among crashes, " + LocalDate.now(ZoneOffset.UTC));
        report.paragraph("""
            `mvn test -Dtest=ChaosIT -Dchaos.kills=%d -Dchaos.restarts=%d -Dchaos.pause=%d -Dchaos.freeze=%d \
            -Dchaos.seed=%d`. Heddle %s, Java %s, PostgreSQL %s, %d cores, %d writers.\
            """.formatted(
                        KILLS,
                        RESTARTS,
                        PAUSE.toSeconds(),
                        FREEZE.toSeconds(),
                        SEED,
                        Version.HEDDLE,
                        Runtime.version().feature(),
                        queue.text("SHOW server_version"),
                        Runtime.getRuntime().availableProcessors(),
                        WRITERS));
    }

    @Test
    void nothingAcknowledgedIsLostAndNothingIsDoneTwice() throws SQLException, IOException, InterruptedException {
        var first = replicas.getFirst();
        killAgainAndAgain(first);
        var name = nameOf(first);
        var second = start();
        restartPostgres();
        pauseTooShortToLoseJobs(first, name);
        if (FREEZE.isPositive()) {
            pauseLongEnoughToLoseJobs(first, name);
        }
        killOneOfTwo(first, name);
        stopWriting();
        await().atMost(RERUN_MAX.plus(RECOVERY_MAX)).until(() -> queue.size() == 0);
        audit(second);
    }

    private void killAgainAndAgain(ChaosReplica only) throws InterruptedException, SQLException {
        report.table(
                "`kill -9` of the only server",
                "",
                "when",
                "jobs running",
                "from then to the next acknowledgement, ms");
        for (int kill = 1; kill <= KILLS; kill++) {
            boolean isStarting = kill % KILL_OF_A_START == 0;
            int moment = isStarting ? random.nextInt(100, 1500) : random.nextInt(300, 3000);
            pass(Duration.ofMillis(moment));
            long running = queue.running();
            only.kill();
            only.relaunch();
            boolean isLeftAlone = (kill + 1) % KILL_OF_A_START != 0 || kill == KILLS;
            var until = isLeftAlone ? awaitAcknowledgement(only) : "killed again";
            report.row(kill, moment + " ms after its " + (isStarting ? "launch" : "recovery"), running, until);
        }
    }

    private String awaitAcknowledgement(ChaosReplica replica) throws InterruptedException {
        long from = System.nanoTime();
        replica.awaitReady();
        awaitAcknowledgement();
        return millis(since(from));
    }

    /** Of more operations than were under way: of one, at least, that was sent after this was called. */
    private void awaitAcknowledgement() {
        long before = acknowledged.get();
        await().atMost(RECOVERY_MAX).until(() -> acknowledged.get() > before + WRITERS);
    }

    /** Lets so much time pass for the load. */
    private static void pass(Duration time) {
        await().pollDelay(time).atMost(time.plusSeconds(10)).until(() -> true);
    }

    private static Duration since(long nanoTime) {
        return Duration.ofNanos(System.nanoTime() - nanoTime);
    }

    private static String millis(Duration duration) {
        return "%,d".formatted(duration.toMillis());
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.1f", duration.toMillis() / 1e3);
    }

    /** How the only server names itself in the queue. */
    private String nameOf(ChaosReplica only) throws SQLException {
        try (var _ = queue.hold(HELD)) {
            held.create(only);
            return await().until(() -> queue.servers(HELD), names -> names.size() == 1)
                    .iterator()
                    .next();
        }
    }

    private void restartPostgres() throws IOException {
        report.table("PostgreSQL restarted under two servers", "", "stop", "from then to the next acknowledgement, ms");
        for (int i = 1; i <= 2 * RESTARTS; i++) {
            var how = i % 2 == 1 ? Stop.FAST : Stop.IMMEDIATE;
            pass(Duration.ofMillis(random.nextInt(300, 2000)));
            long from = System.nanoTime();
            postgres.restart(how);
            awaitAcknowledgement();
            report.row(i, how.name().toLowerCase(Locale.ROOT), millis(since(from)));
        }
        report.table(
                "One of two servers away; within " + RERUN_MAX.toSeconds() + " s the other has begun its jobs again",
                "what",
                "jobs that it had",
                "outcome");
    }

    /** Makes the server begin some jobs that do not end while the lock is held; others may begin some too. */
    private void begin(ChaosReplica replica, String name) {
        await().until(() -> {
            held.create(replica);
            return queue.claims(name, HELD).size() >= JOBS_IN_HAND;
        });
    }

    /** Begun again; that all are done in the end is the audit's business. */
    private void awaitRerun(Set<Claim> claims, long from) {
        await().atMost(RERUN_MAX.minus(since(from)))
                .untilAsserted(() -> assertEquals(List.of(), queue.notRerun(claims)));
    }

    private void pauseTooShortToLoseJobs(ChaosReplica paused, String name) throws SQLException {
        Set<Claim> claims;
        try (var _ = queue.hold(HELD)) {
            begin(paused, name);
            paused.pause();
            claims = queue.claims(name, HELD);
            assertFalse(claims.isEmpty());
            pass(PAUSE);
            assertEquals(claims, queue.claims(name, HELD), "somebody took jobs of a server that had only paused");
        }
        paused.resume();
        await().atMost(RECOVERY_MAX).untilAsserted(() -> assertEquals(List.of(), queue.unfinished(claims)));
        report.row("paused for " + PAUSE.toSeconds() + " s", claims.size(), "kept, and done when it went on");
    }

    /** What it sends after that arrives, and must change nothing. */
    private void pauseLongEnoughToLoseJobs(ChaosReplica paused, String name)
            throws SQLException, IOException, InterruptedException {
        // Those whose end could not be noted while PostgreSQL was away: nobody would send anything about them.
        await().atMost(RERUN_MAX.plus(RECOVERY_MAX)).until(() -> queue.silent(3) == 0);
        double lostBefore = lost(paused);
        long from = System.nanoTime();
        var claims = Set.<Claim>of();
        while (claims.isEmpty()) {
            from = System.nanoTime();
            claims = stopInTheMiddle(paused, name);
        }
        var taken = claims;
        awaitRerun(taken, from);
        var rerun = since(from);
        pass(FREEZE.minus(rerun));
        paused.network().mode(Forwarder.Mode.FORWARD);
        paused.resume();
        await().atMost(RECOVERY_MAX).until(() -> lost(paused) - lostBefore > 0);
        report.row(
                "paused for " + FREEZE.toSeconds() + " s",
                claims.size(),
                "begun again by the other after " + seconds(rerun) + " s; what it sent later did nothing, "
                        + Math.round(lost(paused) - lostBefore) + " times");
    }

    /** Pauses it with jobs in hand whose effects it has not sent or will have sent too late; none if it was idle. */
    private Set<Claim> stopInTheMiddle(ChaosReplica paused, String name) throws SQLException {
        paused.network().mode(Forwarder.Mode.BLACK_HOLE);
        paused.pause();
        await().until(() -> queue.isIdle(name));
        var claims = queue.claims(name);
        if (claims.isEmpty()) {
            paused.network().mode(Forwarder.Mode.FORWARD);
            paused.resume();
            awaitAcknowledgement();
        }
        return claims;
    }

    private double lost(ChaosReplica replica) throws IOException, InterruptedException {
        return replica.metric(client, "heddle_job_attempts_total", "outcome=\"lost\"");
    }

    private void killOneOfTwo(ChaosReplica killed, String name) throws SQLException, InterruptedException {
        long from;
        Set<Claim> claims;
        try (var _ = queue.hold(HELD)) {
            begin(killed, name);
            from = System.nanoTime();
            killed.kill();
            // PostgreSQL ends what a dead client has begun, and with the lock gone it would end well.
            await().until(() -> queue.isIdle(name));
            claims = queue.claims(name);
            assertFalse(claims.isEmpty());
        }
        awaitRerun(claims, from);
        report.row("killed", claims.size(), "begun again by the other after " + seconds(since(from)) + " s");
    }

    private void stopWriting() throws InterruptedException {
        writing.forEach(one -> one.cancel(false));
        threads.shutdown();
        assertTrue(threads.awaitTermination(10, TimeUnit.SECONDS));
        assertEquals(
                List.of(),
                writing.stream()
                        .filter(one -> one.state() == Future.State.FAILED)
                        .map(Future::exceptionNow)
                        .toList());
        await().atMost(RECOVERY_MAX).until(() -> writers.stream().allMatch(ChaosWriter::settle));
        writers.add(held);
        await().atMost(RECOVERY_MAX).until(held::settle);
    }

    private void audit(ChaosReplica survivor) throws SQLException, IOException, InterruptedException {
        var audit = new ChaosAudit(client, survivor.address().orElseThrow(), queue, writers);
        var faults = audit.faults(mailFolders, adminToken);
        report.table("What should not be", "", "count");
        audit.counts().forEach(report::row);
        report.table("What is there", "", "count");
        report.row("tasks", queue.number("SELECT count(*) FROM tasks"));
        report.row("creations acknowledged", sum(writer -> writer.created().size()));
        report.row("creations without a key that got no answer", sum(ChaosWriter::unknown));
        report.row("repetitions that got the first attempt's answer", sum(ChaosWriter::replayed));
        report.row("completed tasks", queue.number("SELECT count(*) FROM tasks WHERE completed"));
        report.row("completions acknowledged", sum(writer -> writer.completed().size()));
        report.row("jobs that have had their effect", done());
        report.row("copies of e-mails, from a crash between sending and noting it", audit.mailCopies());
        report.row("dead letters", queue.number("SELECT count(*) FROM dead_jobs"));
        report.row("seconds in all", since(began).toSeconds());
        System.out.println(report);
        if (!REPORT.isEmpty()) {
            report.write(Path.of(REPORT));
        }
        assertEquals(List.of(), faults.stream().limit(20).toList(), survivor::output);
    }

    /** One notification for each task; an e-mail, a count and an entry in the log for each completion. */
    private long done() throws SQLException {
        return queue.number(
                "SELECT (SELECT count(*) FROM notifications) + 3 * (SELECT count(*) FROM tasks WHERE completed)"
                        + " - (SELECT count(*) FROM dead_jobs WHERE kind <> 'send_notification')");
    }

    private int sum(ToIntFunction<ChaosWriter> of) {
        return writers.stream().mapToInt(of).sum();
    }
}
