package dev.heddle.http;

import com.fasterxml.jackson.core.util.BufferRecycler;
import com.fasterxml.jackson.core.util.RecyclerPool;
import java.io.Serial;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The buffers of those who read and write JSON, some 20 KB each. Jackson's own default keeps them by thread, and every
 * connection has a thread of its own; its queues take as long as a small document. Here each thread looks at one place, which
 * it shares with some others: whoever finds it empty makes new ones, whoever finds it full on the way back drops its own. So
 * at most {@value #PLACES} are kept. Safe for any thread.
 */
final class JsonBuffers implements RecyclerPool<BufferRecycler> {

    @Serial
    private static final long serialVersionUID = 1L;

    /** A power of two; about as many as there are connections that are busy at once. */
    private static final int PLACES = 64;

    private final transient AtomicReferenceArray<BufferRecycler> places = new AtomicReferenceArray<>(PLACES);

    private static int place() {
        return (int) Thread.currentThread().threadId() & (PLACES - 1);
    }

    @Override
    @SuppressWarnings("NullAway") // An empty place is null.
    public BufferRecycler acquirePooled() {
        var kept = places.getAndSet(place(), null);
        return kept == null ? new BufferRecycler() : kept;
    }

    @Override
    public void releasePooled(BufferRecycler buffers) {
        places.set(place(), buffers);
    }
}
