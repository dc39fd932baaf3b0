package dev.heddle.http;

import org.jspecify.annotations.Nullable;

/** Told once about every request that was answered. Called on the request's thread, so it must not wait. */
@FunctionalInterface
public interface AccessLog {

    /** Logs nothing. */
    AccessLog NONE = new AccessLog() {
        @Override
        public void log(Entry entry) {
            // Nothing.
        }

        @Override
        public boolean isOn() {
            return false;
        }
    };

    /**
     * One answered request. It holds nothing secret: no query, no header but the ids, no body.
     *
     * @param requestId its name
     * @param traceparent the W3C trace context it came with, if any
     * @param caller who sent it, {@code -} for nobody
     * @param client the address that it came from, {@code -} when that is not known
     * @param method as sent
     * @param path as sent, still percent-encoded
     * @param route the pattern of the route, {@code -} for none
     * @param status of the answer
     * @param nanos from the first line read to the last byte written
     * @param bytes of the body
     */
    record Entry(
            String requestId,
            @Nullable String traceparent,
            String caller,
            String client,
            String method,
            String path,
            String route,
            int status,
            long nanos,
            long bytes) {}

    /** Whether it is worth making entries for it. */
    default boolean isOn() {
        return true;
    }

    /** Logs it. */
    void log(Entry entry);
}
