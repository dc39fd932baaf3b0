package dev.heddle.upstream;

import dev.heddle.client.HttpAnswer;
import dev.heddle.client.HttpFailure;
import dev.heddle.client.HttpHeader;
import dev.heddle.client.HttpPool;
import dev.heddle.client.HttpPools;
import dev.heddle.client.HttpUrl;
import dev.heddle.concurrent.Bulkhead;
import dev.heddle.concurrent.BulkheadFullException;
import dev.heddle.concurrent.Deadline;
import dev.heddle.concurrent.SingleFlight;
import dev.heddle.concurrent.SingleFlight.Outcome;
import dev.heddle.concurrent.SingleFlight.Sharing;
import dev.heddle.http.Json;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import dev.heddle.http.Trace;
import dev.heddle.upstream.UpstreamObserver.Call;
import dev.heddle.upstream.UpstreamObserver.Saved;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A server elsewhere that has JSON documents. However it behaves, it costs nobody but those who ask for it: so many
 * connections and no more, so much time and no more, and none at all for a while after it has failed too often. What it
 * answered is kept for as long as it allows; those who want the same at once are one. Safe for any thread.
 */
public final class Upstream {

    private static final System.Logger LOG = System.getLogger(Upstream.class.getName());

    /** Less than this says nothing about an upstream, also when it is our own limit, such as that of a part. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private static final HttpHeader ACCEPT = new HttpHeader("Accept", "application/json");

    private final String name;
    private final Options options;
    private final UpstreamObserver observer;
    private final HttpPool pool;
    private final Bulkhead connections;
    private final Breaker breaker;
    private final Duration ownLimit;
    private final AnswerCache cache = new AnswerCache();
    private final SingleFlight<String, Result> flights = new SingleFlight<>();

    /**
     * What an upstream is and may cost.
     *
     * @param url where it is; its path is the beginning of all paths
     * @param apiKey sent as {@code Authorization: Bearer}; null for none
     * @param maxConnections calls at once
     * @param queue how many more may wait for one of those
     * @param queueWait how long each may wait
     * @param cacheFor how long an answer is good that does not say
     * @param staleIfError how long an outdated answer may stand in for one that cannot be had
     * @param breakerPause how long it is left alone after failing
     */
    public record Options(
            HttpUrl url,
            @Nullable String apiKey,
            HttpPool.Limits limits,
            int maxConnections,
            int queue,
            Duration queueWait,
            Duration cacheFor,
            Duration staleIfError,
            Duration breakerPause) {

        /** Without the key: whatever is printed ends in a log. */
        @Override
        public String toString() {
            return url.toString();
        }
    }

    /**
     * What a call came to: a document or a problem.
     *
     * @param isRefusal whether the upstream said no, so that nothing it said earlier may stand in. RFC 5861 §4
     */
    private record Result(
            @Nullable Document document, @Nullable ProblemException problem, boolean isRefusal) {

        static Result of(ProblemException problem) {
            return new Result(null, problem, false);
        }
    }

    Upstream(String name, Options options, HttpPools pools, UpstreamObserver observer) {
        this.name = name;
        this.options = options;
        this.observer = observer;
        pool = pools.open(options.url().origin(), options.limits());
        connections = new Bulkhead(
                "connections to upstream " + name, options.maxConnections(), options.queue(), options.queueWait());
        breaker = new Breaker(options.breakerPause(), System::nanoTime);
        var limits = options.limits();
        ownLimit = limits.read().compareTo(limits.whole()) < 0 ? limits.read() : limits.whole();
    }

    /** Its name. */
    String name() {
        return name;
    }

    /** Whether it is being called. */
    Breaker.State state() {
        return breaker.state();
    }

    /** Its connections. */
    HttpPool pool() {
        return pool;
    }

    /** Calls that wait for a connection. */
    int waiting() {
        return connections.waiting();
    }

