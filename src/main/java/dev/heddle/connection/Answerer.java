package dev.heddle.connection;

/** Makes what the connections of a listener send. Called by the threads of many connections at once. */
public interface Answerer {

    /** Answers one request, from the beginning of the answer to its end. */
    void answer(Exchange exchange);

    /**
     * What is said to what is no request, or not one that is taken; the connection ends with it.
     *
     * @param head as far as it was read
     * @return a whole answer, as it is sent
     */
    byte[] refusal(int status, RequestHead head);

    /** What one is told who has one connection more than there may be: a whole answer, as it is sent. */
    byte[] tooManyConnections();
}
