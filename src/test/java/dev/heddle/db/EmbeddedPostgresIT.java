package dev.heddle.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.db.EmbeddedPostgres.EmbeddedPostgresException;
import dev.heddle.testing.InThisJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@InThisJvm
class EmbeddedPostgresIT {
    private static final String INVALID_PASSWORD = "28P01";

    @TempDir
    private static Path temporary;

    /** One directory for all tests, because only the first start is slow; its name has a space throughout. */
    private static Path directory;

    @BeforeAll
    static void startForTheFirstTimeAfterAnAttemptThatWasKilled() throws IOException {
        directory = temporary.resolve("my data").resolve("postgres");
        for (String leftover : List.of("bin.new/bin", "cluster.new-1/data", "bin-00000000/lib")) {
            Files.createDirectories(directory.resolve(leftover));
            Files.writeString(directory.resolve(leftover).resolve("half"), "half");
        }
        EmbeddedPostgres.start(directory).close();
    }

    @Test
    void theFirstStartRemovesWhatAKilledAttemptLeft() throws IOException {
        try (var files = Files.list(directory)) {
            List<String> names = files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.startsWith("bin-"))
                    .sorted()
                    .toList();
            assertEquals(List.of("cluster", "lock", "log", "password"), names);
        }
        assertFalse(Files.exists(directory.resolve("bin-00000000")));
    }

    @Test
    void madeDirectoriesAndThePasswordAreForTheOwnerOnly() throws IOException {
        assertEquals("rw-------", permissions(directory.resolve("password")));
        assertEquals("rw-------", permissions(directory.resolve("log")));
        assertEquals("rwx------", permissions(directory.resolve("cluster")));
    }

    @Test
    void theRoleOwnsItsDatabaseAndIsNoSuperuser() throws SQLException {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            assertEquals("heddle", ask(postgres, "SELECT current_user"));
            assertEquals("heddle", ask(postgres, "SELECT current_database()"));
            assertEquals(
                    "f",
                    ask(
                            postgres,
                            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
                                    + " FROM pg_roles WHERE rolname = current_user"));
            assertEquals(
                    "t",
                    ask(
                            postgres,
                            "SELECT pg_get_userbyid(datdba) = 'heddle' FROM pg_database WHERE datname = 'heddle'"));
        }
    }

    @Test
    void aVisitorUsesTheServerThatAnotherRunsAndLeavesItRunning() throws SQLException {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            try (EmbeddedPostgres.Visit visit = EmbeddedPostgres.visit(directory)) {
                assertEquals(postgres.url(), visit.url());
                assertEquals(postgres.password(), visit.password());
            }
            assertEquals("heddle", ask(postgres, "SELECT current_user"));
        }
    }

    @Test
    void aVisitorStartsTheServerThatNobodyRunsAndStopsItAfterwards() throws SQLException {
        try (EmbeddedPostgres.Visit visit = EmbeddedPostgres.visit(directory);
                var connection = DriverManager.getConnection(visit.url(), visit.username(), visit.password())) {
            assertTrue(connection.isValid(1));
        }
        assertFalse(Files.exists(directory.resolve("cluster/postmaster.pid")));
    }

    @Test
    void commitsAreDurableAndTextIsUnicode() throws SQLException {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            assertEquals("on", ask(postgres, "SHOW fsync"));
            assertEquals("on", ask(postgres, "SHOW synchronous_commit"));
            assertEquals("on", ask(postgres, "SHOW full_page_writes"));
            assertEquals("UTF8", ask(postgres, "SHOW server_encoding"));
            assertEquals("Ä", ask(postgres, "SELECT upper('ä')"));
            assertEquals("127.0.0.1", ask(postgres, "SHOW listen_addresses"));
        }
    }

    @Test
    void dataSurvivesCloseAndStart() throws SQLException {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            execute(postgres, "CREATE TABLE kept AS SELECT 42 AS answer");
        }
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            assertEquals("42", ask(postgres, "SELECT answer FROM kept"));
        }
    }

    @Test
    void aRelativePathWorks() throws SQLException {
        Path relative = Path.of("").toAbsolutePath().relativize(directory);
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(relative)) {
            assertEquals("1", ask(postgres, "SELECT 1"));
            assertTrue(postgres.startTime().isPositive());
        }
    }

    @Test
    void theServerRefusesAWrongPassword() {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            SQLException refused =
                    assertThrows(SQLException.class, () -> connect(postgres.url(), postgres.username(), "wrong"));
            assertEquals(INVALID_PASSWORD, refused.getSQLState());
        }
    }

    @Test
    void nobodyConnectsAsSuperuser() {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            SQLException refused =
                    assertThrows(SQLException.class, () -> connect(postgres.url(), "postgres", postgres.password()));
            assertEquals(INVALID_PASSWORD, refused.getSQLState());
        }
    }

    @Test
    void aSecondHeddleOnTheSameDirectoryIsRefused() throws IOException, InterruptedException {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            String refusal = refusal(directory);
            assertTrue(refusal.contains("is in use by another Heddle"), refusal);

            // After the refusal above, which must not have dropped the lock that this one meets.
            Process other = fork(directory);
            try (BufferedReader output = other.inputReader()) {
                String answer = output.readLine();
                assertTrue(answer.contains("is in use by another Heddle"), answer);
            } finally {
                other.destroyForcibly().waitFor();
            }
            assertTrue(postgres.isRunning());
        }
    }

    @Test
    void theServerOfAKilledHeddleIsReplacedAndItsCommitsAreThere()
            throws IOException, InterruptedException, SQLException {
        Process killed = fork(directory);
        String orphan;
        try (BufferedReader output = killed.inputReader()) {
            orphan = output.readLine();
            String password = Files.readString(directory.resolve("password")).strip();
            try (Connection connection = connect(orphan, "heddle", password)) {
                execute(connection, "CREATE TABLE committed AS SELECT 7 AS answer");
            }
        } finally {
            killed.destroyForcibly().waitFor();
        }
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            assertEquals("7", ask(postgres, "SELECT answer FROM committed"));
            assertThrows(SQLException.class, () -> connect(orphan, "heddle", postgres.password()));
        }
    }

    @Test
    void aProcessThatIsNoServerOfTheDirectoryIsLeftAlone() throws IOException, InterruptedException {
        Process stranger = new ProcessBuilder("sleep", "60").start();
        try {
            String file = "%d%n%s%n".formatted(stranger.pid(), directory.resolve("cluster"));
            Files.writeString(directory.resolve("cluster/postmaster.pid"), file);
            try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
                assertTrue(postgres.isRunning());
                assertTrue(stranger.isAlive());
            }
        } finally {
            stranger.destroyForcibly().waitFor();
        }
    }

    @Test
    void theDataOfAnotherMajorVersionIsRefusedUntouched() throws IOException {
        Path version = directory.resolve("cluster/PG_VERSION");
        String right = Files.readString(version);
        Files.writeString(version, "17\n");
        try {
            String refusal = refusal(directory);
            assertTrue(refusal.contains("was made by PostgreSQL 17"), refusal);
            assertEquals("17\n", Files.readString(version));
        } finally {
            Files.writeString(version, right);
        }
    }

    @Test
    void aLostPasswordIsReplaced() throws IOException, SQLException {
        String lost = Files.readString(directory.resolve("password")).strip();
        Files.delete(directory.resolve("password"));
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            assertEquals("1", ask(postgres, "SELECT 1"));
            assertThrows(SQLException.class, () -> connect(postgres.url(), "heddle", lost));
        }
    }

    @Test
    void aServerThatCannotStartIsExplainedByItsOwnWords() throws IOException, SQLException {
        Path settings = directory.resolve("cluster/postgresql.auto.conf");
        String right = Files.readString(settings);
        Files.writeString(settings, right + "shared_buffers = 'plenty'\n");
        try {
            String refusal = refusal(directory);
            assertTrue(refusal.contains("postgresql.auto.conf"), refusal);
        } finally {
            Files.writeString(settings, right);
        }
        try (EmbeddedPostgres postgres = EmbeddedPostgres.start(directory)) {
            assertEquals("1", ask(postgres, "SELECT 1"));
        }
    }

    @Test
    void aDirectoryThatCannotBeMadeIsExplained() throws IOException {
        Path file = Files.createFile(temporary.resolve("file"));
        String refusal = refusal(file.resolve("postgres"));
        assertTrue(refusal.contains(file.toString()), refusal);
    }

    @Test
    void aLongLogIsSetAside() throws IOException {
        Files.write(directory.resolve("log"), new byte[11 * 1024 * 1024]);
        EmbeddedPostgres.start(directory).close();
        assertTrue(Files.size(directory.resolve("log")) < 1024 * 1024);
        Files.delete(directory.resolve("log.1"));
    }

    @Test
    void closingCutsOpenConnectionsAndCanBeRepeatedByAnyThread() throws SQLException {
        EmbeddedPostgres postgres = EmbeddedPostgres.start(directory);
        assertTrue(postgres.isRunning());
        try (Connection open = connect(postgres.url(), postgres.username(), postgres.password())) {
            CompletableFuture<Void> elsewhere = CompletableFuture.runAsync(postgres::close);
            postgres.close();
            assertFalse(postgres.isRunning());
            elsewhere.join();
            postgres.close();
            assertFalse(open.isValid(1));
        }
    }

    @Test
    void anInterruptedThreadStillStopsTheServer() {
        EmbeddedPostgres postgres = EmbeddedPostgres.start(directory);
        Thread.currentThread().interrupt();
        postgres.close();
        assertTrue(Thread.interrupted());
        assertFalse(postgres.isRunning());
    }

    @Test
    void anInterruptedStartLeavesNothingBehind() {
        Thread.currentThread().interrupt();
        assertThrows(EmbeddedPostgresException.class, () -> EmbeddedPostgres.start(directory));
        assertTrue(Thread.interrupted());
        EmbeddedPostgres.start(directory).close();
    }

    private static String refusal(Path directory) {
        return String.valueOf(assertThrows(EmbeddedPostgresException.class, () -> EmbeddedPostgres.start(directory))
                .getMessage());
    }

    private static String permissions(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private static Connection connect(String url, String user, String password) throws SQLException {
        return DriverManager.getConnection(url, user, password);
    }

    private static void execute(EmbeddedPostgres postgres, String sql) throws SQLException {
        try (Connection connection = connect(postgres.url(), postgres.username(), postgres.password())) {
            execute(connection, sql);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String ask(EmbeddedPostgres postgres, String sql) throws SQLException {
        try (Connection connection = connect(postgres.url(), postgres.username(), postgres.password());
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    /** Another process with {@link Other#main}; its first line is the address of its server or why it has none. */
    private static Process fork(Path directory) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-preview",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Other.class.getName(),
                        directory.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** A Heddle in a process of its own, to be killed. */
    static final class Other {
        private static final Duration LIFE_MAX = Duration.ofMinutes(1);

        private Other() {}

        public static void main(String... arguments) {
            try (EmbeddedPostgres postgres = EmbeddedPostgres.start(Path.of(arguments[0]))) {
                System.out.println(postgres.url());
                // Until it is killed; a test that was killed itself leaves nothing for longer than this.
                new CompletableFuture<Void>()
                        .completeOnTimeout(null, LIFE_MAX.toSeconds(), TimeUnit.SECONDS)
                        .join();
            } catch (EmbeddedPostgresException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
