package dev.heddle.http;

import dev.heddle.connection.ConnectionGuard;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Connects to the server's own listeners, because one that has died says that it is running: when no file handle is free it
 * ends for good, and nothing tells. Says nothing over the connection; that it was accepted is all there is to know. Safe for
 * any thread; whoever starts it closes it.
 */
final class SelfCheck implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(SelfCheck.class.getName());

    private static final Duration PERIOD = Duration.ofSeconds(1);

    /**
     * For a connection to be accepted. A listener does so at once, unless the machine has far too much to do, which ends by
     * itself; one that has died refuses it, which needs no patience.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** So often in a row, before a listener counts as dead: two seconds after one that refuses. */
    private static final int FAILURES_MAX = 2;

    private static final Duration STEP = Duration.ofMillis(10);

    // Set once.
    private final List<Target> targets;
    private final Thread thread;

    // The checking thread writes, any thread reads.
    private volatile boolean isAccepting = true;
    private volatile @Nullable String dead;

    // Any thread.
    private volatile boolean isClosed;

    /**
     * A listener.
     *
     * @param address where to connect to; looked up once, because a name may not be found later
     * @param guard sees what it accepts
     * @param maxConnections with so many open it accepts no more, and is not dead
     */
    record Target(String name, InetSocketAddress address, ConnectionGuard guard, int maxConnections) {

        /** What listens to every address of the machine is found at its own. */
        static InetSocketAddress addressOf(String host, int port) {
            var bound = new InetSocketAddress(host, port);
            if (bound.getAddress() == null || !bound.getAddress().isAnyLocalAddress()) {
                return bound;
            }
            var own = bound.getAddress() instanceof Inet6Address ? "::1" : "127.0.0.1";
            return new InetSocketAddress(InetAddress.ofLiteral(own), port);
        }
    }

    /** Begins to check these. */
    SelfCheck(List<Target> targets) {
        this.targets = List.copyOf(targets);
        thread = Thread.ofPlatform().daemon().name("heddle-self-check").start(this::run);
    }

    private void run() {
        int failures = 0;
        while (!isClosed && dead == null) {
            LockSupport.parkNanos(PERIOD.toNanos());
            var silent = isClosed ? Optional.<String>empty() : silent();
            failures = silent.isEmpty() ? 0 : failures + 1;
            isAccepting = silent.isEmpty();
            if (failures >= FAILURES_MAX && !isClosed) {
                dead = silent.orElseThrow();
            }
        }
    }

    private Optional<String> silent() {
        return targets.stream()
                .filter(target -> !accepts(target))
                .map(Target::name)
                .findFirst();
    }

    private static boolean accepts(Target target) {
        var guard = target.guard();
        long before = guard.accepted();
        long began = System.nanoTime();
        String why = "nothing was accepted";
        try (var socket = new Socket()) {
            socket.connect(target.address(), (int) PATIENCE.toMillis());
            while (System.nanoTime() - began < PATIENCE.toNanos()) {
                if (guard.accepted() != before) {
                    return true;
                }
                LockSupport.parkNanos(STEP.toNanos());
            }
        } catch (IOException e) {
            why = e.toString();
        }
        if (guard.accepted() != before || guard.open() >= target.maxConnections()) {
            return true;
        }
        if (System.nanoTime() - began > PATIENCE.multipliedBy(2).toNanos()) {
            // The process stood still meanwhile, and the listener with it.
            return true;
        }
        LOG.log(System.Logger.Level.ERROR, "the listener " + target.name() + " does not accept: " + why);
        return false;
    }

    /** Whether all of them accepted the last time. */
    boolean isAccepting() {
        return isAccepting;
    }

    /** The name of one that accepts no more, if there is one. */
    Optional<String> dead() {
        return Optional.ofNullable(dead);
    }

    /** Checks no longer. */
    @Override
    public void close() {
        isClosed = true;
        LockSupport.unpark(thread);
    }
}
