package dev.heddle.files;

import dev.heddle.content.DigestFields;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A file as it comes: counted, digested and stored piece by piece. One request's. */
final class ReceivedFile {

    private static final String SHA_256 = "SHA-256";

    private final FileStore.Incoming incoming;
    private final UserFiles files;
    private final long allowance;
    private final Map<String, MessageDigest> digests = new LinkedHashMap<>();
    private final Map<String, byte[]> made = new LinkedHashMap<>();
    private long size;

    /**
     * Stores it there.
     *
     * @param files whose limits it keeps
     * @param allowance what this one may have, because of the others, in bytes
     * @param algorithms of the digests that are needed, in the words of Java
     */
    ReceivedFile(FileStore.Incoming incoming, UserFiles files, long allowance, List<String> algorithms) {
        this.incoming = incoming;
        this.files = files;
        this.allowance = allowance;
        digests.put(SHA_256, DigestFields.begin(SHA_256));
        algorithms.forEach(name -> digests.computeIfAbsent(name, DigestFields::begin));
    }

    void write(byte[] bytes, int offset, int length) throws IOException {
        size += length;
        files.requireSize(size, allowance);
        digests.values().forEach(digest -> digest.update(bytes, offset, length));
        incoming.write(bytes, offset, length);
    }

    long size() {
        return size;
    }

    /** In hexadecimal digits. */
    String sha256() {
        return HexFormat.of().formatHex(digest(SHA_256));
    }

    private byte[] digest(String algorithm) {
        return made.computeIfAbsent(algorithm, name -> {
            var digest = digests.get(name);
            if (digest == null) {
                throw new IllegalStateException("no digest by " + name + " was asked for");
            }
            return digest.digest();
        });
    }

    /** Whether that is its digest. */
    boolean has(String algorithm, byte[] digest) {
        return Arrays.equals(digest(algorithm), digest);
    }
}
