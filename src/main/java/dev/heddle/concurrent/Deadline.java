package dev.heddle.concurrent;

import java.time.Duration;

/**
 * The moment at which the work of a request must have ended. It is bound once at the edge and inherited by everything
 * the request does, so that every wait inside can take the smaller of its own limit and what is left. Measured with
 * {@link System#nanoTime()}: a step of the wall clock ends no request. Immutable, safe for any thread.
 */
public final class Deadline {

    /** Far enough away to mean "none", near enough not to overflow when added to a nano time. */
    private static final Duration FOREVER = Duration.ofDays(365);

    private static final ScopedValue<Deadline> CURRENT = ScopedValue.newInstance();

    private final long atNanos;
    private final boolean isCallers;

    private Deadline(long atNanos, boolean isCallers) {
        this.atNanos = atNanos;
        this.isCallers = isCallers;
    }

    /** A deadline that long from now; zero or less is one that has already passed. */
    public static Deadline after(Duration limit) {
        return after(System.nanoTime(), limit);
    }

    /** A deadline that long after a moment, of {@link System#nanoTime()}. */
    public static Deadline after(long moment, Duration limit) {
        return new Deadline(moment + nanos(limit), false);
    }

    /** The same, of a limit that the caller has chosen. */
    public static Deadline ofCaller(long moment, Duration limit) {
        return new Deadline(moment + nanos(limit), true);
    }

    /** This one, or one that long from now if that is sooner. */
    public Deadline within(Duration own) {
        var ours = after(own);
        return atNanos - ours.atNanos <= 0 ? this : ours;
    }

    /** Whether the caller has chosen it, so that its end says nothing about what was waited for. */
    public boolean isCallers() {
        return isCallers;
    }

    /** One that does not come: a year away. */
    public static Deadline never() {
        return after(FOREVER);
    }

    /** The deadline of the work that runs here, or {@link #never} when nobody has bound one. */
    public static Deadline current() {
        return CURRENT.isBound() ? CURRENT.get() : never();
    }

    /** What is left; zero or negative when it has passed. */
    public long remainingNanos() {
        return atNanos - System.nanoTime();
    }

    /** What is left, never negative. */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, remainingNanos()));
    }

    /** The smaller of what is left and a wait's own limit, in nanoseconds, never negative. */
    public long limitNanos(Duration own) {
        return Math.max(0, Math.min(nanos(own), remainingNanos()));
    }

    /** Between nothing and forever. */
    private static long nanos(Duration limit) {
        return limit.isNegative() ? 0 : limit.compareTo(FOREVER) < 0 ? limit.toNanos() : FOREVER.toNanos();
    }

    /** Whether it has passed. */
    public boolean isExpired() {
        return remainingNanos() <= 0;
    }

    /** Runs the work, and whatever it forks, under this deadline. */
    public <T, X extends Throwable> T call(ScopedValue.CallableOp<T, X> work) throws X {
        return ScopedValue.where(CURRENT, this).call(work);
    }
}
