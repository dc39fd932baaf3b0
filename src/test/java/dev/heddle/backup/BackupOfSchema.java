package dev.heddle.backup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Turns a backup of now into one of another schema. What an older one does not have is taken out; what it has is in the same
 * columns as today.
 */
public final class BackupOfSchema {

    private BackupOfSchema() {}

    /** The tables of that version. */
    public static List<String> tables(int schema) {
        return Tables.of(schema);
    }

    /** Makes it one of that version. */
    public static void make(Path backup, int schema) throws IOException {
        var folder = new Folder(backup);
        var now = Manifest.of(Files.readString(folder.manifest()));
        var tables = now.tables().stream()
                .filter(table -> Tables.of(schema).contains(table.name()))
                .toList();
        for (var table : now.tables()) {
            if (!tables.contains(table)) {
                Files.delete(folder.table(table.name()));
            }
        }
        boolean hasFiles = tables.stream().anyMatch(table -> table.name().equals(Tables.FILES));
        if (!hasFiles) {
            new Folder(folder.files()).discard();
        }
        var then =
                new Manifest(schema, now.takenAt(), tables, hasFiles ? now.files() : 0, hasFiles ? now.fileBytes() : 0);
        Folder.write(folder.manifest(), then.text());
        Folder.write(folder.manifestDigest(), Folder.hexadecimal(then.text()) + "  manifest\n");
    }
}
