package dev.heddle.notifications;

/** stub */
public interface Mailer {
    /** stub */
    void send(Mail mail);
}
