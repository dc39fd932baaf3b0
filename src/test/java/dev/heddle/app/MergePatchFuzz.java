package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.heddle.app.TestServer.Person;
import dev.heddle.testing.RawConnection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Any bytes as a change to a task, over a socket and down to the database (RFC 7396). */
public final class MergePatchFuzz {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final String BEGINNING = """
        {"title": "begin", "description": "here", "priority": 1, "labels": ["a"], "due_at": "2030-01-01T00:00:00Z"}\
        """;

    private static final List<String> CHANGEABLE = List.of("title", "description", "priority", "labels", "due_at");

    private static final List<String> VOLATILE = List.of("updated_at", "version");

    /** Started when it is needed. */
    private static final class Shared {
        private static final TestServer SERVER = TestServer.start();
        private static final Person PERSON = SERVER.person();
        private static final String PATH =
                "/tasks/" + SERVER.task(PERSON, BEGINNING).get("id").asText();
    }

    /** Starts the server, before the time is taken. */
    public static void fuzzerInitialize() {
        Shared.SERVER.port();
    }

    /** Stops the server. */
    public static void fuzzerTearDown() {
        Shared.SERVER.close();
    }

    private MergePatchFuzz() {}

    /** Where it begins, and what was found. */
    public static Stream<byte[]> seeds() {
        return Stream.of(
                        "{}",
                        "{\"title\": \"other\", \"description\": null}",
                        "{\"priority\": 4, \"labels\": [\"x\", \"y\"], \"due_at\": null}",
                        "{\"due_at\": \"2031-02-03T04:05:06.789012+01:00\"}",
                        "{\"title\": \"\\u0000\"}",
                        "{\"completed\": true, \"version\": 7}",
                        "{\"title\": \"\\ud83d\\ude00\", \"labels\": []}",
                        "[]",
                        "null",
                        "{\"priority\": 1e0}")
                .map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    private static RawConnection.Answer patch(RawConnection connection, byte[] body) throws IOException {
        var head = "PATCH " + Shared.PATH + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + Shared.PERSON.token()
                + "\r\nContent-Type: application/merge-patch+json\r\nContent-Length: " + body.length + "\r\n\r\n";
        return connection.send(head).send(body).answer();
    }

    private static ObjectNode task(RawConnection.Answer answer) throws IOException {
        assertEquals(200, answer.status(), answer.text());
        return (ObjectNode) MAPPER.readTree(answer.text().getBytes(StandardCharsets.ISO_8859_1));
    }

    /** A patch changes what it names and nothing else, or is refused. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        try (var connection = RawConnection.to(Shared.SERVER.port())) {
            var before = task(patch(connection, BEGINNING.getBytes(StandardCharsets.UTF_8)));
            var answer = patch(connection, data);
            if (answer.status() != 200) {
                assertTrue(Set.of(400, 422).contains(answer.status()), answer.head() + answer.text());
                var after = task(patch(connection, "{}".getBytes(StandardCharsets.UTF_8)));
                assertEquals(before, after, "what is refused changes nothing");
                return;
            }
            var after = task(answer);
            var patch = MAPPER.readTree(data);
            for (var name : CHANGEABLE) {
                if (!patch.has(name)) {
                    assertEquals(before.get(name), after.get(name), name);
                } else if (!name.equals("due_at")) {
                    assertEquals(normal(patch.get(name)), after.get(name), name);
                }
            }
            var again = task(patch(connection, data));
            assertEquals(after.without(VOLATILE), again.without(VOLATILE), "twice is as once");
        }
    }

    /** A number is the same however it is written. */
    private static JsonNode normal(JsonNode value) {
        return value.isNumber() ? MAPPER.valueToTree(value.intValue()) : value;
    }
}
