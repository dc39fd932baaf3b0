/**
 * PostgreSQL: the pool, the gate in front of it, the unit of work, migrations, and the server that Heddle brings along.
 * Enter by {@link dev.heddle.db.Database}; a store receives a {@link dev.heddle.db.Sql} and never sees a connection.
 */
@NullMarked
package dev.heddle.db;

import org.jspecify.annotations.NullMarked;
