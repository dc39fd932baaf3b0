package dev.heddle.upstream;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What one upstream has answered, as long as it allows and as far as there is room. Safe for any thread. */
final class AnswerCache {

    /** What is kept, in bytes of documents. */
    private static final long BYTES_MAX = 16L << 20;

    /** Beside its document, a kept answer takes about so many bytes. */
    private static final int OVERHEAD = 200;

    /** How long it is believed that an answer may not be shared, and of how many targets. */
    private static final Duration PERSONAL_FOR = Duration.ofMinutes(1);

    private static final int PERSONAL_MAX = 1000;

    private final Cache<String, Kept> kept = Caffeine.newBuilder()
            .maximumWeight(BYTES_MAX)
            .weigher((String target, Kept its) -> OVERHEAD + target.length() + its.bytes())
            .build();

    private final Cache<String, Boolean> personal = Caffeine.newBuilder()
            .maximumSize(PERSONAL_MAX)
            .expireAfterWrite(PERSONAL_FOR)
            .build();

    /** What is kept of a target, outdated or not. */
    @Nullable
    Kept find(String target) {
        return kept.getIfPresent(target);
    }

    /** Whether its last answer was for nobody else: waiting for another's would be in vain. */
    boolean isPersonal(String target) {
        return personal.getIfPresent(target) != null;
    }

    /**
     * Keeps an answer, if it may be and if there is any use in it; otherwise the target has none from now on.
     *
     * @param etag empty when it has none
     */
    void keep(String target, byte[] json, String etag, Freshness freshness) {
        if (freshness.isStorable() && (freshness.isUseful() || !etag.isEmpty())) {
            kept.put(target, new Kept(json, etag, freshness));
        } else {
            kept.invalidate(target);
        }
        if (!freshness.isStorable()) {
            personal.put(target, true);
        } else if (isPersonal(target)) {
            personal.invalidate(target);
        }
    }

    /** The target is gone. */
    void drop(String target) {
        kept.invalidate(target);
    }
}
