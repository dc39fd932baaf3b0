package dev.heddle.identity;

import java.time.Instant;

/**
 * A user.
 *
 * @param id chosen by an administrator, never changes
 * @param role {@code user} or {@code admin}
 */
record User(String id, String email, String name, String role, Instant createdAt) {

    static final String ADMIN = "admin";
    static final String USER = "user";

    boolean isAdministrator() {
        return role.equals(ADMIN);
    }
}
