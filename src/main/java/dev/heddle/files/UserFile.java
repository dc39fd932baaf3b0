package dev.heddle.files;

import dev.heddle.content.FileName;
import java.time.Instant;
import java.util.UUID;

/**
 * A file of a user, without its bytes.
 *
 * @param blob where these are
 * @param size in bytes
 * @param sha256 in hexadecimal digits
 * @param contentType as the client said that brought it
 */
record UserFile(
        String userId, FileName name, UUID blob, long size, String sha256, String contentType, Instant createdAt) {

    /** Its entity tag, without the quotes: the same bytes are the same tag. */
    String tag() {
        return sha256;
    }
}
