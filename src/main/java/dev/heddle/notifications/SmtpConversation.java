package dev.heddle.notifications;

import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Properties;
import javax.net.ssl.SSLSocketFactory;
import org.eclipse.angus.mail.util.SocketFetcher;
import org.eclipse.angus.mail.util.WriteTimeoutSocket;
import org.jspecify.annotations.Nullable;

/** One mail's way to the server. One thread runs it; any other may cut it off. */
final class SmtpConversation implements Runnable, AutoCloseable {

    // set once
    private final Smtp smtp;
    private final @Nullable SSLSocketFactory tls;
    private final Mail mail;

    // any thread; it is there before it is connected, so there is always something to close
    private final Socket wire = new CappedSocket();

    // set by the running thread, read by any
    private volatile boolean taken;

    SmtpConversation(Smtp smtp, @Nullable SSLSocketFactory tls, Mail mail) {
        this.smtp = smtp;
        this.tls = tls;
        this.mail = mail;
    }

    /** Whether the server has taken the mail. */
    boolean isTaken() {
        return taken;
    }

    /**
     * Connects, sends and says good-bye.
     *
     * @throws MailException when the server did not take the mail
     */
    @Override
    public void run() {
        var message = MailMessage.of(mail, smtp.from());
        var session = Session.getInstance(properties(message.domain()));
        // Closing the socket here too ends the thread that it has for its timeouts: a TLS socket around it does not
        // close it when the wire has been cut.
        try (var socket = connect();
                var transport = new SmtpTransport(session, smtp)) {
            transport.connect(secured(socket, session.getProperties()));
            transport.requireLogin();
            transport.sendMessage(message, message.getAllRecipients());
            taken = true;
        } catch (IOException | MessagingException e) {
            // Saying good-bye may fail: nobody waits for it.
            if (!taken) {
                throw SmtpFailures.translate(smtp, e);
            }
        }
    }

    private Socket connect() throws IOException {
        // With its name: the library asks the address for it, and compares the certificate to what it gets.
        var host = InetAddress.getByAddress(
                smtp.host(), InetAddress.getByName(smtp.host()).getAddress());
        wire.setSoTimeout(millis(smtp.timeout()));
        wire.connect(new InetSocketAddress(host, smtp.port()), millis(smtp.connectTimeout()));
        return new WriteTimeoutSocket(wire, millis(smtp.timeout()));
    }

    private Socket secured(Socket socket, Properties properties) throws IOException {
        return smtp.security() == Smtp.Security.TLS
                ? SocketFetcher.startTLS(socket, smtp.host(), properties, "mail.smtp")
                : socket;
    }

    private Properties properties(String domain) {
        var properties = new Properties();
        // Else the library looks up the name of this machine, which may take long and is nobody's business.
        properties.setProperty("mail.smtp.localhost", domain);
        boolean starttls = smtp.security() == Smtp.Security.STARTTLS;
        properties.setProperty("mail.smtp.starttls.enable", String.valueOf(starttls));
        properties.setProperty("mail.smtp.starttls.required", String.valueOf(starttls));
        properties.setProperty("mail.smtp.ssl.checkserveridentity", "true");
        properties.setProperty("mail.smtp.auth.mechanisms", "PLAIN LOGIN");
        // The answer to QUIT would tell nothing that matters.
        properties.setProperty("mail.smtp.quitwait", "false");
        if (tls != null) {
            properties.put("mail.smtp.ssl.socketFactory", tls);
        }
        return properties;
    }

    private static int millis(Duration timeout) {
        return (int) Math.clamp(timeout.toMillis(), 1L, Integer.MAX_VALUE);
    }

    /** Cuts the connection, at whatever point the conversation is; afterwards it soon ends. */
    @Override
    public void close() {
        try {
            wire.close();
        } catch (IOException e) {
            // It is gone, which is what was wanted.
        }
    }
}
