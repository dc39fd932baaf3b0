package dev.heddle.app;

import dev.heddle.http.AccessLog;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The command line. */
public final class Main {

    private static final System.Logger LOG = System.getLogger(Main.class.getName());

    private static final String USAGE = """
        usage: heddle [serve | check-config | health | version] [--config FILE]
               heddle backup --to DIR [--config FILE]
               heddle verify-backup DIR
               heddle restore --from DIR [--config FILE]

          serve         start the server (the default)
          check-config  read the settings, print them and where each comes from; exit code 2 if any is refused
          health        ask the Heddle with these settings, on this machine, whether it is ready; exit code 1 if not
          version       print the version
          backup        copy the database and the files into a new directory DIR, whether or not the server runs
          verify-backup look at every byte of a backup; exit code 1 if it is not whole
          restore       put a backup into an empty database and an empty directory of files

          --config FILE read FILE instead of ./app.yaml
        """;

    private static final int EXIT_FAILED = 1;

    /** Wrong arguments or settings: to start again without a change is of no use. */
    private static final int EXIT_REFUSED = 2;

    private Main() {}

    /** The commands that are about a directory, and what stands before it. */
    private static final Map<String, String> ABOUT_A_DIRECTORY =
            Map.of("backup", "--to", "verify-backup", "", "restore", "--from");

    private static final List<String> COMMANDS =
            List.of("serve", "check-config", "health", "version", "backup", "verify-backup", "restore");

    private record Arguments(
            String command, @Nullable Path config, @Nullable Path directory) {

        /** Of a command that is about one. */
        Path about() {
            return Objects.requireNonNull(directory);
        }
    }

    /** Runs one command; see {@code --help}. */
    public static void main(String[] words) {
        System.exit(run(List.of(words), System.out, System.err));
    }

    static int run(List<String> words, PrintStream out, PrintStream err) {
        if (words.contains("--help") || words.contains("-h")) {
            out.print(USAGE);
            return 0;
        }
        try {
            var arguments = parse(words);
            if (arguments.command().equals("version")) {
                out.println("heddle " + Version.HEDDLE);
                return 0;
            }
            if (arguments.command().equals("verify-backup")) {
                return BackupCommands.verify(arguments.about(), out, err);
            }
            var settings = SettingsReader.read(arguments.config(), System.getenv(), System.getProperties());
            return switch (arguments.command()) {
                case "check-config" -> {
                    settings.describe().forEach(out::println);
                    yield 0;
                }
                case "health" -> HealthCheck.run(settings.admin(), out, err);
                case "backup" -> new BackupCommands(settings, out, err).backup(arguments.about());
                case "restore" -> new BackupCommands(settings, out, err).restore(arguments.about());
                default -> serve(settings, out);
            };
        } catch (SettingsException e) {
            err.println("heddle: the settings are refused:");
            e.complaints().forEach(complaint -> err.println("  " + complaint));
            return EXIT_REFUSED;
        } catch (IllegalArgumentException e) {
            err.println("heddle: " + e.getMessage());
            err.print(USAGE);
            return EXIT_REFUSED;
        }
    }

    private static Arguments parse(List<String> words) {
        String command = null;
        Path config = null;
        Path directory = null;
        for (int i = 0; i < words.size(); i++) {
            var word = words.get(i);
            var option = command == null ? null : ABOUT_A_DIRECTORY.get(command);
            if (word.equals("--config") && i + 1 < words.size() && config == null) {
                config = Path.of(words.get(++i));
            } else if (COMMANDS.contains(word) && command == null) {
                command = word;
            } else if (word.equals(option) && i + 1 < words.size() && directory == null) {
                directory = Path.of(words.get(++i));
            } else if ("".equals(option) && directory == null && !word.startsWith("-")) {
                directory = Path.of(word);
            } else {
                throw new IllegalArgumentException("cannot understand \"" + word + "\"");
            }
        }
        if (command != null && ABOUT_A_DIRECTORY.containsKey(command) && directory == null) {
            throw new IllegalArgumentException(
                    (command + " " + ABOUT_A_DIRECTORY.get(command)).strip() + " needs a directory");
        }
        return new Arguments(command == null ? "serve" : command, config, directory);
    }

    private static int serve(Settings settings, PrintStream out) {
        var logging = Logging.install(settings.log(), out);
        var stopped = new CountDownLatch(1);
        var serving = new Serving();
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("heddle-shutdown").unstarted(() -> {
                    boolean well = serving.stop();
                    logging.close();
                    stopped.countDown();
                    // A signal that asked us to stop and was obeyed is a success; the JVM would say 143.
                    Runtime.getRuntime().halt(well ? 0 : EXIT_FAILED);
                }));
        Heddle heddle;
        try {
            heddle = serving.start(settings, settings.log().access() ? logging.accessLog() : AccessLog.NONE);
        } catch (RuntimeException | Error e) {
            if (serving.isAsked()) {
                // Not a failure, and the end of the process is the hook's.
                return 0;
            }
            LOG.log(System.Logger.Level.ERROR, "cannot start: " + e.getMessage());
            logging.close();
            return EXIT_FAILED;
        }
        greet(settings, heddle, out);
        return watch(heddle, stopped, logging);
    }

    /** In the log, where it is found later; to people who look on, in words that they can use at once. */
    private static void greet(Settings settings, Heddle heddle, PrintStream out) {
        var greeting = Greeting.of(settings, heddle);
        if (settings.log().format() == Settings.Log.Format.TEXT) {
            out.print(greeting.text());
            out.flush();
        }
        greeting.lines().forEach(line -> LOG.log(System.Logger.Level.INFO, line));
    }

    /** Ends the process when a part of it has died for good, so that its supervisor starts it anew. */
    private static int watch(Heddle heddle, CountDownLatch stopped, Logging logging) {
        try {
            while (!stopped.await(1, TimeUnit.SECONDS)) {
                var ended = heddle.ended();
                if (ended.isPresent()) {
                    LOG.log(System.Logger.Level.ERROR, "stopping: " + ended.get() + " has ended by itself");
                    heddle.close();
                    logging.close();
                    Runtime.getRuntime().halt(EXIT_FAILED);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }
}
