package dev.heddle.client;

import dev.heddle.client.HttpFailure.Kind;
import dev.heddle.concurrent.Deadline;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The operating system's resolver, on threads of its own: it can neither be interrupted nor told how long it may take, so
 * whoever asks leaves when their time is up. Those who want the same name at once share one look-up, which goes on until
 * the system returns, so a name never takes more than one thread. Eight different names that the system does not return
 * from do hold up all others, which then fail at their own deadlines: who may name how many hosts is for the caller to
 * limit. What it finds is kept by the JDK for 30 seconds, what it does not find for 10. Safe for any thread; whoever opens
 * it closes it.
 */
public final class SystemResolver implements Resolver, AutoCloseable {

    /** So many different names are looked up at once; each that is slow takes its thread for as long as the system tries. */
    private static final int THREADS = 8;

    /** Different names that wait for a thread; more would wait in vain. */
    private static final int QUEUE = 256;

    private static final int IDLE_SECONDS = 10;

    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(
            THREADS,
            THREADS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(QUEUE),
            Thread.ofPlatform().daemon().name("heddle-dns-", 0).factory());

    private final Lookup system;

    // Under the lock.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Shared> running = new HashMap<>();

    /** What the operating system does. */
    @FunctionalInterface
    interface Lookup {
        InetAddress[] lookup(String host) throws UnknownHostException;
    }

    /** A look-up and those who wait for it. */
    private final class Shared {

        private final String host;
        private final FutureTask<InetAddress[]> task = new FutureTask<>(this::find);

        // Under the lock.
        private int waiting;

        Shared(String host) {
            this.host = host;
        }

        private InetAddress[] find() throws UnknownHostException {
            try {
                return system.lookup(host);
            } finally {
                // Before anybody knows what came of it: who asks after that asks anew.
                forget(this);
            }
        }
    }

    /** Opens it; its threads start when there is something to look up. */
    public SystemResolver() {
        this(InetAddress::getAllByName);
    }

    SystemResolver(Lookup system) {
        this.system = system;
        threads.allowCoreThreadTimeOut(true);
    }

    @Override
    public List<InetAddress> resolve(String host, Deadline deadline) throws HttpFailure {
        if (isAddress(host)) {
            return List.of(InetAddress.ofLiteral(host));
        }
        var lookup = join(host);
        try {
            return wait(lookup, deadline);
        } finally {
            leave(lookup);
        }
    }

    /** As {@link HttpUrl} writes hosts, only an address has a colon or nothing but numbers. */
    private static boolean isAddress(String host) {
        return host.indexOf(':') >= 0 || host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'));
    }

    private Shared join(String host) throws HttpFailure {
        lock.lock();
        try {
            var lookup = running.get(host);
            if (lookup == null) {
                lookup = new Shared(host);
                threads.execute(lookup.task);
                running.put(host, lookup);
            }
            lookup.waiting++;
            return lookup;
        } catch (RejectedExecutionException e) {
            throw new HttpFailure(Kind.UNRESOLVED, "too many names wait to be resolved", e);
        } finally {
            lock.unlock();
        }
    }

    private void leave(Shared lookup) {
        lock.lock();
        try {
            lookup.waiting--;
            // Or those that nobody waits for would take the places of those that somebody does. One that has begun
            // stays, or
            // the next who asks would take another thread for the same.
            if (lookup.waiting == 0 && threads.remove(lookup.task)) {
                running.remove(lookup.host, lookup);
            }
        } finally {
            lock.unlock();
        }
    }

    private void forget(Shared lookup) {
        lock.lock();
        try {
            running.remove(lookup.host, lookup);
        } finally {
            lock.unlock();
        }
    }

    private static List<InetAddress> wait(Shared lookup, Deadline deadline) throws HttpFailure {
        try {
            return List.of(lookup.task.get(deadline.remainingNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("interrupted while resolving").initCause(e);
        } catch (TimeoutException e) {
            throw new HttpFailure(Kind.TIMEOUT, lookup.host + " was not resolved in time", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownHostException unknown) {
                throw new HttpFailure(Kind.UNRESOLVED, lookup.host + " has no address", unknown);
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
