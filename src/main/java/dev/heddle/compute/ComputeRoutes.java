package dev.heddle.compute;

import dev.heddle.concurrent.SharedPlaces;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HexFormat;

/** The HTTP side of what takes processors. To read is enough: nothing is changed, not even by {@code POST /hash}. */
public final class ComputeRoutes {

    /** What a request line has room for beside the rest of it, in characters; more of them go with {@code POST}. */
    private static final int DATA_MAX = 8000;

    private static final int ROUNDS_DEFAULT = 1;

    /** Each body holds a piece of 128 KiB for as long as its client sends. */
    private static final int RECEIVED_AT_ONCE_MAX = 256;

    private static final int RECEIVED_OF_ONE_MAX = 64;

    private final Hashing hashing;
    private final Limits limits;

    private final SharedPlaces receiving =
            new SharedPlaces("bodies to hash", RECEIVED_AT_ONCE_MAX, RECEIVED_OF_ONE_MAX);

    /**
     * What one request may ask for.
     *
     * @param rounds of a computation
     * @param bodyBytes of what is hashed
     */
    public record Limits(int rounds, long bodyBytes) {}

    private record Computation(String data, int rounds) {}

    private ComputeRoutes(Hashing hashing, Limits limits) {
        this.hashing = hashing;
        this.limits = limits;
    }

    /** Adds the routes. */
    public static void add(Routes routes, CpuPool pool, Limits limits) {
        var its = new ComputeRoutes(new Hashing(pool), limits);
        routes.add("GET", "/hash", Access.READ, ComputeRoutes::data, its::hash)
                .addStreaming("POST", "/hash", Access.READ, its::body, its::hashBody)
                .addWaiting("GET", "/compute", Access.READ, its::computation, its::compute);
    }

    private static String data(Request request) {
        var query = request.query();
        query.require("data");
        return query.text("data", 0, DATA_MAX).orElse("");
    }

    private Answer hash(Request request, String data) {
        return hash(hashing.of(data));
    }

    private Request body(Request request) {
        request.expectStream(limits.bodyBytes());
        return request;
    }

    private Answer hashBody(Request request, Request same) {
        return hash(digest(request.stream()));
    }

    private byte[] digest(InputStream body) {
        try (var _ = receiving.enter(Caller.current().id())) {
            return hashing.of(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Computation computation(Request request) {
        var data = data(request);
        var rounds = request.query().integer("rounds", 1, limits.rounds()).orElse(ROUNDS_DEFAULT);
        return new Computation(data, rounds);
    }

    private Answer compute(Request request, Computation asked) {
        var hash = hashing.iterated(asked.data(), asked.rounds());
        return Answer.ok(json -> {
            json.writeStartObject();
            json.writeStringField("hash", hex(hash));
            json.writeNumberField("rounds", asked.rounds());
            json.writeEndObject();
        });
    }

    private static Answer hash(byte[] hash) {
        return Answer.ok(json -> {
            json.writeStartObject();
            json.writeStringField("hash", hex(hash));
            json.writeEndObject();
        });
    }

    private static String hex(byte[] hash) {
        return HexFormat.of().formatHex(hash);
    }
}
