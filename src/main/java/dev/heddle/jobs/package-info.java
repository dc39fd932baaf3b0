/** Background jobs: enqueued in the transaction that causes them, run once, kept when they fail. */
@NullMarked
package dev.heddle.jobs;

import org.jspecify.annotations.NullMarked;
