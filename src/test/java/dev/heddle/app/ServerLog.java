package dev.heddle.app;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.http.AccessLog;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;

/**
 * What a server logs while this is open: in this JVM it is listened to, and from a process of its own ({@code log.format}
 * {@code json}) it is read, the same lines in both cases.
 */
public final class ServerLog implements AutoCloseable {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Duration LATE = Duration.ofSeconds(10);

    /**
     * One line.
     *
     * @param level error, warning, info or debug
     * @param thrown what was thrown, with its message; empty for nothing
     * @param stack where it was thrown, its causes too
     */
    public record Line(String logger, String level, String message, String thrown, String stack) {}

    private final String loggers;
    private final Supplier<List<String>> lines;
    private final int before;
    private final Runnable end;

    private ServerLog(String loggers, Supplier<List<String>> lines, Runnable end) {
        this.loggers = loggers;
        this.lines = lines;
        this.before = lines.get().size();
        this.end = end;
    }

    /** Of a process, whose level is that of its settings. */
    static ServerLog read(String loggers, Supplier<List<String>> lines) {
        return new ServerLog(loggers, lines, () -> {});
    }

    /** Of this JVM, at every level. */
    static ServerLog listen(String loggers) {
        var format = new LogFormat.JsonLines();
        var lines = new CopyOnWriteArrayList<String>();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                lines.add(format.record(line));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        handler.setLevel(Level.ALL);
        var logger = Logger.getLogger(loggers);
        var level = logger.getLevel();
        logger.setLevel(Level.ALL);
        logger.addHandler(handler);
        return new ServerLog(loggers, () -> List.copyOf(lines), () -> {
            logger.removeHandler(handler);
            logger.setLevel(level);
        });
    }

    /** What was said so far. A process may have said more than has arrived here. */
    public List<Line> lines() {
        var said = lines.get();
        return said.subList(before, said.size()).stream()
                .flatMap(ServerLog::parsed)
                .filter(line -> line.get("logger").asText().startsWith(loggers))
                .map(ServerLog::line)
                .toList();
    }

    /** The first line whose message has this in it, whatever its case; waits for it. */
    public Line awaitLine(String text) {
        return await().alias("a line with " + text)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .atMost(LATE)
                .until(
                        () -> lines().stream()
                                .filter(line ->
                                        line.message().toLowerCase(Locale.ROOT).contains(text))
                                .findFirst(),
                        Optional::isPresent)
                .orElseThrow();
    }

    /** Those of these lines that are about requests. */
    static List<AccessLog.Entry> requests(List<String> lines) {
        return lines.stream()
                .filter(line -> line.contains("\"logger\":\"access\""))
                .flatMap(ServerLog::parsed)
                .map(ServerLog::entry)
                .toList();
    }

    /** Nothing for what is no line of a log, such as the greeting. */
    private static Stream<JsonNode> parsed(String line) {
        if (!line.startsWith("{\"time\":")) {
            return Stream.empty();
        }
        try {
            return Stream.of(MAPPER.readTree(line));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(line, e);
        }
    }

    private static Line line(JsonNode json) {
        var stack = json.path("stack").asText();
        return new Line(
                json.get("logger").asText(),
                json.get("level").asText(),
                json.path("message").asText(),
                stack.lines().findFirst().orElse(""),
                stack);
    }

    private static AccessLog.Entry entry(JsonNode json) {
        return new AccessLog.Entry(
                json.get("request_id").asText(),
                json.has("traceparent") ? json.get("traceparent").asText() : null,
                json.get("caller").asText(),
                json.get("client").asText(),
                json.get("method").asText(),
                json.get("path").asText(),
                json.get("route").asText(),
                json.get("status").asInt(),
                Math.round(json.get("duration_ms").asDouble() * 1_000_000),
                json.get("bytes").asLong());
    }

    @Override
    public void close() {
        end.run();
    }
}
