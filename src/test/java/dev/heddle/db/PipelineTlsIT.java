package dev.heddle.db;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.TestCertificate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Statements go together over TLS too, to a PostgreSQL that takes no other connections. */
@InThisJvm
@Timeout(120)
class PipelineTlsIT {

    private static final int THREADS = 40;

    private static final int READS = 25;

    @TempDir
    private static Path directory;

    private static EmbeddedPostgres postgres;

    @BeforeAll
    static void start() throws IOException, GeneralSecurityException, InterruptedException {
        var place = directory.resolve("postgres");
        // Makes the directory; what its files say is read at the next start.
        EmbeddedPostgres.start(place).close();
        var cluster = place.resolve("cluster");
        writeCertificate(TestCertificate.of(directory, "localhost"), cluster);
        Files.writeString(cluster.resolve("postgresql.conf"), "\nssl = on\n", StandardOpenOption.APPEND);
        var access = cluster.resolve("pg_hba.conf");
        Files.writeString(access, Files.readString(access).replaceAll("(?m)^host ", "hostssl "));
        postgres = EmbeddedPostgres.start(place);
    }

    @AfterAll
    static void stop() {
        postgres.close();
    }

    /** As PostgreSQL reads them: server.key and server.crt. */
    private static void writeCertificate(TestCertificate made, Path cluster)
            throws IOException, GeneralSecurityException {
        var password = TestCertificate.PASSWORD.toCharArray();
        var store = KeyStore.getInstance(made.file().toFile(), password);
        var key = Files.createFile(
                cluster.resolve("server.key"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(key, pem("PRIVATE KEY", store.getKey("test", password).getEncoded()));
        Files.writeString(
                cluster.resolve("server.crt"),
                pem("CERTIFICATE", store.getCertificate("test").getEncoded()));
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n" + Base64.getMimeEncoder().encodeToString(bytes) + "\n-----END " + what
                + "-----\n";
    }

    private static Database open(String parameters) {
        return Database.open(new Database.Options(
                postgres.url().replace("127.0.0.1", "localhost") + "?" + parameters,
                postgres.username(),
                postgres.password(),
                4,
                100,
                Duration.ofSeconds(1),
                Duration.ofSeconds(10)));
    }

    /** Many threads read at once, each for its own; what they got that was not theirs. */
    private static List<String> readAll(Database database) {
        var wrong = new CopyOnWriteArrayList<String>();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < THREADS; i++) {
            int own = i + 1;
            threads.add(Thread.ofVirtual().start(() -> {
                for (int n = 0; n < READS; n++) {
                    var text = database.quick(sql -> sql.first("SELECT text FROM notes WHERE id = ?", Row::text, own));
                    if (!text.equals(Optional.of("note " + own))) {
                        wrong.add(own + ": " + text);
                    }
                }
            }));
        }
        for (var thread : threads) {
            join(thread);
        }
        return wrong;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sslmode=require", "sslmode=verify-full&sslrootcert="})
    void whatManyReadGoesTogetherAndIsRight(String parameters) {
        var certificate = parameters.endsWith("=") ? directory.resolve("postgres/cluster/server.crt") : "";
        try (var database = open(parameters + certificate)) {
            database.single(
                    sql -> sql.update("CREATE TABLE IF NOT EXISTS notes (id integer PRIMARY KEY, text text NOT NULL)"));
            database.single(sql -> sql.update("INSERT INTO notes SELECT n, 'note ' || n"
                    + " FROM generate_series(1, 100) AS n ON CONFLICT DO NOTHING"));
            // The first of them open the connection, and go the ordinary way.
            await().atMost(Duration.ofSeconds(60)).until(() -> {
                assertEquals(List.of(), readAll(database));
                var its = database.together();
                return its.batches() > 0 && its.statements() >= 2 * its.batches();
            });
            var encrypted = database.read(sql -> sql.list("""
                SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE application_name = 'heddle-together' LIMIT 10
                """, Row::flag));
            assertFalse(encrypted.isEmpty());
            assertTrue(encrypted.stream().allMatch(it -> it), encrypted::toString);
        }
    }

    @Test
    void withoutTlsItLetsNobodyIn() {
        try (var database = open("sslmode=disable")) {
            assertTrue(database.failure().orElseThrow().sentence().contains("pg_hba.conf"), "no test of TLS");
        }
    }
}
