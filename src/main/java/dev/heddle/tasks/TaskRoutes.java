package dev.heddle.tasks;

import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Idempotency;
import dev.heddle.http.Keyset;
import dev.heddle.http.MediaTypes;
import dev.heddle.http.Page;
import dev.heddle.http.Preconditions.IfMatch;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import io.helidon.http.HeaderNames;
import java.util.List;
import java.util.UUID;

/** The HTTP side of tasks. */
public final class TaskRoutes {

    /** What asks for a part of the list. */
    private static final List<String> PAGE = List.of("limit", "skip", "cursor");

    private final Tasks tasks;
    private final Idempotency idempotency;

    /** Which task of whom, and in what state it must be. */
    private record Target(String userId, UUID id, IfMatch condition) {}

    private record Change(Target target, TaskPatch patch) {}

    private record Wanted(String userId, NewTask task) {}

    private record Listing(TaskFilter filter, Page page, String type) {}

    private TaskRoutes(Tasks tasks, Idempotency idempotency) {
        this.tasks = tasks;
        this.idempotency = idempotency;
    }

    /** Adds the routes. */
    public static void add(Routes routes, Tasks tasks, Idempotency idempotency) {
        var its = new TaskRoutes(tasks, idempotency);
        routes.add("GET", "/tasks", Access.READ, TaskRoutes::listing, its::list)
                .add("GET", "/tasks/count", Access.READ, request -> TaskFilter.of(request.query()), its::count)
                .add("POST", "/tasks", Access.WRITE, TaskRoutes::wanted, its::create)
                .add("GET", "/tasks/{id}", Access.READ, TaskRoutes::target, its::get)
                .add("PATCH", "/tasks/{id}", Access.WRITE, TaskRoutes::change, its::patch)
                .add("DELETE", "/tasks/{id}", Access.WRITE, TaskRoutes::target, its::delete)
                .add("POST", "/tasks/{id}/complete", Access.WRITE, TaskRoutes::target, its::complete)
                .add("POST", "/tasks/{id}/reopen", Access.WRITE, TaskRoutes::target, its::reopen);
    }

    private static Target target(Request request) {
        var userId = Caller.current().subject(request.query());
        // An id that is none is not there, like every other that is not there.
        var id = request.pathUuid(0).orElseThrow(Tasks::notFound);
        return new Target(userId, id, request.ifMatch());
    }

    private static Listing listing(Request request) {
        var filter = TaskFilter.of(request.query());
        var type = request.accept(MediaTypes.JSON, MediaTypes.NDJSON, MediaTypes.CSV);
        if (type.equals(MediaTypes.JSON)) {
            return new Listing(filter, Page.of(request.query(), filter.fingerprint()), type);
        }
        for (var name : PAGE) {
            if (!request.query().all(name).isEmpty()) {
                request.query()
                        .complain(name, "not_for_export", "is for application/json; " + type + " has everything");
            }
        }
        return new Listing(filter, Page.ALL, type);
    }

    private Answer list(Request request, Listing asked) {
        return (asked.type().equals(MediaTypes.JSON) ? page(request, asked) : export(asked))
                .revalidated()
                .header(HeaderNames.VARY, "Accept");
    }

    private Answer page(Request request, Listing asked) {
        var page = asked.page();
        var rows = tasks.list(asked.filter(), Keyset.of(page), page.skip(), page.rows());
        return page.answer(request, rows, TaskJson::write, TaskRoutes::keyset);
    }

    private Answer export(Listing asked) {
        var export = new TaskExport(tasks, asked.filter());
        var type = asked.type();
        return Answer.stream(
                type.equals(MediaTypes.CSV) ? "text/csv; charset=utf-8; header=present" : type,
                out -> export.to(type, out));
    }

    private Answer count(Request request, TaskFilter filter) {
        long count = tasks.count(filter);
        return Answer.ok(json -> {
            json.writeStartObject();
            json.writeNumberField("count", count);
            json.writeEndObject();
        });
    }

    private static Wanted wanted(Request request) {
        var task = NewTask.of(request.json());
        var named = request.query().text("user_id", Caller.USER_ID_MAX);
        if (named.isPresent() && task.userId().isPresent() && !named.equals(task.userId())) {
            request.query().complain("user_id", "contradiction", "is not the user_id of the body");
        }
        return new Wanted(Caller.current().subject(task.userId().or(() -> named)), task);
    }

    private Answer create(Request request, Wanted wanted) {
        return idempotency.once(request, Caller.current().id(), () -> {
            var task = tasks.create(wanted.userId(), wanted.task());
            return Answer.json(201, json -> TaskJson.write(json, task))
                    .version(task.version())
                    .header(HeaderNames.LOCATION, "/tasks/" + task.id());
        });
    }

    private Answer get(Request request, Target target) {
        return answer(tasks.get(target.userId(), target.id()));
    }

    private static Change change(Request request) {
        return new Change(target(request), TaskPatch.of(request.mergePatch()));
    }

    private Answer patch(Request request, Change change) {
        var target = change.target();
        return answer(tasks.change(target.userId(), target.id(), target.condition(), change.patch()));
    }

    private Answer delete(Request request, Target target) {
        tasks.delete(target.userId(), target.id(), target.condition());
        return Answer.of(204);
    }

    private Answer complete(Request request, Target target) {
        return idempotency.once(
                request,
                Caller.current().id(),
                () -> answer(tasks.complete(target.userId(), target.id(), target.condition())));
    }

    private Answer reopen(Request request, Target target) {
        return answer(tasks.reopen(target.userId(), target.id(), target.condition()));
    }

    private static Answer answer(Task task) {
        return Answer.ok(json -> TaskJson.write(json, task)).version(task.version());
    }

    static Keyset keyset(Task task) {
        return new Keyset(task.createdAt(), task.id());
    }
}
