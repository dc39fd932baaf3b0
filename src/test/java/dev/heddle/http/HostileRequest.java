package dev.heddle.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.app.TestServer;
import dev.heddle.app.TestServer.Person;
import dev.heddle.testing.RawAnswers;
import dev.heddle.testing.RawConnection;
import dev.heddle.testing.RawHttp;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;

/**
 * A row of the tables of hostile requests: bytes, and the one right answer to them.
 *
 * @param what in words
 * @param bytes in Latin-1; {@link #AUTHORIZED} stands for the header of the caller
 * @param status 0 for none
 * @param end whether the connection ends with the answer
 */
record HostileRequest(String what, String bytes, int status, End end) {

    static final String HOST = "Host: a\r\n";

    /** Host, and the token of a caller who may read and write. */
    static final String AUTHORIZED = "Host: a\r\nAuthorization: Bearer {token}\r\n";

    static final String JSON = "Content-Type: application/json\r\n";

    /** Whoever has this answered has run a part of another request. */
    static final String SMUGGLED = "GET /problems/smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n";

    /** For an answer: what is refused is refused at once, on a machine that does other things too. */
    private static final Duration BOUND = Duration.ofSeconds(3);

    private static final String NEXT = "GET /problems HTTP/1.1\r\nHost: a\r\n\r\n";

    /** What becomes of the connection. */
    enum End {
        /** It ends, and what is hidden behind the request is not read. */
        CLOSES,
        /** The next request on it is answered. */
        STAYS
    }

    static HostileRequest closes(int status, String what, String bytes) {
        return new HostileRequest(what, bytes, status, End.CLOSES);
    }

    static HostileRequest stays(int status, String what, String bytes) {
        return new HostileRequest(what, bytes, status, End.STAYS);
    }

    /** Sends it, checks what comes back, and that the server answers others afterwards. */
    RawHttp.Answer check(TestServer server, Person person) throws IOException {
        var sent = bytes.replace("{token}", person.token());
        long start = System.nanoTime();
        var text = end == End.CLOSES ? untilTheEnd(server, sent + SMUGGLED) : withTheNext(server, sent);
        var took = Duration.ofNanos(System.nanoTime() - start);
        assertTrue(took.compareTo(BOUND) < 0, () -> what + " took " + took);
        assertFalse(text.contains("smuggled"), () -> what + ": " + text);
        var answer = new RawHttp.Answer(text, end == End.CLOSES);
        if (status == 0) {
            assertEquals("", text);
        } else {
            checkForm(RawAnswers.only(text));
        }
        theServerAnswers(server);
        return answer;
    }

    private void checkForm(RawHttp.Answer answer) {
        assertEquals(status, answer.status(), () -> what + ": " + answer.text());
        assertEquals(end == End.CLOSES, answer.saysClose(), () -> what + ": " + answer.text());
        if (status >= 400 && !bytes.startsWith("HEAD ")) {
            ProblemDocument.of(status, answer);
        }
    }

    private String untilTheEnd(TestServer server, String sent) throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            return connection.send(sent).rest();
        } catch (SocketTimeoutException e) {
            throw new AssertionError(what + ": the connection does not end", e);
        }
    }

    /** The first answer, when a second one comes to a request behind it. */
    private String withTheNext(TestServer server, String sent) throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            connection.send(sent);
            var first = bytes.startsWith("HEAD ") ? connection.answerToHead() : connection.answer();
            assertEquals(200, connection.send(NEXT).answer().status());
            return first.head() + first.text();
        } catch (EOFException e) {
            throw new AssertionError(what + ": the connection ends", e);
        }
    }

    static void theServerAnswers(TestServer server) throws IOException {
        try (var connection = RawConnection.to(server.port())) {
            assertEquals(200, connection.send(NEXT).answer().status());
        }
    }

    @Override
    public String toString() {
        return what;
    }
}
