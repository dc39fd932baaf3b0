package dev.heddle.http;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256, which every Java has. */
public final class Digests {

    /** Never used itself: to find out who makes one takes half as long as a short digest, a copy next to nothing. */
    private static final MessageDigest EMPTY = find();

    private Digests() {}

    private static MessageDigest find() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** One that has digested nothing. */
    public static MessageDigest sha256() {
        try {
            return (MessageDigest) EMPTY.clone();
        } catch (CloneNotSupportedException e) {
            return find();
        }
    }

    /** The digest of the parts, one after the other. */
    public static byte[] sha256(byte[]... parts) {
        var digest = sha256();
        for (var part : parts) {
            digest.update(part);
        }
        return digest.digest();
    }
}
