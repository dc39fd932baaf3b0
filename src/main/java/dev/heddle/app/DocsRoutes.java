package dev.heddle.app;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Json;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What the server says about itself: its contract, pages to try it, and what each problem means. All public. */
final class DocsRoutes {

    private static final HeaderName CONTENT_SECURITY_POLICY = HeaderNames.create("Content-Security-Policy");

    /** The page runs only what this server sends; swagger-ui puts its styles into the document. */
    private static final String PAGE_POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                    + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /** The files of the page, by name; nothing else of the jar is served. */
    private static final Map<String, String> PAGE_FILES = Map.of(
            "swagger-ui.css", "text/css; charset=utf-8",
            "swagger-ui-bundle.js", "text/javascript; charset=utf-8",
            "favicon-32x32.png", "image/png");

    /** Where the contract says that the server is. */
    private static final String SERVER = "servers:\n  - url: ";

    private static final String CACHED = "public, max-age=3600";

    private DocsRoutes() {}

    /**
     * Adds the routes.
     *
     * @param publicUrl where clients find the server; empty when only they know
     */
    static void add(Routes routes, String publicUrl) {
        routes.add("GET", "/", Access.PUBLIC, request -> root())
                .add("GET", "/openapi.yaml", Access.PUBLIC, request -> contract(publicUrl))
                .add("GET", "/docs", Access.PUBLIC, request -> page())
                .add("GET", "/docs/{file}", Access.PUBLIC, DocsRoutes::pageFile)
                .add("GET", "/problems", Access.PUBLIC, request -> problems())
                .add("GET", "/problems/{code}", Access.PUBLIC, DocsRoutes::problem);
    }

    private static Answer root() {
        return Answer.ok(json -> {
                    json.writeStartObject();
                    json.writeStringField("name", "Heddle");
                    json.writeStringField("version", Version.HEDDLE);
                    json.writeStringField("docs", "/docs");
                    json.writeStringField("openapi", "/openapi.yaml");
                    json.writeEndObject();
                })
                .header(HeaderNames.CACHE_CONTROL, CACHED);
    }

    private static Answer contract(String publicUrl) {
        var contract = resource("/openapi.yaml", "application/yaml");
        if (publicUrl.isEmpty()) {
            return contract;
        }
        var text =
                new String(contract.bytes(), StandardCharsets.UTF_8).replace(SERVER + "/\n", SERVER + publicUrl + "\n");
        return Answer.of(200, "application/yaml", text.getBytes(StandardCharsets.UTF_8))
                .header(HeaderNames.CACHE_CONTROL, CACHED);
    }

    private static Answer page() {
        return resource("/dev/heddle/app/docs.html", "text/html; charset=utf-8")
                .header(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    }

    private static Answer pageFile(Request request) {
        var name = request.pathValue(0);
        if (name.equals("docs.js")) {
            return resource("/dev/heddle/app/docs.js", "text/javascript; charset=utf-8");
        }
        var type = PAGE_FILES.get(name);
        if (type == null) {
            throw Problem.NOT_FOUND.asException();
        }
        return resource("/META-INF/resources/webjars/swagger-ui/" + Version.SWAGGER_UI + "/" + name, type);
    }

    private static Answer resource(String path, String type) {
        try (var in = DocsRoutes.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException("not in the jar: " + path);
            }
            return Answer.of(200, type, in.readAllBytes()).header(HeaderNames.CACHE_CONTROL, CACHED);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Answer problems() {
        return Answer.ok(json -> {
                    json.writeStartArray();
                    for (var problem : Problem.values()) {
                        write(json, problem);
                    }
                    json.writeEndArray();
                })
                .header(HeaderNames.CACHE_CONTROL, CACHED);
    }

    private static Answer problem(Request request) {
        var problem = Problem.of(request.pathValue(0)).orElseThrow(Problem.NOT_FOUND::asException);
        return Answer.of(200, "application/json", Json.write(json -> write(json, problem)))
                .header(HeaderNames.CACHE_CONTROL, CACHED);
    }

    private static void write(JsonGenerator json, Problem problem) throws IOException {
        json.writeStartObject();
        json.writeStringField("type", "/problems/" + problem.code());
        json.writeStringField("title", problem.title());
        json.writeNumberField("status", problem.status());
        json.writeStringField("code", problem.code());
        json.writeStringField("description", problem.detail());
        json.writeEndObject();
    }
}
