package dev.heddle.notifications;

import dev.heddle.concurrent.Deadline;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Sends mails through a server, each over a connection of its own. It returns or fails within {@link #TOTAL_MAX}, or at
 * the {@link Deadline} if that is earlier, and at once when its thread is interrupted; the connection is cut then. Nothing
 * of the mail library is loaded before the first mail. Safe for any thread.
 */
public final class SmtpMailer implements Mailer {

    /**
     * A server that answers a byte now and then stays below every timeout of a single read, and would hold a worker for
     * ever. Ten exchanges with a slow but honest server take a few seconds.
     */
    static final Duration TOTAL_MAX = Duration.ofSeconds(30);

    private final Smtp smtp;
    private final Duration limit;
    private final @Nullable SSLSocketFactory tls;

    /** Sends through that server, whose certificate must be signed by somebody the JVM trusts. */
    public SmtpMailer(Smtp smtp) {
        this(smtp, TOTAL_MAX, null);
    }

    /**
     * As above, with another limit and trust.
     *
     * @param tls null for the JVM's own
     */
    SmtpMailer(Smtp smtp, Duration limit, @Nullable SSLSocketFactory tls) {
        this.smtp = smtp;
        this.limit = limit;
        this.tls = tls;
    }

    /**
     * Returns when the server has taken the mail.
     *
     * @throws MailException permanent when the server refused the receiver or the message for good (5xx) or the receiver's
     *     address is none; else transient, also when the thread was interrupted, whose flag then stays set
     */
    @Override
    public void send(Mail mail) {
        try (var conversation = new SmtpConversation(smtp, tls, mail)) {
            // On a thread of its own: looking up the host's name can neither be limited nor be interrupted.
            var task = new FutureTask<>(conversation, null);
            Thread.ofVirtual().name("heddle-smtp").start(task);
            await(task, conversation);
        }
    }

    private void await(FutureTask<?> task, SmtpConversation conversation) {
        try {
            task.get(Deadline.current().limitNanos(limit), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof MailException known
                    ? known
                    : MailException.transientFailure(smtp + ": sending broke", e.getCause());
        } catch (TimeoutException e) {
            failUnlessTaken(conversation, smtp + " did not take the mail in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            failUnlessTaken(conversation, smtp + ": interrupted", e);
        }
    }

    /** A mail that was taken is sent, even if the server does not get round to saying good-bye. */
    private static void failUnlessTaken(SmtpConversation conversation, String message, Exception cause) {
        if (!conversation.isTaken()) {
            throw MailException.transientFailure(message, cause);
        }
    }
}
