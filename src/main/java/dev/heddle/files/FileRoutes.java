package dev.heddle.files;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.concurrent.SharedPlaces;
import dev.heddle.content.DigestFields;
import dev.heddle.content.FileName;
import dev.heddle.content.Representation;
import dev.heddle.files.UserFiles.Arrival;
import dev.heddle.files.UserFiles.Target;
import dev.heddle.files.UserFiles.Upload;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Idempotency;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.MediaTypes;
import dev.heddle.http.Page;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Set;

/** The HTTP side of files. */
public final class FileRoutes {

    /** The head and the end of the form around a file. */
    private static final long FORM_BYTES = 64 * 1024;

    private static final HeaderName CONTENT_SECURITY_POLICY = HeaderNames.create("Content-Security-Policy");

    /** Nothing that a user uploads does anything in the browser of another, whatever it says it is. */
    private static final String INERT = "default-src 'none'; sandbox";

    /** Types that a browser would run if it were left to it; they are sent as bytes and nothing more. */
    private static final Set<String> ACTIVE = Set.of(
            "text/html",
            "text/xml",
            "text/javascript",
            "text/css",
            "application/xml",
            "application/javascript",
            "application/ecmascript",
            "application/x-shockwave-flash",
            "application/pdf");

    /** How often a row is read whose bytes were replaced meanwhile; after that, they are missing. */
    private static final int LOOKS = 4;

    /** One caller's part of the places for uploads. */
    private static final int SHARE = 4;

    private final UserFiles files;
    private final Idempotency idempotency;

    private final SharedPlaces uploads;

    private record Listing(String userId, Page page) {}

    private record Incoming(String userId, boolean overwrite) {}

    private FileRoutes(UserFiles files, Idempotency idempotency) {
        this.files = files;
        this.idempotency = idempotency;
        int places = files.limits().uploads();
        this.uploads = new SharedPlaces("uploads", places, Math.max(1, places / SHARE));
    }

    /** Adds the routes. */
    public static void add(Routes routes, UserFiles files, Idempotency idempotency) {
        var its = new FileRoutes(files, idempotency);
        routes.addStreaming("POST", "/upload", Access.WRITE, its::incoming, its::upload)
                .add("GET", "/files", Access.READ, FileRoutes::listing, its::list)
                .add("GET", "/download/{filename}", Access.READ, FileRoutes::target, its::download)
                .add("DELETE", "/files/{filename}", Access.WRITE, FileRoutes::target, its::delete)
                // Whatever stands where a name should: none is there, and no two of them look different.
                .takeTheRest("/download/{filename}")
                .takeTheRest("/files/{filename}");
    }

    /** How long a body may be that brings a file of that size. */
    public static long bodyBytes(long fileBytes) {
        return fileBytes + FORM_BYTES;
    }

    private static Target target(Request request) {
        var userId = Caller.current().subject(request.query());
        // A name that is none is not there, like every other that is not there.
        var name = FileName.of(request.pathValue(0)).orElseThrow(UserFiles::notFound);
        return new Target(userId, name, request.header(HeaderNames.IF_MATCH));
    }

    private static Listing listing(Request request) {
        var userId = Caller.current().subject(request.query());
        return new Listing(userId, Page.of(request.query(), "files " + userId));
    }

    private Incoming incoming(Request request) {
        var userId = Caller.current().subject(request.query());
        boolean overwrite = request.query().flag("overwrite").orElse(false);
        Idempotency.requireValidKey(request);
        request.requireType(MediaTypes.FORM_DATA);
        request.expectStream(bodyBytes(files.limits().fileBytes()));
        return new Incoming(userId, overwrite);
    }

    // ---- Upload ----

    private Answer upload(Request request, Incoming asked) {
        try (var _ = uploads.enter(Caller.current().id())) {
            return receive(request, asked);
        }
    }

