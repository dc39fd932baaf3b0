package dev.heddle.files;

import dev.heddle.content.FileName;
import dev.heddle.db.Database;
import dev.heddle.db.DatabaseException;
import dev.heddle.db.Sql;
import dev.heddle.http.Keyset;
import dev.heddle.http.Preconditions;
import dev.heddle.http.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What can be done with files. The bytes are kept before the row that names them is written, and removed after it is
 * gone; what a crash leaves in between belongs to nobody, and is swept. Safe for any thread.
 */
public final class UserFiles {

    private static final System.Logger LOG = System.getLogger(UserFiles.class.getName());

    /** The table's own name for "there is no such user". */
    private static final String OWNER_CONSTRAINT = "file_usage_user_id_fkey";

    /**
     * From keeping the bytes to the row it takes seconds; but a COMMIT may hang for as long as a standby is away, and clocks
     * differ. It costs nothing but room on the disk.
     */
    private static final Duration UNCLAIMED = Duration.ofDays(1);

    private final Database database;
    private final FileStore store;
    private final Limits limits;
    private final FileTable table = new FileTable();

    /**
     * What a user may have.
     *
     * @param fileBytes in one file
     * @param bytes in all files together
     * @param files how many of them
     * @param uploads how many of all users may come at once
     */
    public record Limits(long fileBytes, long bytes, int files, int uploads) {}

    /**
     * Which file of whom, and in what state it must be.
     *
     * @param ifMatch as the header has it, empty for none
     */
    record Target(String userId, FileName name, String ifMatch) {}

    /** What is to be done with a file of the same name that is there. */
    record Upload(Target target, boolean overwrite) {}

    /** What has arrived; its digest in hexadecimal digits. */
    record Arrival(UUID blob, long size, String sha256, String contentType) {}

    /** Files of that database, their bytes in that store. */
    public UserFiles(Database database, FileStore store, Limits limits) {
        this.database = database;
        this.store = store;
        this.limits = limits;
    }

    Limits limits() {
        return limits;
    }

    FileStore store() {
        return store;
    }

    /**
     * How long the file may be that is about to come, by what the user has right now; one too many is refused. What is
     * refused here need not be sent; the last word is that of {@link #publish}.
     *
     * @param mayBeRepeat whether this may be a repeat of an upload that has been done: then its file is in nobody's way
     */
    long allowance(Upload upload, boolean mayBeRepeat) {
        var its = upload.target();
        return database.read(sql -> {
            var there = table.find(sql, its.userId(), its.name());
            if (!mayBeRepeat) {
                requireAllowed(upload, there);
            }
            var usage = table.usage(sql, its.userId());
            if (!mayBeRepeat && there.isEmpty()) {
                requireFiles(usage, 1);
            }
            long left =
                    limits.bytes() - usage.bytes() + there.map(UserFile::size).orElse(0L);
            return mayBeRepeat ? limits.bytes() : Math.max(0, left);
        });
    }

    private static void requireAllowed(Upload upload, Optional<UserFile> there) {
        var condition = upload.target().ifMatch();
        if (!condition.isEmpty()
                && there.filter(file -> Preconditions.matches(condition, file.tag(), false))
                        .isEmpty()) {
            throw Problem.PRECONDITION_FAILED.asException();
        }
        if (there.isPresent() && !upload.overwrite()) {
            throw Problem.CONFLICT.because("There is a file of that name; overwrite=true puts this one in its place.");
        }
    }

    /**
     * Makes what has arrived a file of its user. In a transaction of the caller's, if there is one.
     *
     * @param written called when only the COMMIT is missing: from then on nobody but the database knows whether the row is
     *     there, so the bytes must stay, if need be for the sweep
     */
    UserFile publish(Upload upload, Arrival arrival, Runnable written) {
        var its = upload.target();
        try {
            return database.inTransaction(sql -> {
                var usage = table.lock(sql, its.userId());
                var there = table.find(sql, its.userId(), its.name());
                requireAllowed(upload, there);
                long files = there.isPresent() ? 0 : 1;
                long bytes = arrival.size() - there.map(UserFile::size).orElse(0L);
                requireQuota(usage, files, bytes);
                var file = table.put(sql, its.userId(), its.name(), arrival);
                table.use(sql, its.userId(), files, bytes);
                there.ifPresent(old -> forgetAfterwards(sql, old.blob()));
                written.run();
                return file;
            });
        } catch (DatabaseException e) {
            if (e.isConstraint(OWNER_CONSTRAINT)) {
                throw Problem.invalidParameter("user_id", "no_such_user", "there is no such user");
            }
            throw e;
        }
    }

