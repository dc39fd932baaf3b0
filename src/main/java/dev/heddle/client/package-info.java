/**
 * HTTP/1.1 towards other servers: one request, one answer, strictly read, within limits and within the deadline. Use a
 * {@link dev.heddle.client.HttpPool} per remote.
 */
@NullMarked
package dev.heddle.client;

import org.jspecify.annotations.NullMarked;
