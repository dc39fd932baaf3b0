package dev.heddle.notifications;

import static org.awaitility.Awaitility.await;

import dev.heddle.testing.TestCertificate;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** A mail server that does what a test says, and takes one connection after the other. */
final class ScriptedSmtp implements AutoCloseable {

    /** What happens on a connection; it ends when this returns or fails. */
    interface Script {
        void play(Peer peer) throws IOException;
    }

    /** Says nothing more, but stays. */
    static final String SILENCE = "";

    /** Behind an answer: then hangs up. */
    static final String HANGS_UP = "!";

    private static final int SMALL_BUFFER_BYTES = 4096;

    private static final Map<String, String> POLITE = Map.of(
            "greeting", "220 test",
            "EHLO", "250 test",
            "MAIL", "250 2.1.0 ok",
            "RCPT", "250 2.1.5 ok",
            "DATA", "354 go on",
            ".", "250 2.0.0 taken",
            "QUIT", "221 bye!");

    private final ServerSocket listener;
    private final Script script;
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final AtomicInteger open = new AtomicInteger();

    ScriptedSmtp(Script script) throws IOException {
        this.script = script;
        listener = new ServerSocket();
        // Small, so that a client that nobody reads from soon cannot write.
        listener.setReceiveBufferSize(SMALL_BUFFER_BYTES);
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Thread.ofVirtual().name("scripted-smtp").start(this::accept);
    }

    /** Answers politely but for these; a key is the first word of a command, "greeting", or "." for the end of the mail. */
    static Script answering(Map<String, String> answers) {
        return peer -> {
            peer.say(answers.getOrDefault("greeting", "220 test"));
            converse(peer, answers);
        };
    }

    /** The same after the greeting. */
    static void converse(Peer peer, Map<String, String> answers) throws IOException {
        var all = new HashMap<>(POLITE);
        all.putAll(answers);
        for (var line = peer.hear(); line != null; line = peer.hear()) {
            var answer = all.getOrDefault(line.split("[ :]", 2)[0], "502 what?");
            peer.say(answer);
            if (answer.startsWith("354")) {
                peer.hearMail();
                peer.say(all.getOrDefault(".", ""));
            }
        }
    }

    int port() {
        return listener.getLocalPort();
    }

    /** The lines that clients sent. */
    List<String> heard() {
        return heard;
    }

    /** Waits until nobody is connected. A client that was very slow never was. */
    void awaitEnd() {
        await().until(() -> open.get() == 0);
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                var socket = listener.accept();
                open.incrementAndGet();
                Thread.ofVirtual().name("scripted-smtp").start(() -> play(socket));
            } catch (IOException e) {
                // Closed.
                return;
            }
        }
    }

    private void play(Socket socket) {
        try (socket) {
            script.play(new Peer(socket));
        } catch (IOException e) {
            // The client is gone, or has been hung up on.
        } finally {
            open.decrementAndGet();
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The client. */
    final class Peer {

        private Socket socket;
        private BufferedReader in;

        Peer(Socket socket) throws IOException {
            this.socket = socket;
            this.in = reader(socket);
        }

        private static BufferedReader reader(Socket socket) throws IOException {
            return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
        }

        void say(String answer) throws IOException {
            boolean hangsUp = answer.endsWith(HANGS_UP);
            var words = hangsUp ? answer.substring(0, answer.length() - 1) : answer;
            if (!words.isEmpty()) {
                write(words + "\r\n");
            }
            if (hangsUp) {
                socket.close();
            }
        }

        void write(String bytes) throws IOException {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
        }

        @Nullable
        String hear() throws IOException {
            var line = in.readLine();
            if (line != null) {
                heard.add(line);
            }
            return line;
        }

        void hearMail() throws IOException {
            for (var line = hear(); line != null && !line.equals("."); line = hear()) {}
        }

        /** Goes on encrypted. */
        void secure(TestCertificate certificate) throws IOException {
            var secure = (SSLSocket) certificate.sockets().createSocket(socket, null, socket.getPort(), true);
            secure.setUseClientMode(false);
            socket = secure;
            in = reader(secure);
        }
    }
}
