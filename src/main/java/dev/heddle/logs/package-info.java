/**
 * What the server has logged, for administrators: the files of one directory, whoever writes them. Enter by {@link
 * dev.heddle.logs.LogRoutes}.
 */
@NullMarked
package dev.heddle.logs;

import org.jspecify.annotations.NullMarked;
