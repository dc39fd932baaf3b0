package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.heddle.http.Routes;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** What {@code Dockerfile} and {@code deploy} say about Heddle, held against Heddle. */
class DeploymentTest {

    private static final Path KUBERNETES = Path.of("deploy/kubernetes.yaml");
    private static final Path UNIT = Path.of("deploy/heddle.service");
    private static final Path DOCKERFILE = Path.of("Dockerfile");
    private static final Path HAPROXY = Path.of("deploy/haproxy.cfg");
    private static final Path HANDBOOK = Path.of("docs/operations.md");

    /** What the launcher and the system read, and Heddle does not. */
    private static final Set<String> NOT_SETTINGS = Set.of("HEDDLE_JAVA_OPTS", "PATH");

    /** Of ten; what systemd itself calls well protected ends at 2. */
    private static final double EXPOSURE_MAX = 2.0;

    @TempDir
    private Path directory;

    private static List<JsonNode> manifests() throws IOException {
        var manifests = new ArrayList<JsonNode>();
        var mapper = new ObjectMapper();
        var loader = new LoaderOptions();
        loader.setAllowDuplicateKeys(false);
        new Yaml(new SafeConstructor(loader))
                .loadAll(Files.readString(KUBERNETES))
                .forEach(document -> manifests.add(mapper.valueToTree(document)));
        return manifests;
    }

    private static JsonNode manifest(String kind) throws IOException {
        return manifests().stream()
                .filter(it -> it.path("kind").asText().equals(kind))
                .findFirst()
                .orElseThrow();
    }

    private static JsonNode pod() throws IOException {
        return manifest("Deployment").at("/spec/template/spec");
    }

    private static JsonNode container() throws IOException {
        return pod().at("/containers/0");
    }

    private static Map<String, String> environment() throws IOException {
        var environment = new HashMap<String, String>();
        container()
                .path("env")
                .forEach(it -> environment.put(
                        it.path("name").asText(), it.path("value").asText()));
        return environment;
    }

    private static Set<String> unknown(Set<String> names) {
        var known = SettingsKey.ALL.stream().map(SettingsKey::variable).collect(Collectors.toSet());
        var unknown = new TreeSet<>(names);
        unknown.removeIf(name ->
                known.contains(name) || known.contains(name.replaceFirst("_FILE$", "")) || NOT_SETTINGS.contains(name));
        return unknown;
    }

    private static Set<String> found(Path file, String pattern) throws IOException {
        return Pattern.compile(pattern, Pattern.MULTILINE)
                .matcher(Files.readString(file))
                .results()
                .map((MatchResult it) -> it.group(1))
                .collect(Collectors.toSet());
    }

    @Test
    void everyVariableIsOneThatHeddleReads() throws IOException {
        assertEquals(Set.of(), unknown(environment().keySet()));
        var unit = found(UNIT, "^#?Environment=([A-Z_]+)=");
        assertTrue(unit.contains("DATABASE_PASSWORD_FILE"), unit::toString);
        assertEquals(Set.of(), unknown(unit));
        var image = found(DOCKERFILE, "^(?:ENV|   ) ([A-Z_]+)=");
        assertTrue(image.contains("SERVER_HOST"), image::toString);
        assertEquals(Set.of(), unknown(image));
    }

    @Test
    void theSettingsOfTheManifestAreAccepted() throws IOException {
        var config = Files.writeString(
                directory.resolve("app.yaml"),
                manifest("ConfigMap").at("/data/app.yaml").asText());
        var environment = environment();
        // Where the container has its secret.
        var secret = Path.of(environment.get("DATABASE_PASSWORD_FILE"));
        var content =
                manifest("Secret").at("/stringData").path(secret.getFileName().toString());
        assertTrue(content.isTextual(), () -> "the secret has no " + secret.getFileName());
        environment.put(
                "DATABASE_PASSWORD_FILE",
                Files.writeString(directory.resolve("secret"), content.asText()).toString());
        var settings = SettingsReader.read(config, environment, new Properties(), Long.MAX_VALUE);
        var seconds = settings.server()
                .shutdownDelay()
                .plus(settings.server().shutdownGrace())
                .toSeconds();
        assertTrue(seconds + 15 <= pod().path("terminationGracePeriodSeconds").asLong(), seconds + " s and the jobs");
    }

    @Test
    void theProbesAskForWhatTheListenerForOperatorsHas() throws IOException {
        var routes = new Routes();
        OperationsRoutes.add(routes, new PrometheusRegistry(), Map.of());
        var paths = routes.operations().stream().map(Routes.Operation::pattern).toList();
        for (var probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
            var asked = container().path(probe).path("httpGet");
            assertTrue(paths.contains(asked.path("path").asText()), probe);
            assertEquals("admin", asked.path("port").asText());
        }
    }

    private static List<String> haproxyCheck(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .map(line -> line.replaceFirst("#.*", "").strip())
                .filter(line -> line.startsWith("option httpchk") || line.startsWith("http-check"))
                .toList();
    }

