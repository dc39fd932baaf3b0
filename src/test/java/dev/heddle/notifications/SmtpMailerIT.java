package dev.heddle.notifications;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.GreenMailUtil;
import com.icegreen.greenmail.util.ServerSetup;
import dev.heddle.concurrent.Deadline;
import dev.heddle.notifications.Smtp.Security;
import dev.heddle.testing.InThisJvm;
import dev.heddle.testing.TestCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mails over SMTP: to a real server, and to ones that behave badly. */
@InThisJvm
@Timeout(60)
class SmtpMailerIT {

    private static final Duration LONG = Duration.ofSeconds(50);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final String SECRET = "s3cret-password";
    private static final String WORDS = "private words";

    /** Held, or it would be collected and made anew without a level. */
    private static final Logger GREENMAIL = Logger.getLogger("com.icegreen");

    private static TestCertificate ours;
    private static TestCertificate elsewhere;

    @BeforeAll
    static void makeCertificates(@TempDir Path directory)
            throws IOException, GeneralSecurityException, InterruptedException {
        GREENMAIL.setLevel(Level.OFF);
        ours = TestCertificate.of(directory, "localhost");
        elsewhere = TestCertificate.of(directory, "elsewhere.example");
        // Read by GreenMail once, when its first server with TLS starts.
        System.setProperty("greenmail.tls.keystore.file", ours.file().toString());
        System.setProperty("greenmail.tls.keystore.password", TestCertificate.PASSWORD);
    }

    private static Mail mail() {
        return mail("ada@example.com", "Due: weave");
    }

    private static Mail mail(String to, String subject) {
        var text = "Hello,\n.\n..two dots\nZoë's task is due. " + WORDS + "\n";
        return new Mail(UUID.randomUUID(), Instant.parse("2026-11-20T08:00:00Z"), to, subject, text);
    }

    private static Smtp smtp(int port, Security security) {
        return new Smtp("localhost", port, security, null, null, "Heddle <heddle@test.example>", LONG, LONG);
    }

    private static Smtp withLogin(int port, Security security, String password) {
        return new Smtp("localhost", port, security, "ada", password, "heddle@test.example", LONG, LONG);
    }

    private static SmtpMailer mailer(Smtp smtp) {
        return new SmtpMailer(smtp, LONG, ours.sockets());
    }

    private static MailException failure(Mailer mailer) {
        var failure = assertThrows(MailException.class, () -> mailer.send(mail()));
        for (Throwable at = failure; at != null; at = at.getCause()) {
            assertFalse(at.toString().contains(SECRET), at::toString);
            assertFalse(at.toString().contains(WORDS), at::toString);
        }
        return failure;
    }

    private static void assertTransient(MailException failure) {
        assertFalse(failure.isPermanent(), failure::toString);
    }

    private static void assertSays(String words, MailException failure) {
        assertTrue(String.valueOf(failure.getMessage()).contains(words), failure::toString);
    }

    private static void withGreenMail(String protocol, Consumer<GreenMail> test) {
        var setup = new ServerSetup(0, "localhost", protocol);
        setup.setServerStartupTimeout(30_000);
        var greenMail = new GreenMail(setup);
        try {
            greenMail.start();
            test.accept(greenMail);
        } finally {
            greenMail.stop();
        }
    }

    // A real server

    @Test
    void aMailArrivesAsItWasWritten() {
        withGreenMail("smtp", server -> {
            var mail = mail("ada@example.com", "Fällig: webe 🧵");
            mailer(smtp(server.getSmtp().getPort(), Security.NONE)).send(mail);
            var received = GreenMailUtil.getWholeMessage(server.getReceivedMessages()[0]);
            // The server puts lines of its own before it, and drops the last line's end.
            var sent = MailMessage.of(mail, "Heddle <heddle@test.example>").bytes();
            assertTrue(received.endsWith(new String(sent, StandardCharsets.US_ASCII).strip()), () -> received);
        });
    }

    @ParameterizedTest
    @EnumSource(
            value = Security.class,
            names = {"NONE", "TLS"})
    void withAPasswordItLogsIn(Security security) {
        withGreenMail(security == Security.TLS ? "smtps" : "smtp", server -> {
            server.setUser("ada@example.com", "ada", SECRET);
            server.getUserManager().setAuthRequired(true);
            var port = (security == Security.TLS ? server.getSmtps() : server.getSmtp()).getPort();
            mailer(withLogin(port, security, SECRET)).send(mail());
            assertEquals(1, server.getReceivedMessages().length);

            var wrong = failure(mailer(withLogin(port, security, SECRET + "x")));
            assertTransient(wrong);
            assertSays("refused the login: 535", wrong);
            assertEquals(1, server.getReceivedMessages().length);
        });
    }

