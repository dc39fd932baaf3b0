package dev.heddle.connection;

import io.helidon.common.uri.UriValidator;
import io.helidon.http.HeaderNames;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the fields of a request must be before anybody looks at it: one host (RFC 9112 §3.2), and one way to say where the
 * body ends (§6), about which no two readers can disagree. Belongs to the thread of a connection.
 */
final class HeaderRules {

    /** In place of a length. */
    static final long CHUNKS = -1;

    /** A name or an address, and perhaps a port (RFC 3986 §3.2). */
    private static final Pattern AUTHORITY =
            Pattern.compile("(\\[(?=[^]]*:[^]]*:)[0-9a-fA-F:.]+]|[^\\[\\]:]+)(?::([0-9]{1,5}))?");

    private static final int PORT_MAX = 65_535;

    private static final String CHUNKED = "chunked";

    /** No number of bytes has more. */
    private static final int LENGTH_DIGITS_MAX = 18;

    private final long bodyMax;

    /** The last one that was in order: a client writes the same one into all of its requests. */
    private @Nullable String host;

    /** For bodies up to so many bytes. */
    HeaderRules(long bodyMax) {
        this.bodyMax = bodyMax;
    }

    /**
     * Where the body ends: how long it is, 0 for none, {@link #CHUNKS} when its chunks tell.
     *
     * @throws RefusedException when the fields are not as they must be
     */
    long check(RequestHead head) {
        requireHost(head);
        long length = bodyLength(head);
        if (length > bodyMax) {
            throw RefusedException.tooLarge("a body that is too long for any route");
        }
        if (length != 0 && head.has(HeaderNames.CONTENT_ENCODING)) {
            throw RefusedException.of(415, "a body that is encoded");
        }
        return length;
    }

    private void requireHost(RequestHead head) {
        if (!head.hasOne(HeaderNames.HOST)) {
            throw RefusedException.broken("no host, or several");
        }
        var named = head.value(HeaderNames.HOST);
        if (!named.equals(host)) {
            requireAuthority(named);
            host = named;
        }
    }

    private static void requireAuthority(String host) {
        var authority = AUTHORITY.matcher(host);
        if (!authority.matches()) {
            throw RefusedException.broken("a host that is none");
        }
        var port = authority.group(2);
        if (port != null && Integer.parseInt(port) > PORT_MAX) {
            throw RefusedException.broken("a port that is none");
        }
        var name = authority.group(1);
        try {
            if (name.startsWith("[")) {
                UriValidator.validateIpLiteral(name);
            } else {
                UriValidator.validateNonIpLiteral(name);
            }
        } catch (IllegalArgumentException e) {
            throw RefusedException.broken("a host that is none");
        }
    }

    private static long bodyLength(RequestHead head) {
        boolean hasLength = head.has(HeaderNames.CONTENT_LENGTH);
        if (head.has(HeaderNames.TRANSFER_ENCODING)) {
            if (hasLength) {
                throw RefusedException.broken("two ways to say where the body ends");
            }
            requireChunks(head);
            return CHUNKS;
        }
        return hasLength ? number(head.value(HeaderNames.CONTENT_LENGTH)) : 0;
    }

    /** Several lengths are joined by commas, and no number, be they the same. */
    private static long number(String text) {
        int digits = 0;
        long number = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            digits += digits > 0 || c != '0' ? 1 : 0;
            if (c < '0' || c > '9' || digits > LENGTH_DIGITS_MAX) {
                throw RefusedException.broken("a length that is none");
            }
            number = number * 10 + (c - '0');
        }
        if (text.isEmpty()) {
            throw RefusedException.broken("a length that is none");
        }
        return number;
    }

    /** An empty member may be left out (RFC 9110 §5.6.1); a proxy may not take such a list for chunks. */
    private static void requireChunks(RequestHead head) {
        var codings = List.of(head.value(HeaderNames.TRANSFER_ENCODING)
                .toLowerCase(Locale.ROOT)
                .split("[ \\t]*,[ \\t]*", -1));
        boolean isChunkedOnceAtTheEnd = codings.indexOf(CHUNKED) == codings.size() - 1;
        if (codings.contains("") || !isChunkedOnceAtTheEnd) {
            throw RefusedException.broken("a transfer coding that is none");
        }
        if (codings.size() > 1) {
            throw RefusedException.of(501, "an unknown transfer coding");
        }
    }
}
