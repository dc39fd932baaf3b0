package dev.heddle.backup;

import dev.heddle.db.Database;
import dev.heddle.db.DatabaseException;
import dev.heddle.db.Sql;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Puts a backup into an empty database and an empty store of files: first the bytes, then, in one transaction, all rows. Where
 * anything is, nothing is restored. One use, one thread.
 */
public final class Restore {

    private static final System.Logger LOG = System.getLogger(Restore.class.getName());

    private final Database database;
    private final Blobs blobs;
    private final Folder folder;
    private final Manifest manifest;
    private boolean maybeCommitted;

    private Restore(Database database, Blobs blobs, Folder folder, Manifest manifest) {
        this.database = database;
        this.blobs = blobs;
        this.folder = folder;
        this.manifest = manifest;
    }

    /** What has been restored. */
    public record Done(String takenAt, long rows, long files, long fileBytes) {}

    /**
     * Looks at every byte of the backup, then restores it, then brings the schema up to date.
     *
     * @throws BackupException with a line for the operator; then nothing has been restored
     */
    public static Done from(Path directory, Database database, Blobs blobs) {
        var folder = new Folder(directory);
        if (!Files.isDirectory(directory)) {
            throw BackupException.refused("there is no directory " + directory);
        }
        var manifest = Verification.require(folder);
        var restore = new Restore(database, blobs, folder, manifest);
        try {
            restore.requireEmptyPlace();
            database.migrate(manifest.schema());
            restore.put();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        database.migrate();
        analyze(database);
        long rows = manifest.tables().stream().mapToLong(Manifest.Table::rows).sum();
        return new Done(manifest.takenAt(), rows, manifest.files(), manifest.fileBytes());
    }

    /** By then all is restored, and PostgreSQL does it by itself in time. */
    private static void analyze(Database database) {
        try {
            // In a transaction, as only there the limit for statements is put off.
            database.patiently(() -> database.inTransaction(sql -> {
                Tables.analyze(sql, Tables.ALL);
                return true;
            }));
        } catch (DatabaseException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "all is restored, but PostgreSQL could not count it: ANALYZE it, or the first queries may take"
                            + " long",
                    e);
        }
    }

    private void requireEmptyPlace() throws IOException {
        int there = database.schema();
        if (there != 0 && there != manifest.schema()) {
            throw BackupException.refused("the database has tables of schema " + there + ", the backup is of schema "
                    + manifest.schema() + ": restore into a database without tables");
        }
        if (there != 0) {
            database.read(sql -> {
                requireEmpty(sql);
                return there;
            });
        }
        if (!blobs.isEmpty()) {
            throw BackupException.refused("the directory of files is not empty: restore into an empty one");
        }
    }

    private List<String> tables() {
        return manifest.tables().stream().map(Manifest.Table::name).toList();
    }

    private void requireEmpty(Sql sql) {
        for (var table : tables()) {
            if (!Tables.isEmpty(sql, table)) {
                throw BackupException.refused(
                        "the database is not empty, its table " + table + " has rows: restore into an empty one");
            }
        }
    }

    private void put() throws IOException {
        try {
            putFiles();
            database.patiently(() -> database.inTransaction(this::putRows));
        } catch (IOException | RuntimeException | Error e) {
            // Once only the COMMIT was missing, nobody but the database knows whether rows name them.
            if (!maybeCommitted) {
                takeBackFiles(e);
            }
            throw e;
        }
    }

    private interface PerFile {
        void run(FileRow row) throws IOException;
    }

    private void forEachFile(PerFile action) throws IOException {
        if (manifest.table(Tables.FILES).isEmpty()) {
            // Of a time that had none.
            return;
        }
        try (var lines = Files.newBufferedReader(folder.table(Tables.FILES))) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                action.run(FileRow.of(line));
            }
        }
    }

    private void putFiles() throws IOException {
        forEachFile(row -> {
            try (var in = Folder.read(folder.blob(row.blob()))) {
                blobs.put(row.blob(), in, row.size());
                requireSame(row.sha256(), Folder.hexadecimal(in.getMessageDigest()), "files/" + row.blob());
            }
        });
    }

    private void takeBackFiles(Throwable because) {
        try {
            forEachFile(row -> blobs.delete(row.blob()));
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }

    private boolean putRows(Sql sql) {
        Tables.lock(sql, tables());
        requireEmpty(sql);
        for (var table : manifest.tables()) {
            putRows(sql, table);
        }
        var filled = Set.copyOf(tables());
        Tables.release(sql, filled);
        Tables.count(sql, filled);
        maybeCommitted = true;
        return true;
    }

    private void putRows(Sql sql, Manifest.Table table) {
        try (var in = Folder.read(folder.table(table.name()))) {
            long rows = Tables.copyIn(sql, table, in);
            requireSame(table.sha256(), Folder.hexadecimal(in.getMessageDigest()), "tables/" + table.name());
            if (rows != table.rows()) {
                throw BackupException.failed("table " + table.name() + " took " + rows + " rows of " + table.rows()
                        + "; nothing is restored");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** It was whole a moment ago. */
    private static void requireSame(String expected, String found, String what) {
        if (!expected.equals(found)) {
            throw BackupException.failed(what + " has changed while it was read; nothing is restored");
        }
    }
}
