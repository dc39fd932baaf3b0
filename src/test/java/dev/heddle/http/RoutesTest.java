package dev.heddle.http;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RoutesTest {

    private static final Routes ROUTES = new Routes()
            .add("GET", "/", Access.PUBLIC, request -> Answer.of(200))
            .add("GET", "/tasks", Access.READ, request -> Answer.of(200))
            .add("POST", "/tasks", Access.WRITE, request -> Answer.of(200))
            .add("GET", "/tasks/count", Access.READ, request -> Answer.of(200))
            .add("GET", "/tasks/{id}", Access.READ, request -> Answer.of(200))
            .add("DELETE", "/tasks/{id}", Access.WRITE, request -> Answer.of(200))
            .add("POST", "/tasks/{id}/complete", Access.WRITE, request -> Answer.of(200))
            .add("DELETE", "/users/{id}/tokens/{token_id}", Access.WRITE, request -> Answer.of(200));

    private static Routes.Place found(String path) {
        return requireNonNull(ROUTES.find(path), path);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        GET    | /                     | /
        GET    | /tasks                | /tasks
        POST   | /tasks                | /tasks
        GET    | /tasks/count          | /tasks/count
        GET    | /tasks/7              | /tasks/{id}
        GET    | /tasks/counts         | /tasks/{id}
        GET    | /tasks/%63ount        | /tasks/{id}
        GET    | /tasks/Count          | /tasks/{id}
        POST   | /tasks/7/complete     | /tasks/{id}/complete
        DELETE | /users/a/tokens/b     | /users/{id}/tokens/{token_id}
        """)
    void aLiteralWinsOverAParameter(String method, String path, String pattern) {
        var route = requireNonNull(found(path).route(method));
        assertEquals(pattern, route.pattern());
        assertEquals(method, route.method());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
        /tasks/a%2Fb                   | a/b
        /tasks/a%2fb                   | a/b
        /tasks/%2e%2e%2fetc            | ../etc
        /tasks/%252F                   | %2F
        /tasks/a%20b                   | "a b"
        /tasks/a+b                     | a+b
        /tasks/%C3%A9                  | é
        /tasks/a;b=c                   | a;b=c
        /tasks/a:b@c                   | a:b@c
        /tasks/...                     | ...
        /tasks/%5c%5chost              | \\\\host
        """)
    void aValueIsDecodedAfterMatchingAndHoldsAnything(String path, String value) {
        assertEquals(List.of(value), found(path).values());
        assertEquals("/tasks/{id}", requireNonNull(found(path).route("GET")).pattern());
    }

    @Test
    void theValuesComeInTheOrderOfThePath() {
        assertEquals(List.of("ada", "x/y"), found("/users/ada/tokens/x%2Fy").values());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "*",
                "tasks",
                "//",
                "//tasks",
                "/tasks/",
                "/tasks//",
                "/tasks//complete",
                "/TASKS",
                "/%74asks",
                "/tasks/count/",
                "/tasks/count/complete",
                "/tasks/7/",
                "/tasks/7/nothing",
                "/tasks/7/complete/more",
                "/tasks/.",
                "/tasks/..",
                "/../tasks",
                "/./tasks",
                "/tasks;v=1",
                "/tasks/%00",
                "/tasks/a%00b",
                "/tasks/%",
                "/tasks/%4",
                "/tasks/%zz",
                "/tasks/%FF",
                "/tasks/%C0%AF",
                "/tasks/%ED%A0%80",
                "/tasks/\uFFFD",
                "/users",
                "/users/a",
                "http://a/tasks"
            })
    void nothingElseIsThere(String path) {
        assertNull(ROUTES.find(path));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        /logs/a.log           | a.log
        /logs/a%2Fb           | a/b
        /logs/                | ''
        /logs//               | ''
        /logs//etc/passwd     | ''
        /logs/.               | ''
        /logs/..              | ''
        /logs/../../etc       | ''
        /logs/a.log/          | ''
        /logs/a/b             | ''
        /logs/%00             | ''
        /logs/a%00.log        | ''
        /logs/%zz             | ''
        /logs/%FF             | ''
        """)
    void aParameterThatTakesTheRestHasAnEmptyValueForWhatCanNameNothing(String path, String value) {
        var routes = new Routes()
                .add("GET", "/logs", Access.READ, request -> Answer.of(200))
                .add("GET", "/logs/{name}", Access.READ, request -> Answer.of(200))
                .takeTheRest("/logs/{name}");
        var place = requireNonNull(routes.find(path), path);
        assertEquals(List.of(value), place.values());
        assertEquals("/logs/{name}", requireNonNull(place.route("GET")).pattern());
        assertEquals(
                "/logs",
                requireNonNull(requireNonNull(routes.find("/logs")).route("GET"))
                        .pattern());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        /                     | GET, HEAD, OPTIONS
        /tasks                | GET, HEAD, OPTIONS, POST
        /tasks/7              | DELETE, GET, HEAD, OPTIONS
        /tasks/7/complete     | OPTIONS, POST
        """)
    void allowNamesEveryMethodThatIsAnswered(String path, String allow) {
        assertEquals(allow, found(path).allow());
    }

    @Test
    void headIsGetWhereThereIsGet() {
        assertEquals("GET", requireNonNull(found("/tasks").route("HEAD")).method());
        assertNull(found("/tasks/7/complete").route("HEAD"));
        assertNull(found("/tasks").route("get"));
        assertNull(found("/tasks").route("PUT"));
    }

    @Test
    void twoRoutesForOneOperationAreAMistake() {
        var routes = new Routes().add("GET", "/a/{id}", Access.READ, request -> Answer.of(200));
        assertThrows(
                IllegalStateException.class,
                () -> routes.add("GET", "/a/{other}", Access.READ, request -> Answer.of(200)));
    }

    @Test
    void listsItsOperationsInTheOrderOfAdding() {
        assertEquals(8, ROUTES.operations().size());
        assertEquals(
                new Routes.Operation("GET", "/", Access.PUBLIC),
                ROUTES.operations().getFirst());
    }
}
