package dev.heddle.admission;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * How often one caller may ask: a bucket of tokens for each, which fills up again at an even pace. Each server counts for
 * itself. Safe for any thread.
 */
public final class RateLimit {

    /** About 15 MB when full. Beyond it, whoever asks least is forgotten, and has a full bucket when it comes back. */
    private static final int BUCKETS_MAX = 50_000;

    // Set once.
    private final Rule rule;
    private final TimeMeter clock;
    private final String policy;
    private final @Nullable Cache<Object, Bucket> buckets;

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
        this(rule, TimeMeter.SYSTEM_NANOTIME);
    }

    RateLimit(Rule rule, TimeMeter clock) {
        this.rule = rule;
        this.clock = clock;
        // As draft-ietf-httpapi-ratelimit-headers has it: q is how many fit in, w the seconds in which it fills up.
        this.policy = rule.amount() == 0
                ? ""
                : '"' + rule.name() + "\";q=" + rule.burst() + ";w=" + rule.secondsFor(rule.burst());
        this.buckets = rule.amount() == 0 ? null : buckets(rule, clock);
    }

    private static Cache<Object, Bucket> buckets(Rule rule, TimeMeter clock) {
        return Caffeine.newBuilder()
                .maximumSize(BUCKETS_MAX)
                // It is full by then, as a new one would be.
                .expireAfterAccess(rule.secondsFor(rule.burst()) + 1, TimeUnit.SECONDS)
                .ticker(clock::currentTimeNanos)
                // On the caller's thread: the common pool's threads are not ours to use.
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
        var probe = buckets.get(caller, _ -> newBucket()).tryConsumeAndReturnRemaining(1);
        var state = new State(rule, policy, probe.getRemainingTokens());
        if (!probe.isConsumed()) {
            refused.increment();
            throw new RateLimitedException(state, Duration.ofNanos(probe.getNanosToWaitForRefill()));
        }
        return state;
    }

    private Bucket newBucket() {
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(rule.burst()).refillGreedy(rule.amount(), rule.period()))
                .withCustomTimePrecision(clock)
                .build();
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
