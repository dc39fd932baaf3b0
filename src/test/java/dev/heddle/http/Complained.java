package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;

/** Reads complaints as lines, in the order in which they were made: {@code "/title too_long"}. */
final class Complained {

    private Complained() {}

    static List<String> in(Complaints complaints) {
        if (complaints.isEmpty()) {
            return List.of();
        }
        return assertThrows(ProblemException.class, complaints::refuseIfAny).complaints().stream()
                .map(complaint -> complaint.name() + " " + complaint.code())
                .toList();
    }
}
