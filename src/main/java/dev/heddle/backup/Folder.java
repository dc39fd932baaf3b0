package dev.heddle.backup;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.UUID;

/**
 * The directory of a backup.
 *
 * <pre>
 *   manifest          what there is; a directory without one is no backup
 *   manifest.sha256   its digest, in the form of sha256sum
 *   tables/users …    rows, in the text format of PostgreSQL's COPY
 *   files/ab/…        the bytes of files, by the ids in tables/files; their digests are there
 * </pre>
 */
record Folder(Path path) {

    private static final int BUFFER_BYTES = 64 * 1024;

    Path manifest() {
        return path.resolve("manifest");
    }

    Path manifestDigest() {
        return path.resolve("manifest.sha256");
    }

    Path tables() {
        return path.resolve("tables");
    }

    Path table(String name) {
        return tables().resolve(name);
    }

    Path files() {
        return path.resolve("files");
    }

    /** One of 256 directories, by the last two digits, which are random. */
    Path blob(UUID id) {
        var name = id.toString();
        return files().resolve(name.substring(name.length() - 2)).resolve(name);
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    static String hexadecimal(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    static String hexadecimal(String text) {
        var digest = sha256();
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        return hexadecimal(digest);
    }

    /** Reads a file and its digest. */
    static DigestInputStream read(Path file) throws IOException {
        return new DigestInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES), sha256());
    }

    /** A file that is written: its length and its digest so far. Closed, it is on disk. */
    static final class Written extends FilterOutputStream {

        private final FileChannel channel;
        private final MessageDigest digest = Folder.sha256();
        private long bytes;

        Written(Path file) throws IOException {
            this(new FileOutputStream(file.toFile()));
        }

        private Written(FileOutputStream file) {
            super(new BufferedOutputStream(file, BUFFER_BYTES));
            channel = file.getChannel();
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] from, int offset, int length) throws IOException {
            out.write(from, offset, length);
            digest.update(from, offset, length);
            bytes += length;
        }

        long bytes() {
            return bytes;
        }

        /** Once, when all is written. */
        String sha256() {
            return hexadecimal(digest);
        }

        @Override
        public void close() throws IOException {
            try {
                out.flush();
                channel.force(true);
            } finally {
                super.close();
            }
        }
    }

    /** Copies what there is to a new file; how long it is, and its digest. */
    static Written copy(InputStream from, Path to) throws IOException {
        try (from;
                var written = new Written(to)) {
            from.transferTo(written);
            return written;
        }
    }

    static void write(Path file, String text) throws IOException {
        try (OutputStream out = new Written(file)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Has the disk keep the names in a directory. */
    static void sync(Path directory) throws IOException {
        try (var entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        }
    }

    /** Has the disk keep all names in this one and below. */
    void syncNames() throws IOException {
        try (var below = Files.walk(path)) {
            for (var directory : below.filter(Files::isDirectory)
                    .sorted(Comparator.reverseOrder())
                    .toList()) {
                sync(directory);
            }
        }
    }

    /** Removes what has become of an attempt, as far as that is possible. */
    void discard() {
        try (var all = Files.walk(path)) {
            for (var file : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
