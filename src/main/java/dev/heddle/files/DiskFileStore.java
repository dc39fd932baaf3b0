package dev.heddle.files;

import dev.heddle.content.Disk;
import dev.heddle.http.BodyOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Files in a directory that several servers may share. What comes in is written under {@code incoming}, in a directory of
 * this server's own, synced, moved to its place in one step, and the place synced: whatever crashes when, it is in its
 * place whole, or a leftover that a sweep removes. A lock tells which server's directory is whose leftover.
 *
 * <p>The only names of files are ids of ours.
 */
public final class DiskFileStore implements FileStore {

    private static final System.Logger LOG = System.getLogger(DiskFileStore.class.getName());

    private static final String INCOMING = "incoming";

    private static final String LOCK = "lock";

    /** So often, while something is written, it is looked whether there is room left; all uploads at once write no more. */
    private static final long ROOM_BYTES = 512L << 10;

    /** How many ids are asked about at once. */
    private static final int SWEPT_AT_ONCE = 1000;

    // Set once.
    private final Path directory;
    private final long keepFree;

    // Any thread.
    private volatile Own own;
    private final Set<Path> made = ConcurrentHashMap.newKeySet();
    private final AtomicInteger incoming = new AtomicInteger();

    /**
     * Opens the store, and removes what servers left behind that died before they were done.
     *
     * @param keepFree what is left free on the disk, in bytes
     */
    public DiskFileStore(Path directory, long keepFree) throws IOException {
        this.directory = directory;
        this.keepFree = keepFree;
        this.own = Own.make(directory.resolve(INCOMING));
        sweepIncoming();
    }

    /** A directory of this server's own, and the lock by which others know that the server lives. */
    private record Own(Path directory, FileChannel lockFile, FileLock lock) {

