package dev.heddle.dashboard;

import dev.heddle.concurrent.FanOut;
import dev.heddle.concurrent.FanOut.Ending;
import dev.heddle.concurrent.FanOut.Result;
import dev.heddle.http.Json;
import dev.heddle.http.Problem;
import dev.heddle.http.Problems;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/** An answer in named parts, which are made side by side. Immutable, safe for any thread. */
public final class Composition {

    /** All parts of the largest one at once. */
    private static final int WIDTH = 16;

    private static final FanOut FAN_OUT = new FanOut(WIDTH);

    private final String name;
    private final List<Part> parts;
    private final Problems problems;

    /**
     * A part.
     *
     * @param timeout how long its source may take
     * @param fallback what stands there when the source has nothing, one JSON document
     */
    public record Part(String name, PartSource source, Duration timeout, String fallback) {}

    /** How a part ended. */
    enum Status {
        OK(null),
        TIMEOUT(Problem.PART_TIMEOUT),
        ERROR(Problem.PART_MISSING),
        UNAVAILABLE(Problem.PART_UNAVAILABLE);

        private final @Nullable Problem problem;

        Status(@Nullable Problem problem) {
            this.problem = problem;
        }

        /** What it means when the part was required. */
        @Nullable
        Problem problem() {
            return problem;
        }
    }

    /**
     * What a part came to.
     *
     * @param value its own, or its fallback
     */
    record Made(String name, Status status, Duration took, Json.Writing value) {}

    /**
     * A composition.
     *
     * @param problems what a failure is to a client
     */
    public Composition(String name, List<Part> parts, Problems problems) {
        this.name = name;
        this.parts = List.copyOf(parts);
        this.problems = problems;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** The names of its parts, in their order. */
    SequencedSet<String> partNames() {
        var names = new LinkedHashSet<String>();
        parts.forEach(part -> names.add(part.name()));
        return names;
    }

    /** The names of the values that its sources need from the caller. */
    SequencedSet<String> parameters() {
        var names = new LinkedHashSet<String>();
        parts.forEach(part -> names.addAll(part.source().parameters()));
        return names;
    }

    /** Makes all parts, whatever becomes of each. */
    List<Made> make(PartSource.Asked asked) {
        var results = FAN_OUT.run(parts.stream()
                .map(part -> new FanOut.Part<>(
                        part.name(), part.timeout(), () -> part.source().get(asked)))
                .toList());
        var made = new ArrayList<Made>(parts.size());
        for (int i = 0; i < parts.size(); i++) {
            made.add(made(parts.get(i), results.get(i), asked));
        }
        return made;
    }

    private Made made(Part part, Result<Json.Writing> result, PartSource.Asked asked) {
        var value = result.value();
        if (result.ending() == Ending.DONE && value != null) {
            return new Made(part.name(), Status.OK, result.took(), value);
        }
        var status = result.ending() == Ending.LATE ? Status.TIMEOUT : status(part, result.cause(), asked);
        return new Made(part.name(), status, result.took(), json -> json.writeRawValue(part.fallback()));
    }

    /** A source that is broken is no empty source: it is in the log, and the answer says so. */
    private Status status(Part part, @Nullable Throwable cause, PartSource.Asked asked) {
        var problem = problems.of(cause == null ? new IllegalStateException("no value from " + part.name()) : cause);
        Problems.log(problem, asked.trace().requestId());
        return switch (problem.problem().status()) {
            case 503 -> Status.UNAVAILABLE;
            case 504 -> Status.TIMEOUT;
            default -> Status.ERROR;
        };
    }
}
