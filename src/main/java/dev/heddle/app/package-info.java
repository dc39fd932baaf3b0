/**
 * The assembly: reads the settings, opens everything in order, connects the rooms, and closes it all in reverse. {@link
 * dev.heddle.app.Main} is the command line, {@link dev.heddle.app.Heddle} one running server.
 */
@NullMarked
package dev.heddle.app;

import org.jspecify.annotations.NullMarked;
