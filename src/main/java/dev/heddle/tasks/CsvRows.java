package dev.heddle.tasks;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CommentStrategy;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import dev.heddle.http.Rows;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a body in CSV (RFC 4180): first one of names, then one a task. As in an export, an empty cell is no value and
 * a quoted empty one is an empty text. One thread's, for one body.
 */
final class CsvRows {

    /** Of one cell; the longest valid description takes 80,002, each of its characters a doubled pair. */
    private static final int CELL_CHARS_MAX = 128 * 1024;

    /** The columns whose cells are JSON; those of the others are texts. */
    private static final Set<String> JSON_COLUMNS = Set.of("completed", "priority", "labels", "version");

    private final Rows rows;
    private final TaskImport tasks;
    private List<String> header = List.of();

    CsvRows(Rows rows, TaskImport tasks) {
        this.rows = rows;
        this.tasks = tasks;
    }

    /**
     * One row.
     *
     * @param cells null where one is empty and not quoted; none beyond the columns that there can be
     * @param width how many there were
     * @param strayQuote the first column with a quote in a cell that is not quoted, or -1
     */
    private record CsvRow(long line, List<@Nullable String> cells, int width, int strayQuote) {}

    /** Reads to the end, or until further complaints would be of no use. */
    void read(InputStream in) throws IOException {
        var text = new Utf8Reader(in);
        var handler = new Handler();
        try (var csv = CsvReader.builder()
                .commentStrategy(CommentStrategy.NONE)
                .skipEmptyLines(false)
                .allowUnclosedQuote(false)
                // Both would end the reading.
                .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
                .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
                .maxBufferSize(CELL_CHARS_MAX)
                .build(handler, text)) {
            read(csv);
        } catch (CsvParseException e) {
            rethrowIfForeign(e);
            rows.complain(
                    handler.line,
                    "",
                    "invalid_csv",
                    "has a quoted cell that does not end, or goes on behind its end, or a cell of more than "
                            + CELL_CHARS_MAX + " characters; what follows was not read");
        } catch (UncheckedIOException e) {
            if (!(e.getCause() instanceof CharacterCodingException)) {
                throw e;
            }
            rows.complain(text.line(), "", "invalid_utf8", "is not valid UTF-8; what follows was not read");
        }
    }

    private void read(CsvReader<CsvRow> csv) {
        var all = csv.iterator();
        if (!all.hasNext()) {
            rows.complain(1, "", "required", "must name the columns");
            return;
        }
        header(all.next());
        // A complaint about a name would be repeated by every row.
        while (!header.isEmpty() && !rows.isHopeless() && all.hasNext()) {
            take(all.next());
        }
    }

    private void header(CsvRow row) {
        var names = new HashSet<String>();
        var columns = new ArrayList<String>();
        for (var cell : row.cells()) {
            var name = cell == null ? "" : cell;
            columns.add(name);
            if (!TaskExport.COLUMNS.contains(name)) {
                rows.complain(row.line(), pointer(name), "unknown", "is not a member of this document");
            } else if (!names.add(name)) {
                rows.complain(row.line(), pointer(name), "duplicate", "stands more than once");
            }
        }
        if (!names.contains("title")) {
            rows.complain(row.line(), "/title", "required", "is required");
        }
        header = rows.isValid() ? List.copyOf(columns) : List.of();
    }

    private static String pointer(String name) {
        return "/" + name.replace("~", "~0").replace("/", "~1");
    }

    private void take(CsvRow row) {
        if (row.width() != header.size()) {
            rows.complain(row.line(), "", "wrong_size", "must have " + header.size() + " cells, as the first row has");
            return;
        }
        if (row.strayQuote() >= 0) {
            var name = header.get(row.strayQuote());
            rows.complain(row.line(), pointer(name), "invalid_csv", "has a quote, but is not quoted");
            return;
        }
        var members = new HashMap<String, @Nullable Object>();
        for (int i = 0; i < header.size(); i++) {
            var cell = row.cells().get(i);
            if (cell != null) {
                var name = header.get(i);
                members.put(name, JSON_COLUMNS.contains(name) ? Rows.value(cell) : cell);
            }
        }
        tasks.take(row.line(), rows.members(row.line(), members));
    }

    /** The reader wraps whatever it meets, a client's leaving and a deadline's end too. */
    private static void rethrowIfForeign(CsvParseException e) {
        for (var cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof RuntimeException foreign && !(cause instanceof CsvParseException)) {
                throw foreign;
            }
        }
    }

    private static final class Handler extends AbstractBaseCsvCallbackHandler<CsvRow> {
        private long line = 1;
        private int strayQuote;
        private List<@Nullable String> cells = new ArrayList<>();

        @Override
        protected void handleBegin(long startingLineNumber) {
            line = startingLineNumber;
            strayQuote = -1;
            cells = new ArrayList<>();
        }

        @Override
        protected void handleField(int index, char[] buffer, int offset, int length, boolean quoted) {
            // One more than there are columns shows an unknown one in the row of names; more than that show nothing.
            if (index <= TaskExport.COLUMNS.size()) {
                var cell = new String(buffer, offset, length);
                cells.add(cell.isEmpty() && !quoted ? null : cell);
                if (!quoted && strayQuote < 0 && cell.indexOf('"') >= 0) {
                    strayQuote = index;
                }
            }
        }

        @Override
        protected void handleEmpty() {
            cells.add(null);
        }

        @Override
        protected CsvRow buildRecord() {
            return new CsvRow(line, cells, getFieldCount(), strayQuote);
        }
    }
}
