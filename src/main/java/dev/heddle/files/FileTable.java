package dev.heddle.files;

import dev.heddle.content.FileName;
import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import dev.heddle.http.Keyset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** All SQL about files. Whatever changes a user's files locks the user's usage first, so no two of them can cross. */
final class FileTable {

    private static final String COLUMNS = "user_id, name, blob, size, sha256, content_type, created_at";

    /** How many files a user has, and how many bytes in them. */
    record Usage(long files, long bytes) {}

    /** Without locking anything; what it says may be outdated at once. */
    Usage usage(Sql sql, String userId) {
        return sql.first(
                        "SELECT files, bytes FROM file_usage WHERE user_id = ?",
                        row -> new Usage(row.bigint(), row.bigint()),
                        userId)
                .orElse(new Usage(0, 0));
    }

    /** Holds the user's files until the end of the transaction. */
    Usage lock(Sql sql, String userId) {
        return sql.first("""
            INSERT INTO file_usage (user_id) VALUES (?)
            ON CONFLICT (user_id) DO UPDATE SET files = file_usage.files RETURNING files, bytes
            """, row -> new Usage(row.bigint(), row.bigint()), userId)
                .orElseThrow();
    }

    Optional<UserFile> find(Sql sql, String userId, FileName name) {
        return sql.first(
                "SELECT " + COLUMNS + " FROM files WHERE user_id = ? AND name = ?",
                FileTable::file,
                userId,
                name.text());
    }

    /** Newest first; {@code rows} bounds how many. */
    List<UserFile> list(Sql sql, String userId, Optional<Keyset> after, int skip, int rows) {
        var parameters = new ArrayList<@Nullable Object>();
        parameters.add(userId);
        after.ifPresent(position -> parameters.addAll(List.of(position.createdAt(), position.uuid())));
        parameters.add(rows);
        parameters.add(skip);
        return sql.list(
                "SELECT " + COLUMNS + " FROM files WHERE user_id = ?"
                        + (after.isPresent() ? " AND (created_at, blob) < (?, ?)" : "")
                        + " ORDER BY created_at DESC, blob DESC LIMIT ? OFFSET ?",
                FileTable::file,
                parameters.toArray());
    }

    /** Puts a file into the place of the one of that name, or a new one. */
    UserFile put(Sql sql, String userId, FileName name, UserFiles.Arrival arrival) {
        var put = """
            INSERT INTO files (user_id, name, blob, size, sha256, content_type) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (user_id, name) DO UPDATE SET blob = excluded.blob, size = excluded.size,
                sha256 = excluded.sha256, content_type = excluded.content_type, created_at = excluded.created_at
            """;
        return sql.first(
                        put + "RETURNING " + COLUMNS,
                        FileTable::file,
                        userId,
                        name.text(),
                        arrival.blob(),
                        arrival.size(),
                        HexFormat.of().parseHex(arrival.sha256()),
                        arrival.contentType())
                .orElseThrow();
    }

    void delete(Sql sql, String userId, FileName name) {
        sql.update("DELETE FROM files WHERE user_id = ? AND name = ?", userId, name.text());
    }

    /** Changes what the user has by that. */
    void use(Sql sql, String userId, long files, long bytes) {
        sql.update(
                "UPDATE file_usage SET files = files + ?, bytes = bytes + ? WHERE user_id = ?", files, bytes, userId);
    }

    /** Those of the blobs that belong to a file of anybody. */
    Set<UUID> known(Sql sql, Collection<UUID> blobs) {
        return new HashSet<>(sql.list(
                "SELECT blob FROM files WHERE blob = ANY (CAST(? AS uuid[]))",
                Row::uuid,
                blobs.stream().map(UUID::toString).toList()));
    }

    private static UserFile file(Row row) {
        return new UserFile(
                row.text(),
                // What was stored has been one.
                new FileName(row.text()),
                row.uuid(),
                row.bigint(),
                HexFormat.of().formatHex(row.bytes()),
                row.text(),
                row.instant());
    }
}
