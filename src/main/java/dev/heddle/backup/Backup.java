package dev.heddle.backup;

import dev.heddle.db.Database;
import dev.heddle.db.Sql;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Copies the database and the bytes of files while servers work on both. The rows are those of one moment. The bytes are
 * copied after it: they never change, but those of a file that was deleted or replaced since are gone. Such a file is in the
 * backup as it is later, or not at all. One use, one thread.
 */
public final class Backup {

    /** A file that is replaced so often in so short a time is left as a fault rather than waited for. */
    private static final int REPLACED_MAX = 20;

    private final Database database;
    private final Blobs blobs;
    private final Consumer<String> complaints;
    private final Folder folder;
    private final List<Manifest.Table> tables = new ArrayList<>();
    private final Set<Path> shards = new HashSet<>();
    private String takenAt = "";
    private long files;
    private long fileBytes;
    private long changed;
    private long lost;

    private Backup(Database database, Blobs blobs, Consumer<String> complaints, Folder folder) {
        this.database = database;
        this.blobs = blobs;
        this.complaints = complaints;
        this.folder = folder;
    }

    /**
     * What has been backed up.
     *
     * @param changed files that were deleted or replaced meanwhile
     * @param lost files whose bytes are not there or not what they should be, and which the backup does not hold
     */
    public record Done(long rows, long files, long fileBytes, long changed, long lost) {}

    /**
     * Makes a backup in that directory, which is not there until all of it is on disk.
     *
     * @param complaints takes a line for each file that is lost
     * @throws BackupException with a line for the operator
     */
    public static Done write(Database database, Blobs blobs, Path to, Consumer<String> complaints) {
        var target = to.toAbsolutePath().normalize();
        if (Files.exists(target)) {
            throw BackupException.refused(target + " is there already; give each backup a directory of its own");
        }
        int schema = database.schema();
        if (schema != Database.NEWEST_SCHEMA) {
            throw BackupException.refused("the database has schema " + schema + " and this Heddle schema "
                    + Database.NEWEST_SCHEMA + ": back up with the Heddle that serves it");
        }
        try {
            var parent = target.resolveSibling("");
            Files.createDirectories(parent);
            // For the owner's eyes only. Its name says what it is, should it be left by a process that was killed.
            var unfinished = new Folder(Files.createTempDirectory(parent, target.getFileName() + ".unfinished-"));
            try {
                var backup = new Backup(database, blobs, complaints, unfinished);
                var done = backup.fill();
                Files.move(unfinished.path(), target, StandardCopyOption.ATOMIC_MOVE);
                Folder.sync(parent);
                return done;
            } catch (IOException | RuntimeException | Error e) {
                discard(unfinished, e);
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void discard(Folder unfinished, Throwable because) {
        try {
            unfinished.discard();
        } catch (UncheckedIOException e) {
            because.addSuppressed(e);
        }
    }

    private Done fill() throws IOException {
        Files.createDirectory(folder.tables());
        Files.createDirectory(folder.files());
        var spool = folder.path().resolve("files.all");
        database.patiently(() -> database.inTransaction(sql -> copyTables(sql, spool)));
        copyFiles(spool);
        Files.delete(spool);
        var manifest = new Manifest(Database.NEWEST_SCHEMA, takenAt, ordered(), files, fileBytes);
        Folder.write(folder.manifest(), manifest.text());
        Folder.write(folder.manifestDigest(), Folder.hexadecimal(manifest.text()) + "  manifest\n");
        folder.syncNames();
        long rows = tables.stream().mapToLong(Manifest.Table::rows).sum();
        return new Done(rows, files, fileBytes, changed, lost);
    }

    private List<Manifest.Table> ordered() {
        return Tables.ALL.stream()
                .map(name -> tables.stream()
                        .filter(table -> table.name().equals(name))
                        .findFirst()
                        .orElseThrow())
                .toList();
    }

    private boolean copyTables(Sql sql, Path spool) {
        takenAt = Tables.standStill(sql);
        try {
            for (var name : Tables.ALL) {
                boolean isFiles = name.equals(Tables.FILES);
                var columns = Tables.columns(sql, name);
                long rows;
                Folder.Written written;
                try (var out = new Folder.Written(isFiles ? spool : folder.table(name))) {
                    written = out;
                    rows = Tables.copyOut(sql, name, columns, out);
                }
                if (!isFiles) {
                    tables.add(new Manifest.Table(name, columns, rows, written.bytes(), written.sha256()));
                }
            }
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void copyFiles(Path spool) throws IOException {
        Folder.Written written;
        try (var lines = Files.newBufferedReader(spool);
                var out = new Folder.Written(folder.table(Tables.FILES))) {
            written = out;
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                var kept = copied(line);
                if (kept.isPresent()) {
                    out.write((kept.get() + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
        }
        tables.add(new Manifest.Table(Tables.FILES, FileRow.COLUMNS, files, written.bytes(), written.sha256()));
    }

    /** Copies the bytes that a row names; the row, or the one that has taken its place, or none. */
    private Optional<String> copied(String line) throws IOException {
        var current = line;
        for (int attempt = 0; attempt < REPLACED_MAX; attempt++) {
            var row = FileRow.of(current);
            var bytes = blobs.open(row.blob());
            if (bytes.isPresent()) {
                changed += attempt > 0 ? 1 : 0;
                return copyBytes(row, bytes.get()) ? Optional.of(current) : Optional.empty();
            }
            var now = database.read(sql -> Tables.blob(sql, row.userId(), row.name()));
            if (now.isEmpty()) {
                changed++;
                return Optional.empty();
            }
            if (now.get().equals(row.blob())) {
                return lose(row, "has no bytes");
            }
            // Replaced once more in between, it has no line; then its old one leads here again.
            current = newest(now.get()).orElse(current);
        }
        return lose(FileRow.of(current), "is replaced again and again");
    }

    private Optional<String> newest(UUID blob) {
        var line = new ByteArrayOutputStream();
        database.read(sql -> Tables.copyOutFile(sql, blob, line));
        return line.toString(StandardCharsets.UTF_8).lines().findFirst();
    }

    private Optional<String> lose(FileRow row, String what) {
        lost++;
        complaints.accept("file \"" + row.name() + "\" of " + row.userId() + " " + what + " (" + row.blob()
                + "); it is not in the backup");
        return Optional.empty();
    }

    private boolean copyBytes(FileRow row, InputStream bytes) throws IOException {
        var place = folder.blob(row.blob());
        if (shards.add(place.resolveSibling(""))) {
            Files.createDirectories(place.resolveSibling(""));
        }
        var written = Folder.copy(bytes, place);
        if (written.bytes() != row.size() || !written.sha256().equals(row.sha256())) {
            Files.delete(place);
            lose(row, "is damaged");
            return false;
        }
        files++;
        fileBytes += row.size();
        return true;
    }
}
