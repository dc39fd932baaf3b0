/**
 * Time limits, bounded admission and work side by side: what every wait in the server is made of. Enter by {@link
 * dev.heddle.concurrent.Deadline} for "how long may this take", by {@link dev.heddle.concurrent.Bulkhead} for "how many may
 * do this at once", by {@link dev.heddle.concurrent.FanOut} for "all of these, side by side" and by {@link
 * dev.heddle.concurrent.SingleFlight} for "once for all who want it now".
 */
@NullMarked
package dev.heddle.concurrent;

import org.jspecify.annotations.NullMarked;
