/** Real parts for tests: a PostgreSQL, a client that sends bytes as they are. */
@NullMarked
package dev.heddle.testing;

import org.jspecify.annotations.NullMarked;
