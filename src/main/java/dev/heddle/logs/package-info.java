/** To be written. */
@NullMarked
package dev.heddle.logs;

import org.jspecify.annotations.NullMarked;
