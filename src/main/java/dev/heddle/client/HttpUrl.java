package dev.heddle.client;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A URL that can be asked, read once and strictly: nothing in it can mean one thing to whoever checks it and another to
 * whoever connects. No credentials, no fragment, no backslash, nothing outside ASCII, no host that is an address in any
 * but its usual form ({@code 127.1}, {@code 0x7f.1}, {@code 2130706433}), no IPv6 address with an IPv4 address written in
 * it, no dots to be resolved in the path.
 *
 * @param target path and query as they are sent; at least a slash
 */
public record HttpUrl(Origin origin, String target) {

    /** Longer ones are refused by half of the servers there are, in characters. */
    public static final int LENGTH_MAX = 2000;

    private static final int HOST_MAX = 253;

    private static final Pattern URL = Pattern.compile(
            "(?<scheme>[Hh][Tt][Tt][Pp][Ss]?)://(?<host>[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:]+])(:(?<port>[1-9][0-9]{0,4}))?(?<target>[/?].*)?");

    // An underscore is in no host name by the book, but container networks use it.
    private static final String LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
    private static final Pattern NAME = Pattern.compile(LABEL + "(\\." + LABEL + ")*");

    /** A last label that starts with a digit makes an address of it for some (WHATWG URL, "ends in a number"). */
    private static final Pattern ADDRESS_LIKE = Pattern.compile("(.*\\.)?([0-9]+|0x[0-9a-f]*)");

    private static final Pattern IPV4 = Pattern.compile("(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}");

    /** RFC 4291 §2.2: the JDK would take more digits than four. */
    private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,8}");

    /** RFC 3986 §3.3 and §3.4: what may stand in a path and a query besides letters, digits and what is percent-encoded. */
    private static final String TARGET_MARKS = "._~!$&'()*+,;=:@/?-";

    private static final Pattern DOTS = Pattern.compile("(?i)[^?]*/(\\.|%2e){1,2}([/?].*)?");

    /** The beginning of a URL, up to its path, and what it means; many URLs are of the same server. */
    private record Read(String text, Origin origin) {

        boolean begins(String url) {
            return url.startsWith(text)
                    && (url.length() == text.length() || "/?".indexOf(url.charAt(text.length())) >= 0);
        }
    }

    private static volatile @Nullable Read last;

    /** Reads one; empty when it is anything but what is described above. */
    public static Optional<HttpUrl> of(String text) {
        if (text.length() > LENGTH_MAX) {
            return Optional.empty();
        }
        var read = last;
        if (read == null || !read.begins(text)) {
            read = read(text);
            last = read == null ? last : read;
        }
        var target = read == null ? "" : target(text.substring(read.text().length()));
        return read == null || target.isEmpty() ? Optional.empty() : Optional.of(new HttpUrl(read.origin(), target));
    }

    private static @Nullable Read read(String text) {
        var url = URL.matcher(text);
        if (!url.matches()) {
            return null;
        }
        boolean isTls = url.group("scheme").length() == "https".length();
        var host = host(url.group("host"));
        int port = url.group("port") == null ? Origin.defaultPort(isTls) : Integer.parseInt(url.group("port"));
        int end = url.start("target") < 0 ? text.length() : url.start("target");
        return host.isEmpty() || port > 0xFFFF ? null : new Read(text.substring(0, end), new Origin(isTls, host, port));
    }

    /** The host in its one form; empty when it is none. */
    private static String host(String written) {
        var host = written.toLowerCase(Locale.ROOT);
        if (host.startsWith("[")) {
            return ipv6(host.substring(1, host.length() - 1));
        }
        if (ADDRESS_LIKE.matcher(host).matches()) {
            return isIpv4(host) ? host : "";
        }
        return host.length() <= HOST_MAX && NAME.matcher(host).matches() ? host : "";
    }

    private static boolean isIpv4(String host) {
        if (!IPV4.matcher(host).matches()) {
            return false;
        }
        for (var number : host.split("\\.", -1)) {
            if (Integer.parseInt(number) > 0xFF) {
                return false;
            }
        }
        return true;
    }

    private static String ipv6(String host) {
        if (!IPV6.matcher(host).matches()) {
            return "";
        }
        try {
            // An IPv4-mapped one becomes an IPv4 address here, and is then what it says no more.
            return InetAddress.ofLiteral(host) instanceof Inet6Address address
                    ? shortest(address.getHostAddress())
                    : "";
        } catch (IllegalArgumentException _) {
            return "";
        }
    }

    /** The longest run of zeros, or the first of those, becomes {@code ::}. RFC 5952 §4.2. */
    private static String shortest(String full) {
        var fenced = ":" + full + ":";
        for (var zeros = ":0:0:0:0:0:0:0:0:"; zeros.length() > ":0:".length(); zeros = zeros.substring(2)) {
            int at = fenced.indexOf(zeros);
            if (at >= 0) {
                var before = fenced.substring(0, at);
                var behind = fenced.substring(at + zeros.length());
                return before.substring(Math.min(1, at)) + "::" + behind.substring(0, Math.max(0, behind.length() - 1));
            }
        }
        return full;
    }

    /** Path and query as they are sent; empty when they are none. */
    private static String target(String written) {
        var target = written.startsWith("/") ? written : "/" + written;
        return isTarget(target) && !hasDots(target) ? target : "";
    }

    private static boolean hasDots(String target) {
        // Few have anything like them, and a pattern takes longer than all the rest.
        return (target.contains("/.") || target.contains("/%2"))
                && DOTS.matcher(target).matches();
    }

    private static boolean isTarget(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '%') {
                if (i + 2 >= text.length()
                        || !HexFormat.isHexDigit(text.charAt(i + 1))
                        || !HexFormat.isHexDigit(text.charAt(i + 2))) {
                    return false;
                }
                i += 2;
            } else if (!isLetterOrDigit(c) && TARGET_MARKS.indexOf(c) < 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean isLetterOrDigit(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    /** As it would be written. */
    @Override
    public String toString() {
        return origin + target;
    }
}
