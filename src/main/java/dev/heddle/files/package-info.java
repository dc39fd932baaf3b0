/**
 * Files that users upload and download: streamed, whole or absent. {@link dev.heddle.files.FileRoutes} is its HTTP side,
 * {@link dev.heddle.files.UserFiles} its use cases; a {@link dev.heddle.files.FileStore} has the bytes, a table the rest.
 */
@NullMarked
package dev.heddle.files;

import org.jspecify.annotations.NullMarked;
