package dev.heddle.connection;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One request of a connection, whose head has been read and found in order. */
final class GuardedExchange implements Exchange {

    private final GuardedConnection connection;
    private final RequestHead head;
    private final long length;
    private final @Nullable RequestBody body;
    private boolean hasBegun;

    /**
     * Of that connection.
     *
     * @param length of the body, see {@link HeaderRules#check}
     * @param max what a body may have, whoever reads it
     */
    GuardedExchange(GuardedConnection connection, RequestHead head, long length, long max) {
        this.connection = connection;
        this.head = head;
        this.length = length;
        this.body = length == 0
                ? null
                : new RequestBody(connection, length, max, head.lists(HeaderNames.EXPECT, "100-continue"));
        if (head.lists(HeaderNames.CONNECTION, "close")) {
            // RFC 9112 §9.6: whoever says close has ended the connection with the answer to that.
            connection.endSoon();
        }
    }

    @Override
    public RequestHead head() {
        return head;
    }

    @Override
    public @Nullable InetAddress peer() {
        return connection.peer();
    }

    @Override
    public boolean hasBody() {
        return body != null;
    }

    @Override
    public long bodyLength() {
        return Math.max(0, length);
    }

    @Override
    public InputStream body(long max) {
        if (body == null) {
            return InputStream.nullInputStream();
        }
        body.max(max);
        return body;
    }

    @Override
    public long bodyLeft() {
        return body == null ? 0 : body.left();
    }

    @Override
    public boolean waitsToContinue() {
        return body != null && body.waitsToContinue();
    }

    @Override
    public <T> T whileConnected(Supplier<T> work) {
        return connection.whileConnected(work);
    }

    /** Reads what nobody has read of the body, so that the next request is found behind it. */
    void skipBody() {
        if (body == null || body.left() == 0) {
            return;
        }
        try {
            body.skip();
        } catch (IOException e) {
            throw new CloseConnectionException("the client left in the middle of its body", e);
        }
    }

    @Override
    public boolean isLast() {
        return connection.isEnding() || connection.isDraining();
    }

    @Override
    public void begin() {
        hasBegun = true;
    }

    boolean hasBegun() {
        return hasBegun;
    }

    @Override
    public void end() {
        connection.endSoon();
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        connection.write(bytes, offset, length);
    }

    @Override
    public Optional<Wire> wire() {
        return connection.wire();
    }
}