    private void requireFiles(FileTable.Usage usage, long files) {
        if (usage.files() + files > limits.files()) {
            throw Problem.QUOTA_EXCEEDED.because("A user may have at most " + limits.files() + " files.");
        }
    }

    private void requireQuota(FileTable.Usage usage, long files, long bytes) {
        requireFiles(usage, files);
        if (bytes > 0 && usage.bytes() + bytes > limits.bytes()) {
            throw quotaExceeded();
        }
    }

    /** Refuses a file that has come so far, by what one may have and by what this one may have. */
    void requireSize(long size, long allowance) {
        if (size > limits.fileBytes()) {
            throw Problem.CONTENT_TOO_LARGE.because("A file may have at most " + limits.fileBytes() + " bytes.");
        }
        if (size > allowance) {
            throw quotaExceeded();
        }
    }

    private RuntimeException quotaExceeded() {
        return Problem.QUOTA_EXCEEDED.because(
                "The files of a user may have at most " + limits.bytes() + " bytes together.");
    }

    UserFile get(Target target) {
        return database.quick(sql -> table.find(sql, target.userId(), target.name()))
                .orElseThrow(UserFiles::notFound);
    }

    /**
     * The bytes of a file; empty when it was replaced or deleted since its row was read.
     *
     * @throws UncheckedIOException when they are not what the row says
     */
    Optional<FileStore.Kept> open(UserFile file) {
        try {
            var kept = store.open(file.blob());
            if (kept.isPresent() && kept.get().size() != file.size()) {
                long size = kept.get().size();
                kept.get().close();
                throw new IOException("blob " + file.blob() + " has " + size + " bytes instead of " + file.size());
            }
            return kept;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<UserFile> list(String userId, Optional<Keyset> after, int skip, int rows) {
        return database.quick(sql -> table.list(sql, userId, after, skip, rows));
    }

    void delete(Target target) {
        try {
            deleteFile(target);
        } catch (DatabaseException e) {
            if (e.isConstraint(OWNER_CONSTRAINT)) {
                throw notFound();
            }
            throw e;
        }
    }

    private void deleteFile(Target target) {
        database.inTransaction(sql -> {
            table.lock(sql, target.userId());
            var file = table.find(sql, target.userId(), target.name()).orElseThrow(UserFiles::notFound);
            if (!target.ifMatch().isEmpty() && !Preconditions.matches(target.ifMatch(), file.tag(), false)) {
                throw Problem.PRECONDITION_FAILED.asException();
            }
            table.delete(sql, target.userId(), target.name());
            table.use(sql, target.userId(), -1, -file.size());
            forgetAfterwards(sql, file.blob());
            return file;
        });
    }

    private void forgetAfterwards(Sql sql, UUID blob) {
        sql.afterwards(() -> forget(blob));
    }

    /** Removes bytes that no row names. If that fails, the sweep does it. */
    void forget(UUID blob) {
        try {
            store.delete(blob);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "blob " + blob + " could not be deleted; the sweep will", e);
        }
    }

    /** Removes bytes that belong to no file: of uploads that died, and of users who are gone. */
    public void sweep() {
        try {
            int removed =
                    store.sweep(Instant.now().minus(UNCLAIMED), blobs -> database.read(sql -> table.known(sql, blobs)));
            if (removed > 0) {
                LOG.log(System.Logger.Level.INFO, "{0} files that belong to nobody were removed", removed);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static RuntimeException notFound() {
        return Problem.NOT_FOUND.because("File not found");
    }
}
