package dev.heddle.app;

import com.atlassian.oai.validator.OpenApiInteractionValidator;
import com.atlassian.oai.validator.model.Request.Method;
import com.atlassian.oai.validator.model.SimpleRequest;
import com.atlassian.oai.validator.model.SimpleResponse;
import com.atlassian.oai.validator.report.LevelResolver;
import com.atlassian.oai.validator.report.MessageResolver;
import com.atlassian.oai.validator.report.ValidationReport;
import com.atlassian.oai.validator.report.ValidationReport.Level;
import com.atlassian.oai.validator.schema.SchemaValidator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.heddle.app.TestServer.Reply;
import io.swagger.v3.core.util.Json;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.parser.OpenAPIV3Parser;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** {@code openapi.yaml}, to hold requests and answers against. */
final class Contract {

    private static final Set<String> METHODS = Set.of("get", "put", "post", "patch", "delete");

    /** What every HTTP answer has, so that no contract repeats it. */
    private static final Set<String> HEADERS_OF_HTTP =
            Set.of("connection", "content-length", "content-type", "date", "transfer-encoding");

    private final JsonNode document;
    private final JsonNode strict;
    private final OpenApiInteractionValidator validator;
    private final SchemaValidator schemas;

    /** What was sent and what came back. */
    record Exchange(
            String method,
            String path,
            Map<String, String> headers,
            @Nullable String body,
            Reply reply) {}

    /** One operation of the document. */
    record Operation(String id, String method, String path) {
        @Override
        public String toString() {
            return method + " " + path;
        }
    }

    private Contract(JsonNode document) {
        this.document = document;
        this.strict = strict(document);
        this.validator = OpenApiInteractionValidator.createForInlineApiSpecification(strict.toString())
                .withLevelResolver(LevelResolver.create()
                        // Ignored by default; ours refuses what it does not know.
                        .withLevel("validation.request.parameter.query.unexpected", Level.ERROR)
                        .build())
                .build();
        this.schemas = new SchemaValidator(
                new OpenAPIV3Parser().readContents(strict.toString()).getOpenAPI(), new MessageResolver());
    }