    private Answer receive(Request request, Incoming asked) {
        var body = new DigestedBody(request);
        var form = FileForm.open(body.stream(), request.header(HeaderNames.CONTENT_TYPE));
        var target = new Target(asked.userId(), form.name(), request.header(HeaderNames.IF_MATCH));
        var upload = new Upload(target, asked.overwrite());
        long allowance = request.onceReceived(() -> files.allowance(upload, Idempotency.isAsked(request)));
        try (var incoming = files.store().begin(Math.max(0, request.announced() - FORM_BYTES))) {
            var file = new ReceivedFile(incoming, files, allowance, body.algorithms(form.digests()));
            form.receive(file::write);
            body.requireDigests(file, form.digests());
            incoming.keep();
            var arrival = new Arrival(incoming.id(), file.size(), file.sha256(), form.contentType());
            return publish(request, upload, arrival);
        } catch (StorageFullException e) {
            throw Problem.STORAGE_FULL.causedBy(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The bytes are kept already; they are removed again if the file does not become one, unless that is not known. */
    private Answer publish(Request request, Upload upload, Arrival arrival) {
        var content = String.join("\n", upload.target().name().text(), arrival.contentType(), arrival.sha256())
                .getBytes(StandardCharsets.UTF_8);
        var isDone = new boolean[1];
        try {
            return request.onceReceived(() ->
                    idempotency.onceStreamed(request, Caller.current().id(), content, () -> {
                        var file = files.publish(upload, arrival, () -> isDone[0] = true);
                        return uploaded(file);
                    }));
        } finally {
            if (!isDone[0]) {
                files.forget(arrival.blob());
            }
        }
    }

    private static Answer uploaded(UserFile file) {
        return Answer.json(201, json -> write(json, file))
                .header(HeaderNames.LOCATION, "/download/" + file.name().percentEncoded())
                .header(HeaderNames.ETAG, "\"" + file.tag() + "\"");
    }

    // ---- The others ----

    private Answer list(Request request, Listing asked) {
        var page = asked.page();
        var rows = files.list(asked.userId(), Keyset.of(page), page.skip(), page.rows());
        return page.answer(request, rows, FileRoutes::write, file -> new Keyset(file.createdAt(), file.blob()));
    }

    private Answer download(Request request, Target target) {
        for (int look = 1; ; look++) {
            try {
                return answer(request, files.get(target));
            } catch (GoneException e) {
                // Replaced between the row and its bytes: the row names others by now, or is gone too.
                if (look == LOOKS) {
                    throw e;
                }
            }
        }
    }

    private Answer answer(Request request, UserFile file) {
        var headers = new LinkedHashMap<HeaderName, String>();
        headers.put(HeaderNames.CONTENT_DISPOSITION, file.name().attachment());
        headers.put(DigestedBody.REPR_DIGEST, DigestFields.write(HexFormat.of().parseHex(file.sha256())));
        headers.put(CONTENT_SECURITY_POLICY, INERT);
        return new Representation(file.tag(), file.createdAt(), file.size(), inert(file.contentType()), headers)
                .answer(request, () -> files.open(file).orElseThrow(GoneException::new));
    }

    private static String inert(String type) {
        return ACTIVE.contains(type) || type.endsWith("+xml") ? "application/octet-stream" : type;
    }

    private Answer delete(Request request, Target target) {
        files.delete(target);
        return Answer.of(204);
    }

    private static void write(JsonGenerator json, UserFile file) throws IOException {
        json.writeStartObject();
        json.writeStringField("filename", file.name().text());
        json.writeNumberField("size", file.size());
        json.writeStringField("sha256", file.sha256());
        json.writeStringField("content_type", file.contentType());
        Json.time(json, "created_at", file.createdAt());
        json.writeEndObject();
    }

    /** A row whose bytes are not there. */
    private static final class GoneException extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        GoneException() {
            super("a file has a row, but no bytes");
        }
    }
}
