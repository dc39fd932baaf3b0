package dev.heddle.backup;

import dev.heddle.db.Database;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Looks at every byte of a backup. One use, one thread. */
public final class Verification {

    /** More of them say nothing that these do not. */
    private static final int FAULTS_MAX = 20;

    private final Folder folder;
    private final List<String> faults = new ArrayList<>();
    private long files;
    private long fileBytes;

    private Verification(Folder folder) {
        this.folder = folder;
    }

    /**
     * What was found.
     *
     * @param faults a line for each; none when the backup is whole
     */
    public record Found(List<String> faults, String takenAt, int schema, long rows, long files, long fileBytes) {}

    /**
     * Looks at the backup in that directory.
     *
     * @throws BackupException when it is of a schema that this Heddle does not know
     */
    public static Found of(Path directory) {
        var verification = new Verification(new Folder(directory));
        var manifest = verification.verify();
        return new Found(
                List.copyOf(verification.faults),
                manifest.map(Manifest::takenAt).orElse(""),
                manifest.map(Manifest::schema).orElse(0),
                manifest.stream()
                        .flatMap(it -> it.tables().stream())
                        .mapToLong(Manifest.Table::rows)
                        .sum(),
                verification.files,
                verification.fileBytes);
    }

    /** @throws BackupException when the backup is not whole, or of a schema that this Heddle does not know */
    static Manifest require(Folder folder) {
        var verification = new Verification(folder);
        var manifest = verification.verify();
        if (!verification.faults.isEmpty()) {
            throw BackupException.failed(folder.path() + " is no whole backup: " + verification.faults.getFirst());
        }
        return manifest.orElseThrow();
    }

    private Optional<Manifest> verify() {
        try {
            var manifest = manifest();
            if (manifest.isPresent()) {
                boolean isFilesWhole = true;
                for (var table : manifest.get().tables()) {
                    boolean isWhole = isWhole(table);
                    isFilesWhole &= isWhole || !table.name().equals(Tables.FILES);
                }
                // Or what it says about files is not to be believed.
                if (isFilesWhole) {
                    blobs(manifest.get());
                }
            }
            return manifest;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void fault(String what) {
        if (faults.size() < FAULTS_MAX) {
            faults.add(what);
        }
    }

    private Optional<Manifest> manifest() throws IOException {
        if (!isFile(folder.manifest()) || !isFile(folder.manifestDigest())) {
            return Optional.empty();
        }
        try {
            var text = Files.readString(folder.manifest(), StandardCharsets.ISO_8859_1);
            var digest = Files.readString(folder.manifestDigest(), StandardCharsets.ISO_8859_1);
            if (!digest.equals(Folder.hexadecimal(text) + "  manifest\n")) {
                fault("manifest is damaged");
                return Optional.empty();
            }
            var manifest = Manifest.of(text);
            requireKnown(manifest);
            var names = manifest.tables().stream().map(Manifest.Table::name).toList();
            if (!names.equals(Tables.of(manifest.schema()))) {
                fault("manifest names other tables than schema " + manifest.schema() + " has");
                return Optional.empty();
            }
            return Optional.of(manifest);
        } catch (NoSuchFileException e) {
            fault("there is no " + folder.path().relativize(Path.of(e.getFile())));
        } catch (IllegalArgumentException e) {
            fault("manifest cannot be read: " + e.getMessage());
        }
        return Optional.empty();
    }

    /** What a newer Heddle holds to be whole, this one cannot know. */
    private static void requireKnown(Manifest manifest) {
        if (manifest.schema() > Database.NEWEST_SCHEMA) {
            throw BackupException.refused("the backup has schema " + manifest.schema() + ", this Heddle only schema "
                    + Database.NEWEST_SCHEMA + ": take a Heddle that is not older than the one it is from");
        }
    }

    private boolean isWhole(Manifest.Table table) throws IOException {
        return isWhole(folder.table(table.name()), new Digest(table.bytes(), table.sha256()));
    }

    private boolean isWhole(Path file, Digest expected) throws IOException {
        if (!isFile(file)) {
            return false;
        }
        var found = digest(file);
        if (found.isPresent() && !found.get().equals(expected)) {
            fault(folder.path().relativize(file) + " is damaged");
        }
        return found.isPresent() && found.get().equals(expected);
    }

    /** What a link leads to is no part of the backup, and does not come along when that is copied. What is not there is told later. */
    private boolean isFile(Path place) {
        if (Files.isRegularFile(place, LinkOption.NOFOLLOW_LINKS)
                || Files.notExists(place, LinkOption.NOFOLLOW_LINKS)) {
            return true;
        }
        fault(folder.path().relativize(place) + " is no file, but a "
                + (Files.isSymbolicLink(place) ? "link" : "directory or the like"));
        return false;
    }

    private record Digest(long bytes, String sha256) {}

    private Optional<Digest> digest(Path file) throws IOException {
        try (var in = Folder.read(file)) {
            long bytes = in.transferTo(OutputStream.nullOutputStream());
            return Optional.of(new Digest(bytes, Folder.hexadecimal(in.getMessageDigest())));
        } catch (NoSuchFileException e) {
            fault("there is no " + folder.path().relativize(file));
            return Optional.empty();
        }
    }

    private void blobs(Manifest manifest) throws IOException {
        if (manifest.table(Tables.FILES).isPresent()) {
            try (var lines = Files.newBufferedReader(folder.table(Tables.FILES))) {
                for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                    blob(FileRow.of(line));
                }
            }
        }
        if (faults.isEmpty() && (files != manifest.files() || fileBytes != manifest.fileBytes())) {
            fault("manifest counts " + manifest.files() + " files, tables/files " + files);
        }
        strangers(manifest);
    }

    private void blob(FileRow row) throws IOException {
        files++;
        fileBytes += row.size();
        isWhole(folder.blob(row.blob()), new Digest(row.size(), row.sha256()));
    }

    private static boolean isNoDirectory(Path place) {
        return !Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS);
    }

    /** Something beside it may be what a row lacks, under a name that somebody has changed. */
    private void strangers(Manifest manifest) throws IOException {
        var known = manifest.tables().stream()
                .map(table -> folder.table(table.name()))
                .collect(Collectors.toCollection(TreeSet::new));
        known.add(folder.manifest());
        known.add(folder.manifestDigest());
        long inFiles = 0;
        try (var all = Files.walk(folder.path())) {
            for (var file : (Iterable<Path>) all.filter(Verification::isNoDirectory)::iterator) {
                if (file.startsWith(folder.files())) {
                    inFiles++;
                    // A link to a directory; a file that is one has been told already.
                    if (Files.isDirectory(file)) {
                        fault(folder.path().relativize(file) + " is a link");
                    }
                } else if (!known.contains(file)) {
                    fault(folder.path().relativize(file) + " is no part of it");
                }
            }
        }
        if (faults.isEmpty() && inFiles != files) {
            fault("there are " + inFiles + " files below files, and rows for " + files);
        }
    }
}
