package dev.heddle.http;

import dev.heddle.admission.Admission;
import dev.heddle.admission.RateLimit;
import dev.heddle.concurrent.Deadline;
import dev.heddle.connection.Exchange;
import dev.heddle.connection.Network;
import dev.heddle.http.Preconditions.IfMatch;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What was sent, read strictly and lazily. One request's; not for two threads. */
public final class Request {

    /**
     * Twice the largest valid document of ours: a description of 20,000 characters takes 240 KB when every character is
     * written as two escapes.
     */
    static final int JSON_BYTES_MAX = 512 * 1024;

    private static final HeaderName ACCEPT_POST = HeaderNames.create("Accept-Post");
    private static final HeaderName TRACEPARENT = HeaderNames.create("traceparent");

    /** As W3C Trace Context has it: version ff and ids of zeros are invalid. */
    private static final Pattern W3C_TRACE =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");

    private static final byte[] LINE_END = {'\n'};

    private static final Pattern ABSOLUTE = Pattern.compile("(?i)https?://[^/]");

    /** The caller of whom nobody has said who it is. */
    static final String NOBODY = "-";

    /** A body of which no more is unread is read and forgotten; it is cheaper than another connection. */
    private static final long FORGOTTEN_BYTES_MAX = 64 * 1024;

    private final Exchange in;
    private final long began;
    private final Kernel.Limits limits;
    private final String id;
    private final String rawPath;
    private final Complaints complaints = new Complaints();
    private List<String> pathValues = List.of();
    private @Nullable Query query;
    private @Nullable JsonFields json;
    private byte @Nullable [] body;
    private @Nullable BodyInput input;
    private boolean isStreamed;
    private long streamMax;
    private String callerId = NOBODY;
    private @Nullable InetAddress client;
    private RateLimit.@Nullable State rate;
    private @Nullable Admission admission;
    private Admission.@Nullable Place place;

    Request(Exchange in, long began, String id, Kernel.Limits limits) {
        this.in = in;
        this.began = began;
        this.limits = limits;
        this.id = id;
        this.rawPath = originForm(in.head().path());
    }

    /** RFC 9112 §3.2.2: a server must take {@code GET http://host/path} too; the host is nothing that it believes. */
    private static String originForm(String target) {
        if (target.startsWith("/") || !ABSOLUTE.matcher(target).lookingAt()) {
            return target;
        }
        int slash = target.indexOf('/', target.indexOf("://") + 3);
        return slash < 0 ? "/" : target.substring(slash);
    }

    /** When its head had come, as {@link System#nanoTime()} has it. */
    long began() {
        return began;
    }

    /** The name of this request in logs and answers. */
    public String id() {
        return id;
    }

    /** The method, in the letters it was sent in. */
    public String method() {
        return in.head().method();
    }

    /** By what it is known to the servers that are asked because of it. */
    public Trace trace() {
        var trace = header(TRACEPARENT);
        return new Trace(id, W3C_TRACE.matcher(trace).matches() ? trace : null);
    }

    /** The path as it was sent, without the query. */
    public String rawPath() {
        return rawPath;
    }

    private String rawQuery() {
        return in.head().query();
    }

    /** The query as it was sent, without some parameters. */
    String queryWithout(Set<String> names) {
        var kept = new StringJoiner("&");
        for (var pair : rawQuery().split("&", -1)) {
            if (!pair.isEmpty() && !names.contains(nameOf(pair))) {
                kept.add(pair);
            }
        }
        return kept.toString();
    }

    private static String nameOf(String pair) {
        int equals = pair.indexOf('=');
        return PercentEncoding.decode(equals < 0 ? pair : pair.substring(0, equals), true)
                .orElse("");
    }

    void pathValues(List<String> values) {
        this.pathValues = values;
    }

    /** The path's n-th parameter, decoded; the first is 0. */
    public String pathValue(int index) {
        return pathValues.get(index);
    }

    /** The path's n-th parameter as an id; empty when it is none. */
    public Optional<UUID> pathUuid(int index) {
        return Text.uuid(pathValue(index));
    }

