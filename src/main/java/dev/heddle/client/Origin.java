package dev.heddle.client;

import java.util.Locale;
import java.util.Optional;

/**
 * Where a server is: scheme, host and port, RFC 6454 §4. Two of the same place are equal.
 *
 * @param host in lower case; an IPv6 address is without brackets and as RFC 5952 §4 writes it
 */
public record Origin(boolean isTls, String host, int port) {

    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    /** The origin of {@code http://host:port} or {@code https://host:port} and nothing else. */
    public static Optional<Origin> of(String text) {
        return HttpUrl.of(text)
                .filter(url -> url.target().equals("/") && !text.endsWith("/"))
                .map(HttpUrl::origin);
    }

    static int defaultPort(boolean isTls) {
        return isTls ? HTTPS_PORT : HTTP_PORT;
    }

    /** Host and port as the {@code Host} header has them: the scheme's own port is left out. RFC 9110 §7.2. */
    public String authority() {
        var name = host.indexOf(':') < 0 ? host : "[" + host + "]";
        return port == defaultPort(isTls) ? name : name + ":" + port;
    }

    /** As it would be written in a URL. */
    @Override
    public String toString() {
        return (isTls ? "https" : "http") + "://" + authority().toLowerCase(Locale.ROOT);
    }
}
