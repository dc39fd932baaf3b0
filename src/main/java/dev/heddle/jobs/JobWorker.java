package dev.heddle.jobs;

import dev.heddle.db.Database;
import dev.heddle.db.Uuid7;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the jobs of all lanes, and what recurs. Every server has one; they share the jobs through the database. Safe for any
 * thread; the one who made it closes it, before its database.
 */
public final class JobWorker implements AutoCloseable {

    /**
     * Jobs of the database lane for each of its workers: those of one kind are one statement, which takes little longer for
     * sixteen of them, and a queue of tens of thousands is then worked off as fast as it fills.
     */
    private static final int EFFECTS_PER_WORKER = 16;

    /** Jobs of the outbound lane for each of its workers while they take little: to read and mark sixteen costs little more than one. */
    private static final int ACTIONS_PER_WORKER = 16;

    // Set once.
    private final JobQueue queue;
    private final Map<Lane, LaneWorker> lanes = new EnumMap<>(Lane.class);

    /**
     * How much is done at once.
     *
     * @param workers of the {@link Lane#DATABASE} lane, each of which stands for sixteen jobs at once
     * @param outboundWorkers jobs of the {@link Lane#OUTBOUND} lane at once
     * @param retryDelay before the second attempt; it doubles with every further one
     */
    public record Options(int workers, int outboundWorkers, Duration retryDelay) {

        /** How many connections the workers need: one for each of them, and for the engine's own statements. */
        public int connections() {
            return workers + 4;
        }
    }

    /**
     * Makes the workers; {@link #start} sets them to work.
     *
     * @param database one of their own, which may commit asynchronously: an effect and its mark are one statement, so a
     *     crash takes back both, and the job is run again
     */
    public JobWorker(
            Database database,
            JobQueue queue,
            List<Registration> kinds,
            List<Recurring> recurring,
            JobObserver observer,
            Options options) {
        this.queue = queue;
        var serverName = Uuid7.next().toString();
        for (var lane : Lane.values()) {
            boolean isDatabase = lane == Lane.DATABASE;
            var its = kinds.stream().filter(kind -> kind.kind().lane() == lane).toList();
            lanes.put(
                    lane,
                    new LaneWorker(
                            lane,
                            database,
                            serverName,
                            isDatabase
                                    ? new Intake(options.workers() * EFFECTS_PER_WORKER, 1)
                                    : new Intake(options.outboundWorkers(), ACTIONS_PER_WORKER),
                            options.retryDelay(),
                            its,
                            isDatabase ? recurring : List.of(),
                            observer));
        }
    }

    /** Begins to run jobs; the schema must be there. */
    public void start() {
        lanes.values().forEach(LaneWorker::start);
        queue.wakes(kind -> worker(kind.lane()).wake(kind));
    }

    private LaneWorker worker(Lane lane) {
        var worker = lanes.get(lane);
        if (worker == null) {
            throw new IllegalStateException("no workers for " + lane);
        }
        return worker;
    }

    /** Takes no more jobs; those that run go on. */
    public void pause() {
        lanes.values().forEach(LaneWorker::pause);
    }

    /** Finishes what runs within some seconds, then interrupts it and gives it back; it has not lost an attempt. */
    @Override
    public void close() {
        queue.wakes(kind -> {});
        var stops = new ArrayList<Thread>();
        lanes.values().stream()
                .flatMap(worker -> worker.ends().stream())
                .forEach(end -> stops.add(Thread.ofVirtual().start(end)));
        boolean interrupted = false;
        for (var stop : stops) {
            while (stop.isAlive()) {
                try {
                    stop.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
