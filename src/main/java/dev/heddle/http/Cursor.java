package dev.heddle.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;

/**
 * The text form of a position in a list: the position and a check value over it and the filter it belongs to. The check
 * guards against mistakes (a cut cursor, another filter's), not against forgery: a forged one shows nothing that its
 * caller may not list anyway.
 */
final class Cursor {

    private static final int CHECK_BYTES = 8;

    private Cursor() {}

    static String write(String position, String fingerprint) {
        var text = position.getBytes(StandardCharsets.UTF_8);
        var bytes = Arrays.copyOf(check(position, fingerprint), CHECK_BYTES + text.length);
        System.arraycopy(text, 0, bytes, CHECK_BYTES, text.length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static Optional<String> read(String cursor, String fingerprint) {
        try {
            var bytes = Base64.getUrlDecoder().decode(cursor);
            if (bytes.length <= CHECK_BYTES) {
                return Optional.empty();
            }
            var position = new String(bytes, CHECK_BYTES, bytes.length - CHECK_BYTES, StandardCharsets.UTF_8);
            // Written again rather than compared piece by piece: what does not round-trip was edited.
            return write(position, fingerprint).equals(cursor) ? Optional.of(position) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static byte[] check(String position, String fingerprint) {
        return Arrays.copyOf(
                Digests.sha256((fingerprint + "\n" + position).getBytes(StandardCharsets.UTF_8)), CHECK_BYTES);
    }
}
