package dev.heddle.tasks;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What is created and completed at the same time is done by few statements; nobody must be able to tell. */
class TasksTogetherIT {

    private static final int PEOPLE = 8;
    private static final int TASKS = 25;

    private static TestServer server;

    @BeforeAll
    static void start() {
        // All at once, and nobody is to be refused.
        server = TestServer.start(
                Map.of("REQUESTS_SLOW", "5m", "REQUESTS_QUEUE_WAIT", "30s", "DATABASE_GATE_WAIT", "30s"));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static void join(List<Thread> threads) throws InterruptedException {
        for (var thread : threads) {
            thread.join();
        }
    }

    private static String title(int person, int task) {
        return "task " + task + " of " + person + ", \"quoted\" \\ é 漢";
    }

    @Test
    void everyTaskIsCreatedAndCompletedOnceForWhomItIs() throws InterruptedException {
        var people = IntStream.range(0, PEOPLE).mapToObj(i -> server.person()).toList();
        Map<String, String> ids = new ConcurrentHashMap<>();
        var wrong = new CopyOnWriteArrayList<String>();
        var creating = new ArrayList<Thread>();
        for (int p = 0; p < PEOPLE; p++) {
            for (int t = 0; t < TASKS; t++) {
                int person = p;
                int task = t;
                creating.add(Thread.ofVirtual().start(() -> {
                    var reply = server.send(
                            "POST",
                            "/tasks",
                            people.get(person).token(),
                            "{\"title\": \"task " + task + " of " + person
                                    + ", \\\"quoted\\\" \\\\ é 漢\", \"labels\": [\"l" + task % 3
                                    + "\", \"b\\\"{,}\"]}");
                    var its = reply.status() == 201 ? reply.json() : null;
                    if (its == null
                            || !its.get("title").asText().equals(title(person, task))
                            || !its.get("user_id")
                                    .asText()
                                    .equals(people.get(person).id())
                            || !its.get("labels").get(0).asText().equals("l" + task % 3)
                            || !its.get("labels").get(1).asText().equals("b\"{,}")) {
                        wrong.add("created " + reply.text());
                    } else {
                        ids.put(person + "/" + task, its.get("id").asText());
                    }
                }));
            }
        }
        join(creating);
        assertEquals(List.of(), wrong);
        assertEquals(PEOPLE * TASKS, ids.values().stream().distinct().count());
        var completing = new ArrayList<Thread>();
        ids.forEach((whose, id) -> {
            var person = people.get(Integer.parseInt(whose.substring(0, whose.indexOf('/'))));
            // Twice: whoever is second completes what is completed.
            for (int i = 0; i < 2; i++) {
                completing.add(Thread.ofVirtual().start(() -> {
                    var reply = server.send("POST", "/tasks/" + id + "/complete", person.token(), null);
                    if (reply.status() != 200
                            || !reply.json().get("id").asText().equals(id)
                            || !reply.json().get("completed").asBoolean()) {
                        wrong.add("completed " + reply.text());
                    }
                }));
            }
        });
        join(completing);
        assertEquals(List.of(), wrong);
        for (var person : people) {
            await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertFollowed(person));
        }
    }

    /** What follows has happened, each once. */
    private static void assertFollowed(Person person) {
        var stats = server.get("/stats", person.token()).json();
        assertEquals(TASKS, stats.get("total").asInt());
        assertEquals(TASKS, stats.get("completed").asInt());
        assertEquals(TASKS, number(person, "/notifications?limit=100"));
        assertEquals(TASKS, number(person, "/activity?limit=100"));
        assertEquals(TASKS, number(person, "/tasks?completed=true&limit=100"));
    }

    private static int number(Person person, String path) {
        var list = server.get(path, person.token()).json();
        assertNotNull(list);
        return list.size();
    }
}
