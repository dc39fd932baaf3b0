package dev.heddle.dashboard;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.dashboard.Composition.Made;
import dev.heddle.dashboard.Composition.Status;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The HTTP side of the compositions: {@code /dashboards/{name}}, and a path of its own for two of them. */
public final class DashboardRoutes {

    private static final HeaderName COMPLETE = HeaderNames.create("Aggregate-Complete");
    private static final HeaderName SERVER_TIMING = HeaderNames.create("Server-Timing");

    /** Those that the contract gives a path of their own. */
    private static final List<String> OWN_PATHS = List.of("dashboard", "aggregate");

    /** As long as all names of parts together, in characters. */
    private static final int REQUIRE_MAX = 1000;

    private final Map<String, Composition> compositions = new LinkedHashMap<>();
    private final PartObserver observer;

    private record Asked(Composition composition, Set<String> required, PartSource.Asked asked) {}

    private DashboardRoutes(Collection<Composition> all, PartObserver observer) {
        all.forEach(composition -> compositions.put(composition.name(), composition));
        this.observer = observer;
    }

    /** Adds the routes. */
    public static void add(Routes routes, Collection<Composition> compositions, PartObserver observer) {
        var its = new DashboardRoutes(compositions, observer);
        for (var name : OWN_PATHS) {
            routes.addWaiting("GET", "/" + name, Access.READ, request -> its.asked(request, name), its::answer);
        }
        routes.addWaiting(
                "GET",
                "/dashboards/{name}",
                Access.READ,
                request -> its.asked(request, request.pathValue(0)),
                its::answer);
    }

    private Asked asked(Request request, String name) {
        var composition = compositions.get(name);
        if (composition == null) {
            throw Problem.NOT_FOUND.because("Dashboard not found");
        }
        var caller = Caller.current();
        var values = caller.values(request.query(), composition.parameters());
        var asked = new PartSource.Asked(caller.subject(request.query()), values, request.trace());
        return new Asked(composition, required(request, composition), asked);
    }

    private static Set<String> required(Request request, Composition composition) {
        var query = request.query();
        var names = composition.partNames();
        var written = query.text("require", REQUIRE_MAX).orElse("");
        if (written.isEmpty()) {
            return Set.of();
        }
        if (written.equals("all")) {
            return names;
        }
        var required = new LinkedHashSet<>(List.of(written.split(",", -1)));
        if (!names.containsAll(required)) {
            query.complain(
                    "require", "unknown_part", "must be all, or some of " + String.join(",", names) + " with commas");
        }
        return required;
    }

    private Answer answer(Request request, Asked asked) {
        var made = asked.composition().make(asked.asked());
        made.forEach(part -> observer.made(asked.composition().name(), part.name(), word(part.status()), part.took()));
        refuseIfMissing(made, asked.required());
        boolean isComplete = made.stream().allMatch(part -> part.status() == Status.OK);
        return Answer.ok(json -> write(json, made))
                .header(COMPLETE, String.valueOf(isComplete))
                .header(SERVER_TIMING, timing(made));
    }

    private static void refuseIfMissing(List<Made> made, Set<String> required) {
        var missing = made.stream()
                .filter(part -> required.contains(part.name()) && part.status() != Status.OK)
                .toList();
        if (!missing.isEmpty()) {
            var problem = missing.getFirst().status().problem();
            var each = missing.stream()
                    .map(part -> part.name() + " (" + word(part.status()) + ")")
                    .collect(Collectors.joining(", "));
            throw (problem == null ? Problem.PART_MISSING : problem)
                    .because("Required parts are missing: " + each + ".");
        }
    }

    private static void write(JsonGenerator json, List<Made> made) throws IOException {
        json.writeStartObject();
        for (var part : made) {
            json.writeFieldName(part.name());
            part.value().to(json);
        }
        json.writeObjectFieldStart("parts");
        for (var part : made) {
            json.writeObjectFieldStart(part.name());
            json.writeStringField("status", word(part.status()));
            json.writeNumberField("ms", part.took().toMillis());
            json.writeEndObject();
        }
        json.writeEndObject();
        json.writeEndObject();
    }

    /** W3C Server Timing; durations are milliseconds. */
    private static String timing(List<Made> made) {
        var timing = new StringBuilder(32 * made.size());
        for (var part : made) {
            timing.append(timing.isEmpty() ? "" : ", ").append(part.name());
            if (part.status() != Status.OK) {
                timing.append(";desc=\"").append(word(part.status())).append('"');
            }
            long micros = part.took().toNanos() / 1000;
            timing.append(";dur=").append(micros / 1000).append('.').append(micros % 1000 / 100);
        }
        return timing.toString();
    }

    private static String word(Status status) {
        return status.name().toLowerCase(Locale.ROOT);
    }
}
