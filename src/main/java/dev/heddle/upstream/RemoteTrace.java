package dev.heddle.upstream;

import dev.heddle.client.HttpHeader;
import dev.heddle.http.Trace;
import java.util.List;

/** What makes a call part of the request that it is made for, in the logs of both sides. */
final class RemoteTrace {

    private RemoteTrace() {}

    static List<HttpHeader> headers(Trace trace) {
        var id = new HttpHeader("X-Request-Id", trace.requestId());
        return trace.traceparent() == null
                ? List.of(id)
                : List.of(id, new HttpHeader("traceparent", trace.traceparent()));
    }
}