        /** Again, when somebody else has swept the directory away before it was locked. */
        static Own make(Path parent) throws IOException {
            while (true) {
                var directory = parent.resolve(UUID.randomUUID().toString());
                Disk.makeDirectory(directory);
                var file = directory.resolve(LOCK);
                var channel = FileChannel.open(
                        file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), Disk.ownerOnly(file));
                try {
                    var own = new Own(directory, channel, channel.lock());
                    if (Files.exists(file)) {
                        return own;
                    }
                } catch (OverlappingFileLockException e) {
                    LOG.log(System.Logger.Level.DEBUG, "{0} is being swept", directory);
                }
                channel.close();
            }
        }
    }

    /** How many are on their way in right now. */
    public int incoming() {
        return incoming.get();
    }

    /** What may still be stored, in bytes. */
    public long free() {
        return Math.max(0, Disk.free(directory) - keepFree);
    }

    private synchronized Own remade() throws IOException {
        if (!Files.isDirectory(own.directory(), LinkOption.NOFOLLOW_LINKS)) {
            LOG.log(System.Logger.Level.WARNING, "{0} is gone; another is made", own.directory());
            own.lockFile().close();
            own = Own.make(directory.resolve(INCOMING));
        }
        return own;
    }

    private void requireRoom(long bytes) throws StorageFullException {
        if (free() < bytes) {
            throw new StorageFullException("the disk under " + directory + " has no room for " + bytes
                    + " bytes and the " + keepFree + " that are left free");
        }
    }

    @Override
    public Incoming begin(long announced) throws IOException {
        return begin(UUID.randomUUID(), announced);
    }

    /** Begins to store what has had an id before, in the store that it was copied from. */
    public Incoming begin(UUID id, long announced) throws IOException {
        requireRoom(Math.max(1, announced));
        try {
            return new IncomingFile(id, own.directory());
        } catch (NoSuchFileException e) {
            // Somebody has cleared up too much, or another server took this one for dead.
            return new IncomingFile(id, remade().directory());
        }
    }

    /** One of 256 directories, by the last two digits, which are random. */
    private Path shard(UUID id) {
        var name = id.toString();
        return directory.resolve(name.substring(name.length() - 2));
    }

    private Path place(UUID id) {
        return shard(id).resolve(id.toString());
    }

    private final class IncomingFile implements Incoming {

        private final UUID id;
        private final Path path;
        private final FileChannel channel;
        // The first bytes are looked at too.
        private long unchecked = ROOM_BYTES;

        IncomingFile(UUID id, Path directory) throws IOException {
            this.id = id;
            this.path = directory.resolve(id.toString());
            this.channel = FileChannel.open(
                    path, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), Disk.ownerOnly(path));
            incoming.incrementAndGet();
        }

        @Override
        public UUID id() {
            return id;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            unchecked += length;
            if (unchecked >= ROOM_BYTES) {
                requireRoom(length);
                unchecked = 0;
            }
            try {
                for (var left = ByteBuffer.wrap(bytes, offset, length); left.hasRemaining(); ) {
                    channel.write(left);
                }
            } catch (IOException e) {
                throw fullOr(e);
            }
        }

        @Override
        public void keep() throws IOException {
            try {
                // What the sweep judges by: its bytes may have come long ago.
                Files.setLastModifiedTime(path, FileTime.from(Instant.now()));
                channel.force(true);
                channel.close();
                var shard = shard(id);
                makeShard(shard);
                Files.move(path, place(id), StandardCopyOption.ATOMIC_MOVE);
                sync(shard);
            } catch (IOException e) {
                throw fullOr(e);
            }
        }

        private IOException fullOr(IOException e) {
            if (e instanceof StorageFullException || !Disk.isFull(e, directory)) {
                return e;
            }
            var full = new StorageFullException("the disk under " + directory + " is full");
            full.initCause(e);
            return full;
        }

        @Override
        public void close() throws IOException {
            incoming.decrementAndGet();
            try {
                channel.close();
            } finally {
                Files.deleteIfExists(path);
            }
        }
    }

    /** Made once for ever; its own name must be on disk before what is in it can be said to be. */
    private void makeShard(Path shard) throws IOException {
        if (made.contains(shard)) {
            return;
        }
        try {
            Disk.makeDirectory(shard);
        } catch (FileAlreadyExistsException e) {
            LOG.log(System.Logger.Level.DEBUG, "another server made {0} at the same moment", shard);
        }
        sync(directory);
        made.add(shard);
    }

    private static void sync(Path directory) throws IOException {
        try (var entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            entries.force(true);
        }
    }

    /** The bytes of what is kept under that id, for a copy of them; they can be read to their end even if it is deleted. */
    public Optional<InputStream> read(UUID id) throws IOException {
        try {
            return Optional.of(Files.newInputStream(place(id), LinkOption.NOFOLLOW_LINKS));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Whether nothing is kept. */
    public boolean isEmpty() throws IOException {
        try (var all = Files.find(
                directory, 2, (path, its) -> its.isRegularFile() && idOf(path).isPresent())) {
            return all.filter(path -> !path.startsWith(directory.resolve(INCOMING)))
                    .findAny()
                    .isEmpty();
        }
    }

    @Override
    public Optional<Kept> open(UUID id) throws IOException {
        var place = place(id);
        try {
            var attributes = KeptFile.attributes(place);
            var channel = FileChannel.open(place, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
            return Optional.of(new KeptFile(place, channel, attributes));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static final class KeptFile implements Kept {

        /** So much is sent only when all before it is known to be what was opened. */
        private static final long LAST_BYTES = 4096;

        private final Path place;
        private final FileChannel channel;
        private final BasicFileAttributes opened;
        private final long size;

        KeptFile(Path place, FileChannel channel, BasicFileAttributes opened) {
            this.place = place;
            this.channel = channel;
            this.opened = opened;
            this.size = opened.size();
        }

        private static BasicFileAttributes attributes(Path place) throws IOException {
            return Files.readAttributes(place, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public void write(long position, long count, BodyOutput out) throws IOException {
            long last = Math.min(count, LAST_BYTES);
            out.write(channel, position, count - last);
            requireUnchanged();
            out.write(channel, position + count - last, last);
        }

        /** Nobody but somebody with a shell can change it. One that was deleted meanwhile is still whole. */
        private void requireUnchanged() throws IOException {
            try {
                var now = attributes(place);
                boolean isSame = Objects.equals(now.fileKey(), opened.fileKey());
                if (channel.size() != size || (isSame && !now.lastModifiedTime().equals(opened.lastModifiedTime()))) {
                    throw new IOException("the file " + place + " has changed while it was sent");
                }
            } catch (NoSuchFileException e) {
                LOG.log(System.Logger.Level.DEBUG, "{0} was deleted while it was sent", place);
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    @Override
    public void delete(UUID id) throws IOException {
        Files.deleteIfExists(place(id));
    }

    @Override
    public int sweep(Instant before, Function<Collection<UUID>, Set<UUID>> known) throws IOException {
        int removed = sweepIncoming();
        try (var shards = Files.newDirectoryStream(directory)) {
            for (var shard : shards) {
                if (shard.getFileName().toString().length() == 2
                        && Files.isDirectory(shard, LinkOption.NOFOLLOW_LINKS)) {
                    removed += sweepShard(shard, before, known);
                }
            }
        }
        return removed;
    }

    private int sweepShard(Path shard, Instant before, Function<Collection<UUID>, Set<UUID>> known) throws IOException {
        int removed = 0;
        var old = new ArrayList<UUID>();
        try (var places = Files.newDirectoryStream(shard)) {
            for (var place : places) {
                idOf(place).filter(id -> isOlder(place, before)).ifPresent(old::add);
                if (old.size() == SWEPT_AT_ONCE) {
                    removed += deleteUnknown(old, known);
                    old.clear();
                }
            }
        }
        return removed + deleteUnknown(old, known);
    }

    private int deleteUnknown(List<UUID> ids, Function<Collection<UUID>, Set<UUID>> known) throws IOException {
        if (ids.isEmpty()) {
            return 0;
        }
        var used = known.apply(List.copyOf(ids));
        int removed = 0;
        for (var id : ids) {
            if (!used.contains(id)) {
                delete(id);
                removed++;
            }
        }
        return removed;
    }

    private static Optional<UUID> idOf(Path place) {
        try {
            return Optional.of(UUID.fromString(place.getFileName().toString()));
        } catch (IllegalArgumentException e) {
            // Nothing of ours.
            return Optional.empty();
        }
    }

    private static boolean isOlder(Path place, Instant before) {
        try {
            return KeptFile.attributes(place).lastModifiedTime().toInstant().isBefore(before);
        } catch (IOException e) {
            // Deleted meanwhile, perhaps.
            return false;
        }
    }

    /** What other servers were writing, of those that are gone: nobody holds the locks of these any more. */
    private int sweepIncoming() throws IOException {
        int removed = 0;
        try (var servers = Files.newDirectoryStream(directory.resolve(INCOMING))) {
            for (var server : servers) {
                if (!server.equals(own.directory()) && Files.isDirectory(server, LinkOption.NOFOLLOW_LINKS)) {
                    removed += sweepServer(server);
                }
            }
        }
        return removed;
    }

    private static int sweepServer(Path server) throws IOException {
        var lockFile = server.resolve(LOCK);
        try (var channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
                var lock = channel.tryLock()) {
            return lock == null ? 0 : remove(server);
        } catch (OverlappingFileLockException e) {
            // Held by this process: a second store of it.
            return 0;
        } catch (NoSuchFileException e) {
            // One that has just made its directory, or one that another sweep is removing.
            return isOlder(server, Instant.now().minusSeconds(60)) ? remove(server) : 0;
        }
    }

    private static int remove(Path server) throws IOException {
        int removed = 0;
        try (var left = Files.newDirectoryStream(server)) {
            for (var file : left) {
                boolean isLock = file.getFileName().toString().equals(LOCK);
                removed += !isLock && Files.deleteIfExists(file) ? 1 : 0;
            }
        }
        Files.deleteIfExists(server.resolve(LOCK));
        Files.deleteIfExists(server);
        return removed;
    }

    @Override
    public void close() {
        try {
            remove(own.directory());
            own.lock().release();
            own.lockFile().close();
        } catch (IOException e) {
            // The next start removes it.
            throw new UncheckedIOException(e);
        }
    }
}
