package dev.heddle.app;

import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.CollectionStartEvent;
import org.yaml.snakeyaml.events.DocumentStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * The values that {@code app.yaml} gives, each with its line. It is read as nodes, never as objects: objects have
 * forgotten their lines. What the parser says is not passed on, because it may quote the line of a password.
 */
final class SettingsFile {
    /** Many times what all keys with their comments need; more is a wrong file. */
    private static final int SIZE_MAX = 1 << 20;

    /** The origin of what nobody wrote. */
    static final String DEFAULT = "default";

    private final String name;
    private final List<String> complaints;
    private final Map<String, Found> values = new HashMap<>();
    // What the operator called things: for each section of a family the names in it, each with where it stands.
    private final Map<String, SequencedMap<String, String>> names = new HashMap<>();
    // Sections too: they can be given twice like any key.
    private final Map<String, Integer> lines = new HashMap<>();
    private int documents;
    private boolean whole = true;

    /**
     * A value as written.
     *
     * @param text null when the value was already complained about
     * @param origin for people: {@code app.yaml:12}
     */
    record Found(@Nullable String text, String origin) {}

    private SettingsFile(String name, List<String> complaints) {
        this.name = name;
        this.complaints = complaints;
    }

    /** A file that gives nothing, for when there is none. */
    static SettingsFile none() {
        return new SettingsFile("", List.of());
    }

    /** Reads the file, and adds whatever is wrong with it to the complaints. An empty file gives nothing. */
    static SettingsFile read(Path path, List<String> complaints) {
        var file = new SettingsFile(path.toString(), complaints);
        try {
            file.readText(text(path, SIZE_MAX));
        } catch (IOException failure) {
            file.giveUp(path.toString(), "cannot be read: " + reason(failure));
        }
        return file;
    }

    /** A file that is part of the program. */
    static SettingsFile of(String text) {
        var complaints = new ArrayList<String>();
        var file = new SettingsFile("", complaints);
        file.readText(text);
        if (!complaints.isEmpty()) {
            throw new SettingsException(complaints);
        }
        return file;
    }

    /** Takes over, as defaults, the dashboards of another file whose names are not in this one. */
    void adopt(SettingsFile other) {
        var section = SettingsFamily.DASHBOARDS.section();
        var ours = Set.copyOf(names(section));
        for (var dashboard : other.names(section)) {
            if (!ours.contains(dashboard)) {
                adopt(other, section, dashboard);
            }
        }
    }

    private void adopt(SettingsFile other, String section, String dashboard) {
        var inside = section + "." + dashboard;
        names(section, dashboard, DEFAULT);
        other.names(inside).forEach(part -> names(inside, part, DEFAULT));
        other.values.forEach((key, found) -> {
            if (key.startsWith(inside + ".")) {
                values.put(key, new Found(found.text(), DEFAULT));
            }
        });
    }

    /** The names that the operator chose in a section of a family, in the order of the file. */
    SequencedSet<String> names(String section) {
        return Collections.unmodifiableSequencedSet(inSection(section).sequencedKeySet());
    }

    /** Where one of them stands first. */
    String origin(String section, String name) {
        return inSection(section).getOrDefault(name, DEFAULT);
    }

    private SequencedMap<String, String> inSection(String section) {
        return names.getOrDefault(section, Collections.emptyNavigableMap());
    }

    private void names(String section, String name, String origin) {
        names.computeIfAbsent(section, _ -> new LinkedHashMap<>()).putIfAbsent(name, origin);
    }

    /** The value of a key, or null when the file does not mention it. */
    @Nullable
    Found find(String key) {
        return values.get(key);
    }

    /** False when parts could not be understood: then what is missing may still have been meant to be there. */
    boolean isWhole() {
        return whole;
    }

    /** The text of a small file. A link, a device or a pipe will do, so the size shows only while reading. */
    static String text(Path path, int sizeMax) throws IOException {
        if (Files.isDirectory(path)) {
            throw new UnusableFileException("it is a directory");
        }
        try (var in = Files.newInputStream(path)) {
            var bytes = in.readNBytes(sizeMax + 1);
            if (bytes.length > sizeMax) {
                throw new UnusableFileException("it is larger than " + sizeMax / 1024 + "KiB");
            }
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        }
    }

    /** Why a file could not be read, without its path: somebody may have put a secret where its file belongs. */
    static String reason(IOException failure) {
        return switch (failure) {
            case UnusableFileException unusable -> unusable.reason;
            case NoSuchFileException _ -> "there is no such file";
            case AccessDeniedException _ -> "access is denied";
            case CharacterCodingException _ -> "it is not UTF-8 text";
            default -> "reading it failed";
        };
    }

    private void readText(String text) {
        var yaml = new Yaml(new SafeConstructor(new LoaderOptions()));
        try {
            yaml.parse(new StringReader(text)).forEach(this::refuseTricks);
            if (whole) {
                readRoot(yaml.compose(new StringReader(text)));
            }
        } catch (YAMLException failure) {
            giveUp(
                    name + place(failure, text),
                    "this is not valid YAML; check indentation (no tabs), colons and quotes");
        }
    }

    private static String place(YAMLException failure, String text) {
        return switch (failure) {
            case MarkedYAMLException marked when marked.getProblemMark() != null -> ":" + line(marked.getProblemMark());
            case ReaderException unreadable -> ":" + lineAt(unreadable.getPosition(), text);
            default -> "";
        };
    }

    private static long lineAt(int position, String text) {
        return 1
                + text.codePoints()
                        .limit(position)
                        .filter(letter -> letter == '\n')
                        .count();
    }

