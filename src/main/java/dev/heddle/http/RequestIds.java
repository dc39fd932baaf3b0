package dev.heddle.http;

import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/** {@code X-Request-Id}: the client's own if it is harmless in a log and a header, else a fresh one. */
final class RequestIds {

    private static final Pattern ACCEPTED = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    private RequestIds() {}

    static String of(String sent) {
        return !sent.isEmpty() && ACCEPTED.matcher(sent).matches() ? sent : fresh();
    }

    /** 128 bits, only to be told apart: not a secret. */
    static String fresh() {
        var random = ThreadLocalRandom.current();
        return HexFormat.of().toHexDigits(random.nextLong()) + HexFormat.of().toHexDigits(random.nextLong());
    }
}
