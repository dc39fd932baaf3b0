package dev.heddle.http;

import java.lang.System.Logger.Level;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The catalogue of errors: every refusal the server can make, each with its status, its code (the last part of the
 * {@code type}, so it never changes), a title, the sentence a client sees when the place that refuses says no better
 * one, and how loudly it is logged. RFC 9457.
 */
public enum Problem {
    BAD_REQUEST(400, "bad-request", "Bad request", "The request could not be parsed.", Level.DEBUG),
    INVALID_JSON(400, "invalid-json", "Invalid JSON", "The body is not one well-formed JSON document.", Level.DEBUG),
    INVALID_ROWS(
            400,
            "invalid-rows",
            "Invalid rows",
            "Some rows are not valid; errors lists the first of them by line. Nothing was imported.",
            Level.DEBUG),
    UNAUTHENTICATED(
            401,
            "unauthenticated",
            "Authentication required",
            "Send a valid token: Authorization: Bearer hdl_…",
            Level.DEBUG),
    FORBIDDEN(403, "forbidden", "Forbidden", "This caller may not do that.", Level.DEBUG),
    URL_REFUSED(403, "url-refused", "URL refused", "This server does not fetch that URL.", Level.DEBUG),
    NOT_FOUND(404, "not-found", "Not found", "There is nothing here.", Level.DEBUG),
    METHOD_NOT_ALLOWED(
            405, "method-not-allowed", "Method not allowed", "This path does not take that method.", Level.DEBUG),
    NOT_ACCEPTABLE(
            406, "not-acceptable", "Not acceptable", "None of the accepted media types can be made.", Level.DEBUG),
    CONFLICT(409, "conflict", "Conflict", "The request conflicts with what is there.", Level.DEBUG),
    IDEMPOTENCY_IN_PROGRESS(
            409,
            "idempotency-in-progress",
            "Still in progress",
            "A request with this Idempotency-Key is still running.",
            Level.DEBUG),
    PRECONDITION_FAILED(
            412,
            "precondition-failed",
            "Precondition failed",
            "The resource has changed: its ETag is not the one in If-Match.",
            Level.DEBUG),
    CONTENT_TOO_LARGE(413, "content-too-large", "Content too large", "The body is too large.", Level.DEBUG),
    URI_TOO_LONG(414, "uri-too-long", "URI too long", "The request line is too long.", Level.DEBUG),
    UNSUPPORTED_MEDIA_TYPE(
            415,
            "unsupported-media-type",
            "Unsupported media type",
            "The body's Content-Type is not one this path takes.",
            Level.DEBUG),
    RANGE_NOT_SATISFIABLE(
            416,
            "range-not-satisfiable",
            "Range not satisfiable",
            "None of the ranges that are asked for is there; Content-Range tells how much is.",
            Level.DEBUG),
    INVALID(422, "invalid", "Invalid input", "Some values are not allowed; errors lists them all.", Level.DEBUG),
    DIGEST_MISMATCH(
            422,
            "digest-mismatch",
            "Digest mismatch",
            "What has arrived does not have the digest that was sent with it.",
            Level.DEBUG),
    IDEMPOTENCY_KEY_REUSED(
            422,
            "idempotency-key-reused",
            "Idempotency-Key reused",
            "This Idempotency-Key was used with another request.",
            Level.DEBUG),
    RATE_LIMITED(
            429,
            "rate-limited",
            "Too many requests",
            "More requests have come than are allowed; RateLimit tells how much is left, and Retry-After when to try"
                    + " again.",
            Level.DEBUG),
    HEADERS_TOO_LARGE(
            431, "headers-too-large", "Header fields too large", "The header fields are too large.", Level.DEBUG),
    INTERNAL_ERROR(500, "internal-error", "Internal server error", "Internal server error", Level.ERROR),
    DATABASE_ERROR(500, "database-error", "Database error", "Database error", Level.ERROR),
    NOT_IMPLEMENTED(501, "not-implemented", "Not implemented", "The server does not know that.", Level.DEBUG),
    UPSTREAM_UNREACHABLE(
            502,
            "upstream-unreachable",
            "Upstream unreachable",
            "No connection to the server that has the answer can be made.",
            Level.DEBUG),
    UPSTREAM_FAILED(
            502,
            "upstream-failed",
            "Upstream failed",
            "The server that has the answer answered with an error.",
            Level.DEBUG),
    UPSTREAM_INVALID(
            502,
            "upstream-invalid",
            "Invalid upstream answer",
            "The server that has the answer sent none that can be used.",
            Level.DEBUG),
    PART_MISSING(
            502,
            "part-missing",
            "Required part missing",
            "A required part of the answer could not be had.",
            Level.DEBUG),
    OVERLOADED(503, "overloaded", "Overloaded", "Too many requests wait for the same thing; try again.", Level.DEBUG),
    DATABASE_UNAVAILABLE(
            503,
            "database-unavailable",
            "Database unavailable",
            "The database cannot be reached right now; try again.",
            Level.WARNING),
    CONTENDED(503, "contended", "Contended", "Another request holds what this one needs; try again.", Level.INFO),
    DEADLINE_EXCEEDED(
            503,
            "deadline-exceeded",
            "Deadline exceeded",
            "The request's deadline passed before its work was done; the work was stopped.",
            Level.INFO),
    NOT_READY(503, "not-ready", "Not ready", "The server is not ready for requests.", Level.DEBUG),
    UPSTREAM_NOT_CONFIGURED(
            503,
            "upstream-not-configured",
            "Upstream not configured",
            "This server has not been told whom to ask for that.",
            Level.DEBUG),
    UPSTREAM_UNAVAILABLE(
            503,
            "upstream-unavailable",
            "Upstream unavailable",
            "The server that has the answer is left alone for a while; try again.",
            Level.DEBUG),
    PART_UNAVAILABLE(
            503,
            "part-unavailable",
            "Required part unavailable",
            "A required part of the answer cannot be had right now; try again.",
            Level.DEBUG),
    UPSTREAM_TIMEOUT(
            504,
            "upstream-timeout",
            "Upstream timeout",
            "The server that has the answer did not give it in time.",
            Level.DEBUG),
    PART_TIMEOUT(
            504,
            "part-timeout",
            "Required part late",
            "A required part of the answer was not there in time.",
            Level.DEBUG),
    HTTP_VERSION_NOT_SUPPORTED(
            505,
            "http-version-not-supported",
            "HTTP version not supported",
            "This server speaks HTTP/1.1.",
            Level.DEBUG),
    STORAGE_FULL(507, "storage-full", "Insufficient storage", "There is no room left to store this.", Level.ERROR),
    QUOTA_EXCEEDED(507, "quota-exceeded", "Quota exceeded", "The user's files may not take up that much.", Level.DEBUG);

