package dev.heddle.identity;

import dev.heddle.http.Problem;
import dev.heddle.http.Query;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Who sent the request that is being answered, inherited by everything the request forks.
 *
 * @param id the user
 * @param isAdministrator by role; what the token allows is another question
 * @param scopes what the token allows
 * @param tokenId which token it was
 */
public record Caller(String id, boolean isAdministrator, Set<Scope> scopes, UUID tokenId) {

    /** As long as a user's id can be, in characters. */
    public static final int USER_ID_MAX = 64;

    /** The parameter that names a user. */
    private static final String USER_ID = "user_id";

    /** A value in a URL, in characters; longer ones make it longer than servers take. */
    public static final int VALUE_MAX = 200;

    static final ScopedValue<Caller> CURRENT = ScopedValue.newInstance();

    /** The caller of this request. Must not be asked on a public route, which has none. */
    public static Caller current() {
        return CURRENT.get();
    }

    /** Whether the caller may act as an administrator here: the role and the token both allow it. */
    public boolean mayAdminister() {
        return isAdministrator && scopes.contains(Scope.ADMIN);
    }

    /** The same for the parameter {@code user_id} of a query. */
    public String subject(Query query) {
        return subject(query.text(USER_ID, USER_ID_MAX));
    }

    /**
     * The user whose rows a request is about: the one it names, or else its caller.
     *
     * @throws dev.heddle.http.ProblemException {@link Problem#FORBIDDEN} when it names somebody else and the caller may
     *     not administer
     */
    public String subject(Optional<String> named) {
        var subject = named.orElse(id);
        if (!subject.equals(id) && !mayAdminister()) {
            throw Problem.FORBIDDEN.because("Only an administrator may act for another user.");
        }
        return subject;
    }

    /**
     * The values that stand in the URL of another server, each the parameter of its name and required; {@value #USER_ID} is
     * the user whom the request is about, and so always there. A value that would lead to another path is complained about.
     *
     * @throws dev.heddle.http.ProblemException {@link Problem#FORBIDDEN} as {@link #subject} does
     */
    public Map<String, String> values(Query query, Set<String> names) {
        var subject = subject(query);
        var values = new HashMap<String, String>();
        for (var name : names) {
            if (name.equals(USER_ID)) {
                values.put(name, subject);
            } else {
                query.require(name);
                query.text(name, VALUE_MAX).ifPresent(value -> values.put(name, value));
            }
            // No escape keeps a segment of dots from being resolved.
            var value = values.getOrDefault(name, "");
            if (value.equals(".") || value.equals("..")) {
                query.complain(name, "invalid", "must not be . or ..");
            }
        }
        return values;
    }
}