    @Test
    void theHandbooksHaproxyAsksWhetherAServerIsReadyAsTheOneOfDeployDoes() throws IOException {
        var check = haproxyCheck(HAPROXY);
        assertEquals(3, check.size(), check::toString);
        // By itself haproxy asks in HTTP/1.0, is answered 505, and takes every server out.
        assertTrue(check.get(1).contains(" uri /health/ready ver HTTP/1.1 hdr Host "), check::toString);
        assertEquals(check, haproxyCheck(HANDBOOK));
    }

    @Test
    void theContainerMayWriteNothingButItsVolumes() throws IOException {
        var security = container().path("securityContext");
        assertTrue(security.path("readOnlyRootFilesystem").asBoolean());
        assertTrue(!security.path("allowPrivilegeEscalation").asBoolean(true));
        assertEquals("ALL", security.at("/capabilities/drop/0").asText());
        assertTrue(pod().at("/securityContext/runAsNonRoot").asBoolean());
        var user = pod().at("/securityContext/runAsUser").asText();
        assertTrue(Files.readString(DOCKERFILE).contains("USER " + user + ":" + user));
        var volumes = StreamSupport.stream(pod().path("volumes").spliterator(), false)
                .map(it -> it.path("name").asText())
                .collect(Collectors.toSet());
        for (var mount : container().path("volumeMounts")) {
            assertTrue(volumes.contains(mount.path("name").asText()), mount::toString);
        }
        for (var place : List.of("DATA_DIRECTORY", "FILES_DIRECTORY")) {
            assertTrue(
                    StreamSupport.stream(container().path("volumeMounts").spliterator(), false)
                            .anyMatch(it -> !it.path("readOnly").asBoolean()
                                    && environmentOf(place)
                                            .startsWith(it.path("mountPath").asText())),
                    place);
        }
    }

    private static String environmentOf(String name) {
        try {
            return environment().getOrDefault(name, "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Docker before 25 and Buildah of Debian 12 refuse a file that has {@code --start-interval}. */
    @Test
    void theHealthCheckHasOnlyWhatEveryBuilderKnows() throws IOException {
        var check = Pattern.compile("^HEALTHCHECK (.*)$", Pattern.MULTILINE).matcher(Files.readString(DOCKERFILE));
        assertTrue(check.find());
        var options = Pattern.compile("--([a-z-]+)=")
                .matcher(check.group(1))
                .results()
                .map(it -> it.group(1))
                .collect(Collectors.toSet());
        assertEquals(Set.of("interval", "timeout", "start-period", "retries"), options);
    }

    /** With programs and users that are there; nothing else is changed. */
    private Path unit() throws IOException {
        var text = Files.readString(UNIT)
                .replace("/opt/heddle/bin/heddle", "/bin/true")
                .replace("User=heddle", "User=root")
                .replace("Group=heddle", "Group=root");
        return Files.writeString(directory.resolve("heddle.service"), text);
    }

    private static String systemd(String... words) throws IOException, InterruptedException {
        var program = Path.of("/usr/bin/systemd-analyze");
        assumeTrue(Files.isExecutable(program), "there is no systemd to ask");
        var command = new ArrayList<>(List.of(program.toString(), "--no-pager"));
        command.addAll(List.of(words));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    @Test
    void systemdUnderstandsEveryLineOfTheUnit() throws IOException, InterruptedException {
        assertEquals("", systemd("verify", unit().toString()));
    }

    /** Of a list that systemd has a name for, and of those that it is made of. */
    private static Set<String> calls(String list) throws IOException, InterruptedException {
        var calls = new TreeSet<String>();
        for (var line :
                systemd("syscall-filter", list).lines().map(String::strip).toList()) {
            if (line.startsWith("@") && !line.equals(list)) {
                calls.addAll(calls(line));
            } else if (!line.startsWith("@") && !line.startsWith("#")) {
                calls.add(line);
            }
        }
        return calls;
    }

    /** Without this one the JVM answers {@code jcmd} with its threads in the log, and never. */
    @Test
    void theUnitAllowsTheCallThatAJvmNeedsToBeLookedInto() throws IOException, InterruptedException {
        var allowed = new TreeSet<String>();
        for (var line : Files.readAllLines(UNIT)) {
            if (line.startsWith("SystemCallFilter=")) {
                var value = line.substring(line.indexOf('=') + 1);
                for (var list : value.replaceFirst("^~", "").split(" ", -1)) {
                    if (value.startsWith("~")) {
                        allowed.removeAll(calls(list));
                    } else {
                        allowed.addAll(calls(list));
                    }
                }
            }
        }
        assertTrue(allowed.contains("chown"), allowed::toString);
        assertTrue(!allowed.contains("mount"), allowed::toString);
    }

    @Test
    void systemdCallsTheUnitWellProtected() throws IOException, InterruptedException {
        var output = systemd("security", "--offline=true", unit().toString());
        var exposure =
                Pattern.compile("exposure level for heddle.service: ([0-9.]+)").matcher(output);
        assertTrue(exposure.find(), output);
        // Root counts as 0.4 more, which the real unit does not have.
        assertTrue(Double.parseDouble(exposure.group(1)) - 0.4 <= EXPOSURE_MAX, output);
    }
}
