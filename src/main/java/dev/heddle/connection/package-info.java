/**
 * What stands between the sockets and the web server's parser: where requests begin and end, and how long a client may keep
 * a connection waiting. {@link dev.heddle.connection.ConnectionGuard} is the door for the listener, {@link
 * dev.heddle.connection.GuardedConnection#current()} the one for whoever answers a request.
 */
@NullMarked
package dev.heddle.connection;

import org.jspecify.annotations.NullMarked;
