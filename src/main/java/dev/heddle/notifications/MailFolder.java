package dev.heddle.notifications;

import dev.heddle.concurrent.Batcher;
import dev.heddle.concurrent.Deadline;
import dev.heddle.concurrent.FanOut;
import dev.heddle.content.Disk;
import dev.heddle.jobs.UnfitException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * Where mails go when there is no mail server: each into a file {@code <id>.eml}, which appears whole or not at all and
 * is on disk when {@link #send} returns. The same mail again replaces its file. Safe for any thread, and for several
 * processes with one folder.
 */
public final class MailFolder implements Mailer {

    /** Writing one takes milliseconds: what is older has lost its writer. */
    private static final Duration LEFT_BEHIND = Duration.ofHours(1);

    private static final String TEMPORARY = ".eml.tmp";

    /** Of one: the disk has been asked to write, and those that come later are in the next. */
    private static final int SYNCS_AT_ONCE = 1;

    /** Names that become durable at once; no more mails are written at the same time. */
    private static final int SYNC_MAX = 128;

    /** Whoever has less than twice as long does it by itself. */
    private static final Duration SYNC_LIMIT = Duration.ofSeconds(5);

    /** Of those that are sent together: a disk keeps what is asked for at about the same time in one go. */
    private static final int WRITERS = 4;

    private static final Set<OpenOption> NEW = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);

    private final Path directory;
    private final String from;
    private final FileAttribute<?>[] permissions;
    private final FanOut writers = new FanOut(WRITERS);
    private final Batcher<Path, Path> names = new Batcher<>(SYNCS_AT_ONCE, SYNC_MAX, SYNC_LIMIT, this::sync);

    /** Writes mails of that sender, an address or a name and an address, into that directory, made with the first mail. */
    public MailFolder(Path directory, String from) {
        this.directory = directory;
        this.from = from;
        this.permissions = Disk.ownerOnly(directory);
    }

    /**
     * Writes the mail.
     *
     * @throws MailException permanent when the receiver's address is none; else transient, also when the thread was
     *     interrupted, whose flag then stays set
     */
    @Override
    public void send(Mail mail) {
        keep(List.of(mail), List.of(MailMessage.of(mail, from).bytes()));
    }

    @Override
    public Optional<Consumer<List<Mail>>> together() {
        return Optional.of(this::send);
    }

    /** All or, when it throws, some of them; none when it is an {@link UnfitException}. */
    private void send(List<Mail> mails) {
        var contents = new ArrayList<byte[]>(mails.size());
        var unfit = new HashSet<UUID>();
        for (var mail : mails) {
            try {
                contents.add(MailMessage.of(mail, from).bytes());
            } catch (MailException e) {
                if (!e.isPermanent()) {
                    throw e;
                }
                unfit.add(mail.id());
            }
        }
        if (!unfit.isEmpty()) {
            throw new UnfitException(unfit);
        }
        if (!mails.isEmpty()) {
            keep(mails, contents);
        }
    }

    private void keep(List<Mail> mails, List<byte[]> contents) {
        try {
            try {
                write(mails, contents);
            } catch (NoSuchFileException e) {
                Disk.makeDirectory(directory);
                write(mails, contents);
            }
        } catch (IOException | UncheckedIOException e) {
            var which = mails.getFirst().id() + (mails.size() == 1 ? "" : " and " + (mails.size() - 1) + " more");
            throw MailException.transientFailure("cannot write mail " + which + " into " + directory, e);
        }
    }

    /**
     * Removes what writers left behind that died before they were done.
     *
     * @return how many files
     * @throws MailException when the directory cannot be read or a file not be removed
     */
    public int sweep(Instant now) {
        if (!Files.isDirectory(directory)) {
            return 0;
        }
        int removed = 0;
        try (var leftovers = Files.newDirectoryStream(directory, path -> isLeftover(path, now))) {
            for (var leftover : leftovers) {
                removed += Files.deleteIfExists(leftover) ? 1 : 0;
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw MailException.transientFailure("cannot sweep " + directory, e);
        }
        return removed;
    }

    private void write(List<Mail> mails, List<byte[]> contents) throws IOException {
        var temporaries = new ArrayList<Path>(mails.size());
        try {
            for (var mail : mails) {
                // Named by chance: two may write the same mail.
                var chance = Long.toUnsignedString(ThreadLocalRandom.current().nextLong(), Character.MAX_RADIX);
                temporaries.add(directory.resolve(mail.id() + "-" + chance + TEMPORARY));
            }
            writeFiles(temporaries, contents);
            requireTime();
            for (int i = 0; i < mails.size(); i++) {
                var file = directory.resolve(mails.get(i).id() + ".eml");
                Files.move(temporaries.get(i), file, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException | CancellationException e) {
            temporaries.forEach(temporary -> remove(temporary, e));
            throw e;
        }
        names.call(directory);
    }

    /** The disk may have taken long, and nobody will note any more that these were sent: they are not, until the next attempt. */
    private static void requireTime() throws IOException {
        if (Deadline.current().isExpired() || Thread.currentThread().isInterrupted()) {
            throw new IOException("the disk took too long");
        }
    }

    private void writeFiles(List<Path> files, List<byte[]> contents) throws IOException {
        if (files.size() == 1) {
            write(files.getFirst(), contents.getFirst());
            return;
        }
        var limit = Deadline.current().remaining();
        var parts = new ArrayList<FanOut.Part<Path>>(files.size());
        for (int i = 0; i < files.size(); i++) {
            var file = files.get(i);
            var content = contents.get(i);
            parts.add(new FanOut.Part<>(file.toString(), limit, () -> write(file, content)));
        }
        for (var result : writers.run(parts)) {
            if (result.cause() instanceof IOException e) {
                throw e;
            }
            if (result.ending() != FanOut.Ending.DONE) {
                throw new IOException(result.name() + " was not written: " + result.ending(), result.cause());
            }
        }
    }

    /**
     * For the owner's eyes only, where there are such files, and on the disk. Not many by one call (syncfs(2)): that waits for
     * what others have written there, and so does the database meanwhile.
     */
    private Path write(Path file, byte[] content) throws IOException {
        try (var channel = FileChannel.open(file, NEW, permissions)) {
            for (var left = ByteBuffer.wrap(content); left.hasRemaining(); ) {
                channel.write(left);
            }
            channel.force(true);
        }
        return file;
    }

    /** What cannot be removed now is swept later. */
    private static void remove(Path temporary, Exception because) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }

    /** A name is on disk when its directory is, which is written once for all that have one by then. */
    private List<Path> sync(List<Path> files) {
        try (var entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    private static boolean isLeftover(Path path, Instant now) throws IOException {
        try {
            return path.getFileName().toString().endsWith(TEMPORARY)
                    && Files.getLastModifiedTime(path).toInstant().isBefore(now.minus(LEFT_BEHIND));
        } catch (NoSuchFileException e) {
            // Its writer has just given it its name.
            return false;
        }
    }
}
