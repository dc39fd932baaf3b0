package dev.heddle.backup;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a backup holds, in text: a line each, words parted by blanks.
 *
 * @param schema which version of the schema the rows are of
 * @param takenAt the moment that the rows are of, by the clock of the database
 * @param tables in the order in which they can be filled
 * @param files how many
 * @param fileBytes in all of them
 */
record Manifest(int schema, String takenAt, List<Table> tables, long files, long fileBytes) {

    /** Of the form of backups; another number is another form. */
    private static final String FIRST_LINE = "heddle-backup 1";

    /**
     * The rows of a table.
     *
     * @param columns parted by commas, in the order of the file
     * @param sha256 of the file, in hexadecimal digits
     */
    record Table(String name, String columns, long rows, long bytes, String sha256) {
        static final String WORDS = "table";

        private String line() {
            return String.join(" ", WORDS, name, columns, Long.toString(rows), Long.toString(bytes), sha256);
        }
    }

    Manifest {
        tables = List.copyOf(tables);
    }

    Optional<Table> table(String name) {
        return tables.stream().filter(table -> table.name().equals(name)).findFirst();
    }

    String text() {
        var lines = new ArrayList<String>();
        lines.add(FIRST_LINE);
        lines.add("schema " + schema);
        lines.add("taken-at " + takenAt);
        tables.forEach(table -> lines.add(table.line()));
        lines.add("files " + files + " " + fileBytes);
        return String.join("\n", lines) + "\n";
    }

    /** @throws IllegalArgumentException when it is none */
    static Manifest of(String text) {
        var lines = text.lines().toList();
        if (lines.isEmpty() || !lines.getFirst().equals(FIRST_LINE)) {
            throw new IllegalArgumentException("it does not begin with \"" + FIRST_LINE + "\"");
        }
        int schema = 0;
        var takenAt = "";
        var tables = new ArrayList<Table>();
        long files = 0;
        long fileBytes = 0;
        for (var line : lines.subList(1, lines.size())) {
            var words = List.of(line.split(" ", -1));
            switch (words.getFirst() + words.size()) {
                case "schema2" -> schema = Integer.parseInt(words.get(1));
                case "taken-at2" -> takenAt = words.get(1);
                case Table.WORDS + "6" -> tables.add(table(words));
                case "files3" -> {
                    files = Long.parseLong(words.get(1));
                    fileBytes = Long.parseLong(words.get(2));
                }
                default -> throw new IllegalArgumentException("it has a line that nobody knows: " + line);
            }
        }
        return new Manifest(schema, takenAt, tables, files, fileBytes);
    }

    private static Table table(List<String> words) {
        return new Table(
                words.get(1), words.get(2), Long.parseLong(words.get(3)), Long.parseLong(words.get(4)), words.get(5));
    }
}
