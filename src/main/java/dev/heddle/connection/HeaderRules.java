package dev.heddle.connection;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Headers;
import java.util.regex.Pattern;

/**
 * What the web server would let pass in the headers of a request, and others before us may read differently. Belongs to the
 * thread of the connection.
 */
final class HeaderRules {

    private static final HeaderName NAMELESS = HeaderNames.create("");

    private static final Pattern EMPTY_MEMBER = Pattern.compile("^[ \\t]*,|,[ \\t]*,|,[ \\t]*$");

    /** A name or an address, and perhaps a port (RFC 3986 §3.2); what a name may be made of, the web server checks. */
    private static final Pattern AUTHORITY =
            Pattern.compile("(?:\\[(?=[^]]*:[^]]*:)[0-9a-fA-F:.]+]|[^\\[\\]:]*)(?::([0-9]{0,5}))?");

    private static final int PORT_MAX = 65_535;

    /** The last one that was in order: a client writes the same one into all of its requests. */
    private String host = "";

    /**
     * Checks them all.
     *
     * @throws io.helidon.http.RequestException 400 when one of them is broken
     */
    void check(Headers headers) {
        if (headers.contains(NAMELESS)) {
            throw Refusals.broken("a header without a name");
        }
        if (headers.contains(HeaderNames.HOST)) {
            var named = headers.get(HeaderNames.HOST).get();
            if (!named.equals(host)) {
                requireAuthority(named);
                host = named;
            }
        }
        // An empty member is left out by the web server, as it may; a proxy may not take such a list for chunks.
        if (headers.contains(HeaderNames.TRANSFER_ENCODING)
                && EMPTY_MEMBER
                        .matcher(headers.get(HeaderNames.TRANSFER_ENCODING).get())
                        .find()) {
            throw Refusals.broken("a transfer coding that is none");
        }
    }

    /** Whether they say that the connection ends with this message. Most have no such header, which is soon seen. */
    static boolean sayClose(Headers headers) {
        return headers.contains(HeaderNames.CONNECTION) && headers.containsToken(HeaderValues.CONNECTION_CLOSE);
    }

    private static void requireAuthority(String host) {
        var authority = AUTHORITY.matcher(host);
        if (!authority.matches()) {
            throw Refusals.broken("a host that is none");
        }
        var port = authority.group(1);
        if (port != null && !port.isEmpty() && Integer.parseInt(port) > PORT_MAX) {
            throw Refusals.broken("a port that is none");
        }
    }
}
