/** To be written. */
@NullMarked
package dev.heddle.compute;

import org.jspecify.annotations.NullMarked;
