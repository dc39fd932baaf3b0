package dev.heddle.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.app.TestServer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The tasks table of the API, over real sockets. */
class TasksIT {

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void aNewTaskIsAnsweredWholeAndCanBeReadAtItsLocation() {
        var person = server.person();
        var made = server.send("POST", "/tasks", person.token(), """
            {"title": "Buy milk", "priority": 3, "labels": ["home"], "due_at": "2026-12-01T10:00:00+01:00"}\
            """);
        assertEquals(201, made.status());
        var task = made.json();
        assertEquals("2026-12-01T09:00:00.000000Z", task.get("due_at").asText());
        assertEquals(
                "/tasks/" + task.get("id").asText(), made.header("Location").orElseThrow());
        assertEquals(
                task,
                server.get(made.header("Location").orElseThrow(), person.token())
                        .json());
    }
}
