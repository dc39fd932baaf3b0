package dev.heddle.connection;

import java.time.Duration;
import java.util.List;

/**
 * What a client may do with a connection. Time counts only while the connection waits for its client: a server that is slow
 * cuts nobody.
 *
 * @param idle between two requests, and before the first
 * @param head from the first byte of a request's head to its last
 * @param stall the longest silence within a body, and the longest time in which nothing of an answer is taken
 * @param bodyBytesPerSecond what a body must come at on average; 0 for any
 * @param grace how long a body may be waited for before its rate counts: a slow start makes nobody a slow client
 * @param perAddress connections of one address at once; of IPv6, of one network of 64 bits
 * @param proxies whose connections are not counted so, because they are those of many clients
 */
public record ConnectionLimits(
        Duration idle,
        Duration head,
        Duration stall,
        long bodyBytesPerSecond,
        Duration grace,
        int perAddress,
        List<Network> proxies) {

    /** Keeps a copy. */
    public ConnectionLimits {
        proxies = List.copyOf(proxies);
    }
}
