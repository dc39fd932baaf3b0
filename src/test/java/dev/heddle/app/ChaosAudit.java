package dev.heddle.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Compares what was acknowledged with what is there, and what is there with what should have followed from it. */
final class ChaosAudit {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Pattern TITLE = Pattern.compile("'([a-z0-9]+-[0-9]+)'");

    /** Each query counts what should not be. A job among the dead letters has not had its effect, and must not have. */
    private static final Map<String, String> FAULTS = new LinkedHashMap<>();

    static {
        FAULTS.put("tasks made twice", """
            SELECT count(*) FROM (SELECT FROM tasks GROUP BY user_id, title HAVING count(*) > 1) AS doubles
            """);
        FAULTS.put("tasks without exactly one notification", effects("tasks", "notifications", "send_notification"));
        FAULTS.put(
                "completions without exactly one entry in the activity log",
                effects(
                        "(SELECT id FROM tasks WHERE completed)",
                        "(SELECT task_id FROM activity WHERE action = 'task_completed')",
                        "log_activity"));
        FAULTS.put(
                "other entries in the activity log", "SELECT count(*) FROM activity WHERE action <> 'task_completed'");
        FAULTS.put("users with wrong statistics", """
            SELECT count(*) FROM users
            LEFT JOIN (SELECT user_id AS id, count(*) AS total, count(*) FILTER (WHERE completed) AS completed
                FROM tasks GROUP BY 1) AS actual USING (id)
            LEFT JOIN (SELECT data->>'user_id' AS id, count(*) FILTER (WHERE kind = 'send_notification') AS total,
                count(*) FILTER (WHERE kind = 'update_stats') AS completed FROM dead_jobs GROUP BY 1) AS dead USING (id)
            LEFT JOIN stats ON stats.user_id = id
            WHERE coalesce(stats.total, 0) + coalesce(dead.total, 0) <> coalesce(actual.total, 0)
                OR coalesce(stats.completed, 0) + coalesce(dead.completed, 0) <> coalesce(actual.completed, 0)
            """);
    }

    private final HttpClient client;
    private final URI address;
    private final ChaosQueue queue;
    private final List<ChaosWriter> writers;

    // What it finds.
    private final List<String> faults = new ArrayList<>();
    private final Map<String, Long> counts = new LinkedHashMap<>();
    private long mailCopies;

    /** Asks that server, and the database. */
    ChaosAudit(HttpClient client, URI address, ChaosQueue queue, List<ChaosWriter> writers) {
        this.client = client;
        this.address = address;
        this.queue = queue;
        this.writers = writers;
    }

    private static String effects(String causes, String effects, String kind) {
        return """
            SELECT count(*) FROM %s AS cause FULL JOIN (
                SELECT task_id, count(*) AS n FROM (SELECT task_id FROM %s AS written
                    UNION ALL SELECT CAST(data->>'task_id' AS uuid) FROM dead_jobs WHERE kind = '%s') AS had
                GROUP BY 1) AS effect ON effect.task_id = cause.id
            WHERE cause.id IS NULL OR n IS DISTINCT FROM 1
            """.formatted(causes, effects, kind);
    }

    /** Everything that is wrong; empty when nothing is. */
    List<String> faults(List<Path> mailFolders, String adminToken)
            throws SQLException, IOException, InterruptedException {
        long missing = 0;
        for (var writer : writers) {
            missing += missing(writer);
            counted(writer);
        }
        count("acknowledged and missing", missing);
        for (var fault : FAULTS.entrySet()) {
            count(fault.getKey(), queue.number(fault.getValue()));
        }
        mails(mailFolders);
        count("jobs left in the queue", get("/jobs", adminToken).size() + queue.size());
        counts.forEach((what, count) -> {
            if (count != 0) {
                faults.add(count + " " + what);
            }
        });
        return faults;
    }

    /** What was counted, all of which should be zero. */
    Map<String, Long> counts() {
        return counts;
    }

    /** How many e-mails are in the folders of two servers. */
    long mailCopies() {
        return mailCopies;
    }

    private void count(String what, long count) {
        counts.merge(what, count, Long::sum);
    }

    /** By the API: each task that was acknowledged is there, and completed if that was acknowledged. */
    private long missing(ChaosWriter writer) throws IOException, InterruptedException {
        count("answers that should not have been", writer.faults().size());
        faults.addAll(writer.faults());
        var there = tasks(writer);
        long missing = 0;
        for (var created : writer.created().entrySet()) {
            var task = there.get(created.getValue());
            if (task == null || !task.get("title").asText().equals(created.getKey())) {
                faults.add(created + " is not there");
                missing++;
            } else if (writer.completed().contains(created.getKey())
                    && !task.get("completed").asBoolean()) {
                faults.add(created + " is not completed");
                missing++;
            }
        }
        return missing;
    }

    private Map<String, JsonNode> tasks(ChaosWriter writer) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(address.resolve("/tasks"))
                .header("Authorization", "Bearer " + writer.token())
                .header("Accept", "application/x-ndjson")
                .build();
        var found = new HashMap<String, JsonNode>();
        for (var line : client.send(request, BodyHandlers.ofLines()).body().toList()) {
            var task = MAPPER.readTree(line);
            found.put(task.get("id").asText(), task);
        }
        return found;
    }

    /** By the API: the statistics that the user sees are those of the tasks that the user sees. */
    private void counted(ChaosWriter writer) throws IOException, InterruptedException, SQLException {
        if (queue.number("SELECT count(*) FROM dead_jobs") > 0) {
            return;
        }
        var stats = get("/stats", writer.token());
        var tasks = tasks(writer).values();
        long completed =
                tasks.stream().filter(task -> task.get("completed").asBoolean()).count();
        boolean isRight = stats.get("total").asLong() == tasks.size()
                && stats.get("completed").asLong() == completed;
        count("users who are told wrong statistics", isRight ? 0 : 1);
    }

    private JsonNode get(String path, String token) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(address.resolve(path))
                .header("Authorization", "Bearer " + token)
                .build();
        return MAPPER.readTree(client.send(request, BodyHandlers.ofString()).body());
    }

    /** Each completion has one e-mail; there may be copies of it, by which a crash shows, under the same name. */
    private void mails(List<Path> folders) throws IOException, SQLException {
        var titles = new HashMap<String, Set<String>>();
        long mailFiles = 0;
        for (var folder : folders) {
            try (var files = Files.newDirectoryStream(folder, "*.eml")) {
                for (var file : files) {
                    mailFiles++;
                    TITLE.matcher(Files.readString(file))
                            .results()
                            .forEach(match -> titles.computeIfAbsent(
                                            file.getFileName().toString(), _ -> new TreeSet<>())
                                    .add(match.group(1)));
                }
            }
        }
        mailCopies = mailFiles - titles.size();
        long dead = queue.number("SELECT count(*) FROM dead_jobs WHERE kind = 'send_email'");
        long completed = queue.number("SELECT count(*) FROM tasks WHERE completed");
        var told = new HashSet<String>();
        titles.values().forEach(told::addAll);
        count(
                "e-mails about more than one task",
                titles.size()
                        - titles.values().stream().filter(of -> of.size() == 1).count());
        count("completions without an e-mail", completed - dead - told.size());
        count("completions with several e-mails", titles.size() - told.size());
    }
}
