package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.Psql;
import dev.heddle.testing.Race;
import dev.heddle.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The first start on an empty database, and the ones after it. */
class BootstrapIT {

    @Test
    void replicasThatStartTogetherMakeOneAdministrator() throws InterruptedException {
        for (int round = 0; round < 4; round++) {
            var schema = TestPostgres.newSchema();
            var replicas =
                    Race.between(Stream.generate(() -> (Callable<TestServer>) () -> TestServer.on(schema, Map.of()))
                            .limit(3)
                            .toList());
            try {
                var tokens = replicas.stream()
                        .map(TestServer::adminToken)
                        .filter(token -> !token.isEmpty())
                        .toList();
                assertEquals(1, tokens.size());
                assertEquals(1, new Psql(schema).number("SELECT count(*) FROM users"));
                assertEquals(1, new Psql(schema).number("SELECT count(*) FROM tokens"));
                for (var replica : replicas) {
                    assertEquals(200, replica.get("/users", tokens.getFirst()).status());
                }
            } finally {
                replicas.forEach(TestServer::close);
            }
        }
    }

    @Test
    void aServerThatIsBeingClosedIsNotTakenForDead() {
        var server = TestServer.start();
        server.close();
        assertEquals(Optional.empty(), server.heddle().ended());
    }

    @Test
    void onlyItsOwnerReadsTheTokenAlsoWhereAnotherFileWas(@TempDir Path data) throws IOException {
        var token = Files.writeString(data.resolve("admin-token"), "old");
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-r--r--"));
        try (var server = TestServer.start(Map.of("DATA_DIRECTORY", data.toString()))) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(token)));
            var text = Files.readString(token);
            assertTrue(text.matches("hdl_[A-Za-z0-9_-]{43}\n"), text);
            assertEquals(200, server.get("/users", text.strip()).status());
            try (var files = Files.list(data)) {
                assertEquals(List.of(token), files.filter(Files::isRegularFile).toList());
            }
        }
    }

    @Test
    void theNextStartMakesNone() {
        try (var first = TestServer.start();
                var next = first.replica()) {
            assertEquals("", next.adminToken());
            assertEquals(200, next.get("/users/me", first.adminToken()).status());
        }
    }

    @Test
    void whoDeletedTheFirstAdministratorGetsNoNewOne() {
        try (var first = TestServer.start()) {
            var other = first.person("admin", "admin");
            assertEquals(
                    204,
                    first.send("DELETE", "/users/admin", other.token(), null).status());
            try (var next = first.replica()) {
                assertEquals("", next.adminToken());
                assertEquals(1, new Psql(first.schema()).number("SELECT count(*) FROM users"));
            }
        }
    }

    @Test
    void whenTheTokenCannotBeWrittenThereIsNoAdministratorAndTheNextStartMakesOne(@TempDir Path data)
            throws IOException {
        var schema = TestPostgres.newSchema();
        // A directory where the file belongs.
        Files.createDirectories(data.resolve("admin-token").resolve("x"));
        var refused = assertThrows(
                RuntimeException.class, () -> TestServer.on(schema, Map.of("DATA_DIRECTORY", data.toString())));
        assertTrue(String.valueOf(refused.getMessage()).contains("admin-token"), refused::toString);
        assertEquals(0, new Psql(schema).number("SELECT count(*) FROM users"));
        try (var next = TestServer.on(schema, Map.of())) {
            assertEquals(200, next.get("/users", next.adminToken()).status());
        }
    }
}
