package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.app.TestServer;
import dev.heddle.testing.RawHttp;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.StreamSupport;

/** Checks that an answer is an error in the one form that all errors have, and with the headers that all have. */
final class ProblemDocument {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Set<String> MEMBERS =
            Set.of("type", "title", "status", "detail", "instance", "code", "request_id");

    private ProblemDocument() {}

    /** Of this problem, about that path; the document. */
    static JsonNode of(Problem problem, String path, TestServer.Reply reply) {
        return check(problem, path, reply.status(), reply.text(), reply::header);
    }

    /** Of this problem, about that path; the document. */
    static JsonNode of(Problem problem, String path, RawHttp.Answer answer) {
        return check(problem, path, answer.status(), answer.body(), answer::header);
    }

    /** Of whatever problem of that status it names, about whatever path; the document. */
    static JsonNode of(int status, RawHttp.Answer answer) {
        assertEquals(status, answer.status(), answer.text());
        var json = parse(answer.body());
        var problem = Problem.of(json.path("code").asText()).orElseThrow(() -> new AssertionError(answer.text()));
        return of(problem, json.path("instance").asText(), answer);
    }

    private static JsonNode check(
            Problem problem, String path, int status, String body, Function<String, Optional<String>> header) {
        assertEquals(problem.status(), status, body);
        assertEquals(Optional.of("application/problem+json"), header.apply("Content-Type"));
        assertEquals(Optional.of("no-store"), header.apply("Cache-Control"));
        assertEquals(Optional.of("nosniff"), header.apply("X-Content-Type-Options"));
        assertEquals(problem.status() == 503, header.apply("Retry-After").isPresent(), "Retry-After");
        // With 403, RFC 6750 §3.1 names the scope that is missing.
        boolean aboutTokens = problem == Problem.UNAUTHENTICATED || problem == Problem.FORBIDDEN;
        assertEquals(aboutTokens, header.apply("WWW-Authenticate").isPresent(), "WWW-Authenticate");
        var json = parse(body);
        assertEquals("/problems/" + problem.code(), json.get("type").asText());
        assertEquals(problem.code(), json.get("code").asText());
        assertEquals(problem.title(), json.get("title").asText());
        assertEquals(problem.status(), json.get("status").asInt());
        assertEquals(path, json.get("instance").asText());
        assertEquals(
                header.apply("X-Request-Id").orElseThrow(),
                json.get("request_id").asText());
        assertFalse(json.get("detail").asText().isBlank());
        assertNoInsides(body);
        assertMembers(problem, json);
        return json;
    }

    private static JsonNode parse(String body) {
        try {
            return MAPPER.readTree(body);
        } catch (JsonProcessingException e) {
            throw new AssertionError("no JSON: " + body, e);
        }
    }

    private static void assertMembers(Problem problem, JsonNode json) {
        var members = new TreeSet<String>();
        json.fieldNames().forEachRemaining(members::add);
        boolean isOfRows = problem == Problem.INVALID_ROWS;
        assertEquals(problem == Problem.INVALID || isOfRows, members.remove("errors"), "errors");
        assertEquals(new TreeSet<>(MEMBERS), members);
        for (var error :
                StreamSupport.stream(json.path("errors").spliterator(), false).toList()) {
            assertTrue(error.has("pointer") ^ error.has("parameter"), error.toString());
            assertTrue(error.hasNonNull("code") && error.hasNonNull("detail"), error.toString());
            assertEquals(isOfRows && error.has("line") ? 4 : 3, error.size(), error.toString());
        }
    }

    /** No SQL, no class, no stack. */
    private static void assertNoInsides(String body) {
        for (var inside : new String[] {
            "SELECT",
            "INSERT",
            "UPDATE ",
            "SQLSTATE",
            "relation",
            "Exception",
            "dev.heddle",
            "io.helidon",
            "java.",
            "\\tat ",
            "/tmp/"
        }) {
            assertFalse(body.contains(inside), () -> inside + " in " + body);
        }
    }
}
