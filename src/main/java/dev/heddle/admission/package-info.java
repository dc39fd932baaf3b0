/**
 * How much is let in at once, and how often: before anything is done for a request. {@link
 * dev.heddle.admission.Admission} bounds the requests that are worked on, {@link dev.heddle.admission.RateLimit} what one
 * caller may ask for in a while.
 */
@NullMarked
package dev.heddle.admission;

import org.jspecify.annotations.NullMarked;
