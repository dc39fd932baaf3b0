package dev.heddle.upstream;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.concurrent.Deadline;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;

/** The HTTP side of the upstreams. */
public final class UpstreamRoutes {

    /** The resource behind {@code /weather/{city}}. */
    private static final String WEATHER = "weather";

    private static final String CITY = "city";

    /** The resource behind {@code /slow-external}. */
    private static final String SLOW = "slow-external";

    /** Resources that a path of the contract is made of, and the values that it has for each. */
    public static final Map<String, Set<String>> OWN_PARAMETERS = Map.of(WEATHER, Set.of(CITY), SLOW, Set.of());

    /** The contract's own limit of {@code /slow-external}. */
    private static final Duration SLOW_LIMIT = Duration.ofSeconds(5);

    private final Upstreams upstreams;

    private record Asked(Resource resource, Map<String, String> values) {}

    private UpstreamRoutes(Upstreams upstreams) {
        this.upstreams = upstreams;
    }

    /** Adds the routes. */
    public static void add(Routes routes, Upstreams upstreams) {
        var its = new UpstreamRoutes(upstreams);
        routes.addWaiting("GET", "/weather/{city}", Access.READ, its::weather)
                .add("GET", "/external", Access.READ, its::list)
                .addWaiting("GET", "/external/{resource}", Access.READ, its::asked, UpstreamRoutes::get)
                .addWaiting("GET", "/slow-external", Access.READ, its::slow);
    }

    private Answer weather(Request request) {
        var city = request.pathValue(0);
        if (city.length() > Caller.VALUE_MAX || !Resource.isValue(city)) {
            throw Problem.NOT_FOUND.because("City not found");
        }
        return get(request, new Asked(configured(WEATHER), Map.of(CITY, city)));
    }

    private Answer slow(Request request) {
        var resource = configured(SLOW);
        try {
            return Deadline.current().within(SLOW_LIMIT).call(() -> get(request, new Asked(resource, Map.of())));
        } catch (ProblemException e) {
            throw e.problem() == Problem.UPSTREAM_TIMEOUT
                    ? Problem.UPSTREAM_TIMEOUT.because("External service timeout", e)
                    : e;
        }
    }

    private Resource configured(String name) {
        return upstreams
                .resource(name)
                .orElseThrow(() -> Problem.UPSTREAM_NOT_CONFIGURED.because(
                        "This server has not been told whom to ask: no upstream has the resource " + name + "."));
    }

    private Answer list(Request request) {
        return Answer.ok(json -> {
            json.writeStartArray();
            for (var resource : upstreams.resources()) {
                write(json, resource);
            }
            json.writeEndArray();
        });
    }

    private static void write(JsonGenerator json, Resource resource) throws IOException {
        json.writeStartObject();
        json.writeStringField("resource", resource.name());
        json.writeStringField("upstream", resource.upstream().name());
        json.writeStringField("state", resource.upstream().state().written());
        json.writeArrayFieldStart("parameters");
        for (var name : resource.parameters()) {
            json.writeString(name);
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private Asked asked(Request request) {
        var resource = upstreams
                .resource(request.pathValue(0))
                .orElseThrow(() -> Problem.NOT_FOUND.because("Resource not found"));
        return new Asked(resource, Caller.current().values(request.query(), resource.parameters()));
    }

    private static Answer get(Request request, Asked asked) {
        var document = asked.resource().get(asked.values(), request.trace());
        var answer = Answer.json(document.json());
        var age = document.age();
        return age == null ? answer : answer.header(HeaderNames.AGE, String.valueOf(age.toSeconds()));
    }
}
