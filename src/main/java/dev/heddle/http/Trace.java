package dev.heddle.http;

import org.jspecify.annotations.Nullable;

/**
 * By what a request is known, here and to the servers that are asked because of it. Immutable.
 *
 * @param requestId its name in logs
 * @param traceparent the caller's own, W3C Trace Context; null when it sent none that is valid
 */
public record Trace(String requestId, @Nullable String traceparent) {}
