package dev.heddle.notifications;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** stub */
public final class SmtpMailer implements Mailer {
    /** stub */
    public enum Security {
        NONE,
        STARTTLS,
        TLS
    }
    /** stub */
    public record Smtp(
            String host,
            int port,
            Security security,
            @Nullable String username,
            @Nullable String password,
            String from,
            Duration connectTimeout,
            Duration timeout) {}
    /** stub */
    public SmtpMailer(Smtp s) {}

    @Override
    public void send(Mail mail) {
        throw new IllegalStateException();
    }
}
