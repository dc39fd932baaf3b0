package dev.heddle.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The table of everything the server answers to. Features add to it while the server is put together; afterwards it is
 * only read, by any thread. Paths are matched segment by segment, before decoding, so that {@code %2F} is part of a
 * value and never a separator; a literal segment wins over a parameter.
 */
public final class Routes {

    /** Reads what a request asks for, complaining about all that is wrong with it. */
    @FunctionalInterface
    public interface Parser<P> {
        /** Reads it; the result is used only when there were no complaints. */
        P parse(Request request);
    }

    /** Does what was asked. */
    @FunctionalInterface
    public interface Action<P> {
        /** Answers. */
        Answer answer(Request request, P asked);
    }

    /** One operation, for those who check that nothing was forgotten. */
    public record Operation(String method, String pattern, Access access) {}

    private static final class Node {
        private final Map<String, Node> literals = new LinkedHashMap<>();
        private @Nullable Node parameter;
        private boolean takesTheRest;
        private final Map<String, Route> routes = new LinkedHashMap<>();
    }

    private final Node root = new Node();
    private final List<Operation> operations = new ArrayList<>();

    /** Adds an operation in two steps: what is asked, and, if that was in order, the answer. */
    public <P> Routes add(String method, String pattern, Access access, Parser<P> parser, Action<P> action) {
        return put(new Route(method, pattern, access, Load.ORDINARY, run(parser, action)));
    }

    /**
     * The same for one that waits for others, and lets only so many wait: it does not count as a request of ours at
     * work, of which there can only be so many either. When its client hangs up, the action is interrupted, if it takes
     * longer than a second.
     */
    public <P> Routes addWaiting(String method, String pattern, Access access, Parser<P> parser, Action<P> action) {
        return put(new Route(method, pattern, access, Load.OWN, run(parser, whileConnected(action))));
    }

    /**
     * The same for one that reads the body as it comes: its parser calls {@link Request#expectStream}. Until the body has
     * come, only a deadline of the client's own ends it; what follows belongs into {@link Request#onceReceived}.
     */
    public <P> Routes addStreaming(String method, String pattern, Access access, Parser<P> parser, Action<P> action) {
        return put(new Route(method, pattern, access, Load.STREAMED, run(parser, action)));
    }

    private static <P> Action<P> whileConnected(Action<P> action) {
        return (request, asked) -> request.whileConnected(() -> action.answer(request, asked));
    }

    private static <P> Route.Run run(Parser<P> parser, Action<P> action) {
        return request -> {
            var asked = parser.parse(request);
            request.refuseIfInvalid();
            return action.answer(request, asked);
        };
    }

    /** Adds an operation that takes nothing but its path. */
    public Routes add(String method, String pattern, Access access, Function<Request, Answer> action) {
        return add(method, pattern, access, request -> request, (request, same) -> action.apply(request));
    }

    /** Adds one that waits for others, and takes nothing but its path. */
    public Routes addWaiting(String method, String pattern, Access access, Function<Request, Answer> action) {
        return addWaiting(method, pattern, access, request -> request, (request, same) -> action.apply(request));
    }

    /**
     * Says that the last parameter of a pattern takes whatever stands there and below: what can name nothing of ours, or
     * is of several segments, is an empty value. So all that is no good name gets one answer, that of the route.
     */
    public Routes takeTheRest(String pattern) {
        node(pattern).takesTheRest = true;
        return this;
    }

    private Node node(String pattern) {
        var node = root;
        for (var segment : segments(pattern)) {
            if (segment.startsWith("{")) {
                if (node.parameter == null) {
                    node.parameter = new Node();
                }
                node = node.parameter;
            } else {
                node = node.literals.computeIfAbsent(segment, s -> new Node());
            }
        }
        return node;
    }

    private Routes put(Route route) {
        var node = node(route.pattern());
        if (node.routes.putIfAbsent(route.method(), route) != null) {
            throw new IllegalStateException("two routes for " + route.method() + " " + route.pattern());
        }
        operations.add(new Operation(route.method(), route.pattern(), route.access()));
        return this;
    }

    /** Every operation, in the order of adding. */
    public List<Operation> operations() {
        return List.copyOf(operations);
    }

    /** Every method that something takes, as the {@code Allow} header has them. */
    String methods() {
        var methods = new TreeSet<String>(List.of("HEAD", "OPTIONS"));
        operations.forEach(operation -> methods.add(operation.method()));
        return String.join(", ", methods);
    }

    /** What is at a path. */
    record Place(Map<String, Route> routes, List<String> values) {

        /** The route of a method; HEAD is GET without the body. */
        @Nullable
        Route route(String method) {
            var route = routes.get(method);
            return route == null && method.equals("HEAD") ? routes.get("GET") : route;
        }

        /** The value of the {@code Allow} header. */
        String allow() {
            var methods = new TreeSet<>(routes.keySet());
            methods.add("OPTIONS");
            if (methods.contains("GET")) {
                methods.add("HEAD");
            }
            return String.join(", ", methods);
        }
    }

    /** What is at that raw path, null for nothing. */
    @Nullable
    Place find(String rawPath) {
        if (!rawPath.startsWith("/")) {
            return null;
        }
        var values = new ArrayList<String>(2);
        var node = root;
        var segments = segments(rawPath);
        for (int i = 0; i < segments.size(); i++) {
            var segment = segments.get(i);
            var literal = segment.indexOf('%') < 0 ? node.literals.get(segment) : null;
            if (literal != null) {
                node = literal;
                continue;
            }
            if (node.parameter == null) {
                return null;
            }
            node = node.parameter;
            boolean isLast = i == segments.size() - 1;
            var value = isLast || !node.takesTheRest ? valueOf(segment) : null;
            if (value == null && !node.takesTheRest) {
                return null;
            }
            values.add(value == null ? "" : value);
            if (node.takesTheRest) {
                break;
            }
        }
        return node.routes.isEmpty() ? null : new Place(node.routes, values);
    }

    /** The segments of a path; the root has none. An empty one in the middle or at the end stays, and matches nothing. */
    private static List<String> segments(String path) {
        if (path.equals("/")) {
            return List.of();
        }
        var segments = new ArrayList<String>(5);
        int from = 1;
        for (int slash = path.indexOf('/', from); slash >= 0; slash = path.indexOf('/', from)) {
            segments.add(path.substring(from, slash));
            from = slash + 1;
        }
        segments.add(path.substring(from));
        return segments;
    }

    /** A parameter's value; null for one that can name nothing of ours: empty, dots, NUL, broken encoding. */
    private static @Nullable String valueOf(String segment) {
        if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
            return null;
        }
        return PercentEncoding.decode(segment, false)
                .filter(text -> text.indexOf('\0') < 0)
                .orElse(null);
    }
}
