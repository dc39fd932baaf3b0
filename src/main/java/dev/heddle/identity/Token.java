package dev.heddle.identity;

import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What is known of a token; not the token itself, whose text nobody but its owner has. */
record Token(
        UUID id,
        String name,
        Set<Scope> scopes,
        Instant createdAt,
        @Nullable Instant expiresAt) {

    /** Marks a token for people and for scanners that look for leaked secrets. */
    private static final String PREFIX = "hdl_";

    /** 256 bits: nobody guesses one, so a plain SHA-256 of it is as good as a slow hash. */
    private static final int BYTES = 32;

    private static final int TEXT_LENGTH = PREFIX.length() + 43;
    private static final SecureRandom RANDOM = new SecureRandom();

    /** A new token's text. */
    static String newText() {
        var bytes = new byte[BYTES];
        RANDOM.nextBytes(bytes);
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Whether a text could be a token at all; what could not costs no look-up. */
    static boolean isText(String text) {
        // Asked for every request, so not a regular expression.
        if (text.length() != TEXT_LENGTH || !text.startsWith(PREFIX)) {
            return false;
        }
        for (int i = PREFIX.length(); i < text.length(); i++) {
            if (!isBase64Url(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isBase64Url(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
}
