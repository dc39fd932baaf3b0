package dev.heddle.notifications;

final class MailException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final boolean permanent;

    MailException(boolean permanent, String m, Throwable t) {
        super(m, t);
        this.permanent = permanent;
    }

    boolean isPermanent() {
        return permanent;
    }
}
