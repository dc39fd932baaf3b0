package dev.heddle.notifications;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.heddle.app.TestServer;
import dev.heddle.testing.Psql;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** A server stops while the mail server has an e-mail of it in hand. */
class MailShutdownIT {

    private static final Duration LONG = Duration.ofSeconds(20);

    private static Map<String, String> settings(ScriptedSmtp smtp) {
        return Map.of(
                "EMAIL_SMTP_HOST", "127.0.0.1",
                "EMAIL_SMTP_PORT", String.valueOf(smtp.port()),
                "EMAIL_SMTP_SECURITY", "none");
    }

    /** Makes a task and completes it, which sends one e-mail. */
    private static void causeMail(TestServer server) {
        var person = server.person();
        var id = server.task(person, "{\"title\": \"mail me\"}").get("id").asText();
        var done = server.send("POST", "/tasks/" + id + "/complete", person.token(), null);
        assertEquals(200, done.status(), done::text);
    }

    private static long mails(ScriptedSmtp smtp) {
        return smtp.heard().stream().filter("DATA"::equals).count();
    }

    private static void awaitMail(ScriptedSmtp smtp) {
        // The dot is the end of the mail: what is missing is the answer to it.
        await().atMost(LONG).until(() -> smtp.heard().contains("."));
    }

    @Test
    void anEmailThatIsBeingSentIsFinishedAndSentOnce() throws IOException {
        var stopping = new CountDownLatch(1);
        try (var smtp = new ScriptedSmtp(peer -> {
            peer.say("220 test");
            for (var line = peer.hear(); line != null; line = peer.hear()) {
                if (line.equals("DATA")) {
                    peer.say("354 go on");
                    peer.hearMail();
                    awaitLatch(stopping);
                    peer.say("250 2.0.0 taken");
                } else {
                    peer.say(line.startsWith("QUIT") ? "221 bye!" : "250 ok");
                }
            }
        })) {
            var server = TestServer.start(settings(smtp));
            var psql = new Psql(server.schema());
            causeMail(server);
            awaitMail(smtp);
            var closed = CompletableFuture.runAsync(server::close, Thread::startVirtualThread);
            await().atMost(LONG).until(() -> isRefused(server));
            stopping.countDown();
            closed.join();
            assertEquals(0, psql.number("SELECT count(*) FROM outbound_jobs WHERE data ? 'user_id'"));
            try (var again = TestServer.on(server.schema(), settings(smtp))) {
                again.awaitJobs();
            }
            assertEquals(1, mails(smtp));
        }
    }

    @Test
    void anEmailThatHangsIsGivenBackWithNoAttemptLostAndSentByTheNext() throws IOException {
        String schema;
        try (var silent = new ScriptedSmtp(ScriptedSmtp.answering(Map.of("RCPT", ScriptedSmtp.SILENCE)))) {
            var server = TestServer.start(settings(silent));
            schema = server.schema();
            causeMail(server);
            await().atMost(LONG).until(() -> silent.heard().stream().anyMatch(line -> line.startsWith("RCPT")));
            server.close();
        }
        assertEquals(1, new Psql(schema).number("""
            SELECT count(*) FROM outbound_jobs WHERE data ? 'user_id'
            AND NOT picked AND coalesce(consecutive_failures, 0) = 0 AND execution_time <= now()
            """));
        try (var smtp = new ScriptedSmtp(ScriptedSmtp.answering(Map.of()));
                var next = TestServer.on(schema, settings(smtp))) {
            next.awaitJobs();
            assertEquals(1, mails(smtp));
        }
        assertEquals(0, new Psql(schema).number("SELECT count(*) FROM dead_jobs"));
    }

    private static boolean isRefused(TestServer server) {
        try {
            server.get("/users/me", "");
            return false;
        } catch (RuntimeException e) {
            return true;
        }
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
