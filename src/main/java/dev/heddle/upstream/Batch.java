package dev.heddle.upstream;

import dev.heddle.client.HttpAnswer;
import dev.heddle.client.HttpFailure;
import dev.heddle.client.HttpHeader;
import dev.heddle.client.HttpPool;
import dev.heddle.client.HttpPools;
import dev.heddle.client.HttpUrl;
import dev.heddle.client.Origin;
import dev.heddle.concurrent.FanOut.Part;
import dev.heddle.concurrent.FanOut.Result;
import dev.heddle.concurrent.SharedBytes;
import dev.heddle.concurrent.SharedFanOut;
import dev.heddle.http.Json;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import dev.heddle.http.Problems;
import dev.heddle.http.Trace;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Fetches URLs that callers name: from the origins that the operator allows, so many at once over all callers and fairly
 * between them, each on its own, so that a bad one spoils no other. Redirects are not followed. Safe for any thread.
 */
public final class Batch {

    /** At once, over all callers: the contract's own number. */
    public static final int AT_ONCE = 10;

    /** In one request: the contract's own number. */
    public static final int URLS_MAX = 100;

    /** Of one answer: the contract's own number. */
    private static final int BODY_BYTES_MAX = 1 << 20;

    /**
     * That may wait for one caller; more is refused. They are those of five hundred requests, as many as {@code
     * rate-limit.token} lets begin in a second, and take little more than their text, which their requests hold anyhow.
     */
    private static final int QUEUE = 500 * URLS_MAX;

    /** The request's own deadline is shorter. */
    private static final Duration NO_LIMIT = Duration.ofHours(1);

    private static final Pattern JSON_TYPE = Pattern.compile("(?i)[a-z0-9.+-]+/([a-z0-9.+-]+\\+)?json[ \t]*(;.*)?");

    private static final Pattern CHARSET = Pattern.compile("(?i).*;[ \t]*charset=\"?(?<name>[a-z0-9._-]+)\"?.*");

    private static final HttpHeader ACCEPT = new HttpHeader("Accept", "application/json, text/*;q=0.9");

    private final Map<Origin, HttpPool> pools = new HashMap<>();
    private final SharedFanOut fanOut = new SharedFanOut("batch", AT_ONCE, QUEUE);
    private final SharedBytes held;
    private final Problems problems;
    private volatile Type lastType = Type.of("");

    /** What became of a URL. */
    public sealed interface Item {
        /** The URL as it was asked for. */
        String url();
    }

    /**
     * It was fetched.
     *
     * @param json the body as a JSON document: that itself, or its text; null when it was empty
     * @param took the fetching, without waiting for its turn
     */
    public record Fetched(String url, int status, @Nullable Document json, Duration took) implements Item {}

    /** It was not. */
    public record Missed(String url, ProblemException problem) implements Item {}

    /**
     * Nothing is fetched yet.
     *
     * @param allowed the only origins that are asked
     * @param pools connects to addresses that may be connected to, and to no other
     * @param timeout for each URL
     * @param connectTimeout of that, to connect
     * @param held room for what was fetched and is not taken
     * @param problems what a failure is to a client
     */
    public Batch(
            Set<Origin> allowed,
            HttpPools pools,
            Duration timeout,
            Duration connectTimeout,
            SharedBytes held,
            Problems problems) {
        var limits = new HttpPool.Limits(AT_ONCE, connectTimeout, timeout, timeout, BODY_BYTES_MAX);
        allowed.forEach(origin -> this.pools.put(origin, pools.open(origin, limits)));
        this.held = held;
        this.problems = problems;
    }

    /** The room that a caller's items take; whoever fetches them closes it when they are no longer held. */
    public SharedBytes.Lease lease(String caller) {
        return held.lease(caller);
    }

    /**
     * Fetches all, at most {@value #URLS_MAX}; the items are in the order of the URLs.
     *
     * @param lease takes what they hold; a URL for which there is no room is missed
     */
    public List<Item> fetch(List<String> urls, String caller, SharedBytes.Lease lease, Trace trace) {
        var headers = new ArrayList<HttpHeader>(3);
        headers.add(ACCEPT);
        headers.addAll(RemoteTrace.headers(trace));
        var items = new ArrayList<@Nullable Item>(urls.size());
        var parts = new ArrayList<Part<Item>>(urls.size());
        for (var written : urls) {
            var url = HttpUrl.of(written);
            var pool = url.map(it -> pools.get(it.origin()));
            if (pool.isEmpty()) {
                // One answer for whatever is refused: it tells nobody what is there.
                items.add(new Missed(written, Problem.URL_REFUSED.asException()));
            } else {
                items.add(null);
                parts.add(new Part<>(
                        written,
                        NO_LIMIT,
                        () -> fetch(written, pool.get(), url.get().target(), headers, lease)));
            }
        }
        var results = fanOut.run(caller, parts).iterator();
        return items.stream()
                .map(it -> it == null ? item(results.next(), trace) : it)
                .toList();
    }

    private Item item(Result<Item> result, Trace trace) {
        var value = result.value();
        if (value != null) {
            return value;
        }
        var cause = result.cause();
        if (cause == null) {
            return new Missed(result.name(), Problem.UPSTREAM_TIMEOUT.asException());
        }
        var problem = problems.of(cause);
        Problems.log(problem, trace.requestId());
        return new Missed(result.name(), problem);
    }

    private Item fetch(
            String written, HttpPool pool, String target, List<HttpHeader> headers, SharedBytes.Lease lease) {
        try {
            long began = System.nanoTime();
            var answer = pool.get(target, headers);
            var took = Duration.ofNanos(System.nanoTime() - began);
            var body = body(answer);
            if (body != null) {
                lease.take(body.json().length);
            }
            return new Fetched(written, answer.status(), body, took);
        } catch (HttpFailure e) {
            throw RemoteProblems.of(e, "The server");
        }
    }

    /** URLs that wait for their turn. */
    public int waiting() {
        return fanOut.waiting();
    }

    /** URLs whose turn did not come, since the start. */
    public long refused() {
        return fanOut.refused();
    }

    private @Nullable Document body(HttpAnswer answer) {
        var bytes = answer.body();
        if (bytes.length == 0) {
            return null;
        }
        var type = type(answer.header("Content-Type"));
        if (type.isJson() && Json.isDocument(bytes)) {
            return new Document(bytes, null);
        }
        try {
            var text = Charset.forName(type.charset())
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return new Document(Json.write(json -> json.writeString(text)), null);
        } catch (CharacterCodingException | IllegalArgumentException e) {
            throw Problem.UPSTREAM_INVALID.because("The server answered with neither JSON nor text.", e);
        }
    }

    /** Most answers are of the same type as the one before. */
    private Type type(String written) {
        var last = lastType;
        if (last.written().equals(written)) {
            return last;
        }
        var type = Type.of(written);
        lastType = type;
        return type;
    }

    /** A Content-Type. */
    private record Type(String written, boolean isJson, String charset) {
        static Type of(String written) {
            var named = CHARSET.matcher(written);
            return new Type(
                    written,
                    JSON_TYPE.matcher(written).matches(),
                    named.matches() ? named.group("name").toUpperCase(Locale.ROOT) : StandardCharsets.UTF_8.name());
        }
    }
}
