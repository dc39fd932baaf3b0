package dev.heddle.app;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.AccessLog;
import dev.heddle.http.Json;
import dev.heddle.http.Timestamps;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Locale;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/** How a log line looks. One event is one line: nothing from outside can begin another or move the cursor. */
sealed interface LogFormat {

    /** A record of any logger. */
    String record(LogRecord record);

    /** An answered request. */
    String access(Instant now, AccessLog.Entry entry);

    /** For people. */
    final class Text implements LogFormat {

        @Override
        public String record(LogRecord record) {
            var line = Timestamps.write(record.getInstant()) + " " + word(record.getLevel()) + " "
                    + shortName(record.getLoggerName()) + ": " + escape(message(record));
            return record.getThrown() == null ? line : line + "\n" + indented(record.getThrown());
        }

        @Override
        public String access(Instant now, AccessLog.Entry entry) {
            return Timestamps.write(now) + " access " + entry.method() + " " + escape(entry.path()) + " "
                    + entry.status() + " " + micros(entry.nanos()) + " " + entry.bytes() + "B caller=" + entry.caller()
                    + " client=" + entry.client() + " route=" + entry.route() + " id=" + entry.requestId()
                    + (entry.traceparent() == null ? "" : " trace=" + entry.traceparent());
        }

        private static String micros(long nanos) {
            long tenths = nanos / 100_000;
            return tenths / 10 + "." + tenths % 10 + "ms";
        }

        /** An anonymous logger has none. */
        private static String shortName(@Nullable String logger) {
            return logger == null ? "" : logger.substring(logger.lastIndexOf('.') + 1);
        }

        /** A stack, each line moved in, so that no line of it looks like an event of its own. */
        private static String indented(Throwable thrown) {
            return stack(thrown)
                    .strip()
                    .lines()
                    .map(line -> "    " + escape(line))
                    .reduce((a, b) -> a + "\n" + b)
                    .orElse("");
        }

        private static String escape(String text) {
            if (text.chars().noneMatch(Character::isISOControl)) {
                return text;
            }
            var escaped = new StringBuilder(text.length() + 16);
            text.chars().forEach(c -> {
                if (Character.isISOControl(c) && c != '\t') {
                    escaped.append(String.format(Locale.ROOT, "\\u%04x", c));
                } else {
                    escaped.append((char) c);
                }
            });
            return escaped.toString();
        }
    }

    /** For machines. */
    final class JsonLines implements LogFormat {

        @Override
        public String record(LogRecord record) {
            return line(json -> {
                json.writeStringField("time", Timestamps.write(record.getInstant()));
                json.writeStringField("level", word(record.getLevel()));
                json.writeStringField("logger", record.getLoggerName());
                json.writeStringField("message", message(record));
                if (record.getThrown() != null) {
                    json.writeStringField("stack", stack(record.getThrown()));
                }
            });
        }

        @Override
        public String access(Instant now, AccessLog.Entry entry) {
            return line(json -> {
                json.writeStringField("time", Timestamps.write(now));
                json.writeStringField("level", "info");
                json.writeStringField("logger", "access");
                json.writeStringField("request_id", entry.requestId());
                if (entry.traceparent() != null) {
                    json.writeStringField("traceparent", entry.traceparent());
                }
                json.writeStringField("caller", entry.caller());
                json.writeStringField("client", entry.client());
                json.writeStringField("method", entry.method());
                json.writeStringField("path", entry.path());
                json.writeStringField("route", entry.route());
                json.writeNumberField("status", entry.status());
                json.writeNumberField("duration_ms", entry.nanos() / 1_000_000.0);
                json.writeNumberField("bytes", entry.bytes());
            });
        }

        private interface Members {
            void to(JsonGenerator json) throws IOException;
        }

        private static String line(Members members) {
            var bytes = Json.write(json -> {
                json.writeStartObject();
                members.to(json);
                json.writeEndObject();
            });
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    private static String message(LogRecord record) {
        return new PlainFormatter().formatMessage(record);
    }

    private static String stack(Throwable thrown) {
        var text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private static String word(Level level) {
        return level.intValue() >= Level.SEVERE.intValue()
                ? "error"
                : level.intValue() >= Level.WARNING.intValue()
                        ? "warning"
                        : level.intValue() >= Level.INFO.intValue() ? "info" : "debug";
    }

    /** Only to reach {@link Formatter#formatMessage}, which fills the parameters in. */
    final class PlainFormatter extends Formatter {

        @Override
        public String format(LogRecord record) {
            return formatMessage(record);
        }
    }
}
