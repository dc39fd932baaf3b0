package dev.heddle.app;

import dev.heddle.http.AccessLog;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The command line. */
public final class Main {

    private static final String USAGE = """
        usage: heddle [serve | check-config | health | version] [--config FILE]

          serve         start the server (the default)
          check-config  read the settings, print them and where each comes from; exit code 2 if any is refused
          health        ask the Heddle with these settings, on this machine, whether it is ready; exit code 1 if not
          version       print the version

          --config FILE read FILE instead of ./app.yaml
        """;

    private static final int EXIT_FAILED = 1;

    /** Wrong arguments or settings: to start again without a change is of no use. */
    private static final int EXIT_REFUSED = 2;

    private Main() {}

    private record Arguments(String command, @Nullable Path config) {}

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
            var settings = SettingsReader.read(arguments.config(), System.getenv(), System.getProperties());
            if (arguments.command().equals("check-config")) {
                settings.describe().forEach(out::println);
                return 0;
            }
            if (arguments.command().equals("health")) {
                return HealthCheck.run(settings.admin(), out, err);
            }
            return serve(settings, out, err);
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
        for (int i = 0; i < words.size(); i++) {
            var word = words.get(i);
            if (word.equals("--config") && i + 1 < words.size() && config == null) {
                config = Path.of(words.get(++i));
            } else if (List.of("serve", "check-config", "health", "version").contains(word) && command == null) {
                command = word;
            } else {
                throw new IllegalArgumentException("cannot understand \"" + word + "\"");
            }
        }
        return new Arguments(command == null ? "serve" : command, config);
    }

    private static int serve(Settings settings, PrintStream out, PrintStream err) {
        var logging = Logging.install(settings.log(), out);
        var stopped = new CountDownLatch(1);
        Heddle heddle;
        try {
            heddle = Heddle.start(settings, settings.log().access() ? logging.accessLog() : AccessLog.NONE);
        } catch (RuntimeException | Error e) {
            logging.close();
            err.println("heddle: cannot start: " + e.getMessage());
            return EXIT_FAILED;
        }
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("heddle-shutdown").unstarted(() -> {
                    heddle.close();
                    logging.close();
                    stopped.countDown();
                    // A signal that asked us to stop and was obeyed is a success; the JVM would say 143.
                    Runtime.getRuntime().halt(0);
                }));
        out.print(greeting(settings, heddle));
        out.flush();
        return watch(heddle, stopped, err);
    }

    /** Ends the process when a part of it has died for good, so that its supervisor starts it anew. */
    private static int watch(Heddle heddle, CountDownLatch stopped, PrintStream err) {
        try {
            while (!stopped.await(1, TimeUnit.SECONDS)) {
                if (!heddle.isAlive()) {
                    err.println("heddle: a listener or the embedded PostgreSQL has ended; see the log. Stopping.");
                    heddle.close();
                    Runtime.getRuntime().halt(EXIT_FAILED);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }

    private static String greeting(Settings settings, Heddle heddle) {
        long millis = System.currentTimeMillis()
                - ManagementFactory.getRuntimeMXBean().getStartTime();
        var api = "http://" + settings.server().host() + ":" + heddle.port();
        var token = settings.data().directory().resolve("admin-token");
        var text = new StringBuilder("Heddle " + Version.HEDDLE + " is ready after " + millis + " ms"
                + heddle.postgresStart()
                        .map(time -> " (PostgreSQL took " + time.toMillis() + " of them)")
                        .orElse("")
                + "\n"
                + "  API    " + api + "   docs: " + api + "/docs\n"
                + "  admin  http://" + settings.admin().host() + ":" + heddle.adminPort()
                + "   /health/ready, /metrics\n");
        heddle.newAdminToken()
                .ifPresent(file -> text.append("  token  ")
                        .append(file)
                        .append("   of the user admin, made just now\n")
                        .append("  try    curl -H \"Authorization: Bearer $(cat ")
                        .append(token)
                        .append(")\" ")
                        .append(api)
                        .append("/tasks\n"));
        return text.toString();
    }
}
