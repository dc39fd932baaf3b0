package dev.heddle.app;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Closes what was opened, the last first, each once. A failure to close one does not keep the others open. Safe for any
 * thread; what is added after closing is closed at once.
 */
final class Owned implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Owned.class.getName());

    // Both under this object's lock.
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private boolean closed;

    synchronized <T extends AutoCloseable> T add(T resource) {
        opened.push(resource);
        if (closed) {
            closeAll();
        }
        return resource;
    }

    @Override
    public synchronized void close() {
        closed = true;
        closeAll();
    }

    @SuppressWarnings("InterruptedExceptionSwallowed") // Set again: it is for whoever waits next.
    private void closeAll() {
        while (!opened.isEmpty()) {
            var resource = opened.pop();
            try {
                resource.close();
            } catch (Exception e) {
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                LOG.log(System.Logger.Level.WARNING, "could not close " + resource, e);
            }
        }
    }
}
