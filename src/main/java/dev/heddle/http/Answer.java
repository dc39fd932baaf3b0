package dev.heddle.http;

import io.helidon.http.Header;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a route answers: a value, written to the client by the kernel, so that every route gets HEAD, conditional
 * requests, idempotent replay and the common headers alike. Built up and returned; not for two threads.
 */
public final class Answer {

    private static final System.Logger LOG = System.getLogger(Answer.class.getName());

    /** Private, but a client may keep it and ask whether it is still good. */
    private static final Header REVALIDATE = HeaderValues.createCached(HeaderNames.CACHE_CONTROL, "private, no-cache");

    private static final Header JSON = HeaderValues.createCached(HeaderNames.CONTENT_TYPE, MediaTypes.JSON);

    private static final byte[] NOTHING = new byte[0];

    private static final long LENGTH_UNKNOWN = -1;

    /** Writes a body piece by piece; an exception cuts the connection, so that a client never takes a part for all. */
    @FunctionalInterface
    public interface Streaming {
        /** Writes everything; the caller ends the stream. */
        void to(BodyOutput out) throws IOException;
    }

    private final int status;
    private final byte[] bytes;
    private final @Nullable Streaming streaming;
    private final List<Header> headers = new ArrayList<>(6);
    private long version;
    private long length = LENGTH_UNKNOWN;
    private @Nullable Closeable owned;

    private Answer(int status, byte[] bytes, @Nullable Streaming streaming) {
        this.status = status;
        this.bytes = bytes;
        this.streaming = streaming;
    }

    /** A status and nothing else. */
    public static Answer of(int status) {
        return new Answer(status, NOTHING, null);
    }

    /** A status and a body whose headers follow. */
    public static Answer of(int status, byte[] bytes) {
        return new Answer(status, bytes, null);
    }

    /** A status and a body as it is. */
    public static Answer of(int status, String contentType, byte[] bytes) {
        return new Answer(status, bytes, null).header(HeaderNames.CONTENT_TYPE, contentType);
    }

    /** 200 and a JSON document. */
    public static Answer ok(Json.Writing document) {
        return json(200, document);
    }

    /** A status and a JSON document. */
    public static Answer json(int status, Json.Writing document) {
        return new Answer(status, Json.write(document), null).header(JSON);
    }

    /** 200 and a JSON document that was made elsewhere. */
    public static Answer json(byte[] document) {
        return new Answer(200, document, null).header(JSON);
    }

    /** 200 and a body that is written as it is made. */
    public static Answer stream(String contentType, Streaming streaming) {
        return new Answer(200, NOTHING, streaming).header(HeaderNames.CONTENT_TYPE, contentType);
    }

    /** A status and a body of that many bytes, written as it is read. Its headers follow. */
    public static Answer stream(int status, long length, Streaming streaming) {
        var answer = new Answer(status, NOTHING, streaming);
        answer.length = length;
        return answer;
    }

    /** Hands over what the stream reads from: the kernel closes it, whether or not the stream was ever begun. */
    public Answer owning(Closeable source) {
        owned = source;
        return this;
    }

    /** One more header. */
    public Answer header(HeaderName name, String value) {
        return header(HeaderValues.create(name, value));
    }

    Answer header(Header header) {
        headers.add(header);
        return this;
    }

    /** The version of the resource this is: its {@code ETag}, against which the kernel checks {@code If-None-Match}. */
    public Answer version(long ofResource) {
        version = ofResource;
        return header(HeaderNames.ETAG, Preconditions.tag(ofResource)).header(REVALIDATE);
    }

    /** May be kept by its caller, if it asks each time whether it is still good. */
    public Answer revalidated() {
        return header(REVALIDATE);
    }

    /** The status. */
    public int status() {
        return status;
    }

    /** The whole body; empty for a stream. */
    public byte[] bytes() {
        return bytes;
    }

    /** The headers that the route gave it. */
    public List<Header> headers() {
        return headers;
    }

    @Nullable
    Streaming streaming() {
        return streaming;
    }

    /** Whether the length of the stream was given. */
    boolean hasLength() {
        return length != LENGTH_UNKNOWN;
    }

    long length() {
        return length;
    }

    /** Closes what it owns. */
    void release() {
        if (owned != null) {
            try {
                owned.close();
            } catch (IOException e) {
                // Read only: nothing is lost with it.
                LOG.log(System.Logger.Level.DEBUG, "the source of an answer could not be closed", e);
            }
        }
    }

    /** 0 when it has none. */
    long version() {
        return version;
    }

    boolean has(HeaderName name) {
        return !valueOf(name).isEmpty();
    }

    /** What the route gave it for that header; empty for nothing. */
    String valueOf(HeaderName name) {
        for (var header : headers) {
            if (header.headerName().equals(name)) {
                return header.get();
            }
        }
        return "";
    }
}
