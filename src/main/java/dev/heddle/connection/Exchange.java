package dev.heddle.connection;

import java.io.InputStream;
import java.net.InetAddress;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A request and the way of its answer. Belongs to the thread of its connection. */
public interface Exchange {

    /** What was asked. */
    RequestHead head();

    /** Who has sent it: a client or a proxy; null when that is not known. */
    @Nullable
    InetAddress peer();

    // ---- The body ----

    /** Whether there is one. */
    boolean hasBody();

    /** How long the head says that it is; 0 when it does not. */
    long bodyLength();

    /**
     * The body as it comes. Whoever reads it says that it may be sent, where the client waits for that.
     *
     * @param max what it may have; one that says by its chunks that it has more is refused at once
     */
    InputStream body(long max);

    /** How much of it is not read: {@link Long#MAX_VALUE} when nobody knows. */
    long bodyLeft();

    /** Whether the client waits to be told that it may send the body. */
    boolean waitsToContinue();

    // ---- The work ----

    /**
     * Does work during which this thread is interrupted if the client hangs up. The body must have been read, and work that
     * takes less than a second is not disturbed.
     *
     * @throws io.helidon.webserver.CloseConnectionException when the work has failed and the client has hung up
     */
    <T> T whileConnected(Supplier<T> work);

    // ---- The answer ----

    /** Whether the connection ends with this answer, because the client says so or the server is about to close. */
    boolean isLast();

    /** Says that the answer begins to leave; nothing else can be answered any more. */
    void begin();

    /** Says that the connection ends with this answer. */
    void end();

    /**
     * Writes those bytes; the client has its time for each part that it takes.
     *
     * @throws io.helidon.webserver.ServerConnectionException when the client is gone
     */
    void write(byte[] bytes, int offset, int length);

    /** The socket itself, where there is nothing between. */
    Optional<Wire> wire();
}
