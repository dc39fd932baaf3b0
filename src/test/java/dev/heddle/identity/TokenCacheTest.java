package dev.heddle.identity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.db.Uuid7;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** The cache of tokens, with a clock that the test moves. */
class TokenCacheTest {

    private static final byte[] ADAS = {1};
    private static final byte[] BENS = {2};

    private final AtomicLong nanos = new AtomicLong(42);
    private final TokenCache cache = new TokenCache(nanos::get);
    private final Map<Byte, Caller> known = new HashMap<>(Map.of((byte) 1, caller("ada"), (byte) 2, caller("ben")));
    private int lookUps;

    private static Caller caller(String id) {
        return new Caller(id, false, EnumSet.of(Scope.READ), Uuid7.next());
    }

    private Optional<String> ask(byte[] digest) {
        return cache.callerOf(digest, bytes -> {
                    lookUps++;
                    return Optional.ofNullable(known.get(bytes[0]));
                })
                .map(Caller::id);
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    @Test
    void aGoodAnswerIsRememberedForItsLife() {
        assertEquals(Optional.of("ada"), ask(ADAS));
        pass(TokenCache.LIFE.minusNanos(1));
        assertEquals(Optional.of("ada"), ask(new byte[] {1}));
        assertEquals(1, lookUps);
    }

    @Test
    void afterItsLifeAnAnswerIsLookedUpAnew() {
        ask(ADAS);
        known.clear();
        pass(TokenCache.LIFE);
        assertEquals(Optional.empty(), ask(ADAS));
        assertEquals(2, lookUps);
    }

    @Test
    void askingDoesNotProlongTheLife() {
        ask(ADAS);
        known.clear();
        for (int i = 0; i < 10; i++) {
            pass(TokenCache.LIFE.dividedBy(10));
            ask(ADAS);
        }
        assertEquals(Optional.empty(), ask(ADAS));
    }

    @Test
    void aBadAnswerIsNotRemembered() {
        known.clear();
        assertEquals(Optional.empty(), ask(ADAS));
        known.put((byte) 1, caller("ada"));
        assertEquals(Optional.of("ada"), ask(ADAS));
    }

    @Test
    void whatIsForgottenIsLookedUpAnewAndNothingElse() {
        ask(ADAS);
        ask(BENS);
        cache.forget(new byte[] {1});
        known.clear();
        assertEquals(Optional.empty(), ask(ADAS));
        assertEquals(Optional.of("ben"), ask(BENS));
    }

    @Test
    void aUserIsForgottenWithAllItsTokens() {
        known.put((byte) 3, caller("ada"));
        ask(ADAS);
        ask(BENS);
        ask(new byte[] {3});
        cache.forgetUser("ada");
        known.clear();
        assertEquals(Optional.empty(), ask(ADAS));
        assertEquals(Optional.empty(), ask(new byte[] {3}));
        assertEquals(Optional.of("ben"), ask(BENS));
    }

    @Test
    void aRevocationTakesEffectWithinFiveSeconds() {
        assertTrue(TokenCache.LIFE.compareTo(Duration.ofSeconds(5)) < 0);
    }
}
