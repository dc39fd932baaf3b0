package dev.heddle.content;

import dev.heddle.http.Problem;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * {@code Content-Digest} and {@code Repr-Digest} (RFC 9530): a dictionary of algorithms, each with a digest in Base64
 * between colons. SHA-256 and SHA-512 are checked; others that stand beside one of these are left aside, as the RFC allows.
 */
public final class DigestFields {

    private static final Map<String, String> ALGORITHMS = Map.of("sha-256", "SHA-256", "sha-512", "SHA-512");

    /** A name in a dictionary (RFC 8941 §3.1.2). */
    private static final String KEY = "[a-z*][a-z0-9_.*-]*";

    /** Nobody sends one of these digests with parameters; a few are read over. */
    private static final String PARAMETERS = "(?:; *" + KEY + "(?:=(?:\"[^\"]*\"|[^\",; \\t]+))?){0,8}";

    /** The next member and the comma behind it, which another one must follow. */
    private static final Pattern MEMBER =
            Pattern.compile("\\G[ \\t]*(" + KEY + ")=:([A-Za-z0-9+/]*={0,2}):" + PARAMETERS + "[ \\t]*(?:,(?!$)|$)");

    private DigestFields() {}

    /**
     * The digests that a header names, by the name of their algorithm in Java; none when it is empty.
     *
     * @throws dev.heddle.http.ProblemException {@link Problem#BAD_REQUEST} when it cannot be read, or none of its
     *     algorithms is known: a digest that was sent is checked, or the request refused
     */
    public static Map<String, byte[]> read(String name, String header) {
        var digests = new LinkedHashMap<String, byte[]>();
        if (header.isEmpty()) {
            return digests;
        }
        var members = MEMBER.matcher(header);
        int end = 0;
        while (end < header.length() && members.find()) {
            end = members.end();
            var algorithm = ALGORITHMS.get(members.group(1));
            if (algorithm != null) {
                digests.put(algorithm, decoded(name, members.group(2)));
            }
        }
        if (end < header.length()) {
            throw Problem.BAD_REQUEST.because(name + " must look like sha-256=:…Base64…: (RFC 9530).");
        }
        if (digests.isEmpty()) {
            throw Problem.BAD_REQUEST.because(name + " must have a digest by sha-256 or sha-512.");
        }
        return digests;
    }

    private static byte[] decoded(String name, String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw Problem.BAD_REQUEST.because(name + " has a digest that is not Base64.");
        }
    }

    /** The value of a header for a SHA-256. */
    public static String write(byte[] sha256) {
        return "sha-256=:" + Base64.getEncoder().encodeToString(sha256) + ":";
    }

    /** A digest to be made, by the name of its algorithm in Java. */
    public static MessageDigest begin(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            // Both are in every Java.
            throw new IllegalStateException(e);
        }
    }
}
