package dev.heddle.http;

import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which pages may ask from within a browser (Cross-Origin Resource Sharing, the Fetch standard §3.2). Callers are known by a
 * token that they send themselves, never by a cookie, so credentials are never allowed. Immutable.
 */
public final class Cors {

    /** No pages but our own. */
    public static final Cors OFF = new Cors(Set.of(), Duration.ZERO);

    /** In place of origins: all of them. */
    public static final String ANY = "*";

    private static final HeaderName REQUEST_METHOD = HeaderNames.create("Access-Control-Request-Method");

    private static final HeaderName ALLOW_ORIGIN = HeaderNames.create("Access-Control-Allow-Origin");

    /** All that clients of ours may want to send, beside what they always may. */
    private static final Header ALLOW_HEADERS = HeaderValues.createCached(
            "Access-Control-Allow-Headers",
            "Authorization, Content-Type, Content-Digest, Idempotency-Key, If-Match, If-None-Match, If-Modified-Since, "
                    + "If-Unmodified-Since, If-Range, Last-Event-ID, Range, Repr-Digest, Request-Timeout, traceparent, "
                    + "X-Request-Id");

    /** All that they may want to know, beside what they always may. */
    private static final Header EXPOSE_HEADERS = HeaderValues.createCached(
            "Access-Control-Expose-Headers",
            "Accept-Patch, Accept-Post, Accept-Ranges, Age, Aggregate-Complete, Allow, Content-Digest, "
                    + "Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Link, Location, RateLimit, "
                    + "RateLimit-Policy, Repr-Digest, Retry-After, Server-Timing, WWW-Authenticate, X-Request-Id");

    private static final Header VARY = HeaderValues.createCached(HeaderNames.VARY, "Origin");

    private static final Header VARY_PREFLIGHT = HeaderValues.createCached(
            HeaderNames.VARY, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");

    private static final Header ALL_ORIGINS = HeaderValues.createCached(ALLOW_ORIGIN, ANY);

    private final Set<String> origins;
    private final boolean isForAll;
    private final Header maxAge;

    /**
     * Lets these in.
     *
     * @param origins as browsers write them, {@code https://app.example.org}; {@link #ANY} for all
     * @param maxAge how long a browser may keep the answer to a preflight
     */
    public Cors(Set<String> origins, Duration maxAge) {
        this.origins = Set.copyOf(origins);
        this.isForAll = origins.contains(ANY);
        this.maxAge = HeaderValues.createCached("Access-Control-Max-Age", String.valueOf(maxAge.toSeconds()));
    }

    /** The headers that let the page which asks read an answer; they tell caches that it depends on who asks. */
    void headers(Answer answer, String origin, Consumer<Header> to) {
        if (origins.isEmpty()) {
            return;
        }
        if (!isForAll && !answer.valueOf(HeaderNames.VARY).contains(HeaderNames.ORIGIN.defaultCase())) {
            var vary = answer.valueOf(HeaderNames.VARY);
            to.accept(vary.isEmpty() ? VARY : HeaderValues.create(HeaderNames.VARY, vary + ", Origin"));
        }
        var allowed = allowed(origin);
        if (allowed != null) {
            to.accept(allowed);
            to.accept(EXPOSE_HEADERS);
        }
    }

    /**
     * Whether a browser asks what its page may send, not for what is there.
     *
     * @return the answer; null when it does not, or is to hear nothing
     */
    @Nullable
    Answer preflight(Request request, String allow) {
        if (request.header(REQUEST_METHOD).isEmpty() || allowed(request.header(HeaderNames.ORIGIN)) == null) {
            return null;
        }
        return Answer.of(204)
                .header(HeaderNames.ALLOW, allow)
                .header(HeaderNames.create("Access-Control-Allow-Methods"), allow)
                .header(ALLOW_HEADERS)
                .header(maxAge)
                .header(VARY_PREFLIGHT);
    }

    private @Nullable Header allowed(String origin) {
        if (origin.isEmpty()) {
            return null;
        }
        if (isForAll) {
            return ALL_ORIGINS;
        }
        return origins.contains(origin.toLowerCase(Locale.ROOT)) ? HeaderValues.create(ALLOW_ORIGIN, origin) : null;
    }
}
