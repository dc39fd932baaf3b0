package dev.heddle.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/** What was built, written by the build. */
final class Version {

    /** Heddle's own. */
    static final String HEDDLE;

    /** That of the page at {@code /docs}; its files' path in the jar names it. */
    static final String SWAGGER_UI;

    static {
        var properties = new Properties();
        try (var in = Version.class.getResourceAsStream("version.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        HEDDLE = properties.getProperty("heddle");
        SWAGGER_UI = properties.getProperty("swagger-ui");
    }

    private Version() {}
}