    /** Settings need none of YAML's machinery, and a password that starts with one of its signs needs quotes. */
    private void refuseTricks(Event event) {
        if (event instanceof NodeEvent node && node.getAnchor() != null) {
            refuse(event, "anchors and aliases are refused; a value that starts with & or * needs quotes");
        } else if (hasTag(event)) {
            refuse(event, "tags are refused; a value that starts with ! needs quotes");
        } else if (event instanceof DocumentStartEvent && ++documents > 1) {
            refuse(event, "a second document starts here; only one is allowed");
        }
    }

    private static boolean hasTag(Event event) {
        return switch (event) {
            case ScalarEvent scalar -> scalar.getTag() != null;
            case CollectionStartEvent collection -> collection.getTag() != null;
            default -> false;
        };
    }

    private void refuse(Event event, String what) {
        giveUp(name + ":" + line(event.getStartMark()), what);
    }

    private void readRoot(@Nullable Node root) {
        switch (root) {
            case null -> {}
            case MappingNode mapping -> readMapping("", mapping);
            default -> giveUp(origin(root), "must hold sections such as `server:` with keys below them");
        }
    }

    private void readMapping(String prefix, MappingNode mapping) {
        for (var entry : mapping.getValue()) {
            if (entry.getKeyNode() instanceof ScalarNode key) {
                readEntry(prefix, key.getValue(), entry);
            } else {
                giveUp(origin(entry.getKeyNode()), "a key must be a single word");
            }
        }
    }

    private void readEntry(String prefix, String word, NodeTuple entry) {
        var key = prefix + word;
        var where = entry.getKeyNode();
        var dotted = word.indexOf('.') < 0 ? Optional.<SettingsFamily>empty() : SettingsFamily.below(prefix);
        var first = lines.putIfAbsent(key, line(where.getStartMark()));
        if (first != null) {
            complain(key, "is given twice, first in line " + first, where);
        } else if (dotted.isPresent()) {
            // A host's name perhaps: not two names, as it would be further out.
            refuseName(key, dotted.get(), where);
        } else if (SettingsNames.isKey(key)) {
            readValue(key, entry);
        } else if (SettingsNames.isSection(key)) {
            readSection(key, entry);
        } else {
            complain(key, SettingsNames.unknown(key), where);
        }
    }

    private void readValue(String key, NodeTuple entry) {
        if (keepNames(key, entry.getKeyNode())) {
            values.put(key, new Found(textOf(key, entry.getValueNode()), origin(entry.getKeyNode())));
        }
    }

    /** Keeps the names in a key that the operator chose; false after a complaint about one. */
    private boolean keepNames(String key, Node where) {
        for (int dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
            var section = key.substring(0, dot);
            var family = SettingsFamily.of(section);
            if (family.isPresent() && !keepName(family.get(), section, key, where)) {
                return false;
            }
        }
        return true;
    }

    private boolean keepName(SettingsFamily family, String section, String key, Node where) {
        int end = key.indexOf('.', section.length() + 1);
        var chosen = key.substring(section.length() + 1, end < 0 ? key.length() : end);
        if (!family.accepts(chosen)) {
            refuseName(section + "." + chosen, family, where);
            return false;
        }
        if (!names(section).contains(chosen)) {
            names(section, chosen, origin(where));
            if (names(section).size() == family.most() + 1) {
                complain(section + "." + chosen, "is one too many; " + family.most() + " are allowed", where);
            }
        }
        return true;
    }

    private void refuseName(String name, SettingsFamily family, Node where) {
        whole = false;
        complain(name, family.rule(), where);
    }

    private void readSection(String section, NodeTuple entry) {
        if (!keepNames(section, entry.getKeyNode())) {
            return;
        }
        if (entry.getValueNode() instanceof MappingNode mapping) {
            readMapping(section + ".", mapping);
        } else {
            whole = false;
            complain(section, "is a section and needs keys below it, or must go", entry.getKeyNode());
        }
    }

    /** The text of a value, or null after a complaint. The text itself is not shown: it may be a secret. */
    private @Nullable String textOf(String key, Node value) {
        if (SettingsNames.isJson(key)) {
            var written = jsonOf(value);
            if (written != null) {
                return written;
            }
        }
        if (!(value instanceof ScalarNode scalar)) {
            complain(key, "needs a single value, not a list or a section", value);
            return null;
        }
        if (scalar.getTag().equals(Tag.NULL)) {
            complain(key, "must not be empty", value);
            return null;
        }
        // Almost always a line that lost its colon and became part of the one before.
        if (line(scalar.getStartMark()) != line(scalar.getEndMark())) {
            complain(key, "needs a value on one line", value);
            return null;
        }
        return scalar.getValue();
    }

    /** The three values that YAML and JSON write alike and that this file has no other use for; null for all others. */
    private static @Nullable String jsonOf(Node value) {
        return switch (value) {
            case SequenceNode list when list.getValue().isEmpty() -> "[]";
            case MappingNode mapping when mapping.getValue().isEmpty() -> "{}";
            case ScalarNode scalar
            when scalar.getTag().equals(Tag.NULL) && scalar.getValue().equals("null") -> "null";
            default -> null;
        };
    }

    private void giveUp(String place, String what) {
        whole = false;
        complaints.add(SettingsException.oneLine(place + ": " + what));
    }

    private void complain(String key, String what, Node where) {
        complaints.add(SettingsException.oneLine(key + ": " + what + " (" + origin(where) + ")"));
    }

    private String origin(Node node) {
        return name + ":" + line(node.getStartMark());
    }

    private static int line(Mark mark) {
        return mark.getLine() + 1;
    }

    /** Ours to say what is wrong in words that hold no path. */
    private static final class UnusableFileException extends IOException {
        private static final long serialVersionUID = 1L;
        private final String reason;

        UnusableFileException(String reason) {
            super(reason);
            this.reason = reason;
        }
    }
}
