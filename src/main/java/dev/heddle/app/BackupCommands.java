package dev.heddle.app;

import dev.heddle.backup.Backup;
import dev.heddle.backup.BackupException;
import dev.heddle.backup.Blobs;
import dev.heddle.backup.Restore;
import dev.heddle.backup.Verification;
import dev.heddle.db.Database;
import dev.heddle.db.EmbeddedPostgres;
import dev.heddle.files.DiskFileStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The commands about backups, on whatever the settings name. Each answers its exit code. */
final class BackupCommands {

    private static final int FAILED = 1;

    /** Nothing was begun: to try again without a change is of no use. */
    private static final int REFUSED = 2;

    /** One statement after the other. */
    private static final int CONNECTIONS = 1;

    private final Settings settings;
    private final PrintStream out;
    private final PrintStream err;

    BackupCommands(Settings settings, PrintStream out, PrintStream err) {
        this.settings = settings;
        this.out = out;
        this.err = err;
    }

    /** Looks at a backup; it needs no settings. */
    static int verify(Path directory, PrintStream out, PrintStream err) {
        return guarded("verify", err, () -> {
            var found = Verification.of(directory);
            if (!found.faults().isEmpty()) {
                found.faults().forEach(fault -> err.println("heddle: " + directory + ": " + fault));
                return FAILED;
            }
            out.println("heddle: " + directory + " is whole: " + found.rows() + " rows of " + found.takenAt()
                    + " in schema " + found.schema() + ", " + found.files() + " files of " + found.fileBytes()
                    + " bytes");
            return 0;
        });
    }

    /** Makes a backup, beside a server that runs or without one. */
    int backup(Path to) {
        return guarded("back up", err, () -> {
            try (var owned = new Owned()) {
                var database = open(owned, visit(owned));
                var done = Backup.write(database, blobs(owned), to, line -> err.println("heddle: " + line));
                out.println("heddle: " + done.rows() + " rows and " + done.files() + " files of " + done.fileBytes()
                        + " bytes are in " + to + "; " + done.changed() + " files were deleted or replaced meanwhile");
                if (done.lost() > 0) {
                    err.println("heddle: " + done.lost() + " files are lost and not in the backup");
                    return FAILED;
                }
                return 0;
            }
        });
    }

    /** Restores one; the server must not run. */
    int restore(Path from) {
        return guarded("restore", err, () -> {
            try (var owned = new Owned()) {
                var database = open(owned, start(owned));
                var done = Restore.from(from, database, blobs(owned));
                out.println("heddle: " + done.rows() + " rows and " + done.files() + " files of " + done.fileBytes()
                        + " bytes of " + done.takenAt() + " are restored from " + from);
                return 0;
            }
        });
    }

    private interface Command {
        int run();
    }

    private static int guarded(String what, PrintStream err, Command command) {
        var root = Logger.getLogger("");
        var before = root.getLevel();
        // Beside its own lines only what is wrong is of interest.
        root.setLevel(Level.WARNING);
        try {
            return command.run();
        } catch (BackupException e) {
            err.println("heddle: cannot " + what + ": " + e.getMessage());
            return e.isRefused() ? REFUSED : FAILED;
        } catch (RuntimeException e) {
            var cause = e instanceof UncheckedIOException io ? io.getCause() : e;
            err.println("heddle: cannot " + what + ": " + SettingsException.oneLine(String.valueOf(cause)));
            return FAILED;
        } finally {
            root.setLevel(before);
        }
    }

    private Path postgres() {
        return settings.data().directory().resolve("postgres");
    }

    private EmbeddedPostgres.@Nullable Visit visit(Owned owned) {
        if (!(settings.database().postgres() instanceof Settings.Embedded)) {
            return null;
        }
        if (!Files.isDirectory(postgres())) {
            // Or it would be made, and what is in it backed up.
            throw new IllegalArgumentException("there is no database in " + postgres());
        }
        return owned.add(EmbeddedPostgres.visit(postgres()));
    }

    private EmbeddedPostgres.@Nullable Visit start(Owned owned) {
        if (!(settings.database().postgres() instanceof Settings.Embedded)) {
            return null;
        }
        var server = owned.add(EmbeddedPostgres.start(postgres()));
        return new EmbeddedPostgres.Visit(server.url(), server.username(), server.password(), () -> {});
    }

    private Database open(Owned owned, EmbeddedPostgres.@Nullable Visit embedded) {
        var its = settings.database();
        if (embedded != null) {
            return open(owned, embedded.url(), embedded.username(), embedded.password());
        }
        var external = (Settings.External) its.postgres();
        var password = external.password();
        return open(owned, external.url(), external.username(), password == null ? null : password.value());
    }

    private Database open(Owned owned, String url, @Nullable String username, @Nullable String password) {
        var its = settings.database();
        var database = owned.add(Database.open(
                "heddle-backup",
                Database.Session.REQUESTS,
                new Database.Options(url, username, password, CONNECTIONS, 0, its.gateWait(), its.statementTimeout())));
        database.failure().ifPresent(outage -> {
            throw new IllegalStateException("the database cannot be used: " + outage.sentence());
        });
        return database;
    }

    private Blobs blobs(Owned owned) {
        var its = settings.files();
        try {
            return new Kept(owned.add(new DiskFileStore(its.directory(), its.keepFree())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The store of files, as backups see it. */
    private record Kept(DiskFileStore store) implements Blobs {
        @Override
        public Optional<InputStream> open(UUID id) throws IOException {
            return store.read(id);
        }

        @Override
        public void put(UUID id, InputStream bytes, long size) throws IOException {
            try (var incoming = store.begin(id, size)) {
                var buffer = new byte[64 * 1024];
                for (int read = bytes.read(buffer); read >= 0; read = bytes.read(buffer)) {
                    incoming.write(buffer, 0, read);
                }
                incoming.keep();
            }
        }

        @Override
        public void delete(UUID id) throws IOException {
            store.delete(id);
        }

        @Override
        public boolean isEmpty() throws IOException {
            return store.isEmpty();
        }
    }
}
