/**
 * Time limits and bounded admission: what every wait in the server is made of. Enter by {@link
 * dev.heddle.concurrent.Deadline} for "how long may this take" and by {@link dev.heddle.concurrent.Bulkhead} for "how
 * many may do this at once".
 */
@NullMarked
package dev.heddle.concurrent;

import org.jspecify.annotations.NullMarked;
