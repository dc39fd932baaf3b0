package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.notifications.Smtp.Security;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
    private static final long PLENTY_OF_FILES = 1_000_000;
    private static final String HIDDEN = "hunter2";

    @TempDir
    private Path folder;

    private final Map<String, String> environment = new HashMap<>();
    private final Properties properties = new Properties();
    private long openFileLimit = PLENTY_OF_FILES;

    @Test
    void anEmptyFileGivesTheDefaults() {
        var settings = read("");
        assertEquals(
                new Settings.Server(
                        "127.0.0.1",
                        8080,
                        4096,
                        1 << 20,
                        16 << 10,
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(30),
                        1024,
                        1024,
                        Duration.ofSeconds(30),
                        Duration.ZERO,
                        Duration.ofSeconds(20)),
                settings.server());
        assertEquals(new Settings.Admin("127.0.0.1", 8081), settings.admin());
        assertEquals(new Settings.Data(Path.of("./data")), settings.data());
        assertEquals(
                new Settings.Database(new Settings.Embedded(), 16, Duration.ofSeconds(1), 1000, Duration.ofSeconds(30)),
                settings.database());
        assertEquals(
                new Settings.Jobs(
                        8,
                        4,
                        Duration.ofSeconds(2),
                        new Settings.Attempts(8, 8, 8, 8),
                        Duration.ofDays(30),
                        Duration.ofDays(365)),
                settings.jobs());
        assertEquals(new Settings.Email("heddle@localhost", null), settings.email());
        assertEquals(Map.of(), settings.upstreams());
        assertEquals(
                List.of("dashboard", "aggregate"),
                List.copyOf(settings.dashboards().keySet()));
        assertEquals(
                new Settings.Batch(List.of(), List.of(), Duration.ofSeconds(5), Duration.ofSeconds(1)),
                settings.batch());
        assertEquals(
                new Settings.Files(Path.of("./data/files"), 1L << 30, 10L << 30, 10_000, 256, 256L << 20),
                settings.files());
        assertEquals(new Settings.Import(256L << 20), settings.imports());
        assertEquals(new Settings.Compute(1, 32, Duration.ofSeconds(2), 10_000_000, 1L << 30), settings.compute());
        assertEquals(
                new Settings.Log(
                        Settings.Log.Format.TEXT, Settings.Log.Level.INFO, true, Path.of("./data/logs"), 16L << 20, 8),
                settings.log());
    }

    @Test
    void aFileOfCommentsOnlyGivesTheDefaults() {
        assertSameValues(read(""), read("# nothing\n# at all\n"));
    }

    @Test
    void theDeliveredFileHoldsExactlyTheDefaults() throws IOException {
        assertSameValues(read(""), read(Files.readString(Path.of("app.yaml"))));
    }

    @Test
    void theDeliveredFileGivesEveryKeyThatHasADefault() throws IOException {
        var settings = read(Files.readString(Path.of("app.yaml")));
        assertEquals(
                SettingsKey.ALL.stream()
                        .filter(key -> !key.isFamily() && key.fallback() == null)
                        .map(key -> key.name() + " = -  (not set)")
                        .toList(),
                settings.describe().stream()
                        .filter(line -> !line.contains(file() + ":"))
                        .toList());
    }

    @Test
    void theDeliveredFileShowsTheKeysWithoutDefaultAsComments() throws IOException {
        var text = Files.readString(Path.of("app.yaml"));
        for (var key : SettingsKey.ALL.stream().filter(key -> !key.isFamily()).toList()) {
            var last = key.name().substring(key.name().indexOf('.') + 1);
            var line = (key.fallback() == null ? "  # " : "  ") + Pattern.quote(last) + ": \\S+";
            assertTrue(Pattern.compile("(?m)^" + line + "$").matcher(text).find(), key.name());
        }
    }

    @Test
    void withoutANamedFileTheOneInTheWorkingDirectoryIsRead() {
        var settings = SettingsReader.read(null, environment, properties, openFileLimit);
        assertTrue(settings.describe().getFirst().startsWith("server.host = 127.0.0.1  (app.yaml:"));
    }

    @Test
    void theLimitOfThisProcessAllowsTheSmallestServer() {
        environment.put("SERVER_MAX_CONNECTIONS", "1");
        assertEquals(
                1,
                SettingsReader.read(write(""), environment, properties).server().maxConnections());
    }

    @Test
    void everythingThatIsWrongIsReportedAtOnce() {
        environment.put("SERVER_MAX_BODY_SIZE", "10");
        properties.setProperty("log.access", "yes");
        properties.setProperty("server.prot", "1");
        assertComplaints(
                """
                server:
                  port: 99999
                  idle-timeout: 5
                admin:
                  hosts: x
                database:
                  url: jdbc:postgresql://db/heddle
                """,
                "admin.hosts: is not a known key; did you mean `admin.host`? (FILE:5)",
                "server.port: must be a whole number from 0 to 65535; found \"99999\" (FILE:2)",
                "server.max-body-size: must be a size from 1KiB to 1GiB, written like 512B, 64KiB, 10MiB or 1GiB;"
                        + " the unit is missing: B, KiB, MiB or GiB; found \"10\""
                        + " (environment variable SERVER_MAX_BODY_SIZE)",
                "server.idle-timeout: must be a duration from 1s to 1h, written like 250ms, 30s, 5m or 2h;"
                        + " the unit is missing: ms, s, m or h; found \"5\" (FILE:3)",
                "log.access: must be true or false; found \"yes\" (-Dlog.access)",
                "server.prot: is not a known key; did you mean `server.port`? (-Dserver.prot)",
                "database.url: is refused while database.mode is embedded (default) (FILE:7)");
    }

    @Test
    void theMessageOfTheExceptionHoldsEveryComplaint() {
        var refused = refusal("server: {port: x}\nlog: {level: loud}\n");
        assertEquals(2, refused.complaints().size());
        assertEquals(String.join(System.lineSeparator(), refused.complaints()), refused.getMessage());
    }

    @Test
    void aPropertyBeatsTheEnvironmentBeatsTheFileBeatsTheDefault() {
        var file = "server: {port: 1, max-connections: 1, idle-timeout: 1s}";
        environment.put("SERVER_PORT", "2");
        environment.put("SERVER_MAX_CONNECTIONS", "2");
        properties.setProperty("server.port", "3");
        var settings = read(file);
        assertEquals(3, settings.server().port());
        assertEquals(2, settings.server().maxConnections());
        assertEquals(Duration.ofSeconds(1), settings.server().idleTimeout());
        assertEquals(Duration.ofSeconds(30), settings.server().requestTimeout());
    }

    @Test
    void onlyTheValueThatWinsIsJudged() {
        environment.put("SERVER_PORT", "nonsense");
        properties.setProperty("server.port", "3");
        assertEquals(3, read("server: {port: 99999}").server().port());
    }

    @Test
    void theDescriptionSaysWhereEachValueCameFrom() {
        environment.put("ADMIN_PORT", "7000");
        properties.setProperty("log.level", "debug");
        var lines = read("server:\n  port: 9090\n").describe();
        assertEquals(
                SettingsKey.ALL.stream().filter(key -> !key.isFamily()).count(),
                lines.stream().filter(line -> !line.startsWith("dashboards.")).count());
        assertEquals("server.host = 127.0.0.1  (default)", lines.getFirst());
        assertEquals("server.port = 9090  (" + file() + ":2)", lines.get(1));
        assertTrue(lines.contains("admin.port = 7000  (environment variable ADMIN_PORT)"));
        assertTrue(lines.contains("log.level = debug  (-Dlog.level)"));
        assertTrue(lines.contains("database.url = -  (not set)"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        servr: {port: 1}            | servr: is not a known key; did you mean `server`? (FILE:1)
        port: 1                     | port: is not a known key; did you mean `server.port` or `admin.port`? (FILE:1)
        server: {maxConnections: 1} | server.maxConnections: is not a known key; did you mean `server.max-connections`? (FILE:1)
        database: {sizes: 1}        | database.sizes: is not a known key (FILE:1)
        web: {prt: 1}               | web: is not a known key (FILE:1)
        web.level: 1                | web.level: is not a known key; did you mean `log.level`? (FILE:1)
        """)
    void anUnknownKeyIsRefusedWithTheOneThatWasMeant(String yaml, String complaint) {
        assertComplaints(yaml, complaint);
    }

    @Test
    void unknownPropertiesAndVariablesOfOthersAreLeftAlone() {
        environment.put("SERVER_PROT", "1");
        properties.setProperty("java.io.tmpdir", "/tmp");
        properties.setProperty("logging.level", "1");
        assertSameValues(read(""), read("server: {port: 8080}"));
    }

    @Test
    void anEmptyValueIsNotADefault() {
        environment.put("SERVER_PORT", "");
        properties.setProperty("log.level", " ");
        assertComplaints(
                """
                server:
                  host: ""
                  max-connections:
                  idle-timeout: null
                admin: ~
                """,
                "server.max-connections: must not be empty (FILE:3)",
                "server.idle-timeout: must not be empty (FILE:4)",
                "admin: is a section and needs keys below it, or must go (FILE:5)",
                "server.host: must not be empty (FILE:2)",
                "server.port: must not be empty (environment variable SERVER_PORT)",
                "log.level: must not be empty (-Dlog.level)");
    }

    @Test
    void aKeyGivenTwiceIsRefused() {
        assertComplaints(
                "server:\n  port: 1\n  port: 2\nserver.port: 3\nlog: {level: info}\nlog: {level: debug}\n",
                "server.port: is given twice, first in line 2 (FILE:3)",
                "server.port: is given twice, first in line 2 (FILE:4)",
                "log: is given twice, first in line 5 (FILE:6)");
    }

    @Test
    void aListOrASectionIsNoValue() {
        assertComplaints(
                "server:\n  port: [1, 2]\n  host: {name: x}\n",
                "server.port: needs a single value, not a list or a section (FILE:2)",
                "server.host: needs a single value, not a list or a section (FILE:3)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"- server", "just words", "null", "5"})
    void aFileWithoutSectionsIsRefused(String yaml) {
        assertComplaints(yaml, "FILE:1: must hold sections such as `server:` with keys below them");
    }

    @Test
    void anAnchorAnAliasAndATagAreRefused() {
        assertComplaints(
                "server: &a\n  port: 1\nadmin: *a\nlog: !!map {level: !x info}\n",
                "FILE:1: anchors and aliases are refused; a value that starts with & or * needs quotes",
                "FILE:3: anchors and aliases are refused; a value that starts with & or * needs quotes",
                "FILE:4: tags are refused; a value that starts with ! needs quotes",
                "FILE:4: tags are refused; a value that starts with ! needs quotes");
    }

    @Test
    void aSecondDocumentIsRefused() {
        assertComplaints(
                "---\nserver: {port: 1}\n---\nserver: {port: 2}\n",
                "FILE:3: a second document starts here; only one is allowed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "server:\n\tport: 1\n",
                "log: {}\nserver: port: 1\n",
                "log: {}\nserver: [1\n",
                "log: {}\nserver: \"\\q\"\n",
                "log: {}\nserver: \u0007\n",
                "log: {}\nserver: @x\n",
            })
    void aSyntaxErrorIsReportedWithItsLine(String yaml) {
        var complaints = refusal(yaml).complaints();
        assertEquals(1, complaints.size());
        var line = Pattern.quote(file().toString()) + ":[23]: this is not valid YAML; check indentation .*";
        assertTrue(complaints.getFirst().matches(line), complaints.getFirst());
    }

    @Test
    void anUnprintableCharacterFarDownIsReportedWithItsLine() {
        assertComplaints(
                "# a comment\n".repeat(999) + "server: \u0007\n",
                "FILE:1000: this is not valid YAML; check indentation (no tabs), colons and quotes");
    }

    @Test
    void aByteOrderMarkAndWindowsLineEndsAreRead() {
        assertEquals(1, read("\uFEFFserver:\r\n  port: 1\r\n").server().port());
    }

    @Test
    void deepNestingIsRefused() {
        var complaints =
                refusal("server: " + "[".repeat(1000) + "]".repeat(1000)).complaints();
        assertEquals(1, complaints.size());
    }

    @Test
    void aKeyThatIsNoWordIsRefused() {
        assertComplaints("server:\n  ? [a]\n  : 1\n", "FILE:2: a key must be a single word");
    }

    @Test
    void aMissingFileIsOneComplaint() {
        assertFileComplaint("there is no such file");
    }

    @Test
    void aFolderIsNoFile() throws IOException {
        Files.createDirectory(file());
        assertFileComplaint("it is a directory");
    }

    @Test
    void aFileThatIsTooLargeIsRefused() throws IOException {
        Files.writeString(file(), "#".repeat((1 << 20) + 1));
        assertFileComplaint("it is larger than 1024KiB");
    }

    @Test
    void aFileOfExactlyTheLargestSizeIsRead() {
        assertSameValues(read(""), read("#".repeat(1 << 20)));
    }

    @Test
    void aFileThatIsNotUtf8IsRefused() throws IOException {
        Files.write(file(), new byte[] {(byte) 0xff, (byte) 0xfe});
        assertFileComplaint("it is not UTF-8 text");
    }

    @Test
    void aFileThatCannotBeReadCausesNoContradictions() {
        environment.put("DATABASE_URL", "jdbc:postgresql://db/heddle");
        assertFileComplaint("there is no such file");
    }

    @Test
    void twoListenersOnOneAddressAreRefused() {
        assertComplaints(
                "server: {port: 9000}\nadmin: {port: 9000}\n",
                "admin.port: must differ from server.port when both listen on the same host; found 9000 (FILE:2)");
        assertFalse(complaints("server: {host: 0.0.0.0, port: 8081}").isEmpty());
        assertFalse(complaints("server: {host: LocalHost, port: 1}\nadmin: {host: localhost, port: 1}")
                .isEmpty());
    }

    @Test
    void twoListenersMayShareAHostOrAPort() {
        assertEquals(
                9000,
                read("server: {port: 9000}\nadmin: {host: '::1', port: 9000}")
                        .admin()
                        .port());
        assertEquals(0, read("server: {port: 0}\nadmin: {port: 0}").admin().port());
    }

    @Test
    void anEmbeddedDatabaseTakesNoAddressAndNoCredentials() {
        environment.put("DATABASE_MODE", "embedded");
        assertComplaints(
                "database:\n  url: jdbc:postgresql://db/heddle\n  username: me\n  password: hunter2\n",
                "database.url: is refused while database.mode is embedded (environment variable DATABASE_MODE)"
                        + " (FILE:2)",
                "database.username: is refused while database.mode is embedded (environment variable DATABASE_MODE)"
                        + " (FILE:3)",
                "database.password: is refused while database.mode is embedded (environment variable DATABASE_MODE)"
                        + " (FILE:4)");
    }

    @Test
    void anEmbeddedDatabaseTakesNoLargerPoolThanItHasConnections() {
        assertComplaints(
                "database:\n  pool-size: 81\n",
                "database.pool-size: must be at most 80 while database.mode is embedded; found 81 (FILE:2)");
    }

    @Test
    void anExternalDatabaseNeedsItsAddress() {
        assertComplaints(
                "database:\n  mode: external\n", "database.url: is missing; database.mode external needs it (FILE:2)");
    }

    @Test
    void anExternalDatabaseHasAnAddressAndMayHaveCredentials() {
        var external = "database:\n  mode: external\n  url: jdbc:postgresql://db:5432/heddle?sslmode=require\n";
        var open = assertInstanceOf(
                Settings.External.class, read(external).database().postgres());
        assertEquals("jdbc:postgresql://db:5432/heddle?sslmode=require", open.url());
        assertNull(open.username());
        assertNull(open.password());
        var closed = external + "  username: me\n  password: hunter2\n";
        assertEquals(
                new Settings.External(open.url(), "me", new Settings.Secret(HIDDEN)),
                read(closed).database().postgres());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "postgres://me:hunter2@db/heddle",
                "jdbc:postgresql://me:hunter2@db/heddle",
                "jdbc:postgresql://db/heddle?password=hunter2",
                "jdbc:postgresql://db/heddle?ssl=true&sslPassword=hunter2",
                "jdbc:postgresql://db/heddle?user=hunter2",
                "jdbc:postgresql://",
                "jdbc:mysql://db/heddle",
            })
    void anAddressWithCredentialsIsRefusedAndNotShown(String url) {
        environment.put("DATABASE_URL", url);
        assertComplaints(
                "database: {mode: external}",
                "database.url: must start with jdbc:postgresql://, name a host and hold no user and no password"
                        + " (they have keys of their own) (environment variable DATABASE_URL)");
    }

    @Test
    void connectionsMustLeaveRoomForOtherFiles() {
        openFileLimit = 4352;
        assertComplaints(
                "",
                "server.max-connections: must stay below 4096, the limit of open files less 256; found 4096 (default)");
        openFileLimit = 4353;
        assertEquals(4096, read("").server().maxConnections());
    }

    @ParameterizedTest
    @CsvSource({"100ms,PT0.1S", "250ms,PT0.25S", "30s,PT30S", "5m,PT5M", "1h,PT1H", "60m,PT1H", "000000001s,PT1S"})
    void aDurationIsAWholeNumberAndAUnit(String written, Duration meant) {
        properties.setProperty("server.request-timeout", written);
        assertEquals(meant, read("").server().requestTimeout());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "99ms",
                "3601s",
                "2h",
                "0s",
                "-1s",
                "1.5s",
                "1 s",
                " 1s",
                "1S",
                "1h30m",
                "s",
                "30",
                "1d",
                "1us",
                "9999999999999999999s",
                "٣s",
                "PT1S"
            })
    void anyOtherDurationIsRefused(String written) {
        properties.setProperty("server.request-timeout", written);
        assertEquals(1, complaints("").size());
    }

    @Test
    void aDurationOfZeroIsAllowedWhereItMeansNone() {
        properties.setProperty("server.shutdown-grace", "0ms");
        assertEquals(Duration.ZERO, read("").server().shutdownGrace());
    }

    @ParameterizedTest
    @CsvSource({"1024B,1024", "1KiB,1024", "64KiB,65536", "10MiB,10485760", "1GiB,1073741824"})
    void aSizeIsAWholeNumberAndAUnit(String written, long meant) {
        properties.setProperty("server.max-body-size", written);
        assertEquals(meant, read("").server().maxBodySize());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"1023B", "1025MiB", "2GiB", "999999999GiB", "1KB", "1kib", "1K", "1MB", "1024", "-1KiB", "1.5MiB"
            })
    void anyOtherSizeIsRefused(String written) {
        properties.setProperty("server.max-body-size", written);
        assertEquals(1, complaints("").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "65535", "080"})
    void aPortIsAWholeNumberInItsRange(String written) {
        properties.setProperty("server.port", written);
        assertEquals(Integer.parseInt(written), read("").server().port());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "65536", "8_080", "0x50", "+80", "8080.0", "99999999999999999999", "٨٠"})
    void anyOtherPortIsRefused(String written) {
        properties.setProperty("server.port", written);
        assertEquals(1, complaints("").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "10.1.2.3", "::", "::1", "fe80::1", "localhost", "a.b-c.example", "task_server"})
    void aHostIsAnAddressOrAName(String written) {
        properties.setProperty("server.host", written);
        assertEquals(written, read("").server().host());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.2.3",
                "256.1.1.1",
                "1.2.3.4.5",
                "[::1]",
                ":::",
                "localhost:80",
                "http://x",
                "-x",
                "a..b",
                "a b",
                "ü.example"
            })
    void anyOtherHostIsRefused(String written) {
        properties.setProperty("server.host", written);
        assertEquals(1, complaints("").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"True", "yes", "on", "1"})
    void aBooleanIsTrueOrFalseOnly(String written) {
        assertEquals(1, complaints("log: {access: " + written + "}").size());
        assertFalse(read("log: {access: false}").log().access());
    }

    @Test
    void aChoiceIsWrittenInLowerCase() {
        assertEquals(Settings.Log.Format.JSON, read("log: {format: json}").log().format());
        assertComplaints("log: {format: JSON}", "log.format: must be one of text, json; found \"JSON\" (FILE:1)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "heddle@localhost",
                "a@b",
                "first.last+tag@mail.example.org",
                "o'hara@sub-domain.example",
            })
    void aSenderIsAnAddressWithoutAName(String written) {
        properties.setProperty("email.from", written);
        assertEquals(written, read("").email().from());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "heddle",
                "@localhost",
                "heddle@",
                "a@b@c",
                "Heddle <heddle@localhost>",
                "<heddle@localhost>",
                "a b@localhost",
                "a@local host",
                "a@größe.example",
                "größe@example.org",
                "a@sub_domain.example",
                "a..b@localhost",
                "a@[127.0.0.1]",
                "a\r\nBcc: b@localhost",
                "a@localhost\r\nBcc: b",
                "a@localhost\n",
                "a\u00a0b@localhost",
                "a\u2028b@localhost",
                "a\0@localhost",
                "a\ud800@localhost"
            })
    void anyOtherSenderIsRefused(String written) {
        properties.setProperty("email.from", written);
        assertEquals(1, complaints("").size());
    }

    @Test
    void aSenderIsNoLongerThanAnAddressMayBe() {
        properties.setProperty("email.from", "a".repeat(64) + "@" + "b".repeat(189));
        assertEquals(254, read("").email().from().length());
        properties.setProperty("email.from", "a".repeat(65) + "@localhost");
        assertEquals(1, complaints("").size());
        properties.setProperty("email.from", "a@" + "b".repeat(190));
        assertEquals(1, complaints("").size());
    }

    @Test
    void withAServerForItEmailIsSent() {
        assertEquals(
                new Settings.Smtp(
                        "smtp.example.org",
                        587,
                        Security.STARTTLS,
                        null,
                        null,
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(10)),
                read("email: {smtp-host: smtp.example.org}").email().smtp());
        assertEquals(
                new Settings.Smtp(
                        "10.0.0.1",
                        465,
                        Security.TLS,
                        "me",
                        new Settings.Secret(HIDDEN),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(30)),
                read("""
                    email:
                      smtp-host: 10.0.0.1
                      smtp-port: 465
                      smtp-security: tls
                      smtp-username: me
                      smtp-password: hunter2
                      connect-timeout: 100ms
                      timeout: 30s
                    """).email().smtp());
    }

    @Test
    void withoutAServerForItTheRestDoesNotMatter() {
        assertNull(read("email: {smtp-port: 25, smtp-security: none}").email().smtp());
    }

    @Test
    void whoSendsAndItsPasswordGoTogether() {
        assertComplaints(
                "email: {smtp-host: a, smtp-username: me}",
                "email.smtp-password: is missing; email.smtp-username and email.smtp-password go together (not set)");
        assertComplaints(
                "email: {smtp-host: a, smtp-password: hunter2}",
                "email.smtp-username: is missing; email.smtp-username and email.smtp-password go together (not set)");
    }

    @Test
    void whoSendsNeedsAServer() {
        assertComplaints(
                "email: {smtp-username: me, smtp-password: hunter2}",
                "email.smtp-host: is missing; email.smtp-username needs it (not set)");
    }

    @Test
    void aPasswordIsNotSentInTheClear() {
        assertComplaints(
                "email: {smtp-host: a, smtp-security: none, smtp-username: me, smtp-password: hunter2}",
                "email.smtp-security: must not be none while there is a password to send (FILE:1)");
        var open = read("email: {smtp-host: a, smtp-security: none}").email().smtp();
        assertNotNull(open);
        assertEquals(Security.NONE, open.security());
    }

    @Test
    void thePasswordForEmailMayComeFromAFileAndIsNotShown() throws IOException {
        environment.put("EMAIL_SMTP_PASSWORD_FILE", secretFile(HIDDEN + "\n"));
        var settings = read("email: {smtp-host: a, smtp-username: me}");
        var smtp = settings.email().smtp();
        assertNotNull(smtp);
        assertEquals(new Settings.Secret(HIDDEN), smtp.password());
        assertFalse(settings.toString().contains(HIDDEN));
        assertTrue(settings.describe().contains("email.smtp-password = ***  (file named by EMAIL_SMTP_PASSWORD_FILE)"));
    }

    @Test
    void everyKindOfJobHasItsOwnNumberOfAttempts() {
        assertEquals(new Settings.Attempts(1, 2, 3, 20), read("""
            jobs:
              send-notification-attempts: 1
              send-email-attempts: 2
              update-stats-attempts: 3
              log-activity-attempts: 20
            """).jobs().attempts());
        assertEquals(4, complaints("""
            jobs:
              send-notification-attempts: 0
              send-email-attempts: 21
              workers: 65
              retry-delay: 9ms
            """).size());
    }

    @Test
    void aPathThatCannotBeIsRefused() {
        properties.setProperty("data.directory", "a\0b");
        assertComplaints(
                "", "data.directory: must be a path of this file system; found \"a\\u0000b\" (-Ddata.directory)");
    }

    @Test
    void aComplaintStaysOneReadableLine() {
        properties.setProperty("log.level", "a\n\u001b[31m" + "x".repeat(1000));
        var complaint = complaints("\"se\\nrver\": {}\n");
        assertEquals("se\\u000arver: is not a known key; did you mean `server`? (FILE:1)", complaint.getFirst());
        assertTrue(complaint.getLast().contains("found \"a\\u000a\\u001b[31mx"));
        assertTrue(complaint.getLast().length() < 200);
    }

    @Test
    void aSecretComesFromTheFileThatAVariableNames() throws IOException {
        environment.put("DATABASE_PASSWORD_FILE", secretFile(HIDDEN + "\n"));
        var settings = read("database: {mode: external, url: 'jdbc:postgresql://db/x', password: other}");
        assertEquals(HIDDEN, password(settings));
        assertTrue(settings.describe().contains("database.password = ***  (file named by DATABASE_PASSWORD_FILE)"));
    }

    @ParameterizedTest
    @CsvSource({"'a\n',a", "'a\r\n',a", "'a\n\n','a\n'", "' a ',' a '", "a,a"})
    void onlyOneLineEndOfASecretsFileIsCut(String written, String meant) throws IOException {
        environment.put("DATABASE_PASSWORD_FILE", secretFile(written));
        assertEquals(meant, password(read("database: {mode: external, url: 'jdbc:postgresql://db/x'}")));
    }

    @Test
    void aSecretIsGivenOnceOnly() throws IOException {
        environment.put("DATABASE_PASSWORD", HIDDEN);
        environment.put("DATABASE_PASSWORD_FILE", secretFile(HIDDEN));
        assertComplaints(
                "database: {mode: external, url: 'jdbc:postgresql://db/x'}",
                "database.password: must be given once"
                        + " (environment variables DATABASE_PASSWORD and DATABASE_PASSWORD_FILE)");
    }

    @Test
    void aSecretsFileThatIsBeatenByAPropertyIsNotRead() {
        environment.put("DATABASE_PASSWORD_FILE", "missing");
        properties.setProperty("database.password", HIDDEN);
        assertEquals(HIDDEN, password(read("database: {mode: external, url: 'jdbc:postgresql://db/x'}")));
    }

    @Test
    void aSecretsFileThatIsMissingIsRefusedWithoutShowingItsName() {
        environment.put("DATABASE_PASSWORD_FILE", HIDDEN);
        assertSecretComplaint("cannot be read: there is no such file");
    }

    @Test
    void aSecretsFileThatIsNoPathIsRefused() {
        environment.put("DATABASE_PASSWORD_FILE", HIDDEN + "\0");
        assertSecretComplaint("cannot be read: this is no path");
    }

    @Test
    void anEmptySecretsFileIsRefused() throws IOException {
        environment.put("DATABASE_PASSWORD_FILE", secretFile("\n"));
        assertSecretComplaint("must not be empty");
    }

    @Test
    void aSecretsFileThatIsTooLargeIsRefused() throws IOException {
        environment.put("DATABASE_PASSWORD_FILE", secretFile(HIDDEN.repeat(10_000)));
        assertSecretComplaint("cannot be read: it is larger than 64KiB");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "database:\n  password: hunter2\n",
                "database:\n  pasword: hunter2\n",
                "database:\n  password: [hunter2]\n",
                "database:\n  password: {hunter2: x}\n",
                "database:\n  password: *hunter2\n",
                "database:\n  password: &hunter2\n",
                "database:\n  password: !hunter2!x y\n",
                "database:\n  password: !hunter2\n",
                "database:\n  password: %hunter2\n",
                "database:\n  password:hunter2\n",
                "database:\n  mode: external\n  password:hunter2\n",
                "database:\n  mode: external\n    password:hunter2\n",
                "database:\n  password: \"hunter2\n",
                "database:\n  password: hunter2: x\n",
                "database:\n  password: hunter2\n  password: hunter2\n",
                "database:\n  url: hunter2\n",
                "server: [hunter2]\n",
                "server: hunter2\n",
                "hunter2\n",
            })
    void aSecretIsInNoComplaint(String yaml) {
        var refused = refusal(yaml);
        assertFalse(refused.toString().contains(HIDDEN), refused::toString);
    }

    @Test
    void aSecretIsInNoComplaintAboutAMisspeltProperty() {
        properties.setProperty("database.pasword", HIDDEN);
        assertComplaints(
                "", "database.pasword: is not a known key; did you mean `database.password`? (-Ddatabase.pasword)");
    }

    @Test
    void aSecretIsInNoDescription() {
        environment.put("DATABASE_PASSWORD", HIDDEN);
        var settings = read("database: {mode: external, url: 'jdbc:postgresql://db/x'}");
        assertFalse(settings.toString().contains(HIDDEN));
        assertTrue(settings.describe().contains("database.password = ***  (environment variable DATABASE_PASSWORD)"));
    }

    @Test
    void recordsRefuseWhatTheReaderWouldRefuse() {
        assertThrows(IllegalArgumentException.class, () -> new Settings.Admin("localhost", 65_536));
        assertThrows(IllegalArgumentException.class, () -> new Settings.Admin("no host", 1));
        assertThrows(IllegalArgumentException.class, () -> new Settings.External("jdbc:h2:mem", null, null));
        assertThrows(IllegalArgumentException.class, () -> new Settings.Secret(""));
        assertThrows(IllegalArgumentException.class, () -> new Settings.Email("no address", null));
        assertThrows(IllegalArgumentException.class, () -> new Settings.Attempts(8, 8, 8, 0));
        var good = read("");
        var collision = new Settings.Admin(good.server().host(), good.server().port());
        assertThrows(
                IllegalArgumentException.class,
                () -> new Settings(
                        good.server(),
                        good.edge(),
                        collision,
                        good.data(),
                        good.database(),
                        good.jobs(),
                        good.email(),
                        good.upstreams(),
                        good.dashboards(),
                        good.batch(),
                        good.files(),
                        good.imports(),
                        good.compute(),
                        good.log(),
                        List.of()));
    }

    private Settings read(String yaml) {
        return SettingsReader.read(write(yaml), environment, properties, openFileLimit);
    }

    private SettingsException refusal(String yaml) {
        return assertThrows(SettingsException.class, () -> read(yaml));
    }

    /** What is wrong, with the path of the file put as FILE. */
    private List<String> complaints(String yaml) {
        return refusal(yaml).complaints().stream()
                .map(line -> line.replace(file().toString(), "FILE"))
                .toList();
    }

    private void assertComplaints(String yaml, String... expected) {
        assertEquals(String.join("\n", expected), String.join("\n", complaints(yaml)));
    }

    private void assertFileComplaint(String reason) {
        var refused = assertThrows(
                SettingsException.class, () -> SettingsReader.read(file(), environment, properties, openFileLimit));
        assertEquals(List.of(file() + ": cannot be read: " + reason), refused.complaints());
    }

    private void assertSecretComplaint(String what) {
        assertComplaints(
                "database: {mode: external, url: 'jdbc:postgresql://db/x'}",
                "database.password: " + what + " (file named by DATABASE_PASSWORD_FILE)");
    }

    private static void assertSameValues(Settings expected, Settings actual) {
        assertEquals(expected.server(), actual.server());
        assertEquals(expected.admin(), actual.admin());
        assertEquals(expected.data(), actual.data());
        assertEquals(expected.database(), actual.database());
        assertEquals(expected.jobs(), actual.jobs());
        assertEquals(expected.email(), actual.email());
        assertEquals(expected.upstreams(), actual.upstreams());
        assertEquals(
                List.copyOf(expected.dashboards().entrySet()),
                List.copyOf(actual.dashboards().entrySet()));
        assertEquals(expected.batch(), actual.batch());
        assertEquals(expected.log(), actual.log());
    }

    private static @Nullable String password(Settings settings) {
        return settings.database().postgres() instanceof Settings.External(var _, var _, Settings.Secret secret)
                ? secret.value()
                : null;
    }

    private Path file() {
        return folder.resolve("app.yaml");
    }

    private Path write(String yaml) {
        try {
            return Files.writeString(file(), yaml);
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
    }

    private String secretFile(String content) throws IOException {
        return Files.writeString(folder.resolve("secret"), content, StandardCharsets.UTF_8)
                .toString();
    }
}
