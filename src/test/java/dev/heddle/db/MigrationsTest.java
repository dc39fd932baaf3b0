package dev.heddle.db;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MigrationsTest {

    private static final Pattern NAME = Pattern.compile("V([1-9][0-9]*)__[a-z0-9_]+\\.sql");

    @Test
    void theVersionsAreNumberedWithoutAGapAndTheNewestIsTheOneThatTheCodeNames()
            throws IOException, URISyntaxException {
        var folder = Path.of(Objects.requireNonNull(Migrations.class.getResource("/db/migration"))
                .toURI());
        try (var files = Files.list(folder)) {
            var versions = files.map(MigrationsTest::version).sorted().toList();
            List<Integer> expected =
                    IntStream.rangeClosed(1, Migrations.NEWEST).boxed().toList();
            assertEquals(expected, versions);
        }
    }

    private static int version(Path file) {
        var name = NAME.matcher(file.getFileName().toString());
        if (!name.matches()) {
            throw new AssertionError(file + " is no name of a migration");
        }
        return Integer.parseInt(name.group(1));
    }
}
