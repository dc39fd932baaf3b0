package dev.heddle.upstream;

import java.time.Duration;

/** An answer that was kept. Not changed by anybody, safe for any thread. */
final class Kept {

    private final byte[] json;
    private final String etag;
    private final Freshness freshness;
    private final long sinceNanos;

    /**
     * Kept from now on.
     *
     * @param etag to ask whether it is still good; empty when it has none
     */
    Kept(byte[] json, String etag, Freshness freshness) {
        this.json = json;
        this.etag = etag;
        this.freshness = freshness;
        this.sinceNanos = System.nanoTime();
    }

    private Duration here() {
        return Duration.ofNanos(System.nanoTime() - sinceNanos);
    }

    /** Whether it is good as it is. */
    boolean isFresh() {
        return here().compareTo(freshness.fresh()) < 0;
    }

    /** Whether it may stand in for an answer that cannot be had. RFC 5861 §4. */
    boolean mayStandIn() {
        return here().compareTo(freshness.fresh().plus(freshness.stale())) < 0;
    }

    /** How long it is good when it was found unchanged by an answer that does not say: as long as before. */
    Freshness again(Freshness said) {
        var lifetime = freshness.fresh().plus(freshness.age()).minus(said.age());
        return new Freshness(
                freshness.isStorable() && said.isStorable(),
                lifetime.isNegative() || freshness.fresh().isZero() ? Duration.ZERO : lifetime,
                freshness.stale(),
                said.age());
    }

    byte[] json() {
        return json;
    }

    String etag() {
        return etag;
    }

    /** How much memory it takes, about. */
    int bytes() {
        return json.length + etag.length();
    }

    /** The document with its age. */
    Document document() {
        return new Document(json, freshness.age().plus(here()));
    }
}
