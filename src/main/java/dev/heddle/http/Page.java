package dev.heddle.http;

import io.helidon.http.HeaderNames;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Which part of a list is asked for: {@code limit} with either {@code skip} or {@code cursor}.
 *
 * @param limit how many items at most
 * @param skip how many to leave out first; 0 with a cursor
 * @param after the position after which to begin, in the words of the list that made it
 * @param fingerprint what the list is filtered by: a cursor is good for the same filter only
 */
public record Page(int limit, int skip, Optional<String> after, String fingerprint) {

    /** More per request would let one caller hold a database connection for long; whole lists are what exports are for. */
    public static final int LIMIT_MAX = 100;

    private static final int LIMIT_DEFAULT = 10;

    /** Skipping costs what reading would; deeper than this is what cursors are for. */
    private static final int SKIP_MAX = 100_000;

    /** Longer than any cursor that we make. */
    private static final int CURSOR_LENGTH_MAX = 400;

    /** The parameters that say where a page begins. */
    private static final Set<String> WHERE = Set.of("cursor", "skip");

    /** For answers that are not cut into pages. */
    public static final Page ALL = new Page(LIMIT_MAX, 0, Optional.empty(), "");

    /** Reads the three parameters; the fingerprint names the list and every filter on it. */
    public static Page of(Query query, String fingerprint) {
        int limit = query.integer("limit", 1, LIMIT_MAX).orElse(LIMIT_DEFAULT);
        var skip = query.integer("skip", 0, SKIP_MAX);
        var cursor = query.text("cursor", CURSOR_LENGTH_MAX);
        if (skip.isPresent() && cursor.isPresent()) {
            query.complain("cursor", "contradiction", "must not stand together with skip");
        }
        var after = cursor.flatMap(text -> Cursor.read(text, fingerprint));
        if (cursor.isPresent() && after.isEmpty()) {
            query.complain("cursor", "not_a_cursor", "is not a cursor that this list has given for this filter");
        }
        return new Page(limit, skip.orElse(0), after, fingerprint);
    }

    /** How many rows to ask the database for: one more than wanted tells whether there is a next page. */
    public int rows() {
        return limit + 1;
    }

    /** The part of those rows that is the page. */
    <T> List<T> of(List<T> rows) {
        return rows.size() > limit ? rows.subList(0, limit) : rows;
    }

    /**
     * The page as an answer: a bare array, and the {@code Link} to the next page if there is one.
     *
     * @param rows the rows that were asked for, see {@link #rows()}
     * @param position where in the list a row stands
     */
    public <T> Answer answer(Request request, List<T> rows, Json.Item<T> item, Function<T, Keyset> position) {
        var answer = Answer.ok(Json.array(of(rows), item));
        next(request, rows, position).ifPresent(link -> answer.header(HeaderNames.LINK, link));
        return answer;
    }

    /**
     * The {@code Link} to the next page (RFC 8288), empty when this is the last. It is relative to the request, because
     * only the client knows by what name it reaches this server.
     *
     * @param rows the rows that were asked for
     * @param position where in the list a row stands
     */
    <T> Optional<String> next(Request request, List<T> rows, Function<T, Keyset> position) {
        if (rows.size() <= limit) {
            return Optional.empty();
        }
        var other = request.queryWithout(WHERE);
        var where = skip > 0 && skip + limit <= SKIP_MAX
                ? "skip=" + (skip + limit)
                : "cursor=" + Cursor.write(position.apply(rows.get(limit - 1)).position(), fingerprint);
        return Optional.of(
                "<" + request.rawPath() + "?" + (other.isEmpty() ? "" : other + "&") + where + ">; rel=\"next\"");
    }
}
