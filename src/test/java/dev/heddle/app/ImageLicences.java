package dev.heddle.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import java.util.zip.ZipFile;

/**
 * Puts into the image what the licences of its parts ask for: a list of the parts with the licence of each, and every licence
 * and notice that they bring along. The build runs it, with the image as its one word.
 */
final class ImageLicences {

    private static final Pattern TEXT = Pattern.compile(
            "([a-zA-Z0-9._-]+/)*(LICEN[CS]E|NOTICE|COPYING)([-_.](?!class)[^/]*)?", Pattern.CASE_INSENSITIVE);

    private final Path image;
    private final Path target;
    private final Map<String, Path> jars;

    // Most parts have the same text, whose name each of them shares.
    private final Map<String, String> names = new HashMap<>();

    private ImageLicences(Path image) throws IOException {
        this.image = image;
        this.target = image.resolve("licences");
        try (var files = Files.walk(image.resolve("lib"))) {
            jars = files.filter(file -> file.toString().endsWith(".jar"))
                    .collect(Collectors.toMap(file -> file.getFileName().toString(), Function.identity()));
        }
    }

    /**
     * Reads {@code sbom.cdx.json} and the jars below {@code lib}, and writes {@code licences}.
     *
     * @throws IllegalStateException when a part names no licence, or a jar is no known part
     */
    public static void main(String[] words) throws IOException {
        new ImageLicences(Path.of(words[0])).write();
    }

    private void write() throws IOException {
        Files.createDirectories(target);
        var lines = new TreeSet<String>();
        for (var part : whatIsThere()) {
            lines.add(name(part) + ": " + licence(part) + texts(part));
        }
        var list = new ArrayList<>(List.of(
                "What this image is made of, under which licence, and which files beside this one hold the texts that"
                        + " came",
                "with it. Those of the Java runtime are in runtime/legal; PostgreSQL's is in PostgreSQL.txt.",
                ""));
        list.addAll(lines);
        Files.write(target.resolve("THIRD-PARTY.txt"), list);
    }

    /** The parts of the image; the list of parts is one of dependencies, and loses those that only compiled it. */
    private List<JsonNode> whatIsThere() throws IOException {
        var mapper = new ObjectMapper();
        var file = image.resolve("sbom.cdx.json").toFile();
        if (!file.isFile()) {
            throw new IllegalStateException(file + " is missing; its plugin makes none while Maven is offline");
        }
        var sbom = mapper.readTree(file);
        var missing = new HashSet<String>();
        var parts = new ArrayList<JsonNode>();
        for (var part : sbom.path("components")) {
            if (jars.containsKey(jarName(part))) {
                parts.add(part);
            } else {
                missing.add(part.path("bom-ref").asText());
            }
        }
        if (parts.size() != jars.size() - 1) {
            throw new IllegalStateException("of " + jars.keySet() + " only these and Heddle's may be there: " + parts);
        }
        removeAll(
                sbom.path("components"),
                part -> missing.contains(part.path("bom-ref").asText()));
        removeAll(
                sbom.path("dependencies"),
                edge -> missing.contains(edge.path("ref").asText()));
        sbom.path("dependencies")
                .forEach(edge -> removeAll(edge.path("dependsOn"), it -> missing.contains(it.asText())));
        mapper.writerWithDefaultPrettyPrinter().writeValue(file, sbom);
        return parts;
    }

    private static void removeAll(JsonNode array, Predicate<JsonNode> condition) {
        for (var each = array.iterator(); each.hasNext(); ) {
            if (condition.test(each.next())) {
                each.remove();
            }
        }
    }

    private static String jarName(JsonNode part) {
        return part.path("name").asText() + "-" + part.path("version").asText() + ".jar";
    }

    private static String name(JsonNode part) {
        return part.path("group").asText() + ":" + part.path("name").asText() + " "
                + part.path("version").asText();
    }

    private static String licence(JsonNode part) {
        var licences = StreamSupport.stream(part.path("licenses").spliterator(), false)
                .map(ImageLicences::nameOfLicence)
                .toList();
        if (licences.isEmpty()) {
            throw new IllegalStateException(name(part) + " names no licence; it must not be passed on like that");
        }
        return String.join(" or ", licences);
    }

    private static String nameOfLicence(JsonNode entry) {
        var licence = entry.path("license");
        return entry.path("expression")
                .asText(licence.path("id").asText(licence.path("name").asText()));
    }

    private String texts(JsonNode part) throws IOException {
        var texts = copyTexts(Objects.requireNonNull(jars.get(jarName(part))));
        return texts.isEmpty() ? "" : " (" + String.join(", ", new TreeSet<>(texts)) + ")";
    }

    private List<String> copyTexts(Path jar) throws IOException {
        var texts = new ArrayList<String>();
        try (var archive = new ZipFile(jar.toFile())) {
            for (var entry : archive.stream()
                    .filter(it ->
                            !it.isDirectory() && TEXT.matcher(it.getName()).matches())
                    .toList()) {
                try (var in = archive.getInputStream(entry)) {
                    var name = jar.getFileName() + "-" + entry.getName().replace('/', '-');
                    texts.add(keep(name.replace(".jar-", "-"), in.readAllBytes()));
                }
            }
        }
        return texts;
    }

    private String keep(String name, byte[] text) throws IOException {
        var known = names.putIfAbsent(new String(text, StandardCharsets.ISO_8859_1), name);
        if (known != null) {
            return known;
        }
        Files.write(target.resolve(name), text);
        return name;
    }
}
