package dev.heddle.connection;

/** Sets of characters. */
final class Ascii {

    static final String LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    static final byte DELETE = 0x7f;

    private static final int CHARACTERS = 128;

    private Ascii() {}

    static boolean[] set(String members) {
        var set = new boolean[CHARACTERS];
        members.chars().forEach(member -> set[member] = true);
        return set;
    }

    static boolean isIn(boolean[] set, byte b) {
        return b >= 0 && set[b];
    }
}
