package dev.heddle.http;

import static org.awaitility.Awaitility.await;

import dev.heddle.app.TestServer;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** What the access log was told about a request. */
final class Logged {

    private Logged() {}

    /** It is told after the answer has left, so a client may be here first. */
    static AccessLog.Entry entry(TestServer server, String requestId) {
        return await().atMost(10, TimeUnit.SECONDS)
                .until(
                        () -> server.accessLog().stream()
                                .filter(entry -> entry.requestId().equals(requestId))
                                .findFirst(),
                        Optional::isPresent)
                .orElseThrow();
    }
}
