package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.app.Contract.Exchange;
import dev.heddle.app.Contract.Operation;
import dev.heddle.app.TestServer.Person;
import dev.heddle.app.TestServer.Reply;
import dev.heddle.db.Uuid7;
import dev.heddle.testing.FakeUpstream;
import dev.heddle.testing.Form;
import dev.heddle.testing.Psql;
import dev.heddle.testing.RawHttp;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** {@code openapi.yaml} is the source of truth: every operation is sent, well and badly, and held against it. */
class ContractIT {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AtomicInteger NAMES = new AtomicInteger();

    private static final AtomicReference<Trouble> UPSTREAMS = new AtomicReference<>(Trouble.NONE);

    private static FakeUpstream upstream;
    /** Whoever connects there is refused; it is kept so that nobody else gets it. */
    private static Socket closed;

    private static TestServer server;
    /** The same for those who may ask once a second. */
    private static TestServer strict;

    private static Psql psql;
    private static Contract contract;

    @BeforeAll
    static void start() throws IOException {
        upstream = FakeUpstream.start(ContractIT::answer);
        closed = new Socket();
        closed.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        // What fails in the trouble of one case has run when the next one begins.
        var yaml = """
            jobs:
              retry-delay: 10ms
            files:
              max-size: 8KiB
            import:
              max-size: 100KiB
            upstreams:
              elsewhere:
                url: {upstream}
                stale-if-error: 0s
                breaker-pause: 100ms
                resources:
                  weather: /weather/{city}
                  slow-external: /slow
                  kept: /kept
                  echo: /echo?text={text}
                  mine: /users/{user_id}
              nowhere:
                url: {closed}
                breaker-pause: 100ms
                resources:
                  missing: /
              alone:
                url: {closed}
                breaker-pause: 1h
                resources:
                  left-alone: /
            dashboards:
              outside:
                slow: {source: slow-external}
                left_alone: {source: left-alone}
              search:
                echo: {source: echo}
                mine: {source: mine}
            batch:
              allow: {upstream},{closed}
              private-networks: 127.0.0.0/8
            compute:
              max-body-size: 1MiB
            """.replace("{upstream}", upstream.url()).replace("{closed}", closedUrl());
        server = TestServer.with(
                yaml,
                Map.of(
                        "RATE_LIMIT_TOKEN", "1000000",
                        "RATE_LIMIT_ADDRESS", "1000000",
                        "RATE_LIMIT_BAD_TOKENS", "1000000"));
        strict = TestServer.on(server.schema(), Map.of("RATE_LIMIT_ADDRESS", "1", "RATE_LIMIT_ADDRESS_BURST", "1"));
        server.log("heddle.log", "one line\nand another\n");
        psql = new Psql(server.schema());
        contract = Contract.of(server.get("/openapi.yaml", "").text());
    }

    @AfterAll
    static void stop() throws IOException {
        closed.close();
        strict.close();
        server.close();
        upstream.close();
    }

    private static String closedUrl() {
        return "http://127.0.0.1:" + closed.getLocalPort();
    }

    /** What the upstream says, by the trouble that it has. */
    private static void answer(FakeUpstream.Request request, OutputStream out) throws IOException {
        switch (UPSTREAMS.get()) {
            case UPSTREAM_FAILS -> out.write(FakeUpstream.answer("500 Internal Server Error", "", ""));
            case UPSTREAM_BABBLES -> out.write(FakeUpstream.answer("200 OK", "warp", "Content-Type: text/plain\r\n"));
            case UPSTREAM_IS_SILENT -> request.awaitHangUp();
            default -> {
                var lifetime = request.target().equals("/kept") ? "Cache-Control: max-age=60\r\n" : "";
                out.write(FakeUpstream.ok("{\"asked\": \"" + request.target() + "\"}", lifetime));
            }
        }
    }

    /** What is wrong with a request. */
    private enum Kind {
        /** Nothing. */
        GOOD,
        /** Something that the document says, and the server finds too. */
        BAD,
        /** Perhaps nothing: it has parameters that only the settings name, so the document tells of them in words. */
        FREE,
        /** Nothing that the document could say: who asks, or the state of things. */
        REFUSED
    }

    private enum As {
        NOBODY,
        STRANGER,
        SCOPELESS,
        USER,
        ADMIN
    }

    /** What is the matter with the server meanwhile. */
    private enum Trouble {
        NONE,
        LOCKED,
        GONE,
        FULL,
        IN_PROGRESS,
        FULL_OF_TOKENS,
        /** The caller's token is new, and where it would be found is locked. */
        TOKENS_LOCKED,
        /** The caller's token is new, and where it would be found is gone. */
        TOKENS_GONE,
        UPSTREAM_FAILS,
        /** It answers with what is no JSON. */
        UPSTREAM_BABBLES,
        UPSTREAM_IS_SILENT,
        /** One has failed so often that it is asked no more. */
        UPSTREAM_LEFT_ALONE,
        /** As many requests as are allowed have come before. */
        ASKED_TOO_OFTEN;

        boolean isOfTokens() {
            return this == TOKENS_LOCKED || this == TOKENS_GONE;
        }
    }

    /** One request and the status of its answer. */
    private record Case(
            String operation,
            Kind kind,
            int status,
            String path,
            @Nullable String body,
            Map<String, String> headers,
            As as,
            Trouble trouble) {

        Case with(String name, String value) {
            var more = new LinkedHashMap<>(headers);
            more.put(name, value);
            return new Case(operation, kind, status, path, body, more, as, trouble);
        }

        Case as(As other) {
            return new Case(operation, kind, status, path, body, headers, other, trouble);
        }

        Case in(Trouble other) {
            return new Case(operation, kind, status, path, body, headers, as, other);
        }

        Case becomes(Kind other, int otherStatus) {
            return new Case(operation, other, otherStatus, path, body, headers, as, trouble);
        }

        Case at(String otherPath) {
            return new Case(operation, kind, status, otherPath, body, headers, as, trouble);
        }

        Case sending(String otherBody) {
            return new Case(operation, kind, status, path, otherBody, headers, as, trouble);
        }

        @Override
        public String toString() {
            var text = operation + " " + status + " " + kind + " " + as + " " + trouble + " " + path + " " + headers
                    + " " + (body == null ? "" : body);
            return text.length() <= 200 ? text : text.substring(0, 200) + "…";
        }
    }

    private static Case good(String operation, int status, String path) {
        return new Case(operation, Kind.GOOD, status, path, null, Map.of(), As.USER, Trouble.NONE);
    }

    private static Case good(String operation, int status, String path, String type, String body) {
        return new Case(operation, Kind.GOOD, status, path, body, Map.of("Content-Type", type), As.USER, Trouble.NONE);
    }

    private static final String JSON_TYPE = "application/json";
    private static final String PATCH_TYPE = "application/merge-patch+json";
    private static final String NEW_USER =
            "{\"id\": \"{new}\", \"email\": \"{new}@test.example\", \"name\": \"N\", \"role\": \"user\"}";
    private static final String NEW_TOKEN = "{\"name\": \"laptop\", \"scopes\": [\"read\"]}";

