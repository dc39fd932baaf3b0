package dev.heddle.app;

import java.util.List;
import java.util.stream.Collectors;

/** The settings cannot be used. Holds everything that is wrong with them, so that one start shows all of it. */
public final class SettingsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // The lists of the JDK are serializable, their interface does not say so.
    private final List<String> complaints;

    SettingsException(List<String> complaints) {
        super(String.join(System.lineSeparator(), complaints));
        this.complaints = List.copyOf(complaints);
    }

    /** One line each: key, what is wrong, what was found, where it came from. Never the value of a secret. */
    public List<String> complaints() {
        return complaints;
    }

    /** Escapes what would break a line or steer a terminal: names and values come from outside. */
    static String oneLine(String text) {
        return text.codePoints().mapToObj(SettingsException::visible).collect(Collectors.joining());
    }

    private static String visible(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> String.format("\\u%04x", codePoint);
            default -> Character.toString(codePoint);
        };
    }
}