    // TLS

    private static ScriptedSmtp.Script startTls(TestCertificate certificate) {
        return peer -> {
            upgrade(peer, certificate);
            ScriptedSmtp.converse(peer, Map.of("EHLO", "250-test\r\n250 AUTH PLAIN", "AUTH", "235 2.7.0 welcome"));
        };
    }

    private static void upgrade(ScriptedSmtp.Peer peer, TestCertificate certificate) throws IOException {
        peer.say("220 test");
        peer.hear();
        peer.say("250-test\r\n250 STARTTLS");
        peer.hear();
        peer.say("220 go on");
        peer.secure(certificate);
    }

    private static ScriptedSmtp.Script tls(TestCertificate certificate) {
        return tls(certificate, Map.of("EHLO", "250-test\r\n250 AUTH LOGIN", "AUTH", "235 welcome"));
    }

    private static ScriptedSmtp.Script tls(TestCertificate certificate, Map<String, String> answers) {
        return peer -> {
            peer.secure(certificate);
            ScriptedSmtp.answering(answers).play(peer);
        };
    }

    @ParameterizedTest
    @EnumSource(
            value = Security.class,
            names = {"STARTTLS", "TLS"})
    void aCertificateThatNobodyTrustsIsRefused(Security security) throws IOException {
        try (var server = new ScriptedSmtp(security == Security.TLS ? tls(ours) : startTls(ours))) {
            var failure = failure(new SmtpMailer(smtp(server.port(), security)));
            assertTransient(failure);
            assertInstanceOf(SSLException.class, failure.getCause());
            assertFalse(server.heard().stream().anyMatch(line -> line.startsWith("MAIL")));
        }
    }

    @Test
    void withStartTlsNothingIsToldBeforeItIsEncrypted() throws IOException {
        try (var server = new ScriptedSmtp(startTls(ours))) {
            mailer(withLogin(server.port(), Security.STARTTLS, SECRET)).send(mail());
            assertEquals(
                    List.of("EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"),
                    server.heard().stream()
                            .map(line -> line.split("[ :]", 2)[0])
                            .limit(7)
                            .toList());
        }
    }

