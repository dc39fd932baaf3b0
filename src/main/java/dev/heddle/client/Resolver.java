package dev.heddle.client;

import dev.heddle.concurrent.Deadline;
import java.net.InetAddress;
import java.util.List;

/** Finds the addresses of a host. Safe for any thread. */
@FunctionalInterface
public interface Resolver {
    /**
     * All addresses, in the order in which they are to be tried; at least one.
     *
     * @param host a name, or an address as it is usually written
     * @throws HttpFailure when there is none, none in time, or one that must not be connected to
     */
    List<InetAddress> resolve(String host, Deadline deadline) throws HttpFailure;
}
