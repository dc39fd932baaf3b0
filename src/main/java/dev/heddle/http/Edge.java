package dev.heddle.http;

import dev.heddle.admission.Admission;
import dev.heddle.admission.RateLimit;
import dev.heddle.concurrent.SharedBytes;
import dev.heddle.concurrent.SharedPlaces;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What stands between a listener and its routes.
 *
 * @param proxies who may say on whose behalf they ask
 * @param addresses how often one address may ask, whoever it is
 * @param admission how many ordinary requests are worked on at once; null for any number
 * @param streams how many answers are sent at once that are as long as their clients take; null for any number
 * @param held room for large answers until their clients have taken them; null for any number
 * @param cors which pages of browsers may ask
 * @param publicUrl where clients find this server, without a slash at the end; empty when only they know
 */
public record Edge(
        Proxies proxies,
        RateLimit addresses,
        @Nullable Admission admission,
        @Nullable SharedPlaces streams,
        @Nullable SharedBytes held,
        Cors cors,
        String publicUrl) {

    /** Nothing: for operators, whose probes are never refused, and for tests. */
    public static Edge open() {
        return new Edge(
                new Proxies(List.of(), Proxies.Header.X_FORWARDED_FOR),
                RateLimit.none(),
                null,
                null,
                null,
                Cors.OFF,
                "");
    }

    /** A link as clients get it: paths of ours are behind the public URL, if there is one. */
    String link(String value) {
        if (value.startsWith("</")) {
            return "<" + publicUrl + value.substring(1);
        }
        return value.startsWith("/") ? publicUrl + value : value;
    }
}
