/**
 * Tasks: the first feature, and the pattern for the others. {@link dev.heddle.tasks.TaskRoutes} is its HTTP side, {@link
 * dev.heddle.tasks.Tasks} its use cases; all its SQL is in one store.
 */
@NullMarked
package dev.heddle.tasks;

import org.jspecify.annotations.NullMarked;
