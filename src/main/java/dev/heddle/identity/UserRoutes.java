package dev.heddle.identity;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.Page;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The HTTP side of users and tokens. */
public final class UserRoutes {

    /** Harmless in a path, a file name and a log; "me" would be shadowed by /users/me. */
    private static final Pattern USER_ID = Pattern.compile("(?!me$)[A-Za-z0-9][A-Za-z0-9._@-]{0,63}");

    private static final int NAME_MAX = 200;
    private static final int TOKEN_NAME_MAX = 100;

    private final Users users;

    private record NewUser(String id, String email, String name, String role) {}

    private record TokenList(String userId, Page page) {}

    private UserRoutes(Users users) {
        this.users = users;
    }

    /** Adds the routes. */
    public static void add(Routes routes, Users users) {
        var its = new UserRoutes(users);
        routes.add("POST", "/users", Access.ADMIN, UserRoutes::newUser, its::create)
                .add("GET", "/users", Access.ADMIN, request -> Page.of(request.query(), "users"), its::list)
                .add("GET", "/users/me", Access.READ, its::me)
                .add("DELETE", "/users/{id}", Access.ADMIN, its::delete)
                .add("POST", "/users/{id}/tokens", Access.WRITE, UserRoutes::newToken, its::createToken)
                .add("GET", "/users/{id}/tokens", Access.READ, UserRoutes::tokenList, its::tokens)
                .add("DELETE", "/users/{id}/tokens/{token_id}", Access.WRITE, its::deleteToken);
    }

    private static NewUser newUser(Request request) {
        var json = request.json().require("id").require("email").require("name").require("role");
        return new NewUser(
                json.matching(
                                "id",
                                USER_ID,
                                "must be 1 to 64 of A-Z a-z 0-9 . _ @ -, begin with a letter or digit, not be me")
                        .or(""),
                json.matching("email", MailAddress.FORM, "must be an e-mail address in ASCII, like ada@example.com")
                        .or(""),
                json.text("name", 1, NAME_MAX).or(""),
                json.oneOf("role", List.of(User.USER, User.ADMIN)).or(User.USER));
    }

    private Answer create(Request request, NewUser wanted) {
        var user = users.create(wanted.id(), wanted.email(), wanted.name(), wanted.role());
        return Answer.json(201, json -> UserJson.write(json, user)).header(HeaderNames.LOCATION, "/users/" + user.id());
    }

    private Answer list(Request request, Page page) {
        var rows = users.list(Keyset.of(page), page.skip(), page.rows());
        return page.answer(request, rows, UserJson::write, user -> new Keyset(user.createdAt(), user.id()));
    }

    private Answer me(Request request) {
        var user = users.find(Caller.current().id()).orElseThrow(Users::userNotFound);
        return Answer.ok(json -> UserJson.write(json, user));
    }

    private Answer delete(Request request) {
        users.delete(request.pathValue(0));
        return Answer.of(204);
    }

    private static Users.NewToken newToken(Request request) {
        var json = request.json().require("name").require("scopes");
        var scopes = json.words("scopes", Scope.words()).or(List.of());
        var expiresAt = json.timeOrNull("expires_at").orNull();
        if (expiresAt != null && !expiresAt.isAfter(Instant.now())) {
            json.complain("expires_at", "in_the_past", "must be in the future");
        }
        return new Users.NewToken(json.text("name", 1, TOKEN_NAME_MAX).or(""), Scope.of(scopes), expiresAt);
    }

    private Answer createToken(Request request, Users.NewToken wanted) {
        var userId = subject(request);
        requireNoEscalation(wanted.scopes());
        var made = users.createToken(userId, wanted);
        return Answer.json(201, json -> write(json, made.token(), made.text()))
                .header(
                        HeaderNames.LOCATION,
                        "/users/" + userId + "/tokens/" + made.token().id());
    }

    /** A token must not make one that is mightier than itself. */
    private static void requireNoEscalation(Set<Scope> wanted) {
        var caller = Caller.current();
        if (!caller.mayAdminister() && !caller.scopes().containsAll(wanted)) {
            throw Problem.FORBIDDEN.because("A token can only make tokens with scopes that it has itself.");
        }
    }

    private static TokenList tokenList(Request request) {
        var userId = subject(request);
        return new TokenList(userId, Page.of(request.query(), "tokens of " + userId));
    }

    private Answer tokens(Request request, TokenList asked) {
        var page = asked.page();
        var rows = users.tokens(asked.userId(), Keyset.of(page), page.skip(), page.rows());
        return page.answer(
                request,
                rows,
                (json, token) -> write(json, token, null),
                token -> new Keyset(token.createdAt(), token.id()));
    }

    private Answer deleteToken(Request request) {
        users.deleteToken(subject(request), tokenId(request));
        return Answer.of(204);
    }

    private static String subject(Request request) {
        return Caller.current().subject(Optional.of(request.pathValue(0)));
    }

    private static UUID tokenId(Request request) {
        return request.pathUuid(1).orElseThrow(() -> Problem.NOT_FOUND.because("Token not found"));
    }

    private static void write(JsonGenerator json, Token token, @Nullable String text) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", token.id().toString());
        json.writeStringField("name", token.name());
        json.writeArrayFieldStart("scopes");
        for (var scope : token.scopes()) {
            json.writeString(scope.word());
        }
        json.writeEndArray();
        Json.time(json, "created_at", token.createdAt());
        Json.time(json, "expires_at", token.expiresAt());
        if (text != null) {
            json.writeStringField("token", text);
        }
        json.writeEndObject();
    }
}
