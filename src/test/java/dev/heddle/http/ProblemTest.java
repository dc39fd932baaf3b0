package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.helidon.http.DirectHandler;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ProblemTest {

    @Test
    void codesAreUnique() {
        assertEquals(
                Problem.values().length,
                Arrays.stream(Problem.values()).map(Problem::code).distinct().count());
    }

    @ParameterizedTest
    @EnumSource
    void everyOneIsWhole(Problem problem) {
        assertTrue(problem.code().matches("[a-z]+(-[a-z]+)*"), problem.code());
        assertTrue(problem.status() >= 400 && problem.status() < 600);
        assertFalse(problem.title().isBlank());
        assertFalse(problem.detail().isBlank());
        assertEquals(Optional.of(problem), Problem.of(problem.code()));
    }

    @ParameterizedTest
    @EnumSource
    void aClientsFaultIsQuietAndABrokenServerIsLoud(Problem problem) {
        if (problem.status() < 500) {
            assertEquals(Level.DEBUG, problem.level());
        }
        if (problem.status() == 500 || problem == Problem.STORAGE_FULL) {
            assertEquals(Level.ERROR, problem.level());
        }
    }

    @Test
    void everyStatusThatTheContractPromisesHasAProblem() {
        var statuses = Arrays.stream(Problem.values()).map(Problem::status).collect(Collectors.toSet());
        assertTrue(statuses.containsAll(
                Set.of(400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 422, 431, 500, 501, 503, 505, 507)));
    }

    @ParameterizedTest
    @CsvSource({
        "400, BAD_REQUEST",
        "404, NOT_FOUND",
        "405, METHOD_NOT_ALLOWED",
        "413, CONTENT_TOO_LARGE",
        "414, URI_TOO_LONG",
        "431, HEADERS_TOO_LARGE",
        "500, INTERNAL_ERROR",
        "501, NOT_IMPLEMENTED",
        "503, OVERLOADED",
        "505, HTTP_VERSION_NOT_SUPPORTED",
        "418, BAD_REQUEST",
        "599, INTERNAL_ERROR"
    })
    void theWebServersOwnStatusesHaveAMeaning(int status, Problem problem) {
        assertEquals(problem, Problem.ofStatus(status));
    }

    @ParameterizedTest
    @EnumSource
    void noEventOfTheWebServerTurnsAClientsFaultIntoOurs(DirectHandler.EventType event) {
        int status = event.defaultStatus().code();
        assertEquals(status / 100, Problem.ofStatus(status).status() / 100);
    }

    @Test
    void anUnknownCodeIsNone() {
        assertEquals(Optional.empty(), Problem.of("NOT_FOUND"));
        assertEquals(Optional.empty(), Problem.of(""));
    }

    @Test
    void theCauseStaysInside() {
        var exception = Problem.DATABASE_ERROR.causedBy(new IllegalStateException("SELECT secret FROM tokens"));
        var document = new String(Problems.document(exception, "/tasks", "r1"), StandardCharsets.UTF_8);
        assertEquals("""
            {"type":"/problems/database-error","title":"Database error","status":500,"detail":"Database error",\
            "instance":"/tasks","code":"database-error","request_id":"r1"}\
            """, document);
    }
}
