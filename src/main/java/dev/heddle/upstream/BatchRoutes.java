package dev.heddle.upstream;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Json;
import dev.heddle.http.Problems;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import dev.heddle.upstream.Batch.Fetched;
import dev.heddle.upstream.Batch.Item;
import dev.heddle.upstream.Batch.Missed;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The HTTP side of {@link Batch}. */
public final class BatchRoutes {

    private static final String URLS = "urls";

    /** Longer than any URL that is fetched, in characters: what is only too long for that spoils no other. */
    private static final int TEXT_MAX = 10_000;

    /** An answer with more of others' bodies is written as it is sent. */
    private static final long WHOLE_BYTES_MAX = 256 * 1024;

    private final Batch batch;

    private BatchRoutes(Batch batch) {
        this.batch = batch;
    }

    /** Adds the routes. */
    public static void add(Routes routes, Batch batch) {
        var its = new BatchRoutes(batch);
        routes.addWaiting("GET", "/batch", Access.READ, BatchRoutes::query, its::fetch)
                .addWaiting("POST", "/batch", Access.READ, BatchRoutes::body, its::fetch);
    }

    private static List<String> query(Request request) {
        var query = request.query();
        query.require(URLS);
        var urls = query.all(URLS);
        if (urls.size() > Batch.URLS_MAX) {
            query.complain(URLS, "too_many", "may stand at most " + Batch.URLS_MAX + " times");
        }
        return urls;
    }

    private static List<String> body(Request request) {
        return request.json()
                .require(URLS)
                .list(URLS, 0, Batch.URLS_MAX, TEXT_MAX)
                .or(List.of());
    }

    private Answer fetch(Request request, List<String> urls) {
        var caller = Caller.current().id();
        var lease = batch.lease(caller);
        boolean isHandedOver = false;
        try {
            var items = batch.fetch(urls, caller, lease, request.trace());
            if (lease.bytes() <= WHOLE_BYTES_MAX) {
                return Answer.ok(Json.array(items, (json, item) -> write(json, item, request)));
            }
            isHandedOver = true;
            return Answer.stream("application/json", out -> write(out, items, request))
                    .owning(lease);
        } finally {
            if (!isHandedOver) {
                lease.close();
            }
        }
    }

    /** One after the other, so that what is held is not held twice. */
    private static void write(OutputStream out, List<Item> items, Request request) throws IOException {
        int separator = '[';
        for (var item : items) {
            out.write(separator);
            out.write(Json.write(json -> write(json, item, request)));
            separator = ',';
        }
        out.write(']');
    }

    /** Half a pair of surrogates is no character: it comes back as a question mark. */
    private static String writable(String url) {
        return new String(url.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    private static void write(JsonGenerator json, Item item, Request request) throws IOException {
        json.writeStartObject();
        switch (item) {
            case Fetched fetched -> {
                // It was a URL, so it is all ASCII.
                json.writeStringField("url", fetched.url());
                json.writeNumberField("status", fetched.status());
                json.writeNumberField("ms", fetched.took().toMillis());
                json.writeFieldName("body");
                var body = fetched.json();
                if (body == null) {
                    json.writeNull();
                } else {
                    Json.raw(json, body.json());
                }
            }
            case Missed missed -> {
                json.writeStringField("url", writable(missed.url()));
                json.writeFieldName("error");
                Problems.write(json, missed.problem(), request.rawPath(), request.id());
            }
        }
        json.writeEndObject();
    }
}
