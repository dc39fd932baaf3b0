package dev.heddle.admission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How often one caller may ask: a bucket of tokens for each, which fills up again at an even pace. Of a bucket only the time is
 * kept at which it will be full again (the generic cell rate algorithm, ITU-T I.371), so that one number is changed for a
 * request, by whoever is first, and none as time passes. Each server counts for itself. Safe for any thread.
 */
public final class RateLimit {

    /** About 8 MB when full. Beyond it, whoever asks least is forgotten, and has a full bucket when it comes back. */
    private static final int BUCKETS_MAX = 50_000;

    // Set once.
    private final Rule rule;
    private final LongSupplier clock;
    private final String policy;
    /** In which one token comes, and in which an empty bucket fills up, in nanoseconds. */
    private final long each;

    private final long whole;
    /** When the bucket of each caller will be full. */
    private final @Nullable Cache<Object, AtomicLong> buckets;

    // Any thread.
    private final LongAdder refused = new LongAdder();

    /**
     * What is allowed.
     *
     * @param name as clients see it, in {@code RateLimit-Policy}
     * @param amount how many requests in a period, on average; 0 for as many as they like
     * @param burst how many at once after a pause
     */
    public record Rule(String name, long amount, Duration period, long burst) {

        /** In how many seconds so many tokens come, rounded up. */
        private long secondsFor(long tokens) {
            return Math.max(1, (long) Math.ceil(tokens * (period.toNanos() / 1e9) / amount));
        }
    }

    /**
     * What somebody has left.
     *
     * @param rule of which
     * @param policy the value of {@code RateLimit-Policy}
     * @param remaining how many requests
     */
    public record State(Rule rule, String policy, long remaining) {

        /** The limit as clients see it. */
        public String limit() {
            return rule.name();
        }

        /** The value of {@code RateLimit}: what is left, and in how many seconds all of it will be there again. */
        public String left() {
            return '"' + rule.name() + "\";r=" + remaining + ";t=" + rule.secondsFor(rule.burst() - remaining);
        }
    }

    /** Allows that. */
    public RateLimit(Rule rule) {
        this(rule, System::nanoTime);
    }

    RateLimit(Rule rule, LongSupplier clock) {
        this.rule = rule;
        this.clock = clock;
        this.each = rule.amount() == 0 ? 0 : Math.max(1, rule.period().toNanos() / rule.amount());
        this.whole = Math.multiplyExact(each, rule.burst());
        // As draft-ietf-httpapi-ratelimit-headers has it: q is how many fit in, w the seconds in which it fills up.
        this.policy = rule.amount() == 0
                ? ""
                : '"' + rule.name() + "\";q=" + rule.burst() + ";w=" + rule.secondsFor(rule.burst());
        this.buckets = rule.amount() == 0
                ? null
                // On the caller's thread: the common pool's threads are not ours to use.
                : Caffeine.newBuilder()
                        .maximumSize(BUCKETS_MAX)
                        .executor(Runnable::run)
                        .build();
    }

    /** Allows anything. */
    public static RateLimit none() {
        return new RateLimit(new Rule("none", 0, Duration.ofSeconds(1), 0));
    }

    /**
     * Counts one request of a caller's.
     *
     * @return what is left; null when there is no limit
     * @throws RateLimitedException when nothing was left
     */
    public @Nullable State take(Object caller) {
        if (buckets == null) {
            return null;
        }
        var bucket = buckets.get(caller, _ -> new AtomicLong(clock.getAsLong()));
        while (true) {
            long full = bucket.get();
            // Only now: to whoever was put aside with an older time, the bucket of others would seem too empty.
            long now = clock.getAsLong();
            // A clock that begins anywhere and may go round: only differences tell.
            long missing = Math.max(0, full - now) + each;
            if (missing > whole) {
                refused.increment();
                throw new RateLimitedException(new State(rule, policy, 0), Duration.ofNanos(missing - whole));
            }
            if (bucket.compareAndSet(full, now + missing)) {
                return new State(rule, policy, (whole - missing) / each);
            }
        }
    }

    /** Its name. */
    public String name() {
        return rule.name();
    }

    /** How many requests were refused since the start. */
    public long refused() {
        return refused.sum();
    }
}
