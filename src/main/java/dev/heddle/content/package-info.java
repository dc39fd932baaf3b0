/**
 * What is sent and fetched as it is, file by file: names from outside, conditions and ranges (RFC 9110 §13, §14), digests
 * (RFC 9530). {@link dev.heddle.content.FileName} is the only form in which a name of somebody else's is used; {@link
 * dev.heddle.content.Representation} answers a GET of something stored.
 */
@NullMarked
package dev.heddle.content;

import org.jspecify.annotations.NullMarked;
