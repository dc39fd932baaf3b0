package dev.heddle.app;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The value of each key: a system property beats an environment variable beats the file beats the default. Only the
 * value that wins is judged.
 */
final class SettingsValues {
    /** Behind the name of a secret's variable: the variable names a file that holds the secret. */
    private static final String FILE_SUFFIX = "_FILE";
    /** A certificate chain would fit; whatever is larger is no password. */
    private static final int SECRET_FILE_MAX = 64 * 1024;
    /** Enough to recognise a value by. */
    private static final int SHOWN_MAX = 60;

    private final SettingsFile file;
    private final Map<String, String> environment;
    private final Properties systemProperties;
    private final List<String> complaints;
    // In the order of the file.
    private final Map<String, SettingsKey<?>> taken = new LinkedHashMap<>();
    // What was written for a key, good or bad.
    private final Map<String, SettingsFile.Found> found = new HashMap<>();
    // What could be read of it.
    private final Map<String, Object> values = new HashMap<>();
    // Which key each variable of the environment was used for.
    private final Map<String, String> variables = new HashMap<>();

    SettingsValues(
            SettingsFile file, Map<String, String> environment, Properties systemProperties, List<String> complaints) {
        this.file = file;
        this.environment = environment;
        this.systemProperties = systemProperties;
        this.complaints = complaints;
    }

    /** Finds the value of a key and judges it. */
    <T> void take(SettingsKey<T> key) {
        taken.put(key.name(), key);
        var candidate = find(key);
        if (candidate == null) {
            return;
        }
        found.put(key.name(), candidate);
        var text = candidate.text();
        if (text == null) {
            return;
        }
        try {
            values.put(key.name(), key.parse(text));
        } catch (IllegalArgumentException refused) {
            complain(key, refused.getMessage() + shown(key, text));
        }
    }

    private SettingsFile.@Nullable Found find(SettingsKey<?> key) {
        var property = systemProperties.getProperty(key.name());
        if (property != null) {
            return new SettingsFile.Found(property, "-D" + key.name());
        }
        var variable = fromEnvironment(key);
        if (variable != null) {
            return variable;
        }
        var written = file.find(key.name());
        if (written != null) {
            return written;
        }
        return key.fallback() == null ? null : new SettingsFile.Found(key.fallback(), SettingsFile.DEFAULT);
    }

    private SettingsFile.@Nullable Found fromEnvironment(SettingsKey<?> key) {
        var direct = environment.get(key.variable());
        var secretFile = key.isSecret() ? environment.get(key.variable() + FILE_SUFFIX) : null;
        if (direct != null && secretFile != null) {
            complain(key, "must be given once", "environment variables %s and %1$s_FILE".formatted(key.variable()));
        }
        if (direct != null || secretFile != null) {
            refuseSharedVariable(key);
        }
        if (direct != null) {
            return new SettingsFile.Found(direct, "environment variable " + key.variable());
        }
        return secretFile == null ? null : fromSecretFile(key, secretFile);
    }

    /** Dots and dashes become the same, so that chosen names can meet in a variable: {@code a-b.c} and {@code a.b-c}. */
    private void refuseSharedVariable(SettingsKey<?> key) {
        var other = variables.putIfAbsent(key.variable(), key.name());
        if (other != null) {
            complain(
                    key,
                    "must be set in another way, because " + other + " has the same variable",
                    "environment variable " + key.variable());
        }
    }

    private SettingsFile.Found fromSecretFile(SettingsKey<?> key, String path) {
        var origin = "file named by " + key.variable() + FILE_SUFFIX;
        try {
            var text = SettingsFile.text(Path.of(path), SECRET_FILE_MAX);
            return new SettingsFile.Found(withoutLineEnd(text), origin);
        } catch (InvalidPathException _) {
            complain(key, "cannot be read: this is no path", origin);
        } catch (IOException failure) {
            complain(key, "cannot be read: " + SettingsFile.reason(failure), origin);
        }
        return new SettingsFile.Found(null, origin);
    }

    /** Editors and {@code echo} put one line end behind a secret, which is no part of it. */
    private static String withoutLineEnd(String text) {
        return text.endsWith("\r\n")
                ? text.substring(0, text.length() - 2)
                : text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }

    /** The names of all keys that were taken. */
    Set<String> names() {
        return Collections.unmodifiableSet(taken.keySet());
    }

    /** A line for each key that was taken. */
    List<String> description() {
        return taken.values().stream().map(this::description).toList();
    }

    private String description(SettingsKey<?> key) {
        var candidate = found.get(key.name());
        if (candidate == null) {
            return key.name() + " = -  (not set)";
        }
        var value = key.isSecret() ? values.get(key.name()) : candidate.text();
        return SettingsException.oneLine("%s = %s  (%s)".formatted(key.name(), value, candidate.origin()));
    }

    /** Whether there is a value, good or bad. */
    boolean isGiven(SettingsKey<?> key) {
        return found.containsKey(key.name());
    }

    /** Whether there is a value that could be read. */
    boolean isRead(SettingsKey<?> key) {
        return values.containsKey(key.name());
    }

    /** The value of a key that has one. */
    <T> T get(SettingsKey<T> key) {
        var value = values.get(key.name());
        if (value == null) {
            throw new IllegalStateException(key.name() + " has no value and no complaint");
        }
        return key.kind().type().cast(value);
    }

    <T> @Nullable T getOrNull(SettingsKey<T> key) {
        return isRead(key) ? get(key) : null;
    }

    /** Where the value came from, for people. */
    String origin(SettingsKey<?> key) {
        var candidate = found.get(key.name());
        return candidate == null ? "not set" : candidate.origin();
    }

    /** What was found, unless it may hold a secret. Cut, so that a complaint stays a line that can be read. */
    static String shown(SettingsKey<?> key, String text) {
        if (key.kind().confidential() || text.isBlank()) {
            return "";
        }
        return "; found \"" + (text.length() > SHOWN_MAX ? text.substring(0, SHOWN_MAX) + "…" : text) + "\"";
    }

    void complain(SettingsKey<?> key, String what) {
        complain(key.name(), what, origin(key));
    }

    void complain(SettingsKey<?> key, String what, String origin) {
        complain(key.name(), what, origin);
    }

    void complain(String name, String what, String origin) {
        complaints.add(SettingsException.oneLine(name + ": " + what + " (" + origin + ")"));
    }
}