    /**
     * The document at a path.
     *
     * @param path behind that of its URL, with its query
     * @throws ProblemException when it cannot be had
     */
    Document get(String path, Trace trace) {
        var target = target(path);
        var known = cache.find(target);
        if (known != null && known.isFresh()) {
            observer.saved(name, Saved.FRESH);
            return known.document();
        }
        var result = fetched(target, known, trace);
        if (result.document() != null) {
            return result.document();
        }
        if (known != null && known.mayStandIn() && !result.isRefusal()) {
            observer.saved(name, Saved.STALE);
            return known.document();
        }
        throw Objects.requireNonNull(result.problem());
    }

    private String target(String path) {
        var base = options.url().target();
        return base.equals("/") ? path : base + path;
    }

    private String whose() {
        return "The upstream " + name;
    }

    private Result fetched(String target, @Nullable Kept known, Trace trace) {
        if (cache.isPersonal(target)) {
            return call(target, known, trace).value();
        }
        try {
            var landed = flights.get(target, () -> call(target, known, trace));
            if (landed.isOthers() && landed.value().document() != null) {
                observer.saved(name, Saved.SHARED);
            }
            return landed.value();
        } catch (TimeoutException e) {
            // Somebody else's call goes on; only this caller's time is over.
            return Result.of(Problem.UPSTREAM_TIMEOUT.because(whose() + " did not answer in time.", e));
        }
    }

    private Outcome<Result> call(String target, @Nullable Kept known, Trace trace) {
        long admitted = breaker.admit(isPatient());
        if (admitted == Breaker.REFUSED) {
            observer.called(name, Call.OPEN, Duration.ZERO);
            return failed(Problem.UPSTREAM_UNAVAILABLE
                    .because(whose() + " has failed too often and is left alone for a while.")
                    .with("Retry-After", String.valueOf(breaker.remaining().toSeconds() + 1)));
        }
        var end = Breaker.Outcome.UNKNOWN;
        long began = System.nanoTime();
        try {
            var answer = exchange(target, known, trace);
            end = answer.status() >= 500 ? Breaker.Outcome.FAILURE : Breaker.Outcome.SUCCESS;
            return answered(target, known, answer, took(began));
        } catch (BulkheadFullException e) {
            observer.called(name, Call.FULL, took(began));
            var problem = Problem.UPSTREAM_UNAVAILABLE.because(
                    "Too many requests wait for the upstream " + name + "; try again.", e);
            // Those who wait for this call may have more time to wait for a connection.
            return new Outcome<>(Result.of(problem), Deadline.current().isExpired() ? Sharing.GAVE_UP : Sharing.ALL);
        } catch (HttpFailure e) {
            var took = took(began);
            observer.called(name, call(e.kind()), took);
            // The end of the caller's own time: the next one may have more.
            boolean gaveUp =
                    e.kind() == HttpFailure.Kind.TIMEOUT && Deadline.current().isExpired();
            if (!gaveUp || took.compareTo(patience()) >= 0) {
                end = Breaker.Outcome.FAILURE;
            }
            return new Outcome<>(Result.of(RemoteProblems.of(e, whose())), gaveUp ? Sharing.GAVE_UP : Sharing.ALL);
        } finally {
            if (breaker.ended(admitted, end)) {
                var state = breaker.state();
                LOG.log(
                        state == Breaker.State.CLOSED ? Level.INFO : Level.WARNING,
                        "the breaker of upstream " + name + " is " + state.written());
            }
        }
    }

    /** Whether the upstream has all the time that it may take, or as much of it as we ourselves give it here. */
    private boolean isPatient() {
        var deadline = Deadline.current();
        return !deadline.isCallers() || deadline.remaining().compareTo(ownLimit) >= 0;
    }

    /** Whoever leaves earlier says nothing about the upstream, or any caller could open the breaker for the others. */
    private Duration patience() {
        return Deadline.current().isCallers() || ownLimit.compareTo(PATIENCE) < 0 ? ownLimit : PATIENCE;
    }

