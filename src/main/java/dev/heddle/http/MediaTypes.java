package dev.heddle.http;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Media types in {@code Accept} and {@code Content-Type} (RFC 9110 §8.3, §12.5.1). */
public final class MediaTypes {

    /** JSON. */
    public static final String JSON = "application/json";

    /** One JSON document a line. */
    public static final String NDJSON = "application/x-ndjson";

    /** Comma-separated values, RFC 4180. */
    public static final String CSV = "text/csv";

    /** A form with files, RFC 7578. */
    public static final String FORM_DATA = "multipart/form-data";

    /** A change to a JSON document, RFC 7396. */
    public static final String MERGE_PATCH = "application/merge-patch+json";

    /** An error, RFC 9457. */
    public static final String PROBLEM = "application/problem+json";

    private MediaTypes() {}

    /**
     * The offer the client likes best, the earlier of two it likes the same; empty when it accepts none.
     *
     * @param accept the header's value, empty when there was none: then everything is accepted
     * @param offers what can be made, the most usual first
     */
    static Optional<String> choose(String accept, List<String> offers) {
        if (accept.isEmpty() || accept.equals("*/*")) {
            return Optional.of(offers.getFirst());
        }
        var ranges = accept.toLowerCase(Locale.ROOT).split(",", -1);
        String best = null;
        double bestQuality = 0;
        for (var offer : offers) {
            double quality = qualityOf(offer, ranges);
            if (quality > bestQuality) {
                best = offer;
                bestQuality = quality;
            }
        }
        return Optional.ofNullable(best);
    }

    /** The weight of the most specific range that names the offer. */
    private static double qualityOf(String offer, String[] ranges) {
        double quality = 0;
        int specific = -1;
        for (var range : ranges) {
            var parts = range.split(";", -1);
            int specificity = specificityOf(parts[0].strip(), offer);
            if (specificity > specific) {
                specific = specificity;
                quality = weightOf(parts);
            }
        }
        return quality;
    }

    private static int specificityOf(String range, String offer) {
        if (range.equals(offer)) {
            return 2;
        }
        if (range.equals("*/*")) {
            return 0;
        }
        return range.endsWith("/*") && offer.startsWith(range.substring(0, range.length() - 1)) ? 1 : -1;
    }

    private static double weightOf(String[] parts) {
        for (int i = 1; i < parts.length; i++) {
            var parameter = parts[i].strip();
            if (parameter.startsWith("q=")) {
                try {
                    return Double.parseDouble(parameter.substring(2));
                } catch (NumberFormatException e) {
                    return 0;
                }
            }
        }
        return 1;
    }

    /** Whether a Content-Type is that media type, in UTF-8 if it names a charset. */
    static boolean isType(String contentType, String type) {
        var parts = contentType.toLowerCase(Locale.ROOT).split(";", -1);
        if (!parts[0].strip().equals(type)) {
            return false;
        }
        for (int i = 1; i < parts.length; i++) {
            var parameter = parts[i].strip();
            if (parameter.startsWith("charset=")
                    && !parameter
                            .substring("charset=".length())
                            .replace("\"", "")
                            .equals("utf-8")) {
                return false;
            }
        }
        return true;
    }
}
