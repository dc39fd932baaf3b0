/**
 * Answers put together from parts: each from a source of its own, side by side, within its own time, with a default when
 * it is missing. Use {@link dev.heddle.dashboard.DashboardRoutes}.
 */
@NullMarked
package dev.heddle.dashboard;

import org.jspecify.annotations.NullMarked;
