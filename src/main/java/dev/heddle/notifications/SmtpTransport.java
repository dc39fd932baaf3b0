package dev.heddle.notifications;

import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import java.util.List;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.eclipse.angus.mail.smtp.SMTPTransport;
import org.jspecify.annotations.Nullable;

/** The library's side of the protocol, for a single mail. */
final class SmtpTransport extends SMTPTransport {

    /**
     * The library logs under the name of this class's package, on "debug" also what servers answer, which may quote the
     * mail. Only these two are silent, not the loggers of our classes below them. Held here, or they would be collected
     * and made anew.
     */
    private static final List<Logger> SILENT = Stream.of(
                    "dev.heddle.notifications", "dev.heddle.notifications.protocol")
            .map(Logger::getLogger)
            .toList();

    static {
        SILENT.forEach(logger -> logger.setFilter(line -> false));
    }

    private final Smtp smtp;

    SmtpTransport(Session session, Smtp smtp) {
        super(session, null);
        this.smtp = smtp;
    }

    /**
     * Refuses to go on without the login that was asked for: the library skips it where a server offers none.
     *
     * @throws MailException transient, when there is a user name and the server offers no login
     */
    void requireLogin() {
        if (smtp.username() != null && !supportsExtension("AUTH") && !supportsExtension("AUTH=LOGIN")) {
            throw MailException.transientFailure(smtp + " offers no login", null);
        }
    }

    @Override
    protected synchronized boolean protocolConnect(
            @Nullable String host, int port, @Nullable String user, @Nullable String password)
            throws MessagingException {
        // What it found by itself is the user of this process.
        return super.protocolConnect(host, port, smtp.username(), smtp.password());
    }

    @Override
    public synchronized void issueCommand(String command, int expected) throws MessagingException {
        // After a refusal the library resets the connection for a next mail, and if that fails, forgets the refusal.
        // There is no next mail, and a server may hang up as soon as it has refused.
        if (!command.equals("RSET")) {
            super.issueCommand(command, expected);
        }
    }
}