    @Test
    void withoutStartTlsOfTheServerItGoesNoFurther() throws IOException {
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of()))) {
            var failure = failure(mailer(smtp(server.port(), Security.STARTTLS)));
            assertTransient(failure);
            assertSays("STARTTLS", failure);
            assertEquals(List.of("EHLO test.example"), server.heard());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Security.class,
            names = {"STARTTLS", "TLS"})
    void aCertificateOfAnotherHostIsRefused(Security security) throws IOException {
        var script = security == Security.TLS ? tls(elsewhere) : startTls(elsewhere);
        try (var server = new ScriptedSmtp(script)) {
            var failure = failure(new SmtpMailer(smtp(server.port(), security), LONG, elsewhere.sockets()));
            assertTransient(failure);
            assertInstanceOf(SSLException.class, failure.getCause());
            assertFalse(server.heard().stream().anyMatch(line -> line.startsWith("MAIL")));
        }
    }

    @Test
    void theAddressOfAHostIsNotItsName() throws IOException {
        // The certificate is for "localhost", which the address would give as its name if it were asked.
        try (var server = new ScriptedSmtp(startTls(ours))) {
            var smtp = new Smtp(
                    "127.0.0.1", server.port(), Security.STARTTLS, null, null, "heddle@test.example", LONG, LONG);
            assertInstanceOf(SSLException.class, failure(mailer(smtp)).getCause());
        }
    }

    // Refusals

    @ParameterizedTest
    @CsvSource({
        "RCPT, 550 5.1.1 no such user, true, refused the receiver: 550 5.1.1",
        "RCPT, 552 full, true, refused the receiver: 552",
        "RCPT, 599 new, true, refused the receiver: 599",
        "RCPT, 550 5.7.1 hanging up!, true, refused the receiver: 550 5.7.1",
        "RCPT, 451 4.7.1 later, false, refused the receiver: 451 4.7.1",
        "RCPT, 421 stopping!, false, refused the receiver: 421",
        "RCPT, 666 odd, false, refused the receiver: 666",
        "DATA, 554 5.5.1 no, true, refused the message: 554 5.5.1",
        "DATA, 451 later, false, refused the message: 451",
        "., 554 5.7.1 private words are spam, true, refused the message: 554 5.7.1",
        "., 554 5.7.1 spam!, true, refused the message: 554 5.7.1",
        "., 452 4.3.1 disk full, false, refused the message: 452 4.3.1",
        "., !, false, refused the message",
        "MAIL, 550 5.7.1 not you, false, refused the sender: 550 5.7.1",
        "MAIL, 451 later, false, refused the sender: 451",
        "greeting, 554 go away, false, response: 554",
        "greeting, !, false, broke off",
        "greeting, HTTP/1.1 400 Bad Request, false, broke off",
    })
    void onlyARefusalForGoodOfTheReceiverOrTheMessageIsPermanent(
            String to, String answer, boolean isPermanent, String message) throws IOException {
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of(to, answer)))) {
            var failure = failure(mailer(smtp(server.port(), Security.NONE)));
            assertEquals(isPermanent, failure.isPermanent(), failure::toString);
            assertSays(message, failure);
            assertSays("localhost:" + server.port(), failure);
            // A server that would not answer to it would make the refusal one that may pass.
            assertFalse(server.heard().contains("RSET"), () -> server.heard().toString());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "250 nothing, offers no login",
        "'250-test\r\n250 AUTH GSSAPI', refused the login",
        "'250-test\r\n250 AUTH PLAIN', refused the login: 535 5.7.8"
    })
    void aServerThatDoesNotLetUsInGetsNoMail(String offer, String message) throws IOException {
        var answers = Map.of("EHLO", offer, "AUTH", "535 5.7.8 who is " + SECRET);
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(answers))) {
            var failure = failure(mailer(withLogin(server.port(), Security.NONE, SECRET)));
            assertTransient(failure);
            assertSays(message, failure);
            assertFalse(server.heard().stream().anyMatch(line -> line.startsWith("MAIL")));
        }
    }

    @Test
    void aServerThatIsNotThereMayComeBack() throws IOException {
        int port;
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = listener.getLocalPort();
        }
        assertTransient(failure(mailer(smtp(port, Security.NONE))));
    }

    @Test
    void aHostThatHasNoAddressMayGetOne() {
        assertTransient(failure(
                mailer(new Smtp("nowhere.invalid", 25, Security.NONE, null, null, "heddle@test.example", LONG, LONG))));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nobody",
                "a,b@example.com",
                "a@b, c@d",
                "x<a@b>",
                "Ada <ada@example.com>",
                "a@b\r\nBcc: c@d",
                "zo\u00eb@example.com",
                "a\u010a@example.com",
                "a@b\u00fccher.example",
                ""
            })
    void aReceiverThatCannotBeWrittenToIsPermanentAndNobodyIsAsked(String to) throws IOException {
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of()))) {
            var mailer = mailer(smtp(server.port(), Security.NONE));
            var failure = assertThrows(MailException.class, () -> mailer.send(mail(to, "s")));
            assertTrue(failure.isPermanent(), failure::toString);
            assertEquals(List.of(), server.heard());
        }
    }

    @Test
    void whatServersSayIsNotLoggedEvenWhenEverythingIs() throws IOException {
        var logger = Logger.getLogger("dev.heddle.notifications");
        var lines = new CopyOnWriteArrayList<String>();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                lines.add(line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.setLevel(Level.ALL);
        logger.addHandler(handler);
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of(".", "554 " + WORDS)))) {
            failure(mailer(smtp(server.port(), Security.NONE)));
        } finally {
            logger.removeHandler(handler);
            logger.setLevel(null);
        }
        assertEquals(List.of(), lines);
    }

    // Time

    private static void endsInTime(Smtp smtp, Duration limit) {
        assertTimeoutPreemptively(
                Duration.ofSeconds(10), () -> assertTransient(failure(new SmtpMailer(smtp, limit, ours.sockets()))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"greeting", "EHLO", "MAIL", "RCPT", "DATA", "."})
    void aServerThatFallsSilentIsLeft(String at) throws IOException {
        var silent = ScriptedSmtp.answering(Map.of(at, ScriptedSmtp.SILENCE));
        try (var server = new ScriptedSmtp(silent)) {
            endsInTime(smtp(server.port(), Security.NONE), SHORT);
            server.awaitEnd();
        }
        try (var server = new ScriptedSmtp(silent)) {
            // By the timeout of a single read.
            endsInTime(
                    new Smtp("localhost", server.port(), Security.NONE, null, null, "heddle@test.example", LONG, SHORT),
                    LONG);
            server.awaitEnd();
        }
    }

    @ParameterizedTest
    @EnumSource(Security.class)
    void aServerThatDripsIsLeftInTime(Security security) throws IOException {
        try (var server = new ScriptedSmtp(peer -> {
            if (security == Security.STARTTLS) {
                upgrade(peer, ours);
            }
            if (security == Security.TLS) {
                peer.secure(ours);
            }
            peer.write("220");
            while (true) {
                peer.write("-");
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        })) {
            endsInTime(smtp(server.port(), security), SHORT);
            server.awaitEnd();
        }
    }

    @Test
    void aServerThatNeverStartsItsTlsIsLeftInTime() throws IOException {
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of("greeting", ScriptedSmtp.SILENCE)))) {
            endsInTime(smtp(server.port(), Security.TLS), SHORT);
            server.awaitEnd();
        }
    }

    @Test
    void aServerThatTalksWithoutEndIsLeftBeforeItFillsTheHeap() throws IOException {
        try (var server = new ScriptedSmtp(peer -> {
            while (true) {
                peer.write("2".repeat(1000));
            }
        })) {
            var failure = failure(mailer(smtp(server.port(), Security.NONE)));
            assertTransient(failure);
            assertSays("262144 bytes", failure);
            server.awaitEnd();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aServerThatStopsReadingIsLeftInTime(boolean byTheWholesLimit) throws IOException {
        var gone = new CompletableFuture<Void>();
        try (var server = new ScriptedSmtp(peer -> {
            peer.say("220 test");
            for (var line = peer.hear(); !Objects.requireNonNull(line).equals("DATA"); line = peer.hear()) {
                peer.say("250 ok");
            }
            peer.say("354 go on");
            gone.join();
        })) {
            var smtp = new Smtp(
                    "localhost",
                    server.port(),
                    Security.NONE,
                    null,
                    null,
                    "heddle@test.example",
                    LONG,
                    byTheWholesLimit ? LONG : SHORT);
            var large = new Mail(
                    UUID.randomUUID(), Instant.EPOCH, "ada@example.com", "s", "\u20ac".repeat(Mail.TEXT_MAX_CHARS));
            var mailer = new SmtpMailer(smtp, byTheWholesLimit ? SHORT : LONG, null);
            assertTimeoutPreemptively(
                    Duration.ofSeconds(10),
                    () -> assertTransient(assertThrows(MailException.class, () -> mailer.send(large))));
        } finally {
            gone.complete(null);
        }
    }

    @Test
    @Timeout(20)
    void theDeadlineOfTheCallerCounts() throws IOException {
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of("MAIL", ScriptedSmtp.SILENCE)))) {
            var failure = Deadline.after(SHORT).call(() -> failure(mailer(smtp(server.port(), Security.NONE))));
            assertTransient(failure);
            server.awaitEnd();
        }
    }

    @Test
    void aMailThatWasTakenIsSentWhateverFollows() throws IOException {
        for (var bye : List.of(ScriptedSmtp.SILENCE, "500 what?", ScriptedSmtp.HANGS_UP)) {
            try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of("QUIT", bye)))) {
                mailer(smtp(server.port(), Security.NONE)).send(mail());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anInterruptedThreadIsBackAtOnceAndStaysInterrupted(boolean isVirtual) throws IOException {
        try (var server = new ScriptedSmtp(ScriptedSmtp.answering(Map.of("MAIL", ScriptedSmtp.SILENCE)))) {
            var end = new CompletableFuture<Boolean>();
            var builder = isVirtual ? Thread.ofVirtual() : Thread.ofPlatform();
            var thread = builder.start(() -> {
                try {
                    assertTransient(failure(mailer(smtp(server.port(), Security.NONE))));
                    end.complete(Thread.currentThread().isInterrupted());
                } catch (AssertionError e) {
                    end.completeExceptionally(e);
                }
            });
            await().until(() -> server.heard().stream().anyMatch(line -> line.startsWith("MAIL")));
            thread.interrupt();
            assertTrue(end.orTimeout(10, TimeUnit.SECONDS).join());
            server.awaitEnd();
        }
    }

    @Test
    void noThreadStaysBehind() throws IOException {
        for (var at : List.of("greeting", "EHLO", "RCPT", ".")) {
            for (var answer : List.of("554 no", "554 no!", ScriptedSmtp.SILENCE)) {
                for (var security : List.of(Security.NONE, Security.TLS)) {
                    var answers = Map.of(at, answer);
                    var script = security == Security.TLS ? tls(ours, answers) : ScriptedSmtp.answering(answers);
                    try (var server = new ScriptedSmtp(script)) {
                        failure(new SmtpMailer(smtp(server.port(), security), SHORT, ours.sockets()));
                    }
                }
            }
        }
        // The library's name for the thread that a socket has for its timeouts.
        await().until(() -> Thread.getAllStackTraces().entrySet().stream()
                .noneMatch(thread -> thread.getKey().getName().matches("pool-\\d+-thread-1")
                        && Arrays.toString(thread.getValue()).contains("ScheduledThreadPoolExecutor")));
    }
}
