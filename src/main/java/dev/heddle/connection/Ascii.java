package dev.heddle.connection;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Sets of characters. */
final class Ascii {

    static final String LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    static final byte DELETE = 0x7f;

    /** Of a token (RFC 9110 §5.6.2), which methods and the names of fields are. */
    static final boolean[] TOKEN = set(LETTERS_AND_DIGITS + "!#$%&'*+-.^_`|~");

    private static final int BYTES = 256;

    private static final long EACH = 0x0101010101010101L;
    private static final long HIGHEST = 0x8080808080808080L;
    private static final VarHandle EIGHT = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private Ascii() {}

    /** The set of those characters, for every byte whether it is one of them. */
    static boolean[] set(String members) {
        var set = new boolean[BYTES];
        members.chars().forEach(member -> set[member] = true);
        return set;
    }

    /**
     * Jumps over what has no control character, eight bytes at once: a place at or before the first one, or less than eight
     * before the end. What is not ASCII has none.
     */
    static int printableEnd(byte[] bytes, int from, int to) {
        int at = from;
        while (at <= to - Long.BYTES) {
            long eight = (long) EIGHT.get(bytes, at);
            // Of a byte below 0x80 the highest bit is set when it is less than 0x20, or 0x7f. From there a borrow
            // goes into those above: where one is found, others may seem to be.
            long control = (eight - 0x20 * EACH) | ((eight ^ DELETE * EACH) - EACH);
            if ((control & ~eight & HIGHEST) != 0) {
                break;
            }
            at += Long.BYTES;
        }
        return at;
    }

    /** Where the first is that is not in that set; the end when all are. */
    static int endOf(boolean[] set, byte[] bytes, int from, int to) {
        int at = from;
        while (at < to && isIn(set, bytes[at])) {
            at++;
        }
        return at;
    }

    static boolean isIn(boolean[] set, byte b) {
        return set[b & 0xff];
    }
}
