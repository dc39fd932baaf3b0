/**
 * Copies of everything that must last, the database and the bytes of files, and the way back. {@link
 * dev.heddle.backup.Backup} makes one, {@link dev.heddle.backup.Verification} looks whether it is whole, {@link
 * dev.heddle.backup.Restore} puts it into an empty place.
 */
@NullMarked
package dev.heddle.backup;

import org.jspecify.annotations.NullMarked;
