package dev.heddle.connection;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** Makes what the connections of a listener send. Called by the threads of many connections at once. */
public interface Answerer {

    /** Answers one request, from the beginning of the answer to its end. */
    void answer(Exchange exchange);

    /**
     * What is said to what is no request, or not one that is taken; the connection ends with it.
     *
     * @param head as far as it was read
     * @param peer who sent it, as far as that is known
     * @return a whole answer, as it is sent
     */
    byte[] refusal(int status, RequestHead head, @Nullable InetAddress peer);

    /** What one is told who has one connection more than there may be: a whole answer, as it is sent. */
    byte[] tooManyConnections();
}
