package dev.heddle.identity;

import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import dev.heddle.http.Keyset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** All SQL about users and tokens. */
final class UserStore {

    /** A user needs few tokens; more are a mistake of a script. */
    static final int TOKENS_MAX = 100;

    Optional<User> insert(Sql sql, String id, String email, String name, String role) {
        return sql.first("""
            INSERT INTO users (id, email, name, role) VALUES (?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            RETURNING id, email, name, role, created_at
            """, UserStore::user, id, email, name, role);
    }

    Optional<User> find(Sql sql, String id) {
        return sql.first("SELECT id, email, name, role, created_at FROM users WHERE id = ?", UserStore::user, id);
    }

    Map<String, String> emails(Sql sql, List<String> ids) {
        var emails = new HashMap<String, String>();
        sql.list("SELECT id, email FROM users WHERE id = ANY (?)", row -> emails.put(row.text(), row.text()), ids);
        return emails;
    }

    /** The user stays until the transaction ends, and whoever else asks so waits; its tasks are nobody's business here. */
    Optional<User> findAndHold(Sql sql, String id) {
        return sql.first(
                "SELECT id, email, name, role, created_at FROM users WHERE id = ? FOR NO KEY UPDATE",
                UserStore::user,
                id);
    }

    List<User> list(Sql sql, Optional<Keyset> after, int skip, int rows) {
        return after.isPresent()
                ? sql.list(
                        """
                        SELECT id, email, name, role, created_at FROM users
                        WHERE (created_at, id) < (?, ?)
                        ORDER BY created_at DESC, id DESC LIMIT ?
                        """,
                        UserStore::user,
                        after.get().createdAt(),
                        after.get().id(),
                        rows)
                : sql.list("""
                    SELECT id, email, name, role, created_at FROM users
                    ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?
                    """, UserStore::user, rows, skip);
    }

    /**
     * Whether there is any user but this one who may administer; the rows stay locked, so that two cannot leave at once. Not
     * against those who write what belongs to an administrator: a deletion may take long.
     */
    boolean hasOtherAdministrator(Sql sql, String id) {
        return sql.list("SELECT id FROM users WHERE role = 'admin' ORDER BY id FOR NO KEY UPDATE", Row::text).stream()
                .anyMatch(admin -> !admin.equals(id));
    }

    boolean delete(Sql sql, String id) {
        return sql.update("DELETE FROM users WHERE id = ?", id) > 0;
    }

    boolean isEmpty(Sql sql) {
        return sql.first("SELECT EXISTS (SELECT 1 FROM users)", Row::flag)
                .map(exists -> !exists)
                .orElse(true);
    }

    Token insertToken(Sql sql, String userId, Users.NewToken token, UUID id, byte[] digest) {
        return sql.first(
                        """
                        INSERT INTO tokens (user_id, id, name, scopes, digest, expires_at) VALUES (?, ?, ?, ?, ?, ?)
                        RETURNING id, name, scopes, created_at, expires_at
                        """,
                        UserStore::token,
                        userId,
                        id,
                        token.name(),
                        token.scopes().stream().map(Scope::word).toList(),
                        digest,
                        token.expiresAt())
                .orElseThrow();
    }

    List<Token> tokens(Sql sql, String userId, Optional<Keyset> after, int skip, int rows) {
        return after.isPresent()
                ? sql.list(
                        """
                        SELECT id, name, scopes, created_at, expires_at FROM tokens
                        WHERE user_id = ? AND (created_at, id) < (?, ?)
                        ORDER BY created_at DESC, id DESC LIMIT ?
                        """,
                        UserStore::token,
                        userId,
                        after.get().createdAt(),
                        after.get().uuid(),
                        rows)
                : sql.list("""
                    SELECT id, name, scopes, created_at, expires_at FROM tokens WHERE user_id = ?
                    ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?
                    """, UserStore::token, userId, rows, skip);
    }

    long countTokens(Sql sql, String userId) {
        return sql.first("SELECT count(*) FROM tokens WHERE user_id = ?", Row::bigint, userId)
                .orElseThrow();
    }

    /** They are good for nothing, and would count. */
    void deleteExpiredTokens(Sql sql, String userId) {
        sql.update("DELETE FROM tokens WHERE user_id = ? AND expires_at <= now()", userId);
    }

    byte @Nullable [] deleteToken(Sql sql, String userId, UUID id) {
        return sql.first("DELETE FROM tokens WHERE user_id = ? AND id = ? RETURNING digest", Row::bytes, userId, id)
                .orElse(null);
    }

    /** Who a token belongs to, if it is good now. By the database's clock, so that all replicas agree. */
    Optional<Caller> callerOf(Sql sql, byte[] digest) {
        return sql.first("""
            SELECT u.id, u.role = 'admin', t.scopes, t.id FROM tokens t JOIN users u ON u.id = t.user_id
            WHERE t.digest = ? AND (t.expires_at IS NULL OR t.expires_at > now())
            """, row -> new Caller(row.text(), row.flag(), Scope.of(row.texts()), row.uuid()), digest);
    }

    private static User user(Row row) {
        return new User(row.text(), row.text(), row.text(), row.text(), row.instant());
    }

    private static Token token(Row row) {
        return new Token(row.uuid(), row.text(), Scope.of(row.texts()), row.instant(), row.instantOrNull());
    }
}
