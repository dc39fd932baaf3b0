package dev.heddle.jobs;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Json;
import dev.heddle.http.Keyset;
import dev.heddle.http.Page;
import dev.heddle.http.Problem;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/** The HTTP side of jobs, for administrators. */
public final class JobRoutes {

    private static final int KIND_MAX = 63;

    private final Jobs jobs;

    private record Listing(Jobs.Filter filter, Page page) {}

    private JobRoutes(Jobs jobs) {
        this.jobs = jobs;
    }

    /** Adds the routes. */
    public static void add(Routes routes, Jobs jobs) {
        var its = new JobRoutes(jobs);
        routes.add("GET", "/jobs", Access.ADMIN, JobRoutes::listing, its::list)
                .add("GET", "/jobs/{id}", Access.ADMIN, JobRoutes::id, its::get)
                .add("POST", "/jobs/{id}/retry", Access.ADMIN, JobRoutes::id, its::retry)
                .add("DELETE", "/jobs/{id}", Access.ADMIN, JobRoutes::id, its::delete);
    }

    private static Listing listing(Request request) {
        var filter = new Jobs.Filter(state(request), request.query().text("kind", KIND_MAX));
        return new Listing(filter, Page.of(request.query(), filter.fingerprint()));
    }

    private static Optional<Job.State> state(Request request) {
        return request.query().oneOf("state", Job.State.class);
    }

    private static UUID id(Request request) {
        return request.pathUuid(0).orElseThrow(() -> Problem.NOT_FOUND.because("Job not found"));
    }

    private Answer list(Request request, Listing asked) {
        var page = asked.page();
        var rows = jobs.list(asked.filter(), Keyset.of(page).map(Keyset::uuid), page.skip(), page.rows());
        return page.answer(request, rows, JobRoutes::write, job -> new Keyset(job.createdAt(), job.id()));
    }

    private Answer get(Request request, UUID id) {
        return answer(jobs.get(id));
    }

    private Answer retry(Request request, UUID id) {
        return answer(jobs.retry(id));
    }

    private Answer delete(Request request, UUID id) {
        jobs.delete(id);
        return Answer.of(204);
    }

    private static Answer answer(Job job) {
        return Answer.ok(json -> write(json, job));
    }

    private static void write(JsonGenerator json, Job job) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", job.id().toString());
        json.writeStringField("kind", job.kind());
        json.writeStringField("state", job.state().name().toLowerCase(Locale.ROOT));
        json.writeNumberField("attempts", job.attempts());
        json.writeStringField("last_error", job.lastError());
        json.writeFieldName("data");
        // PostgreSQL has checked it.
        json.writeRawValue(job.data());
        Json.time(json, "created_at", job.createdAt());
        Json.time(json, "run_at", job.runAt());
        json.writeEndObject();
    }
}
