package dev.heddle.content;

import dev.heddle.content.Ranges.Parts;
import dev.heddle.content.Ranges.Span;
import dev.heddle.content.Ranges.Unsatisfiable;
import dev.heddle.content.Ranges.Whole;
import dev.heddle.http.Answer;
import dev.heddle.http.BodyOutput;
import dev.heddle.http.Preconditions;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Something stored that a GET can get, whole or in parts: decides the conditions of a request in the order of RFC 9110
 * §13.2.2, then its ranges.
 *
 * @param tag its entity tag without the quotes, strong: the same tag is the same bytes
 * @param modified to the second
 * @param size in bytes
 * @param headers those that the whole and its parts have beside what the rules of HTTP give them
 */
public record Representation(
        String tag, Instant modified, long size, String contentType, Map<HeaderName, String> headers) {

    /** A date tells two versions apart only when the second in which the first was made is over (§8.8.2.2). */
    private static final Duration DATE_IS_STRONG_AFTER = Duration.ofSeconds(1);

    private static final HeaderName ACCEPT_RANGES = HeaderNames.ACCEPT_RANGES;

    /** Dates in headers have no fractions. */
    public Representation {
        modified = modified.truncatedTo(ChronoUnit.SECONDS);
        headers = new LinkedHashMap<>(headers);
    }

    /** Where the bytes are. The kernel closes it when the answer has been sent, or has not. */
    public interface Source extends Closeable {
        /**
         * Writes a part of it.
         *
         * @throws IOException also when the bytes have changed since it was opened: no part of another version follows
         */
        void write(long position, long count, BodyOutput out) throws IOException;
    }

    /**
     * The answer to a GET or a HEAD.
     *
     * @param source opened only when there is something to send
     * @throws dev.heddle.http.ProblemException {@link Problem#PRECONDITION_FAILED} or {@link
     *     Problem#RANGE_NOT_SATISFIABLE}
     */
    public Answer answer(Request request, Supplier<? extends Source> source) {
        refuseIfPreconditionFails(request);
        if (isKnown(request)) {
            return notModified();
        }
        return switch (ranges(request)) {
            case Whole _ -> whole(source.get());
            case Parts(var spans) when spans.size() == 1 -> part(spans.getFirst(), source.get());
            case Parts(var spans) -> parts(spans, source.get());
            case Unsatisfiable _ ->
                throw Problem.RANGE_NOT_SATISFIABLE.asException().with("Content-Range", "bytes */" + size);
        };
    }

    private void refuseIfPreconditionFails(Request request) {
        var match = request.header(HeaderNames.IF_MATCH);
        if (!match.isEmpty()) {
            if (!Preconditions.matches(match, tag, false)) {
                throw Problem.PRECONDITION_FAILED.asException();
            }
        } else if (HttpDate.read(request.header(HeaderNames.IF_UNMODIFIED_SINCE))
                .filter(modified::isAfter)
                .isPresent()) {
            throw Problem.PRECONDITION_FAILED.because("The resource has changed since If-Unmodified-Since.");
        }
    }

    private boolean isKnown(Request request) {
        var noneMatch = request.header(HeaderNames.IF_NONE_MATCH);
        if (!noneMatch.isEmpty()) {
            return Preconditions.matches(noneMatch, tag, true);
        }
        return HttpDate.read(request.header(HeaderNames.IF_MODIFIED_SINCE))
                .filter(since -> !modified.isAfter(since))
                .isPresent();
    }

    /** Ranges mean something to GET only (§14.2). */
    private Ranges ranges(Request request) {
        var range = request.header(HeaderNames.RANGE);
        return range.isEmpty() || !request.method().equals("GET") || !isSameAsBefore(request)
                ? new Whole()
                : Ranges.of(range, size);
    }

    /** §13.1.5: a part of another version than the one that the client has the rest of would be of no use. */
    private boolean isSameAsBefore(Request request) {
        var before = request.header(HeaderNames.IF_RANGE);
        if (before.isEmpty()) {
            return true;
        }
        if (before.startsWith("\"") || before.startsWith("W/")) {
            return before.equals("\"" + tag + "\"");
        }
        return HttpDate.read(before).filter(modified::equals).isPresent()
                && modified.isBefore(Instant.now().minus(DATE_IS_STRONG_AFTER));
    }

    /** With what its keeper looks it up by, as the whole has it (§15.4.5). */
    private Answer notModified() {
        var answer = Answer.of(304);
        var vary = headers.get(HeaderNames.VARY);
        return validators(vary == null ? answer : answer.header(HeaderNames.VARY, vary));
    }

    private Answer whole(Source source) {
        return described(
                Answer.stream(200, size, out -> source.write(0, size, out)).owning(source), contentType);
    }

    private Answer part(Span span, Source source) {
        return described(
                Answer.stream(206, span.length(), out -> source.write(span.first(), span.length(), out))
                        .owning(source)
                        .header(HeaderNames.CONTENT_RANGE, contentRange(span)),
                contentType);
    }

    /** multipart/byteranges, §14.6. */
    private Answer parts(List<Span> spans, Source source) {
        var boundary = UUID.randomUUID().toString();
        var heads = spans.stream().map(span -> head(span, boundary)).toList();
        var end = ascii("\r\n--" + boundary + "--\r\n");
        long length = end.length;
        for (int i = 0; i < spans.size(); i++) {
            length += heads.get(i).length + spans.get(i).length();
        }
        return described(
                Answer.stream(206, length, out -> {
                            for (int i = 0; i < spans.size(); i++) {
                                out.write(heads.get(i));
                                source.write(spans.get(i).first(), spans.get(i).length(), out);
                            }
                            out.write(end);
                        })
                        .owning(source),
                "multipart/byteranges; boundary=" + boundary);
    }

    private byte[] head(Span span, String boundary) {
        return ascii("\r\n--" + boundary + "\r\nContent-Type: " + contentType + "\r\nContent-Range: "
                + contentRange(span) + "\r\n\r\n");
    }

    private String contentRange(Span span) {
        return "bytes " + span.first() + "-" + span.last() + "/" + size;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private Answer described(Answer answer, String type) {
        answer.header(HeaderNames.CONTENT_TYPE, type).header(ACCEPT_RANGES, "bytes");
        headers.forEach(answer::header);
        return validators(answer);
    }

    private Answer validators(Answer answer) {
        // The database's clock may be ahead of ours, and this must not be later than Date (RFC 9110 §8.8.2.1).
        var now = Instant.now();
        return answer.header(HeaderNames.ETAG, "\"" + tag + "\"")
                .header(HeaderNames.LAST_MODIFIED, HttpDate.write(modified.isAfter(now) ? now : modified))
                .revalidated();
    }
}
