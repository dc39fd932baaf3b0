package dev.heddle.notifications;

import java.time.Instant;
import java.util.UUID;

/**
 * A mail to one person. Sent twice it is the same message to the byte, so that whoever receives it can tell.
 *
 * @param id makes the Message-ID; one mail, one id, however often it is tried
 * @param date when it was written, kept to the second
 * @param to the bare address; one that cannot be written to fails when it is sent
 * @param subject any text; what would end or break a line becomes a space
 * @param text plain text, lines ended in any way
 */
public record Mail(UUID id, Instant date, String to, String subject, String text) {

    /** A line of a header has at most 998 characters (RFC 5322 §2.1.1), and one word cannot be broken over two. */
    static final int SUBJECT_MAX_CHARS = 900;

    /** While it is sent it is in memory several times, encoded and not. */
    static final int TEXT_MAX_CHARS = 1024 * 1024;

    /**
     * Checks the sizes.
     *
     * @throws IllegalArgumentException when the subject or the text is too long
     */
    public Mail {
        if (subject.length() > SUBJECT_MAX_CHARS || text.length() > TEXT_MAX_CHARS) {
            throw new IllegalArgumentException("mail " + id + " is too long");
        }
    }
}
