package dev.heddle.app;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.heddle.client.HttpUrl;
import dev.heddle.upstream.Template;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The kinds of values that say where answers come from. Addresses stay out of complaints: somebody may have put
 * credentials into one, which is then what is wrong with it.
 */
final class RemoteKind {

    private RemoteKind() {}

    /** Where a server is, and the path that all of its resources begin with. */
    record BaseUrl() implements SettingsKind<HttpUrl> {
        @Override
        public Class<HttpUrl> type() {
            return HttpUrl.class;
        }

        @Override
        public String rule() {
            return "must be like https://api.example.org or http://10.0.0.1:8080/v1: a scheme, a host, perhaps a port"
                    + " and a path; no user, no password, no query and no slash at the end";
        }

        @Override
        public Optional<HttpUrl> read(String text) {
            return text.endsWith("/") ? Optional.empty() : HttpUrl.of(text);
        }

        @Override
        public boolean accepts(HttpUrl value) {
            return value.target().indexOf('?') < 0
                    && (value.target().equals("/") || !value.target().endsWith("/"));
        }

        @Override
        public boolean confidential() {
            return true;
        }
    }

    /** The path of a resource, with places for values. */
    record PathTemplate() implements SettingsKind<Template> {
        private static final String TAKEN = "require";

        @Override
        public Class<Template> type() {
            return Template.class;
        }

        @Override
        public String rule() {
            return "must be a path that starts with a slash, perhaps with a query, and with places for values as in"
                    + " /current?city={city}; a place is not called " + TAKEN;
        }

        /** The parameter of dashboards that is their own would be its value. */
        @Override
        public boolean accepts(Template template) {
            return !template.names().contains(TAKEN);
        }

        @Override
        public Optional<Template> read(String text) {
            return Template.of(text);
        }

        @Override
        public boolean confidential() {
            return true;
        }
    }

    /** Where a part takes its answer from; whether there is such a resource only the whole file can tell. */
    record Source() implements SettingsKind<String> {
        @Override
        public Class<String> type() {
            return String.class;
        }

        @Override
        public String rule() {
            return "must be " + String.join(", ", Settings.Part.OWN_SOURCES) + " or the name of a resource";
        }

        @Override
        public Optional<String> read(String text) {
            return Optional.of(text);
        }

        @Override
        public boolean accepts(String value) {
            return Settings.Part.OWN_SOURCES.contains(value) || SettingsFamily.RESOURCES.accepts(value);
        }
    }

    /** One document of JSON, kept as its shortest text. */
    record JsonText() implements SettingsKind<String> {
        /** A default stands in for an answer; what is longer should be a resource. */
        private static final int LENGTH_MAX = 4096;

        private static final int DEPTH_MAX = 32;

        private static final JsonFactory FACTORY = JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(DEPTH_MAX)
                        .build())
                .build();

        @Override
        public Class<String> type() {
            return String.class;
        }

        @Override
        public String rule() {
            return ("must be one JSON document such as \"[]\", in at most %d characters and %d levels,"
                            + " no name twice in an object")
                    .formatted(LENGTH_MAX, DEPTH_MAX);
        }

        @Override
        public Optional<String> read(String text) {
            if (text.length() > LENGTH_MAX) {
                return Optional.empty();
            }
            var compact = new StringWriter();
            try (JsonParser json = FACTORY.createParser(text)) {
                // The parser may speak up behind the document only, so the text is worth nothing until both are closed.
                try (JsonGenerator copy = FACTORY.createGenerator(compact)) {
                    if (json.nextToken() == null) {
                        return Optional.empty();
                    }
                    copy.copyCurrentStructureExact(json);
                }
                return json.nextToken() == null
                        ? Optional.of(compact.toString()).filter(JsonText::isWhole)
                        : Optional.empty();
            } catch (IOException _) {
                return Optional.empty();
            }
        }

        /** Half of a surrogate pair is JSON, but nothing that can be sent. */
        private static boolean isWhole(String text) {
            return StandardCharsets.UTF_8.newEncoder().canEncode(text);
        }

        @Override
        public boolean accepts(String value) {
            return read(value).isPresent();
        }
    }

    /**
     * A list in one line, with commas.
     *
     * @param what the things in it and an example, as a phrase
     * @param one reads one of them
     */
    record Several<E>(String what, Function<String, Optional<E>> one) implements SettingsKind<List<E>> {
        /** Each of them may be looked at for every URL that is asked for. */
        private static final int MOST = 100;

        @Override
        @SuppressWarnings(
                "unchecked") // There is no class of a list of something; what is read here holds nothing else.
        public Class<List<E>> type() {
            return (Class<List<E>>) (Class<?>) List.class;
        }

        @Override
        public String rule() {
            return "must be at most %d %s, separated by commas".formatted(MOST, what);
        }

        @Override
        public Optional<List<E>> read(String text) {
            var all = new ArrayList<E>();
            for (var written : text.split(",", -1)) {
                var read = one.apply(written.strip());
                if (read.isEmpty()) {
                    return Optional.empty();
                }
                all.add(read.get());
            }
            return Optional.of(List.copyOf(all));
        }

        @Override
        public boolean accepts(List<E> value) {
            return value.size() <= MOST;
        }

        @Override
        public boolean confidential() {
            return true;
        }
    }
}
