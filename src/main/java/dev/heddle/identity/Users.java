package dev.heddle.identity;

import dev.heddle.db.Database;
import dev.heddle.db.Sql;
import dev.heddle.db.Uuid7;
import dev.heddle.http.Digests;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.Problem;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What can be done with users and tokens. Safe for any thread. */
public final class Users {

    /** The user that the first start makes. */
    private static final String FIRST_ADMINISTRATOR = "admin";

    private final Database database;
    private final TokenCache cache;
    private final Errands errands;
    private final UserStore store = new UserStore();

    /**
     * A token that is asked for.
     *
     * @param expiresAt when it stops working; null for never
     */
    record NewToken(
            String name, Set<Scope> scopes, @Nullable Instant expiresAt) {}

    /** A token and its text, which exists only here and at its owner's. */
    record MadeToken(Token token, String text) {}

    /** What is still to be done for users, behind their requests. It goes with them, whoever has their ids later. */
    public interface Errands {
        /** Drops those that wait, when the user is deleted. It waits for nobody: who does one may wait for the deletion. */
        void drop(Sql sql, String userId);

        /** Drops all that is left of an earlier user with that id, when one is made; it waits for those who are at it. */
        void dropAll(Sql sql, String userId);
    }

    /** Users of that database; whoever looks tokens up shares the cache. */
    public Users(Database database, TokenCache cache, Errands errands) {
        this.database = database;
        this.cache = cache;
        this.errands = errands;
    }

    /**
     * Makes the first administrator and its token when there is no user at all. The token is handed over before the
     * transaction commits: a crash leaves either nothing, or a token that somebody has.
     *
     * @return whether it did
     */
    public boolean makeFirstAdministrator(Consumer<String> keep) {
        if (!database.read(store::isEmpty)) {
            return false;
        }
        return database.inTransaction(sql -> {
            // Several replicas may start on an empty database; the row decides who was first.
            if (store.insert(sql, FIRST_ADMINISTRATOR, "admin@localhost", "Administrator", User.ADMIN)
                    .isEmpty()) {
                return false;
            }
            var wanted = new NewToken("first token", EnumSet.allOf(Scope.class), null);
            var text = Token.newText();
            store.insertToken(sql, FIRST_ADMINISTRATOR, wanted, Uuid7.next(), digest(text));
            keep.accept(text);
            return true;
        });
    }

    User create(String id, String email, String name, String role) {
        return database.inTransaction(sql -> {
                    var made = store.insert(sql, id, email, name, role);
                    made.ifPresent(user -> errands.dropAll(sql, user.id()));
                    return made;
                })
                .orElseThrow(() -> Problem.CONFLICT.because("A user with this id or e-mail address exists."));
    }

    /** Where users can be written to, by their ids; without those of which there is no such user. */
    public Map<String, String> emails(List<String> ids) {
        return database.quick(sql -> store.emails(sql, ids));
    }

    Optional<User> find(String id) {
        return database.quick(sql -> store.find(sql, id));
    }

    List<User> list(Optional<Keyset> after, int skip, int rows) {
        return database.read(sql -> store.list(sql, after, skip, rows));
    }

    /** The newest users as a JSON array: all of them for an administrator, for anybody else the one user that they are. */
    public Json.Writing newest(Caller caller, int rows) {
        var users = caller.mayAdminister()
                ? list(Optional.empty(), 0, rows)
                : find(caller.id()).stream().toList();
        return Json.array(users, UserJson::write);
    }

    void delete(String id) {
        database.inTransaction(sql -> {
            boolean isLast = !store.hasOtherAdministrator(sql, id)
                    && store.find(sql, id).filter(User::isAdministrator).isPresent();
            if (isLast) {
                throw Problem.CONFLICT.because("The last administrator cannot be deleted.");
            }
            if (!store.delete(sql, id)) {
                throw userNotFound();
            }
            // After the user: from here on nobody can add to them.
            errands.drop(sql, id);
            return true;
        });
        cache.forgetUser(id);
    }

    MadeToken createToken(String userId, NewToken wanted) {
        return database.inTransaction(sql -> {
            var user = store.findAndHold(sql, userId).orElseThrow(Users::userNotFound);
            if (wanted.scopes().contains(Scope.ADMIN) && !user.isAdministrator()) {
                throw Problem.invalid("/scopes", "not_allowed", "admin is only for tokens of administrators");
            }
            store.deleteExpiredTokens(sql, userId);
            if (store.countTokens(sql, userId) >= UserStore.TOKENS_MAX) {
                throw Problem.CONFLICT.because("A user may have at most " + UserStore.TOKENS_MAX + " tokens.");
            }
            var text = Token.newText();
            return new MadeToken(store.insertToken(sql, userId, wanted, Uuid7.next(), digest(text)), text);
        });
    }

    List<Token> tokens(String userId, Optional<Keyset> after, int skip, int rows) {
        return database.read(sql -> {
            if (store.find(sql, userId).isEmpty()) {
                throw userNotFound();
            }
            return store.tokens(sql, userId, after, skip, rows);
        });
    }

    void deleteToken(String userId, UUID id) {
        var digest = database.single(sql -> Optional.ofNullable(store.deleteToken(sql, userId, id)));
        cache.forget(digest.orElseThrow(() -> Problem.NOT_FOUND.because("Token not found")));
    }

    /** Who a token's text belongs to, if it is good. */
    Optional<Caller> callerOf(String tokenText) {
        return cache.callerOf(digest(tokenText), digest -> database.quick(sql -> store.callerOf(sql, digest)));
    }

    static RuntimeException userNotFound() {
        return Problem.NOT_FOUND.because("User not found");
    }

    private static byte[] digest(String text) {
        return Digests.sha256(text.getBytes(StandardCharsets.UTF_8));
    }
}
