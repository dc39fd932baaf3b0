/**
 * Work that takes nothing but processors, kept away from everything that waits: {@link dev.heddle.compute.CpuPool} has the
 * few threads that do it. Enter by {@link dev.heddle.compute.ComputeRoutes}.
 */
@NullMarked
package dev.heddle.compute;

import org.jspecify.annotations.NullMarked;
