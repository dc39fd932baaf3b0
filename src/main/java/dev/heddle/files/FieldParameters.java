package dev.heddle.files;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The parameters of a header field, such as {@code form-data; name="file"}: tokens, or texts in quotes in which a backslash
 * stands before a quote and before itself. Scanned by hand, in one pass, because the texts come from anybody.
 */
final class FieldParameters {

    private static final String MARKS = "!#$%&'*+.^_`|~-";

    private final Map<String, String> found = new LinkedHashMap<>();
    private final String text;
    private int at;

    private FieldParameters(String text) {
        this.text = text;
        this.at = text.indexOf(';') < 0 ? text.length() : text.indexOf(';');
    }

    /** Those behind the first semicolon, their names in lower case, as far as they can be read; of two of one name, none. */
    static Map<String, String> of(String field) {
        var its = new FieldParameters(field);
        while (its.take(';')) {
            var name = its.token().toLowerCase(Locale.ROOT);
            if (name.isEmpty() || !its.take('=')) {
                break;
            }
            if (its.found.put(name, its.take('"') ? its.quoted() : its.bare()) != null) {
                return Map.of();
            }
        }
        return its.found;
    }

    /** Whether that stands next, blanks aside; then it is behind us. */
    private boolean take(char mark) {
        skipBlanks();
        if (at < text.length() && text.charAt(at) == mark) {
            at++;
            return true;
        }
        return false;
    }

    private void skipBlanks() {
        while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
            at++;
        }
    }

    private String token() {
        skipBlanks();
        int from = at;
        while (at < text.length() && isOfToken(text.charAt(at))) {
            at++;
        }
        return text.substring(from, at);
    }

    private static boolean isOfToken(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || MARKS.indexOf(c) >= 0;
    }

    /** To the closing quote; a text without one is none. */
    private String quoted() {
        var value = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return value.toString();
            }
            boolean isEscape = c == '\\' && at < text.length() && (text.charAt(at) == '"' || text.charAt(at) == '\\');
            value.append(isEscape ? text.charAt(at++) : c);
        }
        return "";
    }

    private String bare() {
        skipBlanks();
        int from = at;
        while (at < text.length() && "\"; \t".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        return text.substring(from, at);
    }
}
