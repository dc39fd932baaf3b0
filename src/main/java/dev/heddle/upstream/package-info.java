/**
 * Servers elsewhere that answers are made of: each with its own limits, breaker and cache, so that none of them can hurt
 * what does not need it. Use {@link dev.heddle.upstream.Upstreams}.
 */
@NullMarked
package dev.heddle.upstream;

import org.jspecify.annotations.NullMarked;
