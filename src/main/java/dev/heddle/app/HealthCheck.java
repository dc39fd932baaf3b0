package dev.heddle.app;

import dev.heddle.client.HttpFailure;
import dev.heddle.client.HttpPool;
import dev.heddle.client.Origin;
import dev.heddle.client.SystemResolver;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/**
 * Asks a Heddle on this machine whether it is ready, the way a container's health check does: an image that holds no more
 * than it needs has nothing else to ask with.
 */
final class HealthCheck {

    /** Shorter than the interval of any health check; who needs longer to say that it is ready is not. */
    private static final Duration LIMIT = Duration.ofSeconds(5);

    /** Many times what the answer has. */
    private static final int BODY_BYTES_MAX = 64 * 1024;

    private static final int NOT_READY = 1;

    private HealthCheck() {}

    /** Asks the listener for operators that these settings name; 0 when it is ready. */
    static int run(Settings.Admin admin, PrintStream out, PrintStream err) {
        if (admin.port() == 0) {
            throw new IllegalArgumentException("health needs an admin.port; with 0 only the running Heddle knows it");
        }
        var origin = new Origin(false, reachable(admin.host()), admin.port());
        var limits = new HttpPool.Limits(0, LIMIT, LIMIT, LIMIT, BODY_BYTES_MAX);
        try (var resolver = new SystemResolver();
                var pool = new HttpPool(origin, resolver, limits, null)) {
            var answer = pool.get("/health/ready", List.of());
            var text = new String(answer.body(), StandardCharsets.UTF_8).strip();
            if (answer.status() == 200) {
                out.println(text);
                return 0;
            }
            err.println("heddle: " + origin + " is not ready: " + answer.status() + " " + text);
        } catch (HttpFailure e) {
            err.println("heddle: " + origin + " cannot be asked: " + e.getMessage());
        }
        return NOT_READY;
    }

    /** An address to connect to, where the one that is bound means all of them. */
    private static String reachable(String host) {
        return switch (host) {
            case "0.0.0.0" -> "127.0.0.1";
            case "::" -> "::1";
            default -> host;
        };
    }
}
