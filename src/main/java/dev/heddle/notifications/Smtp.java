package dev.heddle.notifications;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The mail server to send through.
 *
 * @param host a name or an IP address; with TLS, what the server's certificate must be made out to
 * @param port 1 to 65535
 * @param username who logs in; null for nobody
 * @param password null exactly when the user name is
 * @param from the sender: an address, or a name and an address as in {@code Heddle <heddle@example.com>}
 * @param connectTimeout how long connecting may take
 * @param timeout how long each single read or write may take; the whole has a limit of its own
 */
public record Smtp(
        String host,
        int port,
        Security security,
        @Nullable String username,
        @Nullable String password,
        String from,
        Duration connectTimeout,
        Duration timeout) {

    /** How the connection is protected. With TLS the certificate must be valid and the host's. */
    public enum Security {
        /** Not at all: passwords and mails can be read on the way. */
        NONE,
        /** TLS after a first plain exchange, and nothing more without it. */
        STARTTLS,
        /** TLS from the first byte. */
        TLS
    }

    /**
     * Checks what can be checked without a network.
     *
     * @throws IllegalArgumentException naming what is wrong, never the password
     */
    public Smtp {
        check(!host.isBlank(), "host");
        check(port >= 1 && port <= 65_535, "port");
        check((username == null) == (password == null), "username and password");
        check(from.contains("@"), "from");
        check(connectTimeout.isPositive(), "connectTimeout");
        check(timeout.isPositive(), "timeout");
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException("smtp: wrong " + what);
        }
    }

    /** Where it is, and nothing secret. */
    @Override
    public String toString() {
        return host + ":" + port;
    }
}
