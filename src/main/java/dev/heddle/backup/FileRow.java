package dev.heddle.backup;

import java.util.UUID;

/**
 * A row of the table of files, read from a line of COPY: whose it is, and which bytes it names.
 *
 * @param sha256 in hexadecimal digits
 */
record FileRow(String userId, String name, UUID blob, long size, String sha256) {

    /** In this order, so that a line can be read; what stands behind them is copied unread. */
    static final String COLUMNS = "user_id,name,blob,size,sha256,content_type,created_at";

    private static final int FIELDS = 7;

    /** How COPY writes bytes. */
    private static final String HEXADECIMAL = "\\\\x";

    /** @throws IllegalArgumentException when it is no such line */
    static FileRow of(String line) {
        var fields = line.split("\t", -1);
        if (fields.length != FIELDS || !fields[4].startsWith(HEXADECIMAL)) {
            throw new IllegalArgumentException("not a row of files: " + line);
        }
        return new FileRow(
                text(fields[0]),
                text(fields[1]),
                UUID.fromString(fields[2]),
                Long.parseLong(fields[3]),
                fields[4].substring(HEXADECIMAL.length()));
    }

    /** Without the escapes that COPY writes; see "Text Format" in PostgreSQL's manual. */
    private static String text(String field) {
        var plain = new StringBuilder(field.length());
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            plain.append(c == '\\' && i + 1 < field.length() ? escaped(field.charAt(++i)) : c);
        }
        return plain.toString();
    }

    private static char escaped(char c) {
        return switch (c) {
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'v' -> '\u000B';
            default -> c;
        };
    }
}
