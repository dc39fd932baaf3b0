package dev.heddle.tasks;

import dev.heddle.http.Rows;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * The rows of a body in NDJSON: one JSON document a line, the end of the last line optional, blank lines skipped. One
 * thread's, for one body.
 */
final class NdjsonRows {

    private static final int BUFFER_BYTES = 64 * 1024;

    private final Rows rows;
    private final TaskImport tasks;
    private final ByteArrayOutputStream row = new ByteArrayOutputStream();
    private long line = 1;
    private boolean isTooLong;

    NdjsonRows(Rows rows, TaskImport tasks) {
        this.rows = rows;
        this.tasks = tasks;
    }

    /** Reads to the end, or until further complaints would be of no use. */
    void read(InputStream in) throws IOException {
        var buffer = new byte[BUFFER_BYTES];
        for (int n; !rows.isHopeless() && (n = in.read(buffer)) >= 0; ) {
            int from = 0;
            for (int i = 0; i < n && !rows.isHopeless(); i++) {
                if (buffer[i] == '\n') {
                    append(buffer, from, i);
                    end();
                    from = i + 1;
                }
            }
            append(buffer, from, n);
        }
        end();
    }

    /** Never holds more of a line than it may have. */
    private void append(byte[] buffer, int from, int to) {
        isTooLong |= row.size() + to - from > Rows.JSON_BYTES_MAX;
        if (!isTooLong) {
            row.write(buffer, from, to - from);
        }
    }

    private void end() {
        if (isTooLong) {
            rows.complain(line, "", "too_long", "must have at most " + Rows.JSON_BYTES_MAX + " bytes");
        } else if (!isBlank(row.toByteArray())) {
            long begin = line;
            rows.json(begin, row.toByteArray()).ifPresent(json -> tasks.take(begin, json));
        }
        row.reset();
        isTooLong = false;
        line++;
    }

    private static boolean isBlank(byte[] utf8) {
        for (byte b : utf8) {
            if (b != ' ' && b != '\t' && b != '\r') {
                return false;
            }
        }
        return true;
    }
}