    /** A header; repeated ones are joined by commas (RFC 9110 §5.3), an absent one is empty. */
    public String header(HeaderName name) {
        return in.head().value(name);
    }

    /** What all header fields take in the request, in bytes. */
    int headerBytes() {
        return in.head().fieldBytes();
    }

    /** The query. */
    public Query query() {
        if (query == null) {
            query = Query.of(rawQuery(), complaints);
        }
        return query;
    }

    /** The body as a JSON object of {@code application/json}. */
    public JsonFields json() {
        return json(MediaTypes.JSON, ACCEPT_POST);
    }

    /** The body as a merge patch. */
    public JsonFields mergePatch() {
        return json(MediaTypes.MERGE_PATCH, HeaderNames.create("Accept-Patch"));
    }

    /**
     * Which of these media types the body of a POST is of.
     *
     * @throws ProblemException {@link Problem#UNSUPPORTED_MEDIA_TYPE} when it is of none, or not in UTF-8
     */
    public String requireType(String... types) {
        return requireType(ACCEPT_POST, types);
    }

    private String requireType(HeaderName acceptHeader, String... types) {
        var type = header(HeaderNames.CONTENT_TYPE);
        for (var offer : types) {
            if (MediaTypes.isType(type, offer)) {
                return offer;
            }
        }
        throw Problem.UNSUPPORTED_MEDIA_TYPE
                .because("The body must be " + String.join(" or ", types) + " in UTF-8.")
                .with(acceptHeader.defaultCase(), String.join(", ", types));
    }

    private JsonFields json(String type, HeaderName acceptHeader) {
        if (json == null) {
            requireType(acceptHeader, type);
            json = new JsonFields(JsonReader.read(body(), complaints), complaints);
        }
        return json;
    }

    /**
     * Says that the route takes the body as it comes. To be called while the request is parsed, by routes that were added
     * with {@link Routes#addStreaming}; a body that announces more is refused before any of it is sent or read.
     *
     * @param max in bytes
     */
    public void expectStream(long max) {
        isStreamed = true;
        streamMax = max;
        refuseAnnounced(max);
    }

    /** A body that says itself that it is too long need not be sent. */
    private void refuseAnnounced(long max) {
        if (announced() > max) {
            throw BodyInput.tooLarge(max);
        }
    }

    /** The length that the request names, 0 when it names none. */
    public long announced() {
        return in.bodyLength();
    }

    /**
     * The body as it comes, after {@link #expectStream}. It ends by an exception of the kernel's when it is too long or
     * broken, or when the client leaves in the middle; reading it is bounded by a deadline only if the client named one.
     * Whoever takes it need not close it.
     */
    public InputStream stream() {
        if (!isStreamed) {
            throw new IllegalStateException("the route does not take its body as a stream");
        }
        return input(streamMax);
    }

    private InputStream input(long max) {
        if (!in.hasBody()) {
            return InputStream.nullInputStream();
        }
        if (input == null) {
            input = new BodyInput(in.body(max), max);
        }
        return input;
    }

    /**
     * Does what there is to do once a body has come. However long it took to come, from then on the deadline is that of
     * every other request, or the client's own if that is nearer.
     */
    public <T, X extends Throwable> T onceReceived(ScopedValue.CallableOp<T, X> work) throws X {
        return onceReceived(Duration.ZERO, work);
    }

    /**
     * The same for work that grows with what has come.
     *
     * @param more what it may take beyond the time of other requests
     */
    public <T, X extends Throwable> T onceReceived(Duration more, ScopedValue.CallableOp<T, X> work) throws X {
        var left = Duration.ofNanos(
                Deadline.current().limitNanos(limits.requestTimeout().plus(more)));
        return Deadline.after(left).call(work);
    }

    /**
     * Whether more of the body is unread than is worth reading: then the connection ends with the answer. What is unread
     * of a body in chunks cannot be known; and who waits for a 100 (Continue) sends the body, or does not.
     */
    boolean leavesBody() {
        long left = in.bodyLeft();
        return left > FORGOTTEN_BYTES_MAX || (left > 0 && in.waitsToContinue());
    }

    /** The body, all of it, at most {@value #JSON_BYTES_MAX} bytes. */
    byte[] body() {
        if (body == null) {
            body = readBody();
        }
        return body;
    }

