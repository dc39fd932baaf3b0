package dev.heddle.app;

import dev.heddle.http.AccessLog;
import java.io.PrintStream;
import java.time.Instant;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where log lines go: to standard output and into files, as text or as one JSON object a line. Everything that logs in this process
 * (java.util.logging, System.Logger, SLF4J) ends here.
 */
final class Logging implements AutoCloseable {

    /** Their "info" is for their own developers. Held here, or they would be collected and made anew without a level. */
    private static final List<Logger> LOUD = Stream.of(
                    "io.helidon",
                    "com.zaxxer.hikari",
                    "org.flywaydb",
                    "org.postgresql",
                    "com.github.kagkarlsson",
                    "jakarta",
                    "org.eclipse.angus")
            .map(Logger::getLogger)
            .toList();

    private final LogLines lines;
    private final LogFormat format;

    private volatile boolean isClosed;

    private Logging(LogLines lines, LogFormat format) {
        this.lines = lines;
        this.format = format;
    }

    /** Takes over all logging of the process. */
    static Logging install(Settings.Log settings, PrintStream out) {
        var format = settings.format() == Settings.Log.Format.JSON ? new LogFormat.JsonLines() : new LogFormat.Text();
        var logging = new Logging(new LogLines(out, file(settings)), format);
        LogManager.getLogManager().reset();
        var root = Logger.getLogger("");
        root.setLevel(levelOf(settings.level()));
        root.setParent(beyondReset(logging.new Sink(levelOf(settings.level()))));
        LOUD.forEach(logger -> logger.setLevel(Level.WARNING));
        return logging;
    }

    /**
     * A logger above the root one, which by itself has nothing above it, with that handler. LogManager takes handlers and levels away in
     * a shutdown hook of its own, beside the one whose steps are to be told; but only from loggers that have a name.
     */
    private static Logger beyondReset(Handler handler) {
        var logger = new Logger(null, null) {};
        logger.addHandler(handler);
        return logger;
    }

    private static @Nullable RollingFile file(Settings.Log its) {
        return its.maxFiles() == 0
                ? null
                : new RollingFile(its.directory(), its.maxFileSize(), its.maxFiles(), System::nanoTime);
    }

    private static Level levelOf(Settings.Log.Level level) {
        return switch (level) {
            case ERROR -> Level.SEVERE;
            case WARNING -> Level.WARNING;
            case INFO -> Level.INFO;
            case DEBUG -> Level.FINE;
        };
    }

    /** The access log, in the same stream. */
    AccessLog accessLog() {
        return entry -> lines.add(format.access(Instant.now(), entry));
    }

    /** Writes what is left. Calling it again does nothing. */
    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            lines.close();
        }
    }

    private static boolean isLoud(LogRecord record) {
        var name = record.getLoggerName();
        return name != null
                && record.getLevel().intValue() < Level.WARNING.intValue()
                && LOUD.stream().anyMatch(logger -> name.startsWith(logger.getName()));
    }

    private final class Sink extends Handler {

        /** It has the level too, as that of the root logger does not outlive a reset. */
        Sink(Level level) {
            setLevel(level);
        }

        @Override
        public void publish(LogRecord record) {
            if (isLoggable(record)) {
                lines.add(format.record(record));
            }
        }

        @Override
        public void flush() {
            lines.flush();
        }

        @Override
        public boolean isLoggable(LogRecord record) {
            return super.isLoggable(record) && !isLoud(record);
        }

        /** The lines are closed by whoever installed this. */
        @Override
        public void close() {}
    }
}