    /** The plainest good request of every operation, from which the others are made. */
    private static final List<Case> PLAIN = List.of(
            good("getRoot", 200, "/"),
            good("getOpenApi", 200, "/openapi.yaml"),
            good("getDocs", 200, "/docs"),
            good("getDocsFile", 200, "/docs/docs.js"),
            good("listProblems", 200, "/problems"),
            good("getProblem", 200, "/problems/not-found"),
            good("listTasks", 200, "/tasks"),
            good("createTask", 201, "/tasks", JSON_TYPE, "{\"title\": \"Thread the warp\"}"),
            good("importTasks", 200, "/process", "text/csv", "title\r\nThread the warp\r\n"),
            good("countTasks", 200, "/tasks/count"),
            good("getTask", 200, "/tasks/{task}"),
            good("patchTask", 200, "/tasks/{task}", PATCH_TYPE, "{\"priority\": 4, \"due_at\": null}"),
            good("deleteTask", 204, "/tasks/{task}"),
            good("completeTask", 200, "/tasks/{task}/complete"),
            good("reopenTask", 200, "/tasks/{done}/reopen"),
            good("listNotifications", 200, "/notifications"),
            good("readNotification", 200, "/notifications/{notification}/read"),
            good("listActivity", 200, "/activity"),
            good("getStats", 200, "/stats"),
            good("getDashboard", 200, "/dashboard"),
            good("getAggregate", 200, "/aggregate"),
            good("getNamedDashboard", 200, "/dashboards/outside"),
            good("getWeather", 200, "/weather/Berlin"),
            good("listExternal", 200, "/external"),
            good("getExternal", 200, "/external/kept"),
            good("getSlowExternal", 200, "/slow-external"),
            good("getBatch", 200, "/batch?urls={upstream}/a"),
            good("postBatch", 200, "/batch", JSON_TYPE, "{\"urls\": [\"{upstream}/a\"]}"),
            good("uploadFile", 201, "/upload", Form.TYPE, Form.of("draft.txt", "warp")),
            good("downloadFile", 200, "/download/{file}"),
            good("listFiles", 200, "/files"),
            good("deleteFile", 204, "/files/{file}"),
            good("getHash", 200, "/hash?data=warp"),
            good("postHash", 200, "/hash", "application/octet-stream", "warp"),
            good("getCompute", 200, "/compute?data=warp&rounds=3"),
            good("listLogs", 200, "/logs").as(As.ADMIN),
            good("getLog", 200, "/logs/heddle.log").as(As.ADMIN),
            good("listJobs", 200, "/jobs").as(As.ADMIN),
            good("getJob", 200, "/jobs/{job}").as(As.ADMIN),
            good("deleteJob", 204, "/jobs/{job}").as(As.ADMIN),
            good("retryJob", 200, "/jobs/{job}/retry").as(As.ADMIN),
            good("listUsers", 200, "/users").as(As.ADMIN),
            good("createUser", 201, "/users", JSON_TYPE, NEW_USER).as(As.ADMIN),
            good("getMe", 200, "/users/me"),
            good("deleteUser", 204, "/users/{me}").as(As.ADMIN),
            good("listTokens", 200, "/users/{me}/tokens"),
            good("createToken", 201, "/users/{me}/tokens", JSON_TYPE, NEW_TOKEN),
            good("deleteToken", 204, "/users/{me}/tokens/{token}"));

    private static final Set<String> PUBLIC =
            Set.of("getRoot", "getOpenApi", "getDocs", "getDocsFile", "listProblems", "getProblem");

    private static final Set<String> READS = Set.of(
            "listTasks",
            "countTasks",
            "getTask",
            "listNotifications",
            "listActivity",
            "getStats",
            "getDashboard",
            "getAggregate",
            "getNamedDashboard",
            "getWeather",
            "listExternal",
            "getExternal",
            "getSlowExternal",
            "getBatch",
            "postBatch",
            "downloadFile",
            "listFiles",
            "getHash",
            "postHash",
            "getCompute",
            "listLogs",
            "getLog",
            "listJobs",
            "getJob",
            "listUsers",
            "getMe",
            "listTokens");

    /** What the loss of a table does not stop: of the database they need only their callers. */
    private static final Set<String> COMPOSED = Set.of(
            "getDashboard",
            "getAggregate",
            "getNamedDashboard",
            "getWeather",
            "listExternal",
            "getExternal",
            "getSlowExternal",
            "getBatch",
            "postBatch",
            "getHash",
            "postHash",
            "getCompute",
            "listLogs",
            "getLog");

    private static Case plain(String operation) {
        return PLAIN.stream()
                .filter(one -> one.operation().equals(operation))
                .findFirst()
                .orElseThrow();
    }