    private HttpAnswer exchange(String target, @Nullable Kept known, Trace trace) throws HttpFailure {
        connections.enter();
        try {
            return pool.get(target, headers(known, trace));
        } catch (CancellationException e) {
            if (!Deadline.current().isExpired()) {
                throw e;
            }
            // The part of an answer is interrupted at its limit, mostly before the socket notices that.
            throw new HttpFailure(HttpFailure.Kind.TIMEOUT, "no answer in time", e);
        } finally {
            connections.leave();
        }
    }

    private List<HttpHeader> headers(@Nullable Kept known, Trace trace) {
        var headers = new ArrayList<HttpHeader>(5);
        headers.add(ACCEPT);
        if (options.apiKey() != null) {
            headers.add(new HttpHeader("Authorization", "Bearer " + options.apiKey()));
        }
        if (known != null && !known.etag().isEmpty()) {
            headers.add(new HttpHeader("If-None-Match", known.etag()));
        }
        headers.addAll(RemoteTrace.headers(trace));
        return headers;
    }

    private static Duration took(long began) {
        return Duration.ofNanos(System.nanoTime() - began);
    }

    private static Outcome<Result> failed(ProblemException problem) {
        return new Outcome<>(Result.of(problem), Sharing.ALL);
    }

    private Outcome<Result> answered(String target, @Nullable Kept known, HttpAnswer answer, Duration took) {
        if (answer.status() == 304 && known != null) {
            observer.called(name, Call.OK, took);
            var freshness = freshness(answer);
            return document(
                    target,
                    known.json(),
                    etag(answer, known.etag()),
                    saysHowLong(answer) ? freshness : known.again(freshness));
        }
        if (answer.status() / 100 != 2) {
            observer.called(name, Call.STATUS, took);
            if (answer.status() == 404 || answer.status() == 410) {
                // What is gone does not come back as an old answer when the upstream fails later.
                cache.drop(target);
            }
            var problem = Problem.UPSTREAM_FAILED.because(whose() + " answered with status " + answer.status() + ".");
            return new Outcome<>(new Result(null, problem, answer.status() < 500), Sharing.ALL);
        }
        if (!Json.isDocument(answer.body())) {
            observer.called(name, Call.INVALID, took);
            return failed(Problem.UPSTREAM_INVALID.because(whose() + " answered with no JSON."));
        }
        observer.called(name, Call.OK, took);
        return document(target, answer.body(), etag(answer, ""), freshness(answer));
    }

    private Outcome<Result> document(String target, byte[] json, String etag, Freshness freshness) {
        cache.keep(target, json, etag, freshness);
        return new Outcome<>(
                new Result(new Document(json, null), null, false), freshness.isStorable() ? Sharing.ALL : Sharing.NONE);
    }

    private Freshness freshness(HttpAnswer answer) {
        return Freshness.of(answer, options.cacheFor(), options.staleIfError(), Instant.now());
    }

    /** Of a 304: what it leaves out stays as it was. RFC 9111 §3.2. */
    private static boolean saysHowLong(HttpAnswer answer) {
        return answer.find("Cache-Control").isPresent()
                || answer.find("Expires").isPresent();
    }

    /** One that could not be sent back is none. */
    private static String etag(HttpAnswer answer, String otherwise) {
        return answer.find("ETag")
                .filter(etag -> etag.chars().allMatch(c -> c >= ' ' && c <= '~'))
                .orElse(otherwise);
    }

    private static Call call(HttpFailure.Kind kind) {
        return switch (kind) {
            case UNRESOLVED, FORBIDDEN, UNREACHABLE, UNTRUSTED -> Call.UNREACHABLE;
            case TIMEOUT -> Call.TIMEOUT;
            case CUT, MALFORMED, TOO_LARGE -> Call.INVALID;
        };
    }
}
