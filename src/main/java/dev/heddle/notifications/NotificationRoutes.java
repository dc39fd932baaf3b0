package dev.heddle.notifications;

import dev.heddle.http.Access;
import dev.heddle.http.Answer;
import dev.heddle.http.Keyset;
import dev.heddle.http.Page;
import dev.heddle.http.Request;
import dev.heddle.http.Routes;
import dev.heddle.identity.Caller;
import java.util.Optional;
import java.util.UUID;

/** The HTTP side of notifications, activity and statistics. */
public final class NotificationRoutes {

    private final Notifications notifications;

    private record Listing(String userId, Optional<Boolean> unread, Page page) {}

    private record Log(String userId, Optional<UUID> taskId, Page page) {}

    private record Target(String userId, UUID id) {}

    private NotificationRoutes(Notifications notifications) {
        this.notifications = notifications;
    }

    /** Adds the routes. */
    public static void add(Routes routes, Notifications notifications) {
        var its = new NotificationRoutes(notifications);
        routes.add("GET", "/notifications", Access.READ, NotificationRoutes::listing, its::list)
                .add("POST", "/notifications/{id}/read", Access.WRITE, NotificationRoutes::target, its::read)
                .add("GET", "/activity", Access.READ, NotificationRoutes::log, its::activity)
                .add("GET", "/stats", Access.READ, NotificationRoutes::subject, its::stats);
    }

    private static String subject(Request request) {
        return Caller.current().subject(request.query());
    }

    private static Listing listing(Request request) {
        var userId = subject(request);
        var unread = request.query().flag("unread");
        var state = unread.map(String::valueOf).orElse("");
        return new Listing(userId, unread, Page.of(request.query(), "notifications of " + userId + " " + state));
    }

    private static Log log(Request request) {
        var userId = subject(request);
        var taskId = request.query().uuid("task_id");
        var task = taskId.map(String::valueOf).orElse("");
        return new Log(userId, taskId, Page.of(request.query(), "activity of " + userId + " " + task));
    }

    private static Target target(Request request) {
        return new Target(subject(request), request.pathUuid(0).orElseThrow(Notifications::notFound));
    }

    private Answer list(Request request, Listing asked) {
        var page = asked.page();
        var rows = notifications.list(asked.userId(), asked.unread(), after(page), page.skip(), page.rows());
        return page.answer(request, rows, NotificationJson::write, last -> new Keyset(last.createdAt(), last.id()));
    }

    private Answer read(Request request, Target target) {
        var notification = notifications.read(target.userId(), target.id());
        return Answer.ok(json -> NotificationJson.write(json, notification));
    }

    private Answer activity(Request request, Log asked) {
        var page = asked.page();
        var rows = notifications.activity(asked.userId(), asked.taskId(), after(page), page.skip(), page.rows());
        return page.answer(request, rows, NotificationJson::write, last -> new Keyset(last.createdAt(), last.id()));
    }

    /** The time stands in the id, so the id alone says where a page begins. */
    private static Optional<UUID> after(Page page) {
        return Keyset.of(page).map(Keyset::uuid);
    }

    private Answer stats(Request request, String userId) {
        var stats = notifications.stats(userId);
        return Answer.ok(json -> NotificationJson.write(json, stats));
    }
}