    static Contract of(String yaml) {
        try {
            return new Contract(YAMLMapper.builder().build().readTree(yaml));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /**
     * The document in the words of OpenAPI 3.0: of 3.1 the validator reads types, nulls and bounds, and then forgets
     * them; and it does not look at the security that holds for the whole document.
     */
    private static JsonNode strict(JsonNode document) {
        ObjectNode strict = document.deepCopy();
        strict.put("openapi", "3.0.3");
        ((ObjectNode) strict.path("info")).remove("summary");
        ((ObjectNode) strict.path("info").path("license")).remove("identifier");
        strict.path("paths")
                .forEach(path -> METHODS.forEach(method -> {
                    if (path.get(method) instanceof ObjectNode operation && !operation.has("security")) {
                        operation.set("security", document.path("security"));
                    }
                }));
        walk(strict, "", (pointer, node) -> {
            if (node instanceof ObjectNode schema) {
                inWordsOf30(schema);
            }
        });
        return strict;
    }

    private static void inWordsOf30(ObjectNode schema) {
        if (schema.get("type") instanceof ArrayNode types) {
            schema.put("type", types.get(0).asText());
            schema.put("nullable", true);
        }
        if (schema.path("exclusiveMinimum").isNumber()) {
            schema.set("minimum", schema.get("exclusiveMinimum"));
            schema.put("exclusiveMinimum", true);
        }
        if (schema.get("examples") instanceof ArrayNode) {
            schema.remove("examples");
        }
    }

    private static void walk(JsonNode node, String pointer, BiConsumer<String, JsonNode> visitor) {
        visitor.accept(pointer, node);
        node.properties()
                .forEach(member -> walk(
                        member.getValue(),
                        pointer + "/" + member.getKey().replace("~", "~0").replace("/", "~1"),
                        visitor));
        if (node instanceof ArrayNode items) {
            for (int i = 0; i < items.size(); i++) {
                walk(items.get(i), pointer + "/" + i, visitor);
            }
        }
    }

    List<Operation> operations() {
        var operations = new ArrayList<Operation>();
        document.path("paths")
                .properties()
                .forEach(path -> path.getValue().properties().forEach(member -> {
                    if (METHODS.contains(member.getKey())) {
                        operations.add(new Operation(
                                member.getValue().path("operationId").asText(),
                                member.getKey().toUpperCase(Locale.ROOT),
                                path.getKey()));
                    }
                }));
        return operations;
    }

    Operation operation(String id) {
        return operations().stream()
                .filter(operation -> operation.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no operation " + id));
    }

    /** The statuses that an operation may answer with. */
    Set<Integer> statuses(Operation operation) {
        var statuses = new TreeSet<Integer>();
        responses(operation).fieldNames().forEachRemaining(status -> statuses.add(Integer.valueOf(status)));
        return statuses;
    }

    private JsonNode responses(Operation operation) {
        return document.path("paths")
                .path(operation.path())
                .path(operation.method().toLowerCase(Locale.ROOT))
                .path("responses");
    }

    /** What the document holds against the request. */
    List<String> complaintsAboutRequest(Exchange exchange) {
        int mark = exchange.path().indexOf('?');
        var request = new SimpleRequest.Builder(
                Method.valueOf(exchange.method()),
                mark < 0 ? exchange.path() : exchange.path().substring(0, mark));
        query(exchange.path().substring(mark < 0 ? exchange.path().length() : mark + 1))
                .forEach(request::withQueryParam);
        exchange.headers().forEach((name, value) -> request.withHeader(name, value));
        if (exchange.body() != null) {
            request.withBody(exchange.body());
        }
        return complaints(validator.validateRequest(request.build()));
    }

    private static Map<String, List<String>> query(String raw) {
        var values = new LinkedHashMap<String, List<String>>();
        for (var pair : raw.split("&", -1)) {
            if (!pair.isEmpty()) {
                int equals = pair.indexOf('=');
                var name = equals < 0 ? pair : pair.substring(0, equals);
                values.computeIfAbsent(name, n -> new ArrayList<>())
                        .add(equals < 0 ? "" : URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        return values;
    }

    /** What the document holds against the answer, its headers included. */
    List<String> complaintsAboutReply(Operation operation, Exchange exchange) {
        var reply = exchange.reply();
        var response = SimpleResponse.Builder.status(reply.status());
        reply.raw().headers().map().forEach(response::withHeader);
        if (reply.raw().body().length > 0) {
            response.withBody(reply.raw().body());
        }
        int mark = exchange.path().indexOf('?');
        var path = mark < 0 ? exchange.path() : exchange.path().substring(0, mark);
        var complaints = new ArrayList<>(
                complaints(validator.validateResponse(path, Method.valueOf(exchange.method()), response.build())));
        complaints.addAll(undocumentedHeaders(operation, reply));
        return complaints;
    }

    private List<String> undocumentedHeaders(Operation operation, Reply reply) {
        var known = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        known.addAll(HEADERS_OF_HTTP);
        resolved(responses(operation).path(String.valueOf(reply.status())))
                .path("headers")
                .fieldNames()
                .forEachRemaining(known::add);
        return reply.raw().headers().map().keySet().stream()
                .filter(name -> !known.contains(name))
                .map(name -> "the header " + name + " is not in the document")
                .toList();
    }

    private JsonNode resolved(JsonNode node) {
        var reference = node.path("$ref").asText("");
        return reference.isEmpty() ? node : document.at(reference.substring(1));
    }

    private static List<String> complaints(ValidationReport report) {
        return report.getMessages().stream()
                .filter(message -> message.getLevel() == Level.ERROR)
                .map(message -> message.getKey() + ": " + message.getMessage())
                .toList();
    }

    /** What is wrong with a JSON document that should be one of {@code #/components/schemas/…}. */
    List<String> complaintsAbout(JsonNode value, String schemaName) {
        return complaints(value, strict.at("/components/schemas/" + schemaName));
    }

    private List<String> complaints(JsonNode value, JsonNode schema) {
        return complaints(
                schemas.validate(value::deepCopy, Json.mapper().convertValue(schema, Schema.class), "example"));
    }

    /** Every example of a JSON value in the document, by its pointer, with what its schema holds against it. */
    Map<String, List<String>> examples() {
        var examples = new TreeMap<String, List<String>>();
        walk(document, "", (pointer, node) -> {
            if (node.get("examples") instanceof ArrayNode values) {
                values.forEach(value -> examples.put(pointer + "/examples", complaints(value, strict.at(pointer))));
            }
            var schema = strict.at(pointer + "/schema");
            if (node.has("example")) {
                examples.put(pointer + "/example", complaints(node.get("example"), schema));
            }
            if (node.get("examples") instanceof ObjectNode named) {
                named.properties()
                        .forEach(one -> examples.put(
                                pointer + "/examples/" + one.getKey(),
                                complaints(one.getValue().path("value"), schema)));
            }
        });
        return examples;
    }

    /** The example of an answer that is no JSON. */
    String example(String operationId, int status, String mediaType) {
        return resolved(responses(operation(operationId)).path(String.valueOf(status)))
                .path("content")
                .path(mediaType)
                .path("example")
                .asText();
    }
}
