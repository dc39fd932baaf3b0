package dev.heddle.client;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** The pools of one purpose. It closes what is idle for too long. Safe for any thread; whoever opens it closes it. */
public final class HttpPools implements AutoCloseable {

    /** What nobody uses stays open for so much longer at most. */
    private static final Duration SWEEP = Duration.ofSeconds(1);

    private final Resolver resolver;
    private final @Nullable SSLContext tls;
    private final List<HttpPool> pools = new CopyOnWriteArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean isSwept = new AtomicBoolean();

    /**
     * No pool is open yet.
     *
     * @param tls whom to trust; null for those whom the JDK trusts
     */
    public HttpPools(Resolver resolver, @Nullable SSLContext tls) {
        this.resolver = resolver;
        this.tls = tls;
    }

    /** One more, which is closed with all. */
    public HttpPool open(Origin origin, HttpPool.Limits limits) {
        var pool = new HttpPool(origin, resolver, limits, tls);
        pools.add(pool);
        if (isSwept.compareAndSet(false, true)) {
            Thread.ofVirtual().name("heddle-idle-connections").start(this::sweep);
        }
        return pool;
    }

    private void sweep() {
        try {
            while (!closed.await(SWEEP.toMillis(), TimeUnit.MILLISECONDS)) {
                pools.forEach(HttpPool::closeExpired);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed.countDown();
        pools.forEach(HttpPool::close);
    }
}
