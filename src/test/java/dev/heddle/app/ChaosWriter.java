package dev.heddle.app;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * A user who makes and completes tasks, and remembers what was acknowledged. An operation whose outcome is not known is
 * repeated until it is, at another server if need be, when a repetition can do no harm. One thread at a time.
 */
final class ChaosWriter {

    /** A paused server accepts connections and says nothing. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Of all operations, in hundredths; the others make tasks. */
    private static final int COMPLETIONS = 40;

    /** One in so many operations goes to any server, the others to the last one that answered. */
    private static final int WANDERS = 200;

    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** What it wants to be done: a task of that title, or the completion of that task. */
    private record Operation(boolean isCreation, String title, Optional<String> key) {
        boolean mayBeRepeated() {
            return !isCreation || key.isPresent();
        }
    }

    // Set once.
    private final HttpClient client;
    private final List<ChaosReplica> replicas;
    private final Runnable acknowledged;
    private final String id;
    private final String token;
    private final Random random;

    private final Map<String, String> created = new HashMap<>();
    private final Set<String> completed = new HashSet<>();
    private final Deque<String> open = new ArrayDeque<>();
    private final List<String> faults = new ArrayList<>();
    private Optional<Operation> pending = Optional.empty();
    private int turn;
    private int titles;
    private int unknown;
    private int replayed;

    /**
     * A user who exists.
     *
     * @param replicas grows and shrinks meanwhile
     * @param acknowledged is told of each acknowledgement
     */
    ChaosWriter(
            HttpClient client, List<ChaosReplica> replicas, Runnable acknowledged, String id, String token, long seed) {
        this.client = client;
        this.replicas = replicas;
        this.acknowledged = acknowledged;
        this.id = id;
        this.token = token;
        random = new Random(seed);
    }

    /** Tries one operation, if a server runs. */
    void step() {
        var address = address();
        if (address.isEmpty()) {
            return;
        }
        var operation = pending.orElseGet(this::next);
        pending = Optional.empty();
        attempt(operation, address.get());
    }

    /** Whether no operation waits to be repeated; tries to make it so. */
    boolean settle() {
        if (pending.isPresent()) {
            step();
        }
        return pending.isEmpty();
    }

    /** Makes a task at that server. */
    void create(ChaosReplica replica) {
        replica.address().ifPresent(address -> attempt(creation(), address));
    }

    private Optional<URI> address() {
        if (random.nextInt(WANDERS) == 0) {
            turn = random.nextInt(WANDERS);
        }
        var running =
                replicas.stream().flatMap(replica -> replica.address().stream()).toList();
        return running.isEmpty() ? Optional.empty() : Optional.of(running.get(turn % running.size()));
    }

    private Operation next() {
        return !open.isEmpty() && random.nextInt(100) < COMPLETIONS ? completion() : creation();
    }

    private Operation creation() {
        var title = id + "-" + ++titles;
        return new Operation(true, title, key("create-" + title));
    }

    private Operation completion() {
        var title = open.remove();
        return new Operation(false, title, key("complete-" + title));
    }

    private Optional<String> key(String key) {
        return random.nextBoolean() ? Optional.of(key) : Optional.empty();
    }

    private void attempt(Operation operation, URI address) {
        try {
            ended(operation, client.send(request(operation, address), BodyHandlers.ofString()));
        } catch (IOException e) {
            unknown(operation);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private HttpRequest request(Operation operation, URI address) {
        var title = operation.title();
        var path = operation.isCreation() ? "/tasks" : "/tasks/" + created.get(title) + "/complete";
        var body = operation.isCreation()
                ? BodyPublishers.ofString("{\"title\": \"" + title + "\"}")
                : BodyPublishers.noBody();
        var request = HttpRequest.newBuilder(address.resolve(path))
                .timeout(PATIENCE)
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .POST(body);
        operation.key().ifPresent(key -> request.header("Idempotency-Key", key));
        return request.build();
    }

    private void ended(Operation operation, HttpResponse<String> response) throws IOException {
        int status = response.statusCode();
        if (status == (operation.isCreation() ? 201 : 200)) {
            acknowledge(operation, MAPPER.readTree(response.body()));
            replayed += response.headers().firstValue("Idempotent-Replayed").isPresent() ? 1 : 0;
        } else if (status >= 500 || isInProgress(response)) {
            unknown(operation);
        } else {
            faults.add(operation + ": " + response.body());
        }
    }

    private static boolean isInProgress(HttpResponse<String> response) {
        return response.statusCode() == 409 && response.body().contains("idempotency-in-progress");
    }

    private void acknowledge(Operation operation, JsonNode task) {
        if (operation.isCreation()) {
            created.put(operation.title(), task.get("id").asText());
            open.add(operation.title());
        } else {
            completed.add(operation.title());
        }
        acknowledged.run();
    }

    private void unknown(Operation operation) {
        turn++;
        if (operation.mayBeRepeated()) {
            pending = Optional.of(operation);
        } else {
            unknown++;
        }
    }

    String id() {
        return id;
    }

    String token() {
        return token;
    }

    /** The ids of the tasks whose creation was acknowledged, by title. */
    Map<String, String> created() {
        return created;
    }

    /** The titles of the tasks whose completion was acknowledged. */
    Set<String> completed() {
        return completed;
    }

    /** Answers that should not have been. */
    List<String> faults() {
        return faults;
    }

    /** How many creations without a key got no answer. */
    int unknown() {
        return unknown;
    }

    /** How many repetitions got the answer of the first attempt. */
    int replayed() {
        return replayed;
    }
}
