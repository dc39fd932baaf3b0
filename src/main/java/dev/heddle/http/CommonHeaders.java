package dev.heddle.http;

import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import java.util.function.Consumer;

/** The headers that every answer has, whoever makes it, unless it brings its own. */
final class CommonHeaders {

    static final HeaderName X_REQUEST_ID = HeaderNames.create("X-Request-Id");

    private static final HeaderName CONTENT_SECURITY_POLICY = HeaderNames.create("Content-Security-Policy");

    private static final Header NOSNIFF = HeaderValues.createCached("X-Content-Type-Options", "nosniff");

    private static final Header NO_STORE = HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "no-store");

    /** Nothing that is sent here is a page: should a browser take it for one, it loads, runs and frames nothing. */
    private static final Header NO_PAGE =
            HeaderValues.createCached(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox");

    /** Addresses here name tasks and files; they are nobody else's business. */
    private static final Header NO_REFERRER = HeaderValues.createCached("Referrer-Policy", "no-referrer");

    private CommonHeaders() {}

    /** Those that go with an answer. */
    static void of(Answer answer, String requestId, Consumer<Header> to) {
        to.accept(HeaderValues.create(X_REQUEST_ID, requestId));
        to.accept(NOSNIFF);
        to.accept(NO_REFERRER);
        if (!answer.has(CONTENT_SECURITY_POLICY)) {
            to.accept(NO_PAGE);
        }
        if (!answer.has(HeaderNames.CACHE_CONTROL)) {
            to.accept(NO_STORE);
        }
    }
}
