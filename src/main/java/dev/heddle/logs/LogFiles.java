package dev.heddle.logs;

import dev.heddle.content.FileName;
import dev.heddle.http.Keyset;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The regular files of the log's directory that have good names; nothing else that lies there is seen: no link, wherever
 * it leads, no pipe, device or directory. Safe for any thread, and for files that others write, rename and delete.
 */
public final class LogFiles {

    /** Ten times as many as rotation ever leaves. Of a directory that is full of something else, some are listed. */
    private static final int LISTED_MAX = 1000;

    /** A log is renamed when it is full. Who comes in between looks again; for that to happen again takes a flood. */
    private static final int LOOKS_MAX = 3;

    private final Path directory;

    /** Those of that directory, which need not be there yet. */
    public LogFiles(Path directory) {
        this.directory = directory;
    }

    /**
     * A part of the list, newest first.
     *
     * @param after the position after which to begin, if not at the top
     */
    List<LogFile> list(Optional<Keyset> after, int skip, int rows) {
        return all().stream()
                .sorted(Comparator.comparing(LogFile::position, LogFile.NEWEST_FIRST))
                .filter(log -> after.isEmpty() || LogFile.NEWEST_FIRST.compare(log.position(), after.get()) > 0)
                .skip(skip)
                .limit(rows)
                .toList();
    }

    private List<LogFile> all() {
        var all = new ArrayList<LogFile>();
        try (var entries = Files.newDirectoryStream(directory)) {
            for (var entry : entries) {
                log(entry).ifPresent(all::add);
                if (all.size() == LISTED_MAX) {
                    break;
                }
            }
        } catch (NoSuchFileException e) {
            // Nothing has been logged yet.
            return List.of();
        } catch (DirectoryIteratorException e) {
            throw new UncheckedIOException(e.getCause());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return all;
    }

    private static Optional<LogFile> log(Path entry) {
        var text = entry.getFileName().toString();
        return FileName.of(text)
                .filter(name -> name.text().equals(text))
                .flatMap(name -> regular(entry)
                        .map(found -> new LogFile(
                                name, found.size(), found.lastModifiedTime().toInstant())));
    }

    /** What is there, if it is a regular file itself. */
    private static Optional<BasicFileAttributes> regular(Path path) {
        try {
            return Optional.of(Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS))
                    .filter(BasicFileAttributes::isRegularFile);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * Opens a file, whoever closes it then; empty when there is none of that name, or no name can be so.
     *
     * @param name as somebody outside says it
     */
    Optional<OpenLog> open(String name) {
        return path(name).flatMap(LogFiles::open);
    }

    private Optional<Path> path(String name) {
        try {
            return FileName.of(name).map(good -> directory.resolve(good.text()));
        } catch (InvalidPathException e) {
            // The system's encoding has no such characters, and so no such file.
            return Optional.empty();
        }
    }

    /**
     * Looks before it opens, because to open a pipe waits for whoever writes into it; and looks again afterwards, because
     * what was opened must be what was looked at.
     */
    private static Optional<OpenLog> open(Path path) {
        for (int look = 1; look <= LOOKS_MAX; look++) {
            var before = regular(path);
            if (before.isEmpty()) {
                return Optional.empty();
            }
            var opened = open(path, before.get().fileKey());
            if (opened.isPresent()) {
                return opened;
            }
        }
        return Optional.empty();
    }

    private static Optional<OpenLog> open(Path path, Object key) {
        try {
            var channel = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
            var now = regular(path);
            if (now.isPresent() && Objects.equals(now.get().fileKey(), key)) {
                return Optional.of(new OpenLog(channel, now.get()));
            }
            channel.close();
            return Optional.empty();
        } catch (FileSystemException e) {
            // Gone, or a link by now, or nothing that this process may read.
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
