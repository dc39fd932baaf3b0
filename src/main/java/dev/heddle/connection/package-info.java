/**
 * The connections of HTTP/1.1 on the web server's sockets: where requests begin and end, what is no request, and how long a
 * client may keep a connection waiting. {@link dev.heddle.connection.ConnectionGuard} is the door for the listener, {@link
 * dev.heddle.connection.Exchange} the one for whoever answers a request.
 */
@NullMarked
package dev.heddle.connection;

import org.jspecify.annotations.NullMarked;
