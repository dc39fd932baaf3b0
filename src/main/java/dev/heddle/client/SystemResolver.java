package dev.heddle.client;

import dev.heddle.client.HttpFailure.Kind;
import dev.heddle.concurrent.Deadline;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The operating system's resolver, on threads of its own: it can neither be interrupted nor told how long it may take, so
 * whoever asks leaves when their time is up. What it finds is kept by the JDK for 30 seconds, what it does not find for 10.
 * Safe for any thread; whoever opens it closes it.
 */
public final class SystemResolver implements Resolver, AutoCloseable {

    /** Names that are slow to resolve take a thread each, for as long as the system tries. */
    private static final int THREADS = 8;

    /** More that wait would wait in vain. */
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

    /** What the operating system does. */
    @FunctionalInterface
    interface Lookup {
        InetAddress[] lookup(String host) throws UnknownHostException;
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
        return isAddress(host) ? List.of(InetAddress.ofLiteral(host)) : wait(lookup(host), host, deadline);
    }

    /** As {@link HttpUrl} writes hosts, only an address has a colon or nothing but numbers. */
    private static boolean isAddress(String host) {
        return host.indexOf(':') >= 0 || host.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'));
    }

    private FutureTask<InetAddress[]> lookup(String host) throws HttpFailure {
        var lookup = new FutureTask<>(() -> system.lookup(host));
        try {
            threads.execute(lookup);
            return lookup;
        } catch (RejectedExecutionException e) {
            throw new HttpFailure(Kind.UNRESOLVED, "too many names wait to be resolved", e);
        }
    }

    private List<InetAddress> wait(FutureTask<InetAddress[]> lookup, String host, Deadline deadline)
            throws HttpFailure {
        try {
            return List.of(lookup.get(deadline.remainingNanos(), TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (CancellationException) new CancellationException("interrupted while resolving").initCause(e);
        } catch (TimeoutException e) {
            throw new HttpFailure(Kind.TIMEOUT, host + " was not resolved in time", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownHostException unknown) {
                throw new HttpFailure(Kind.UNRESOLVED, host + " has no address", unknown);
            }
            throw new IllegalStateException(e.getCause());
        } finally {
            lookup.cancel(false);
            // Or those that nobody waits for would take the places of those that somebody does.
            threads.remove(lookup);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
