package dev.heddle.app;

import dev.heddle.client.HttpUrl;
import dev.heddle.connection.Network;
import dev.heddle.http.Cors;
import dev.heddle.http.Proxies;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Who is let in, how much at once and how often: the sections requests, rate-limit, proxy and cors. */
public record EdgeSettings(Requests requests, RateLimits rateLimits, Proxy proxy, CrossOrigin cors) {

    /**
     * What is done at once.
     *
     * @param max ordinary requests that are worked on at once
     * @param slow a request that takes longer shows that there is too much at once
     * @param queue how many more may wait
     * @param queueWait how long each of them waits before it is refused
     * @param maxStreams answers at once that are sent for as long as their clients take
     */
    public record Requests(int max, Duration slow, int queue, Duration queueWait, int maxStreams) {
        /** Refuses values out of range. */
        public Requests {
            SettingsKey.REQUESTS_MAX.check(max);
            SettingsKey.REQUESTS_SLOW.check(slow);
            SettingsKey.REQUESTS_QUEUE.check(queue);
            SettingsKey.REQUESTS_QUEUE_WAIT.check(queueWait);
            SettingsKey.REQUESTS_MAX_STREAMS.check(maxStreams);
        }
    }

    /**
     * How often the same one may ask; 0 for as often as it likes.
     *
     * @param token requests a second with one token, on average
     * @param tokenBurst how many of them at once after a pause
     * @param address requests a second from one address, on average
     * @param addressBurst how many of them at once after a pause
     * @param badTokens tokens that are none, a minute from one address
     */
    public record RateLimits(int token, int tokenBurst, int address, int addressBurst, int badTokens) {
        /** Refuses values out of range. */
        public RateLimits {
            SettingsKey.RATE_LIMIT_TOKEN.check(token);
            SettingsKey.RATE_LIMIT_TOKEN_BURST.check(tokenBurst);
            SettingsKey.RATE_LIMIT_ADDRESS.check(address);
            SettingsKey.RATE_LIMIT_ADDRESS_BURST.check(addressBurst);
            SettingsKey.RATE_LIMIT_BAD_TOKENS.check(badTokens);
        }
    }

    /**
     * The proxies in front.
     *
     * @param trusted where they are
     * @param header in which one they say who has asked
     * @param publicUrl where clients find the server; null when only they know
     */
    public record Proxy(
            List<Network> trusted,
            Proxies.Header header,
            @Nullable HttpUrl publicUrl) {
        /** Refuses values out of range. */
        public Proxy {
            SettingsKey.PROXY_TRUSTED.check(trusted);
            if (publicUrl != null) {
                SettingsKey.PROXY_PUBLIC_URL.check(publicUrl);
            }
            trusted = List.copyOf(trusted);
        }

        /** The public URL as links begin: without a slash at its end; empty when there is none. */
        String linkPrefix() {
            return publicUrl == null ? "" : publicUrl.toString().replaceFirst("/$", "");
        }
    }

    /**
     * Pages that may ask from within a browser.
     *
     * @param origins of these pages; none for nobody
     * @param maxAge how long a browser may remember that they may
     */
    public record CrossOrigin(List<String> origins, Duration maxAge) {
        /** Refuses values out of range. */
        public CrossOrigin {
            SettingsKey.CORS_ORIGINS.check(origins);
            SettingsKey.CORS_MAX_AGE.check(maxAge);
            origins = List.copyOf(origins);
        }
    }

    static EdgeSettings of(SettingsValues values) {
        var trusted = values.getOrNull(SettingsKey.PROXY_TRUSTED);
        var origins = values.getOrNull(SettingsKey.CORS_ORIGINS);
        return new EdgeSettings(
                new Requests(
                        values.get(SettingsKey.REQUESTS_MAX),
                        values.get(SettingsKey.REQUESTS_SLOW),
                        values.get(SettingsKey.REQUESTS_QUEUE),
                        values.get(SettingsKey.REQUESTS_QUEUE_WAIT),
                        values.get(SettingsKey.REQUESTS_MAX_STREAMS)),
                new RateLimits(
                        values.get(SettingsKey.RATE_LIMIT_TOKEN),
                        values.get(SettingsKey.RATE_LIMIT_TOKEN_BURST),
                        values.get(SettingsKey.RATE_LIMIT_ADDRESS),
                        values.get(SettingsKey.RATE_LIMIT_ADDRESS_BURST),
                        values.get(SettingsKey.RATE_LIMIT_BAD_TOKENS)),
                new Proxy(
                        trusted == null ? List.of() : trusted,
                        values.get(SettingsKey.PROXY_HEADER),
                        values.getOrNull(SettingsKey.PROXY_PUBLIC_URL)),
                new CrossOrigin(origins == null ? List.of() : origins, values.get(SettingsKey.CORS_MAX_AGE)));
    }

    /** An origin as browsers write it, or {@link Cors#ANY} for all; also those of apps, such as {@code capacitor://localhost}. */
    static Optional<String> origin(String text) {
        return text.equals(Cors.ANY) || ORIGIN.matcher(text).matches() ? Optional.of(text) : Optional.empty();
    }

    // In lower case and without the scheme's own port, or no browser would ever send it.
    private static final Pattern ORIGIN = Pattern.compile("(?!https://[^/]*:443$|http://[^/]*:80$)"
            + "[a-z][a-z0-9+.-]{0,30}://([a-z0-9._-]{1,253}|\\[[0-9a-f:]{2,39}])(:[1-9][0-9]{0,4})?");
}
