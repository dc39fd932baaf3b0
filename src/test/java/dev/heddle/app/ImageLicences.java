package dev.heddle.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import java.util.zip.ZipFile;

/**
 * Puts into the image what the licences of its parts ask for: a list of the parts with the licence of each, and every licence
 * and notice that they bring along. The build runs it, with the image as its one word.
 */
final class ImageLicences {

    private static final Pattern TEXT = Pattern.compile(
            "(META-INF/)?([a-zA-Z0-9._-]+/)*(LICEN[CS]E|NOTICE|COPYING)[^/]*", Pattern.CASE_INSENSITIVE);

    private ImageLicences() {}

    /** Reads {@code sbom.cdx.json} and the jars below {@code lib}, and writes {@code licences}. */
    public static void main(String[] words) throws IOException {
        var image = Path.of(words[0]);
        var target = Files.createDirectories(image.resolve("licences"));
        var lines = new TreeMap<String, String>();
        for (var part : new ObjectMapper()
                .readTree(image.resolve("sbom.cdx.json").toFile())
                .path("components")) {
            lines.put(name(part), name(part) + ": " + licence(part));
        }
        var list = new ArrayList<>(List.of(
                "What this image is made of, and under which licence. The texts that the parts bring along are in the",
                "directories beside this file, those of the Java runtime in runtime/legal.",
                ""));
        list.addAll(lines.values());
        Files.write(target.resolve("THIRD-PARTY.txt"), list);
        try (var jars = Files.walk(image.resolve("lib"))) {
            for (var jar : jars.filter(file -> file.toString().endsWith(".jar")).toList()) {
                copyTexts(jar, target);
            }
        }
    }

    private static String name(JsonNode part) {
        return part.path("group").asText() + ":" + part.path("name").asText() + " "
                + part.path("version").asText();
    }

    private static String licence(JsonNode part) {
        var names = StreamSupport.stream(part.path("licenses").spliterator(), false)
                .map(ImageLicences::nameOfLicence)
                .toList();
        if (names.isEmpty()) {
            throw new IllegalStateException(name(part) + " names no licence; it must not be passed on like that");
        }
        return String.join(" or ", names);
    }

    private static String nameOfLicence(JsonNode entry) {
        var licence = entry.path("license");
        return entry.path("expression")
                .asText(licence.path("id").asText(licence.path("name").asText()));
    }

    private static void copyTexts(Path jar, Path target) throws IOException {
        var own = target.resolve(jar.getFileName().toString().replaceFirst("\\.jar$", ""));
        try (var archive = new ZipFile(jar.toFile())) {
            for (var entry : archive.stream()
                    .filter(it -> !it.isDirectory() && isText(it.getName()))
                    .toList()) {
                Files.createDirectories(own);
                try (var in = archive.getInputStream(entry)) {
                    // Several may have the same name in different directories.
                    Files.write(own.resolve(entry.getName().replace('/', '-')), in.readAllBytes());
                }
            }
        }
    }

    private static boolean isText(String name) {
        return TEXT.matcher(name).matches() && !name.toLowerCase(Locale.ROOT).endsWith(".class");
    }
}