    private byte[] readBody() {
        long max = Math.min(JSON_BYTES_MAX, limits.bodyBytes());
        refuseAnnounced(max);
        try {
            var bytes = input(max).readAllBytes();
            enter();
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Says that this request takes a place among those that are worked on: now, or once its body has come. Until then its
     * client is waited for, and a slow one must not keep a place.
     */
    void admittedBy(Admission its) {
        admission = its;
        if (!in.hasBody()) {
            enter();
        }
    }

    private void enter() {
        if (admission != null && place == null) {
            place = admission.enter();
        }
    }

    /** Gives the place back, if it has one. */
    void leave() {
        if (place != null) {
            place.close();
        }
    }

    /** See {@link Exchange#whileConnected}. */
    Answer whileConnected(Supplier<Answer> work) {
        return in.whileConnected(work);
    }

    /**
     * Refuses a body where none is taken: nothing that was sent is ignored. It is not read for that: its length tells, and
     * of chunks the first byte.
     */
    void requireNoBody() {
        if (announced() > 0 || (in.hasBody() && hasContent())) {
            throw Problem.BAD_REQUEST.because("This request takes no body.");
        }
        enter();
    }

    private boolean hasContent() {
        try {
            return input(limits.bodyBytes()).read() >= 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What {@code If-Match} asks. */
    public IfMatch ifMatch() {
        return Preconditions.ifMatch(header(HeaderNames.IF_MATCH));
    }

    /**
     * The media type to answer with.
     *
     * @throws ProblemException {@link Problem#NOT_ACCEPTABLE} when the client takes none of the offers
     */
    public String accept(String... offers) {
        return MediaTypes.choose(header(HeaderNames.ACCEPT), List.of(offers))
                .orElseThrow(() ->
                        Problem.NOT_ACCEPTABLE.because("This path can answer with " + String.join(", ", offers) + "."));
    }

    /** The key of a write that may be repeated, if the client sent one; an empty one was sent, and by mistake. */
    Optional<String> idempotencyKey() {
        return in.head().has(Idempotency.HEADER) ? Optional.of(header(Idempotency.HEADER)) : Optional.empty();
    }

    /** What makes this request the same as another one: all that was asked, but nothing of who asked or when. */
    String fingerprint() {
        return fingerprint(header(HeaderNames.CONTENT_TYPE).getBytes(StandardCharsets.UTF_8), LINE_END, body());
    }

    /** The same for a body that was a stream: what it came to, which its type may be a part of. */
    String fingerprint(byte[]... content) {
        var line = method() + " " + rawPath() + "?" + rawQuery() + "\n" + header(HeaderNames.IF_MATCH) + "\n";
        var all = new byte[content.length + 1][];
        all[0] = line.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(content, 0, all, 1, content.length);
        return HexFormat.of().formatHex(Digests.sha256(all));
    }

    /** Who sent it, for the access log. */
    public void callerId(String id) {
        this.callerId = id;
    }

    String callerId() {
        return callerId;
    }

    void client(@Nullable InetAddress address) {
        client = address;
    }

    /** Where it came from, as far as that can be believed; null when that is not known. */
    public @Nullable InetAddress client() {
        return client;
    }

    /** For whom to count what comes from there: two requests of one client are equal. */
    public Object clientKey() {
        return client == null ? "" : Network.clientOf(client);
    }

    /** What its caller has left of a limit, for the answer to tell; null for no limit. */
    public void rate(RateLimit.@Nullable State left) {
        if (left != null) {
            rate = left;
        }
    }

    RateLimit.@Nullable State rate() {
        return rate;
    }

    /** Who has sent it to us: a client or a proxy. */
    @Nullable
    InetAddress peer() {
        return in.peer();
    }

    /** Ends the reading: complains about what nobody asked for, and refuses the request if there is any complaint. */
    void refuseIfInvalid() {
        query().complainAboutUnknown();
        if (json != null) {
            json.complainAboutUnknown();
        } else if (!isStreamed) {
            requireNoBody();
        }
        complaints.refuseIfAny();
    }
}
