package dev.heddle.identity;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;

/** Remembers for a few seconds whose token is whose, by the token's digest. Safe for any thread. */
public final class TokenCache {

    /** A revocation takes effect on every replica within 5 s; the rest of them is for looking up. */
    static final Duration LIFE = Duration.ofSeconds(4);

    /** About 20 MB when full. */
    private static final int ENTRIES_MAX = 50_000;

    private final Cache<ByteBuffer, Caller> callers;

    /** An empty one. */
    public TokenCache() {
        this(Ticker.systemTicker());
    }

    TokenCache(Ticker ticker) {
        callers = Caffeine.newBuilder()
                .maximumSize(ENTRIES_MAX)
                .expireAfterWrite(LIFE)
                .ticker(ticker)
                // On the caller's thread: the common pool's threads are not ours to use.
                .executor(Runnable::run)
                .build();
    }

    /**
     * Whose token it is. Good answers are kept, bad ones are not: a token that was just made works at once. Two requests
     * may look the same token up at the same time; that is cheaper than making one wait under a lock.
     */
    Optional<Caller> callerOf(byte[] digest, Function<byte[], Optional<Caller>> lookUp) {
        var key = ByteBuffer.wrap(digest);
        var known = callers.getIfPresent(key);
        if (known != null) {
            return Optional.of(known);
        }
        var found = lookUp.apply(digest);
        found.ifPresent(caller -> callers.put(key, caller));
        return found;
    }

    void forget(byte[] digest) {
        callers.invalidate(ByteBuffer.wrap(digest));
    }

    void forgetUser(String id) {
        callers.asMap().values().removeIf(caller -> caller.id().equals(id));
    }
}
