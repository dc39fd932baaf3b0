package dev.heddle.db;

import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Messages to PostgreSQL while they are put together, as its documentation has them in "Message Formats". */
final class WireMessage {

    private byte[] bytes;
    private int size;

    WireMessage(int expected) {
        bytes = new byte[expected];
    }

    int size() {
        return size;
    }

    byte[] bytes() {
        return bytes;
    }

    byte[] toBytes() {
        return Arrays.copyOf(bytes, size);
    }

    void clear() {
        size = 0;
    }

    private void room(int more) {
        if (bytes.length - size < more) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
        }
    }

    WireMessage add(int value) {
        room(1);
        bytes[size++] = (byte) value;
        return this;
    }

    WireMessage int16(int value) {
        return add(value >> 8).add(value);
    }

    WireMessage int32(int value) {
        return int16(value >> 16).int16(value);
    }

    WireMessage add(byte[] more) {
        room(more.length);
        System.arraycopy(more, 0, bytes, size, more.length);
        size += more.length;
        return this;
    }

    /** A text that ends with a zero byte and has none inside. */
    WireMessage string(String ascii) {
        return add(ascii.getBytes(StandardCharsets.US_ASCII)).add(0);
    }

    /** Begins what is preceded by its length; {@link #end} is given what this returns. */
    int begin() {
        int at = size;
        int32(0);
        return at;
    }

    /** Ends a message, whose length counts itself. */
    void end(int begun) {
        length(begun, size - begun);
    }

    /** Ends a value, whose length does not. */
    void endValue(int begun) {
        length(begun, size - begun - Integer.BYTES);
    }

    private void length(int at, int length) {
        for (int i = 0; i < Integer.BYTES; i++) {
            bytes[at + i] = (byte) (length >> (24 - 8 * i));
        }
    }

    /** False when PostgreSQL would not take it: it has a NUL, or half a character. */
    boolean text(String text) {
        int length = text.length();
        room(length);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c == 0) {
                return false;
            }
            if (c >= 0x80) {
                return encoded(text.substring(i));
            }
            bytes[size++] = (byte) c;
        }
        return true;
    }

    private boolean encoded(String text) {
        if (text.indexOf(0) >= 0) {
            return false;
        }
        try {
            // Unlike String.getBytes, it puts nothing in the place of what it cannot encode.
            var encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            room(encoded.remaining());
            int length = encoded.remaining();
            encoded.get(bytes, size, length);
            size += length;
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
