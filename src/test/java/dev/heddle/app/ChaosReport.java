package dev.heddle.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/** What happened, in Markdown. It names neither the machine nor its directories. */
final class ChaosReport {

    private final StringBuilder text = new StringBuilder();

    void paragraph(String sentences) {
        text.append(sentences).append("\n\n");
    }

    void table(String title, String... columns) {
        end();
        text.append("### ").append(title).append("\n\n");
        row((Object[]) columns);
        text.append("|---".repeat(columns.length)).append("|\n");
    }

    void row(Object... cells) {
        text.append(Arrays.stream(cells).map(String::valueOf).collect(Collectors.joining(" | ", "| ", " |\n")));
    }

    /** Of the table before. */
    private void end() {
        if (text.charAt(text.length() - 2) == '|') {
            text.append('\n');
        }
    }

    void write(Path file) throws IOException {
        Files.writeString(file, text);
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