    /** Of every operation: what can go wrong with any. */
    private static Stream<Case> anywhere(Case plain) {
        var cases = new ArrayList<Case>();
        cases.add(plain);
        cases.add(plain.with("Request-Timeout", "2.5")
                .with("X-Request-Id", "checkout-7f3a")
                .with("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        cases.add(plain.at(with(plain.path(), "nonsense=1")).becomes(Kind.BAD, 422));
        cases.add(plain.with("Request-Timeout", "soon").becomes(Kind.BAD, 400));
        cases.add(plain.with("Request-Timeout", "0").becomes(Kind.BAD, 400));
        cases.add(plain.at(with(plain.path(), "nonsense=" + "x".repeat(9000))).becomes(Kind.BAD, 414));
        cases.add(plain.with("X-Filler", "x".repeat(20_000)).becomes(Kind.REFUSED, 431));
        cases.add(plain.in(Trouble.ASKED_TOO_OFTEN).becomes(Kind.REFUSED, 429));
        if (!PUBLIC.contains(plain.operation())) {
            cases.add(plain.as(As.NOBODY).becomes(Kind.BAD, 401));
            cases.add(plain.as(As.STRANGER).becomes(Kind.REFUSED, 401));
            cases.add(plain.as(As.SCOPELESS).becomes(Kind.REFUSED, 403));
            boolean isComposed = COMPOSED.contains(plain.operation());
            var locked = isComposed ? Trouble.TOKENS_LOCKED : Trouble.LOCKED;
            cases.add(plain.in(locked).with("Request-Timeout", "0.2").becomes(Kind.REFUSED, 503));
            cases.add(plain.in(isComposed ? Trouble.TOKENS_GONE : Trouble.GONE).becomes(Kind.REFUSED, 500));
        }
        if (!PUBLIC.contains(plain.operation()) && !READS.contains(plain.operation())) {
            cases.add(plain.in(Trouble.FULL).becomes(Kind.REFUSED, 507));
        }
        if (plain.body() == null && !PUBLIC.contains(plain.operation()) && !READS.contains(plain.operation())) {
            cases.add(plain.sending("{}").becomes(Kind.BAD, 400));
        }
        if (plain.headers().getOrDefault("Content-Type", "").endsWith("json")) {
            cases.add(plain.with("Content-Type", "text/plain").becomes(Kind.BAD, 415));
            cases.add(plain.sending("{\"title\": \"" + "x".repeat(600_000) + "\"}")
                    .becomes(Kind.BAD, 413));
            cases.add(plain.sending("{\"title\"").becomes(Kind.BAD, 400));
            cases.add(plain.sending("[]").becomes(Kind.BAD, 422));
            cases.add(plain.sending("{\"nonsense\": 1}").becomes(Kind.BAD, 422));
            cases.add(plain.sending("{\"name\": 1, \"title\": 1}").becomes(Kind.BAD, 422));
        }
        return cases.stream();
    }

    private static String with(String path, String parameter) {
        return path + (path.contains("?") ? "&" : "?") + parameter;
    }

    private static List<Case> ofTaskLists(Case plain) {
        var cases = new ArrayList<Case>();
        for (var query : List.of(
                "completed=true",
                "label=loom&priority=2",
                "due_before=2026-12-01T00:00:00Z&due_after=2026-11-22T00:00:00%2B02:00",
                "q=warp%20%C3%A4",
                "user_id={me}")) {
            cases.add(plain.at(plain.path() + "?" + query));
        }
        for (var query : List.of(
                "completed=maybe",
                "label=" + "x".repeat(51),
                "label=",
                "priority=5",
                "priority=high",
                "due_before=tomorrow",
                "due_after=2026-11-22",
                "q=",
                "q=" + "x".repeat(201))) {
            cases.add(plain.at(plain.path() + "?" + query).becomes(Kind.BAD, 422));
        }
        cases.add(plain.at(plain.path() + "?user_id=admin").becomes(Kind.REFUSED, 403));
        cases.add(plain.at(plain.path() + "?user_id={me}").as(As.ADMIN));
        return cases;
    }

    private static List<Case> ofPages(Case plain) {
        var cases = new ArrayList<Case>();
        cases.add(plain.at(plain.path() + "?limit=1"));
        cases.add(plain.at(plain.path() + "?limit=100&skip=0"));
        cases.add(plain.at(plain.path() + "?limit=1&skip=1"));
        for (var query :
                List.of("limit=0", "limit=101", "limit=x", "limit=1&limit=2", "skip=-1", "skip=100001", "cursor=")) {
            cases.add(plain.at(plain.path() + "?" + query).becomes(Kind.BAD, 422));
        }
        cases.add(plain.at(plain.path() + "?cursor=nonsense").becomes(Kind.REFUSED, 422));
        return cases;
    }

    private static List<Case> ofAnOwner(Case plain) {
        return List.of(
                plain.at(plain.path() + "?user_id={me}"),
                plain.at(plain.path() + "?user_id={me}").as(As.ADMIN),
                plain.at(plain.path() + "?user_id=admin").becomes(Kind.REFUSED, 403),
                plain.at(plain.path() + "?user_id=").becomes(Kind.BAD, 422));
    }

    private static List<Case> ofNotifications() {
        var list = plain("listNotifications");
        var read = plain("readNotification");
        var activity = plain("listActivity");
        var missing = "01a202c0-f64b-752e-bca9-6513269e0d37";
        return List.of(
                list.at("/notifications?unread=true"),
                list.at("/notifications?unread=false&limit=1"),
                list.at("/notifications?unread=maybe").becomes(Kind.BAD, 422),
                read.at("/notifications/" + missing + "/read").becomes(Kind.REFUSED, 404),
                read.at("/notifications/none/read").becomes(Kind.REFUSED, 404),
                activity.at("/activity?task_id={task}"),
                activity.at("/activity?task_id=" + missing),
                activity.at("/activity?task_id=none").becomes(Kind.BAD, 422));
    }

    private static List<Case> ofFiles() {
        var upload = plain("uploadFile");
        var download = plain("downloadFile");
        var delete = plain("deleteFile");
        var key = upload.with("Idempotency-Key", "k-{new}");
        return List.of(
                upload.at("/upload?overwrite=true").sending(Form.of("{file}", "weft")),
                upload.sending(Form.of("{file}", "weft")).becomes(Kind.REFUSED, 409),
                upload.at("/upload?overwrite=maybe").becomes(Kind.BAD, 422),
                upload.with("If-Match", "*").becomes(Kind.REFUSED, 412),
                upload.with("Content-Digest", "sha-256=:AAAA:").becomes(Kind.REFUSED, 422),
                upload.with("Repr-Digest", "none").becomes(Kind.REFUSED, 400),
                upload.sending("no form").becomes(Kind.REFUSED, 400),
                upload.with("Content-Type", "text/plain").becomes(Kind.BAD, 415),
                upload.sending(Form.of("..", "x")).becomes(Kind.REFUSED, 422),
                upload.sending(Form.of("large", "x".repeat(9000))).becomes(Kind.REFUSED, 413),
                upload.sending(Form.of("larger", "x".repeat(90_000))).becomes(Kind.REFUSED, 413),
                key,
                key.with("Idempotency-Key", "two words").becomes(Kind.BAD, 400),
                download.with("Range", "bytes=0-1").becomes(Kind.GOOD, 206),
                download.with("Range", "bytes=0-0,3-").becomes(Kind.GOOD, 206),
                download.with("Range", "bytes=9-").becomes(Kind.REFUSED, 416),
                download.with("Range", "bytes=0-1").with("If-Range", "\"other\""),
                download.with("If-None-Match", "*").becomes(Kind.GOOD, 304),
                download.with("If-Modified-Since", "Sat, 06 Nov 2094 08:49:37 GMT")
                        .becomes(Kind.GOOD, 304),
                download.with("If-Match", "\"other\"").becomes(Kind.REFUSED, 412),
                download.with("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")
                        .becomes(Kind.REFUSED, 412),
                download.at("/download/none").becomes(Kind.REFUSED, 404),
                download.at("/download/NUL").becomes(Kind.REFUSED, 404),
                delete.at("/files/none").becomes(Kind.REFUSED, 404),
                delete.with("If-Match", "\"other\"").becomes(Kind.REFUSED, 412));
    }

    private static List<Case> ofDashboards(Case plain) {
        var all = plain.at(plain.path() + "?require=all");
        return List.of(
                all,
                plain.at(plain.path() + "?require=tasks,stats"),
                plain.at(plain.path() + "?require=").becomes(Kind.BAD, 422),
                plain.at(plain.path() + "?require=tasks,").becomes(Kind.BAD, 422),
                plain.at(plain.path() + "?require=Tasks").becomes(Kind.BAD, 422),
                plain.at(plain.path() + "?require=tasks&require=stats").becomes(Kind.BAD, 422),
                plain.at(plain.path() + "?require=" + "x".repeat(1001)).becomes(Kind.BAD, 422),
                plain.at(plain.path() + "?require=nothing").becomes(Kind.REFUSED, 422),
                plain.in(Trouble.GONE),
                plain.in(Trouble.LOCKED).with("Request-Timeout", "0.3"),
                all.in(Trouble.GONE).becomes(Kind.REFUSED, 502),
                all.in(Trouble.LOCKED).with("Request-Timeout", "0.3").becomes(Kind.REFUSED, 504));
    }

    private static List<Case> ofNamedDashboards(Case plain) {
        var slow = plain.at(plain.path() + "?require=slow");
        var search = plain.at("/dashboards/search?text=warp%20%26%20weft");
        return List.of(
                plain.at("/dashboards/dashboard?require=all"),
                plain.at("/dashboards/none").becomes(Kind.REFUSED, 404),
                slow,
                slow.in(Trouble.UPSTREAM_FAILS).becomes(Kind.REFUSED, 502),
                slow.in(Trouble.UPSTREAM_BABBLES).becomes(Kind.REFUSED, 502),
                slow.in(Trouble.UPSTREAM_IS_SILENT)
                        .with("Request-Timeout", "0.3")
                        .becomes(Kind.REFUSED, 504),
                plain.in(Trouble.UPSTREAM_IS_SILENT).with("Request-Timeout", "0.3"),
                plain.in(Trouble.UPSTREAM_LEFT_ALONE),
                plain.at(plain.path() + "?require=left_alone")
                        .in(Trouble.UPSTREAM_LEFT_ALONE)
                        .becomes(Kind.REFUSED, 503),
                search.becomes(Kind.FREE, 200),
                search.at(search.path() + "&require=all").becomes(Kind.FREE, 200),
                search.at(search.path() + "&user_id={me}").as(As.ADMIN).becomes(Kind.FREE, 200),
                search.at(search.path() + "&user_id=admin").becomes(Kind.FREE, 403),
                search.at("/dashboards/search").becomes(Kind.REFUSED, 422),
                search.at("/dashboards/search?text=..").becomes(Kind.FREE, 422),
                search.at("/dashboards/search?text=" + "x".repeat(201)).becomes(Kind.FREE, 422));
    }

    private static List<Case> ofUpstreams() {
        var weather = plain("getWeather");
        var get = plain("getExternal");
        var cases = new ArrayList<>(List.of(
                weather.at("/weather/S%C3%A3o%20Paulo"),
                weather.at("/weather/" + "x".repeat(201)).becomes(Kind.REFUSED, 404),
                get,
                get.at("/external/none").becomes(Kind.REFUSED, 404),
                get.at("/external/missing").becomes(Kind.REFUSED, 502),
                get.at("/external/left-alone").in(Trouble.UPSTREAM_LEFT_ALONE).becomes(Kind.REFUSED, 503),
                get.at("/external/echo?text=warp%20%26%20weft").becomes(Kind.FREE, 200),
                get.at("/external/echo").becomes(Kind.REFUSED, 422),
                get.at("/external/echo?text=").becomes(Kind.FREE, 422),
                get.at("/external/echo?text=..").becomes(Kind.FREE, 422),
                get.at("/external/echo?text=" + "x".repeat(201)).becomes(Kind.FREE, 422),
                get.at("/external/mine"),
                get.at("/external/mine?user_id={me}").becomes(Kind.FREE, 200),
                get.at("/external/mine?user_id={me}").as(As.ADMIN).becomes(Kind.FREE, 200),
                get.at("/external/mine?user_id=admin").becomes(Kind.FREE, 403),
                plain("listExternal").in(Trouble.UPSTREAM_LEFT_ALONE)));
        for (var plain : List.of(weather, get.at("/external/mine"), plain("getSlowExternal"))) {
            cases.add(plain.in(Trouble.UPSTREAM_FAILS).becomes(Kind.REFUSED, 502));
            cases.add(plain.in(Trouble.UPSTREAM_BABBLES).becomes(Kind.REFUSED, 502));
            cases.add(plain.in(Trouble.UPSTREAM_IS_SILENT)
                    .with("Request-Timeout", "0.3")
                    .becomes(Kind.REFUSED, 504));
        }
        return cases;
    }

    private static List<Case> ofBatches() {
        var get = plain("getBatch");
        var post = plain("postBatch");
        var cases = new ArrayList<>(List.of(
                get.at(
                        "/batch?urls={upstream}/a&urls={closed}/&urls=http://127.0.0.1/&urls=nonsense&urls={upstream}/a"),
                get.at("/batch?" + "urls=x&".repeat(100)),
                get.at("/batch?" + "urls=x&".repeat(101)).becomes(Kind.BAD, 422),
                get.at("/batch").becomes(Kind.BAD, 422),
                post.sending("{\"urls\": [\"{upstream}/a\", \"{closed}/\", \"nonsense\", \"{upstream}/a\"]}"),
                post.sending("{\"urls\": []}"),
                post.sending("{\"urls\": [\"\"]}"),
                post.sending("{\"urls\": [" + "\"x\", ".repeat(99) + "\"x\"]}"),
                post.sending("{\"urls\": [" + "\"x\", ".repeat(100) + "\"x\"]}").becomes(Kind.BAD, 422)));
        for (var plain : List.of(get, post)) {
            cases.add(plain.in(Trouble.UPSTREAM_FAILS));
            cases.add(plain.in(Trouble.UPSTREAM_BABBLES));
            cases.add(plain.in(Trouble.UPSTREAM_IS_SILENT).with("Request-Timeout", "0.3"));
        }
        for (var body : List.of(
                "{}",
                "{\"urls\": null}",
                "{\"urls\": \"x\"}",
                "{\"urls\": [1]}",
                "{\"urls\": [\"" + "x".repeat(10_001) + "\"]}")) {
            cases.add(post.sending(body).becomes(Kind.BAD, 422));
        }
        return cases;
    }

    private static List<Case> ofComputing() {
        var get = plain("getHash");
        var post = plain("postHash");
        var compute = plain("getCompute");
        var cases = new ArrayList<>(List.of(
                post.sending("x".repeat(300_000)),
                post.with("Content-Type", "text/plain"),
                post.with("Content-Type", "application/json").sending("{}"),
                post.sending(""),
                post.sending("x".repeat((1 << 20) + 1)).becomes(Kind.REFUSED, 413),
                compute.at("/compute?data=warp"),
                compute.at("/compute?data=warp&rounds=1000000000").becomes(Kind.REFUSED, 422),
                compute.at("/compute?data=warp&rounds=10000000")
                        .with("Request-Timeout", "0.05")
                        .becomes(Kind.REFUSED, 503)));
        for (var query : List.of("rounds=0", "rounds=-1", "rounds=1000000001", "rounds=x", "rounds=1&rounds=2")) {
            cases.add(compute.at("/compute?data=warp&" + query).becomes(Kind.BAD, 422));
        }
        for (var plain : List.of(get, compute)) {
            var path = plain.path().substring(0, plain.path().indexOf('?'));
            cases.add(plain.at(path + "?data=warp%20%F0%9F%A7%B5"));
            cases.add(plain.at(path + "?data="));
            cases.add(plain.at(path + "?data=%00").becomes(Kind.REFUSED, 422));
            cases.add(plain.at(path).becomes(Kind.BAD, 422));
            cases.add(plain.at(path + "?data=a&data=b").becomes(Kind.BAD, 422));
            cases.add(plain.at(path + "?data=" + "x".repeat(8000)));
            cases.add(plain.at(path + "?data=" + "x".repeat(8001)).becomes(Kind.BAD, 422));
        }
        return cases;
    }

    private static List<Case> ofLogs() {
        var get = plain("getLog");
        var text = get.with("Accept", "text/plain");
        var cases = new ArrayList<>(List.of(
                get.at("/logs/heddle.log?tail=1"),
                get.at("/logs/none.log").becomes(Kind.REFUSED, 404),
                get.at("/logs/..%2Fadmin-token").becomes(Kind.REFUSED, 404),
                get.with("Accept", "image/png").becomes(Kind.BAD, 406),
                text,
                text.at("/logs/heddle.log?tail=1").becomes(Kind.REFUSED, 422),
                text.with("Range", "bytes=0-3").becomes(Kind.GOOD, 206),
                text.with("Range", "bytes=0-1,5-").becomes(Kind.GOOD, 206),
                text.with("Range", "bytes=99-").becomes(Kind.REFUSED, 416),
                text.with("If-None-Match", "*").becomes(Kind.GOOD, 304),
                text.with("If-Match", "\"none\"").becomes(Kind.REFUSED, 412)));
        for (var tail : List.of("0", "10001", "all", "1&tail=2")) {
            cases.add(get.at("/logs/heddle.log?tail=" + tail).becomes(Kind.BAD, 422));
        }
        return cases;
    }

    private static List<Case> ofJobs() {
        var list = plain("listJobs");
        var cases = new ArrayList<>(List.of(
                list.at("/jobs?state=waiting"),
                list.at("/jobs?state=running"),
                list.at("/jobs?state=failed"),
                list.at("/jobs?kind=log_activity"),
                list.at("/jobs?state=waiting&kind=log_activity"),
                list.at("/jobs?kind=unheard_of"),
                list.at("/jobs?state=dead").becomes(Kind.BAD, 422),
                list.at("/jobs?state=WAITING").becomes(Kind.BAD, 422),
                list.at("/jobs?kind=").becomes(Kind.BAD, 422),
                list.at("/jobs?kind=" + "x".repeat(64)).becomes(Kind.BAD, 422),
                plain("getJob").at("/jobs/{running}"),
                plain("deleteJob").at("/jobs/{running}").becomes(Kind.REFUSED, 409),
                plain("retryJob").at("/jobs/{running}/retry").becomes(Kind.REFUSED, 409)));
        for (var plain : List.of(plain("getJob"), plain("deleteJob"), plain("retryJob"))) {
            cases.add(plain.at(plain.path().replace("{job}", "{dead}")));
            cases.add(plain.at(plain.path().replace("{job}", "{task}")).becomes(Kind.REFUSED, 404));
            cases.add(plain.at(plain.path().replace("{job}", "none")).becomes(Kind.REFUSED, 404));
        }
        return cases;
    }

    private static List<Case> ofOneTask(Case plain) {
        var missing = plain.path().replaceFirst("\\{(task|done)}", "01a202c0-f64b-752e-bca9-6513269e0d37");
        var cases = new ArrayList<>(List.of(
                plain.at(missing).becomes(Kind.REFUSED, 404),
                plain.at(plain.path().replaceFirst("\\{(task|done)}", "none")).becomes(Kind.REFUSED, 404),
                plain.at(plain.path().replaceFirst("\\{(task|done)}", "{foreign}"))
                        .becomes(Kind.REFUSED, 404),
                plain.at(plain.path() + "?user_id={me}"),
                plain.at(plain.path() + "?user_id={me}").as(As.ADMIN),
                plain.at(plain.path() + "?user_id=admin").becomes(Kind.REFUSED, 403)));
        if (!plain.operation().equals("getTask")) {
            cases.add(plain.with("If-Match", "*"));
            cases.add(plain.with("If-Match", "\"1\", \"2\""));
            cases.add(plain.with("If-Match", "\"99\"").becomes(Kind.REFUSED, 412));
        }
        return cases;
    }

    private static List<Case> ofNewTasks(Case plain) {
        var cases = new ArrayList<>(List.of(
                plain.sending("""
                    {"title": "Thread the warp", "description": "320 ends", "priority": 2, "labels": ["loom", "urgent"],
                     "due_at": "2026-12-01T17:00:00+01:00", "user_id": "{me}"}\
                    """),
                plain.sending("{\"title\": \"\ud83e\uddf5\", \"description\": null, \"due_at\": null, \"labels\": []}"),
                plain.with("Idempotency-Key", "k-{new}"),
                plain.with("Idempotency-Key", "k-{new}").in(Trouble.IN_PROGRESS).becomes(Kind.REFUSED, 409),
                plain.with("Idempotency-Key", "two words").becomes(Kind.BAD, 400),
                plain.with("Idempotency-Key", "k".repeat(256)).becomes(Kind.BAD, 400),
                plain.sending("{\"title\": \"x\", \"user_id\": \"admin\"}").becomes(Kind.REFUSED, 403),
                plain.sending("{\"title\": \"x\", \"user_id\": \"no-one\"}")
                        .as(As.ADMIN)
                        .becomes(Kind.REFUSED, 422),
                plain.sending("{\"title\": \"x\", \"title\": \"y\"}").becomes(Kind.REFUSED, 422)));
        for (var body : List.of(
                "{}",
                "{\"title\": null}",
                "{\"title\": \"\"}",
                "{\"title\": \"" + "x".repeat(201) + "\"}",
                "{\"title\": \"x\", \"description\": \"" + "x".repeat(20_001) + "\"}",
                "{\"title\": \"x\", \"description\": 7}",
                "{\"title\": \"x\", \"priority\": 5}",
                "{\"title\": \"x\", \"priority\": 1.5}",
                "{\"title\": \"x\", \"priority\": null}",
                "{\"title\": \"x\", \"labels\": \"a\"}",
                "{\"title\": \"x\", \"labels\": [1]}",
                "{\"title\": \"x\", \"labels\": [\"\"]}",
                "{\"title\": \"x\", \"labels\": [\"a\", \"a\"]}",
                "{\"title\": \"x\", \"labels\": [\"" + "x".repeat(51) + "\"]}",
                "{\"title\": \"x\", \"due_at\": \"tomorrow\"}",
                "{\"title\": \"x\", \"completed\": true}")) {
            cases.add(plain.sending(body).becomes(Kind.BAD, 422));
        }
        return cases;
    }

    private static List<Case> ofImports(Case plain) {
        var taken = "title,id\r\nx,{task}\r\n";
        return List.of(
                plain.with("Content-Type", "application/x-ndjson").sending("{\"title\": \"Wind the bobbins\"}\n"),
                plain.with("Idempotency-Key", "k-{new}"),
                plain.with("Idempotency-Key", "k-{new}").in(Trouble.IN_PROGRESS).becomes(Kind.REFUSED, 409),
                plain.with("Idempotency-Key", "two words").becomes(Kind.BAD, 400),
                plain.with("Content-Type", "application/json").becomes(Kind.BAD, 415),
                plain.sending("title\r\n\"\"\r\n").becomes(Kind.REFUSED, 400),
                plain.sending(taken).becomes(Kind.REFUSED, 400),
                plain.sending(taken).with("Idempotency-Key", "k-{new}").becomes(Kind.REFUSED, 400),
                plain.sending("title\r\n" + "warp\r\n".repeat(20_000)).becomes(Kind.REFUSED, 413),
                plain.at("/process?user_id={me}"),
                plain.at("/process?user_id={me}").as(As.ADMIN),
                plain.at("/process?user_id=admin").becomes(Kind.REFUSED, 403),
                plain.at("/process?user_id=no-one").as(As.ADMIN).becomes(Kind.REFUSED, 422));
    }

    private static List<Case> ofTheRest() {
        var get = plain("getTask");
        var list = plain("listTasks");
        var complete = plain("completeTask");
        var patch = plain("patchTask");
        var user = plain("createUser");
        var token = plain("createToken");
        return List.of(
                plain("getDocsFile").at("/docs/swagger-ui.css"),
                plain("getDocsFile").at("/docs/favicon-32x32.png"),
                plain("getDocsFile").at("/docs/none").becomes(Kind.REFUSED, 404),
                plain("getProblem").at("/problems/none").becomes(Kind.REFUSED, 404),
                list.with("Accept", "application/x-ndjson"),
                list.with("Accept", "text/csv"),
                list.with("Accept", "image/png").becomes(Kind.BAD, 406),
                list.with("Accept", "text/csv").at("/tasks?limit=1").becomes(Kind.REFUSED, 422),
                list.at("/tasks?skip=0&cursor=x").becomes(Kind.REFUSED, 422),
                get.with("If-None-Match", "\"1\"").becomes(Kind.GOOD, 304),
                get.with("If-None-Match", "\"2\""),
                patch.sending("{}"),
                patch.sending("{\"title\": null}").becomes(Kind.BAD, 422),
                patch.sending("{\"user_id\": \"admin\"}").becomes(Kind.BAD, 422),
                complete.at("/tasks/{done}/complete"),
                complete.with("Idempotency-Key", "k-{new}"),
                complete.with("Idempotency-Key", "k-{new}")
                        .in(Trouble.IN_PROGRESS)
                        .becomes(Kind.REFUSED, 409),
                complete.at("/tasks/none/complete")
                        .with("Idempotency-Key", "k-{new}")
                        .becomes(Kind.REFUSED, 404),
                plain("reopenTask").at("/tasks/{task}/reopen"),
                user.sending(NEW_USER.replace("{new}", "{me}")).becomes(Kind.REFUSED, 409),
                user.sending(NEW_USER.replace("{new}@", "")).becomes(Kind.BAD, 422),
                user.sending(NEW_USER.replace("\"user\"", "\"root\"")).becomes(Kind.BAD, 422),
                user.sending(NEW_USER.replace("\"id\": \"{new}\"", "\"id\": \"-x\""))
                        .becomes(Kind.BAD, 422),
                user.sending(NEW_USER.replace("\"id\": \"{new}\"", "\"id\": \"me\""))
                        .becomes(Kind.BAD, 422),
                plain("deleteUser").at("/users/none").becomes(Kind.REFUSED, 404),
                plain("deleteUser").at("/users/admin").becomes(Kind.REFUSED, 409),
                plain("listTokens").at("/users/admin/tokens").becomes(Kind.REFUSED, 403),
                plain("listTokens").at("/users/none/tokens").as(As.ADMIN).becomes(Kind.REFUSED, 404),
                token.sending("{\"name\": \"l\", \"scopes\": [\"read\"], \"expires_at\": \"2999-01-01T00:00:00Z\"}"),
                token.sending("{\"name\": \"l\", \"scopes\": []}").becomes(Kind.BAD, 422),
                token.sending("{\"name\": \"l\", \"scopes\": [\"root\"]}").becomes(Kind.BAD, 422),
                token.sending("{\"name\": \"\", \"scopes\": [\"read\"]}").becomes(Kind.BAD, 422),
                token.sending("{\"name\": \"l\", \"scopes\": [\"read\"], \"expires_at\": \"2000-01-01T00:00:00Z\"}")
                        .becomes(Kind.REFUSED, 422),
                token.sending("{\"name\": \"l\", \"scopes\": [\"admin\"]}")
                        .as(As.ADMIN)
                        .becomes(Kind.REFUSED, 422),
                token.at("/users/none/tokens").as(As.ADMIN).becomes(Kind.REFUSED, 404),
                token.in(Trouble.FULL_OF_TOKENS).becomes(Kind.REFUSED, 409),
                plain("deleteToken").at("/users/{me}/tokens/none").becomes(Kind.REFUSED, 404));
    }

    private static List<Case> cases() {
        return Stream.of(
                        PLAIN.stream().flatMap(ContractIT::anywhere),
                        Stream.of("listTasks", "countTasks").flatMap(id -> ofTaskLists(plain(id)).stream()),
                        Stream.of(
                                        "listTasks",
                                        "listNotifications",
                                        "listActivity",
                                        "listFiles",
                                        "listJobs",
                                        "listLogs",
                                        "listUsers",
                                        "listTokens")
                                .flatMap(id -> ofPages(plain(id)).stream()),
                        Stream.of(
                                        "listNotifications",
                                        "readNotification",
                                        "listActivity",
                                        "getStats",
                                        "uploadFile",
                                        "downloadFile",
                                        "listFiles",
                                        "deleteFile",
                                        "getDashboard",
                                        "getAggregate",
                                        "getNamedDashboard")
                                .flatMap(id -> ofAnOwner(plain(id)).stream()),
                        ofNotifications().stream(),
                        Stream.of("getDashboard", "getAggregate").flatMap(id -> ofDashboards(plain(id)).stream()),
                        ofNamedDashboards(plain("getNamedDashboard")).stream(),
                        ofUpstreams().stream(),
                        ofBatches().stream(),
                        ofComputing().stream(),
                        ofLogs().stream(),
                        ofJobs().stream(),
                        ofFiles().stream(),
                        Stream.of("getTask", "patchTask", "deleteTask", "completeTask", "reopenTask")
                                .flatMap(id -> ofOneTask(plain(id)).stream()),
                        ofNewTasks(plain("createTask")).stream(),
                        ofImports(plain("importTasks")).stream(),
                        ofTheRest().stream())
                .flatMap(all -> all)
                .toList();
    }

    /** What the paths and bodies of the cases speak of, fresh for each. */
    private record Fixture(Person me, String token, Map<String, String> words) {
        static Fixture fresh(Case one) {
            var me = server.person();
            var done = server.task(me, "{\"title\": \"done\", \"labels\": [\"loom\"], \"priority\": 2}")
                    .get("id")
                    .asText();
            server.send("POST", "/tasks/" + done + "/complete", me.token(), null);
            var foreign = server.send("POST", "/tasks", server.adminToken(), "{\"title\": \"foreign\"}");
            var token = server.send("POST", "/users/" + me.id() + "/tokens", me.token(), NEW_TOKEN);
            var words = new HashMap<>(Map.of(
                    "{me}", me.id(),
                    "{new}", "n" + NAMES.incrementAndGet(),
                    "{done}", done,
                    "{task}", server.task(me, "{\"title\": \"open\"}").get("id").asText(),
                    "{foreign}", foreign.json().get("id").asText(),
                    "{token}", token.json().get("id").asText()));
            words.putAll(background(me, done));
            words.put("{file}", "warp.txt");
            server.send("POST", "/upload", me.token(), Form.of("warp.txt", "warp"), "Content-Type", Form.TYPE);
            words.putAll(Map.of("{upstream}", upstream.url(), "{closed}", closedUrl()));
            var caller = one.trouble().isOfTokens()
                    ? server.token(me.id(), "read", "write")
                    : caller(one.as(), me, READS.contains(one.operation()));
            return new Fixture(me, caller, words);
        }

        /** What jobs have done or have still to do; by hand, so that it is there at once and stays. */
        private static Map<String, String> background(Person me, String task) {
            var words = Map.of(
                    "{notification}", Uuid7.next().toString(),
                    "{job}", Uuid7.next().toString(),
                    "{running}", Uuid7.next().toString(),
                    "{dead}", Uuid7.next().toString());
            var statements = """
                INSERT INTO notifications (user_id, id, task_id, message, created_at)
                    VALUES ('{me}', '{notification}', '{task}', 'Task ''x'' created', now());
                INSERT INTO activity (user_id, id, task_id, action, created_at)
                    VALUES ('{me}', '{notification}', '{task}', 'task_completed', now());
                INSERT INTO jobs (task_name, task_instance, execution_time, picked, last_heartbeat, data) VALUES
                    ('log_activity', '{job}', now() + interval '1 day', false, NULL, '{data}'),
                    ('log_activity', '{running}', now() + interval '1 day', true, now() + interval '1 day', '{data}');
                INSERT INTO dead_jobs (id, kind, data, attempts, last_error, created_at)
                    VALUES ('{dead}', 'log_activity', '{data}', 8, 'broken', now());
                """.replace("{data}", """
                    {"user_id": "{me}", "task_id": "{task}", "action": "task_completed"}\
                    """).replace("{me}", me.id()).replace("{task}", task);
            for (var word : words.entrySet()) {
                statements = statements.replace(word.getKey(), word.getValue());
            }
            psql.execute(statements);
            return words;
        }

        private static String caller(As as, Person me, boolean isRead) {
            return switch (as) {
                case NOBODY -> "";
                case STRANGER -> "hdl_" + "x".repeat(43);
                case SCOPELESS -> server.token(me.id(), isRead ? "write" : "read");
                case USER -> me.token();
                case ADMIN -> server.adminToken();
            };
        }

        String fill(String text) {
            var filled = text;
            for (var word : words.entrySet()) {
                filled = filled.replace(word.getKey(), word.getValue());
            }
            return filled;
        }
    }

    @TestFactory
    Stream<DynamicTest> everyRequestAndItsAnswerAreAsTheDocumentSays() {
        return cases().stream().map(one -> dynamicTest(one.toString(), () -> check(one)));
    }

    private static void check(Case one) {
        var operation = contract.operation(one.operation());
        var exchange = exchange(operation, one, Fixture.fresh(one));
        assertEquals(one.status(), exchange.reply().status(), exchange.reply()::text);
        var aboutRequest = contract.complaintsAboutRequest(exchange);
        if (one.kind() != Kind.FREE) {
            assertEquals(one.kind() == Kind.BAD, !aboutRequest.isEmpty(), () -> "the document finds " + aboutRequest);
        }
        assertEquals(List.of(), contract.complaintsAboutReply(operation, exchange));
    }

    private static Exchange exchange(Operation operation, Case one, Fixture fixture) {
        var headers = new LinkedHashMap<String, String>();
        one.headers().forEach((name, value) -> headers.put(name, fixture.fill(value)));
        if (!fixture.token().isEmpty()) {
            headers.put("Authorization", "Bearer " + fixture.token());
        }
        var path = fixture.fill(one.path());
        var body = one.body() == null ? null : fixture.fill(one.body());
        var at = one.trouble() == Trouble.ASKED_TOO_OFTEN ? strict : server;
        var reply = during(
                one.trouble(), table(operation), fixture, () -> send(at, operation.method(), path, body, headers));
        return new Exchange(operation.method(), path, headers, body, reply);
    }

    /** That which the operation is about. */
    private static String table(Operation operation) {
        if (operation.id().endsWith("File") || operation.id().endsWith("Files")) {
            return "files";
        }
        return Stream.of("tasks", "notifications", "activity", "stats", "jobs", "tokens", "users")
                .filter(name -> operation.path().contains("/" + name))
                .findFirst()
                .orElse(COMPOSED.contains(operation.id()) || operation.id().equals("importTasks") ? "tasks" : "users");
    }

    private static Reply send(
            TestServer at, String method, String path, @Nullable String body, Map<String, String> headers) {
        var flat = headers.entrySet().stream()
                .flatMap(header -> Stream.of(header.getKey(), header.getValue()))
                .toArray(String[]::new);
        return at.send(method, path, "", body, flat);
    }

    private interface Sending {
        Reply send();
    }

    private static Reply during(Trouble trouble, String table, Fixture fixture, Sending sending) {
        if (!trouble.isOfTokens()) {
            // Now the token is remembered, and the trouble meets the operation itself.
            server.get("/users/me", fixture.token());
        }
        return switch (trouble) {
            case NONE -> sending.send();
            case FULL_OF_TOKENS -> {
                psql.execute("INSERT INTO tokens (user_id, id, name, scopes, digest) SELECT '"
                        + fixture.me().id()
                        + "', gen_random_uuid(), 'x', '{read}', sha256(gen_random_uuid()::text::bytea)"
                        + " FROM generate_series(1, 100)");
                yield sending.send();
            }
            case LOCKED -> {
                try (var _ = psql.lock(table, "ACCESS EXCLUSIVE")) {
                    yield sending.send();
                }
            }
            case GONE -> {
                try (var _ = psql.gone(table)) {
                    yield sending.send();
                }
            }
            case FULL -> {
                try (var _ = psql.broken(table, "53100")) {
                    yield sending.send();
                }
            }
            case TOKENS_LOCKED -> {
                try (var _ = psql.lock("tokens", "ACCESS EXCLUSIVE")) {
                    yield sending.send();
                }
            }
            case TOKENS_GONE -> {
                try (var _ = psql.gone("tokens")) {
                    yield sending.send();
                }
            }
            case UPSTREAM_FAILS, UPSTREAM_BABBLES, UPSTREAM_IS_SILENT -> {
                UPSTREAMS.set(trouble);
                try {
                    yield sending.send();
                } finally {
                    UPSTREAMS.set(Trouble.NONE);
                }
            }
            case UPSTREAM_LEFT_ALONE -> {
                for (int i = 0; i < 20; i++) {
                    server.get("/external/left-alone", fixture.token());
                }
                yield sending.send();
            }
            case ASKED_TOO_OFTEN -> {
                strict.send("OPTIONS", "/", "", null);
                // One a second is allowed, however long this takes.
                var reply = sending.send();
                for (int i = 0; i < 10 && reply.status() != 429; i++) {
                    reply = sending.send();
                }
                yield reply;
            }
            case IN_PROGRESS -> {
                try (var lock = psql.lock(table, "ACCESS EXCLUSIVE")) {
                    var first = Thread.startVirtualThread(sending::send);
                    psql.awaitBlocked(1);
                    var second = sending.send();
                    lock.release();
                    joined(first);
                    yield second;
                }
            }
        };
    }

    private static void joined(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void everyOperationOfTheDocumentIsSentWellAndBadly() {
        var operations =
                contract.operations().stream().map(Operation::id).collect(Collectors.toCollection(TreeSet::new));
        assertEquals(operations, sent(Kind.GOOD));
        assertEquals(operations, sent(Kind.BAD));
    }

    private static Set<String> sent(Kind kind) {
        return cases().stream()
                .filter(one -> one.kind() == kind)
                .map(Case::operation)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void everyStatusOfEveryOperationIsMet() {
        var missing = new TreeSet<String>();
        for (var operation : contract.operations()) {
            for (int status : contract.statuses(operation)) {
                // What serves files of the jar cannot be brought to fail from outside.
                boolean isOutOfReach = PUBLIC.contains(operation.id()) && status >= 500;
                boolean isMet = cases().stream()
                        .anyMatch(one -> one.operation().equals(operation.id()) && one.status() == status);
                if (!isOutOfReach && !isMet) {
                    missing.add(operation.id() + " " + status);
                }
            }
        }
        assertEquals(Set.of(), missing);
    }

    @Test
    void everyGetHasItsHeadWithTheSameHeaders() {
        for (var plain : PLAIN) {
            var operation = contract.operation(plain.operation());
            if (operation.method().equals("GET")) {
                var fixture = Fixture.fresh(plain);
                var path = fixture.fill(plain.path());
                // What jobs write must not come in between.
                server.awaitJobs();
                var get = server.get(path, fixture.token());
                var head = server.send("HEAD", path, fixture.token(), null);
                assertEquals(get.status(), head.status());
                assertEquals("", head.text());
                assertEquals(lasting(get, operation), lasting(head, operation), path);
            }
        }
    }

    private static Map<String, List<String>> lasting(Reply reply, Operation operation) {
        var headers = new LinkedHashMap<>(reply.raw().headers().map());
        headers.keySet().removeAll(Set.of("date", "x-request-id", "server-timing", "age"));
        if (COMPOSED.contains(operation.id())) {
            // They tell their own times, and are as long as these.
            headers.remove("content-length");
        }
        return headers;
    }

    @Test
    void everyPathAnswersOptionsWithItsMethods() {
        var methods = contract.operations().stream()
                .collect(Collectors.groupingBy(
                        Operation::path, Collectors.mapping(Operation::method, Collectors.toCollection(TreeSet::new))));
        methods.forEach((path, documented) -> {
            documented.add("OPTIONS");
            if (documented.contains("GET")) {
                documented.add("HEAD");
            }
            var reply = server.send("OPTIONS", path.replace("{", "").replace("}", ""), "", null);
            assertEquals(204, reply.status());
            assertEquals(String.join(", ", documented), reply.header("Allow").orElse(""), path);
        });
    }

    @Test
    void problemsThatBelongToNoOperationHaveTheSameForm() throws IOException {
        var unknown = server.get("/nothing/here", "");
        assertEquals(404, unknown.status());
        assertEquals(List.of(), contract.complaintsAbout(unknown.json(), "Problem"));
        var method = server.send("PUT", "/tasks", server.adminToken(), null);
        assertEquals(405, method.status());
        assertTrue(method.header("Allow").isPresent());
        assertEquals(List.of(), contract.complaintsAbout(method.json(), "Problem"));
        var noise = RawHttp.exchange(server.port(), "hello\r\n\r\n").text();
        var body = JSON.readTree(noise.substring(noise.indexOf("\r\n\r\n")));
        assertEquals(List.of(), contract.complaintsAbout(body, "Problem"));
    }

    @Test
    void whatWasKeptHasAnAge() {
        var token = server.person().token();
        server.get("/external/kept", token);
        var kept = server.get("/external/kept", token);
        assertTrue(kept.header("Age").isPresent());
        assertEquals(List.of(), complaints("getExternal", "/external/kept", kept));
    }

    @Test
    void aDashboardSaysWhetherItIsComplete() {
        var token = server.person().token();
        assertEquals(
                "true",
                server.get("/dashboard", token).header("Aggregate-Complete").orElse(""));
        var without = server.get("/dashboards/outside", token);
        assertEquals("false", without.header("Aggregate-Complete").orElse(""));
        assertTrue(without.json().get("left_alone").isNull());
        assertTrue(without.header("Server-Timing").orElse("").contains("left_alone;desc="));
    }

    @Test
    void aServerWithoutUpstreamsSaysSo() {
        try (var bare = TestServer.start()) {
            for (var id : List.of("getWeather", "getSlowExternal")) {
                var path = plain(id).path();
                var reply = bare.get(path, bare.adminToken());
                assertEquals("upstream-not-configured", reply.json().get("code").asText());
                assertEquals(503, reply.status());
                assertEquals(List.of(), complaints(id, path, reply));
            }
            assertEquals("[]", bare.get("/external", bare.adminToken()).text());
            var batch = bare.get("/batch?urls=http://127.0.0.1/", bare.adminToken());
            assertEquals("url-refused", batch.json().at("/0/error/code").asText());
            assertEquals(List.of(), complaints("getBatch", "/batch", batch));
        }
    }

    private static List<String> complaints(String operation, String path, Reply reply) {
        return contract.complaintsAboutReply(
                contract.operation(operation), new Exchange("GET", path, Map.of(), null, reply));
    }

    @Test
    void everyExampleOfTheDocumentIsValid() {
        var examples = contract.examples();
        assertFalse(examples.isEmpty());
        examples.values().removeIf(List::isEmpty);
        assertEquals(Map.of(), examples);
    }

    @Test
    void everyLineOfAnExportAndOfItsExampleIsATask() throws JsonProcessingException {
        var person = server.person();
        server.task(person, "{\"title\": \"one\", \"labels\": [\"a\"]}");
        server.task(person, "{\"title\": \"two\", \"description\": \"\", \"due_at\": \"2026-12-01T10:00:00Z\"}");
        var export = server.send("GET", "/tasks", person.token(), null, "Accept", "application/x-ndjson");
        assertEquals(2, export.text().lines().count());
        var lines = Stream.concat(
                        export.text().lines(),
                        contract.example("listTasks", 200, "application/x-ndjson")
                                .lines())
                .toList();
        for (var line : lines) {
            assertEquals(List.of(), contract.complaintsAbout(JSON.readTree(line), "Task"), line);
        }
    }

    @Test
    void theExampleOfTheCsvExportHasItsColumns() {
        var export = server.send("GET", "/tasks", server.person().token(), null, "Accept", "text/csv");
        assertEquals(
                export.text().strip(),
                contract.example("listTasks", 200, "text/csv")
                        .lines()
                        .findFirst()
                        .orElse(""));
    }

    @Test
    void theListOfProblemsIsTheCatalogueAndEachHasItsPage() {
        for (var problem : server.get("/problems", "").json()) {
            assertEquals(problem, server.get(problem.get("type").asText(), "").json());
        }
    }
}
