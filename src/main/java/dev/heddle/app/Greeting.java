package dev.heddle.app;

import dev.heddle.http.HttpServer;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a server says when it is ready.
 *
 * @param api where it is asked
 * @param admin where its operators ask
 * @param started how long that took
 * @param postgres how much of it the embedded PostgreSQL took, if there is one
 * @param newToken where the first administrator's token was written, if this start made it
 */
record Greeting(String api, String admin, Duration started, Optional<Duration> postgres, Optional<Path> newToken) {

    static Greeting of(Settings settings, Heddle heddle) {
        var jvmStart = ManagementFactory.getRuntimeMXBean().getStartTime();
        return new Greeting(
                "http://" + HttpServer.authority(settings.server().host(), heddle.port()),
                "http://" + HttpServer.authority(settings.admin().host(), heddle.adminPort()),
                Duration.ofMillis(System.currentTimeMillis() - jvmStart),
                heddle.postgresStart(),
                heddle.newAdminToken());
    }

    private String ready() {
        return "ready after " + started.toMillis() + " ms"
                + postgres.map(time -> " (PostgreSQL took " + time.toMillis() + " of them)")
                        .orElse("");
    }

    /** For the log: a line for each event. */
    List<String> lines() {
        var lines = new ArrayList<String>();
        lines.add(ready() + ": API " + api + ", admin " + admin + ", version " + Version.HEDDLE);
        newToken.ifPresent(file -> lines.add("made the user admin; the token is in " + file));
        return lines;
    }

    /** For people, with what they may try at once. */
    String text() {
        var text = new StringBuilder("Heddle " + Version.HEDDLE + " is " + ready() + "\n"
                + "  API    " + api + "   docs: " + api + "/docs\n"
                + "  admin  " + admin + "   /health/ready, /metrics\n");
        newToken.ifPresent(file -> text.append("  token  ")
                .append(file)
                .append("   of the user admin, made just now\n")
                .append("  try    curl -H \"Authorization: Bearer $(cat ")
                .append(file)
                .append(")\" ")
                .append(api)
                .append("/tasks\n"));
        return text.toString();
    }
}
