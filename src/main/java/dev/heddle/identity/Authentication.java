package dev.heddle.identity;

import dev.heddle.admission.RateLimit;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Gatekeeper;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import io.helidon.http.HeaderNames;
import java.util.function.Supplier;

/**
 * Finds out who sent a request by its bearer token (RFC 6750), whether that token may use the route, and whether it was used
 * too often.
 */
public final class Authentication implements Gatekeeper {

    private static final String SCHEME = "bearer ";

    private final Users users;
    private final RateLimit tokens;
    private final RateLimit failures;

    /**
     * Asks these users.
     *
     * @param tokens how often one token may be used
     * @param failures how often one address may send a token that is none
     */
    public Authentication(Users users, RateLimit tokens, RateLimit failures) {
        this.users = users;
        this.tokens = tokens;
        this.failures = failures;
    }

    @Override
    public Answer admit(Request request, Access access, Supplier<Answer> inside) {
        if (access == Access.PUBLIC) {
            return inside.get();
        }
        var caller = callerOf(request);
        request.callerId(caller.id());
        request.rate(tokens.take(caller.tokenId()));
        requireAllowed(caller, access);
        return ScopedValue.where(Caller.CURRENT, caller).call(inside::get);
    }

    private Caller callerOf(Request request) {
        var header = request.header(HeaderNames.AUTHORIZATION);
        // The scheme's name is case-insensitive, RFC 9110 §11.1.
        if (!header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw Problem.UNAUTHENTICATED.asException();
        }
        var text = header.substring(SCHEME.length()).strip();
        if (!Token.isText(text)) {
            throw badToken(request);
        }
        return users.callerOf(text).orElseThrow(() -> badToken(request));
    }

    /**
     * One answer for every bad token: malformed, unknown, expired, revoked. Only such are counted, and a good one is never
     * refused for them: whoever shares an address with somebody who guesses would be locked out by him (decision 13).
     */
    private RuntimeException badToken(Request request) {
        request.rate(failures.take(request.clientKey()));
        return Problem.UNAUTHENTICATED
                .because("The token is not valid.")
                .with("WWW-Authenticate", "Bearer realm=\"heddle\", error=\"invalid_token\"");
    }

    private static void requireAllowed(Caller caller, Access access) {
        boolean allowed = switch (access) {
            case PUBLIC -> true;
            case READ -> caller.scopes().contains(Scope.READ);
            case WRITE -> caller.scopes().contains(Scope.WRITE);
            case ADMIN -> caller.mayAdminister();
        };
        if (!allowed) {
            throw Problem.FORBIDDEN
                    .because(
                            access == Access.ADMIN
                                    ? "This needs an administrator and a token with the scope admin."
                                    : "The token lacks the scope "
                                            + Scope.valueOf(access.name()).word() + ".")
                    .with("WWW-Authenticate", "Bearer realm=\"heddle\", error=\"insufficient_scope\"");
        }
    }
}
