/**
 * Who may do what: users, their tokens, and the caller of a request. Enter by {@link dev.heddle.identity.Caller}, which
 * every feature asks for whose rows it may touch.
 */
@NullMarked
package dev.heddle.identity;

import org.jspecify.annotations.NullMarked;
