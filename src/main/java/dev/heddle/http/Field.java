package dev.heddle.http;

import org.jspecify.annotations.Nullable;

/**
 * A member of a body that may be absent, which in a merge patch (RFC 7396) is not the same as null.
 *
 * @param isPresent whether the member was there
 * @param value its value; of no meaning when it was absent
 */
public record Field<T>(boolean isPresent, @Nullable T value) {

    /** The member was not there. */
    public static <T> Field<T> absent() {
        return new Field<>(false, null);
    }

    /** The member was there. */
    public static <T> Field<T> of(@Nullable T value) {
        return new Field<>(true, value);
    }

    /** The value, or another when the member was absent or null. */
    public T or(T other) {
        return isPresent && value != null ? value : other;
    }

    /** The value, null when the member was absent. */
    public @Nullable T orNull() {
        return isPresent ? value : null;
    }
}
