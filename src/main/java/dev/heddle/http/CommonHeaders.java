package dev.heddle.http;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;

/** The headers that every answer has, whoever makes it, unless it brings its own. */
final class CommonHeaders {

    static final HeaderName X_REQUEST_ID = HeaderNames.create("X-Request-Id");

    private static final byte[] X_REQUEST_ID_NAME = AnswerHead.name(X_REQUEST_ID);

    private static final HeaderName CONTENT_SECURITY_POLICY = HeaderNames.create("Content-Security-Policy");

    /** For every answer: addresses here name tasks and files, which are nobody else's business. */
    private static final byte[] ALWAYS =
            AnswerHead.prepare("X-Content-Type-Options", "nosniff", "Referrer-Policy", "no-referrer");

    private static final byte[] NO_STORE = AnswerHead.prepare("Cache-Control", "no-store");

    /** Nothing that is sent here is a page: should a browser take it for one, it loads, runs and frames nothing. */
    private static final byte[] NO_PAGE =
            AnswerHead.prepare("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox");

    private CommonHeaders() {}

    /** Adds those that go with an answer. */
    static void add(AnswerHead head, Answer answer, String requestId) {
        head.header(X_REQUEST_ID_NAME, requestId).prepared(ALWAYS);
        if (!answer.has(CONTENT_SECURITY_POLICY)) {
            head.prepared(NO_PAGE);
        }
        if (!answer.has(HeaderNames.CACHE_CONTROL)) {
            head.prepared(NO_STORE);
        }
    }
}