    /** How long a refused client is asked to wait: the resources behind a 503 turn over within a second. */
    static final String RETRY_AFTER_SECONDS = "1";

    private final int status;
    private final String code;
    private final String title;
    private final String detail;
    private final Level level;

    Problem(int status, String code, String title, String detail, Level level) {
        this.status = status;
        this.code = code;
        this.title = title;
        this.detail = detail;
        this.level = level;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** The stable name, unique in the catalogue. */
    public String code() {
        return code;
    }

    /** A short name for people. */
    public String title() {
        return title;
    }

    /** The sentence for when nobody knows better. */
    public String detail() {
        return detail;
    }

    /** How loudly it is logged. */
    public Level level() {
        return level;
    }

    /** The problem with that code. */
    public static Optional<Problem> of(String code) {
        return Arrays.stream(values()).filter(p -> p.code.equals(code)).findFirst();
    }

    /** A problem for a status of what was refused before the kernel saw it. */
    static Problem ofStatus(int status) {
        return switch (status) {
            case 404 -> NOT_FOUND;
            case 405 -> METHOD_NOT_ALLOWED;
            case 413 -> CONTENT_TOO_LARGE;
            case 414 -> URI_TOO_LONG;
            case 416 -> RANGE_NOT_SATISFIABLE;
            case 431 -> HEADERS_TOO_LARGE;
            case 501 -> NOT_IMPLEMENTED;
            case 503 -> OVERLOADED;
            case 505 -> HTTP_VERSION_NOT_SUPPORTED;
            default -> status >= 500 ? INTERNAL_ERROR : BAD_REQUEST;
        };
    }

    /** This problem, with its own sentence. */
    public ProblemException asException() {
        return because(detail);
    }

    /** This problem, with a better sentence: public, so no SQL, no path of the disk, no secret. */
    public ProblemException because(String publicDetail) {
        return because(publicDetail, null);
    }

    /** This problem, with a better sentence, for a reason that goes to the log. */
    public ProblemException because(String publicDetail, @Nullable Throwable cause) {
        return new ProblemException(this, publicDetail, List.of(), Map.of(), cause);
    }

    /** {@link #INVALID}, for one member of the body that only the use case could find wrong. */
    public static ProblemException invalid(String pointer, String code, String detail) {
        return ProblemException.invalid(List.of(new Complaint(Complaint.Place.BODY, pointer, code, detail)));
    }

    /** {@link #INVALID}, for one parameter of the query that only the use case could find wrong. */
    public static ProblemException invalidParameter(String name, String code, String detail) {
        return ProblemException.invalid(List.of(new Complaint(Complaint.Place.QUERY, name, code, detail)));
    }

    /** This problem, for a reason that goes to the log with the request id and never to the client. */
    public ProblemException causedBy(@Nullable Throwable cause) {
        return because(detail, cause);
    }
}
