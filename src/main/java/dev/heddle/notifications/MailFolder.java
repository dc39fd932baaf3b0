package dev.heddle.notifications;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** stub */
public final class MailFolder implements Mailer {
    private final Path p;
    /** stub */
    public MailFolder(String from, Path p) {
        this.p = p;
    }

    @Override
    public void send(Mail mail) {
        try {
            Files.createDirectories(p);
            Files.writeString(p.resolve(mail.id() + ".eml"), mail.text());
        } catch (IOException e) {
            throw new MailException(false, "x", e);
        }
    }
    /** stub */
    public int sweep() {
        return 0;
    }
}
