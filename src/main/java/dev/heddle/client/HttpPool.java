package dev.heddle.client;

import dev.heddle.concurrent.Deadline;
import java.nio.charset.StandardCharsets;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one origin. An exchange takes the one that was used last, or opens another; how many there may be at
 * once is for the caller to say. Redirects are answers like any other. Safe for any thread; whoever opens it closes it.
 */
public final class HttpPool implements AutoCloseable {

    /** Most servers keep an idle connection for longer; to one that does not, the request is sent once more. */
    private static final Duration IDLE_MAX = Duration.ofSeconds(15);

    /**
     * So long more than {@link Limits#kept} may be idle: under load each is soon needed again, and closing them at once
     * would cost a connection for every second request.
     */
    private static final Duration BURST = Duration.ofSeconds(1);

    private static final Pattern KEEP_ALIVE = Pattern.compile("(?i)(^|.*[ ,;])timeout *= *(?<seconds>[0-9]{1,6}).*");

    private final Origin origin;
    private final Resolver resolver;
    private final Limits limits;
    private final @Nullable SSLContext tls;
    private final AtomicInteger open = new AtomicInteger();

    // Under the lock.
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Idle> idle = new ArrayDeque<>();
    private boolean closed;

    /**
     * What an exchange may cost.
     *
     * @param kept idle connections that are kept open, but for a moment after a burst; none at all when it is 0
     * @param connect to find the address, connect and agree on encryption
     * @param read of silence while an answer is awaited
     * @param whole from the beginning to the last byte
     * @param bodyBytes of an answer
     */
    public record Limits(int kept, Duration connect, Duration read, Duration whole, int bodyBytes) {}

    /** A connection without work, the youngest first. */
    private record Idle(HttpConnection connection, Deadline burst, Deadline until) {}

    /**
     * No connection is opened yet.
     *
     * @param tls whom to trust; null for those whom the JDK trusts
     */
    public HttpPool(Origin origin, Resolver resolver, Limits limits, @Nullable SSLContext tls) {
        this.origin = origin;
        this.resolver = resolver;
        this.limits = limits;
        this.tls = tls;
    }

    /**
     * Asks for something. A request that met a connection which its server was just closing is sent once more, on a new
     * one (RFC 9112 §9.3.1).
     *
     * @param target path and query, as {@link HttpUrl} has them
     * @param headers besides those that the exchange itself needs
     * @throws HttpFailure when there is no answer, whole and in time; its connection is closed
     * @throws CancellationException when this thread is interrupted; the flag stays set
     */
    public HttpAnswer get(String target, List<HttpHeader> headers) throws HttpFailure {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("interrupted before calling");
        }
        var deadline = Deadline.after(Duration.ofNanos(Deadline.current().limitNanos(limits.whole())));
        var request = request(target, headers);
        var used = takeIdle();
        if (used != null) {
            try {
                return exchange(used, request, deadline);
            } catch (HttpFailure e) {
                if (e.kind() != HttpFailure.Kind.CUT || !used.isUntouched()) {
                    throw e;
                }
            }
        }
        return exchange(connect(deadline), request, deadline);
    }

    private byte[] request(String target, List<HttpHeader> headers) {
        if (!target.startsWith("/") || !isVisible(target, '!')) {
            throw new IllegalArgumentException("a character that a target cannot have");
        }
        var head = new StringBuilder(256)
                .append("GET ")
                .append(target)
                .append(" HTTP/1.1\r\nHost: ")
                .append(origin.authority())
                // Nothing is unpacked here: a small answer could become one of any size.
                .append("\r\nAccept-Encoding: identity\r\nUser-Agent: heddle\r\n");
        if (limits.kept() == 0) {
            head.append("Connection: close\r\n");
        }
        for (var header : headers) {
            check(header);
            head.append(header.name()).append(": ").append(header.value()).append("\r\n");
        }
        return head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** A line break would begin a field of somebody else's. */
    private static void check(HttpHeader header) {
        if (!AnswerReader.isToken(header.name())) {
            throw new IllegalArgumentException("a character that no name of a header can have");
        }
        if (!isVisible(header.value(), ' ')) {
            throw new IllegalArgumentException("a character that " + header.name() + " cannot have");
        }
    }

    private static boolean isVisible(String text, char first) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < first || text.charAt(i) > '~') {
                return false;
            }
        }
        return true;
    }

    private HttpAnswer exchange(HttpConnection connection, byte[] request, Deadline deadline) throws HttpFailure {
        boolean isWhole = false;
        try {
            var answer = connection.exchange(request, limits.bodyBytes(), deadline);
            isWhole = true;
            giveBack(connection, answer);
            return answer;
        } finally {
            if (!isWhole) {
                close(connection);
            }
        }
    }

    private HttpConnection connect(Deadline deadline) throws HttpFailure {
        var limit = Deadline.after(Duration.ofNanos(deadline.limitNanos(limits.connect())));
        var addresses = resolver.resolve(origin.host(), limit);
        var connection = HttpConnection.open(origin, addresses, limits.read(), tls(), limit);
        open.incrementAndGet();
        return connection;
    }

    /** Asked for late: without a server that needs it, nothing of it is loaded. */
    private @Nullable SSLContext tls() {
        if (!origin.isTls()) {
            return null;
        }
        if (tls != null) {
            return tls;
        }
        try {
            return SSLContext.getDefault();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK has no TLS", e);
        }
    }

    private @Nullable HttpConnection takeIdle() {
        for (var next = pollIdle(); next != null; next = pollIdle()) {
            if (!next.until().isExpired() && next.connection().isQuiet()) {
                return next.connection();
            }
            close(next.connection());
        }
        return null;
    }

    private @Nullable Idle pollIdle() {
        lock.lock();
        try {
            return idle.pollFirst();
        } finally {
            lock.unlock();
        }
    }

    private void giveBack(HttpConnection connection, HttpAnswer answer) {
        var idleMax = idleMax(answer);
        boolean isKept = false;
        if (connection.isReusable() && limits.kept() > 0 && idleMax.isPositive()) {
            lock.lock();
            try {
                if (!closed) {
                    idle.addFirst(new Idle(connection, Deadline.after(BURST), Deadline.after(idleMax)));
                    isKept = true;
                }
            } finally {
                lock.unlock();
            }
        }
        if (!isKept) {
            close(connection);
        }
    }

    /** A second less than the server says, for the time that a request is on its way. */
    private static Duration idleMax(HttpAnswer answer) {
        var header = answer.header("Keep-Alive");
        if (header.isEmpty()) {
            return IDLE_MAX;
        }
        var said = KEEP_ALIVE.matcher(header);
        var seconds = said.matches() ? Long.parseLong(said.group("seconds")) - 1 : IDLE_MAX.toSeconds();
        return Duration.ofSeconds(Math.min(seconds, IDLE_MAX.toSeconds()));
    }

    private void close(HttpConnection connection) {
        open.decrementAndGet();
        connection.close();
    }

    /** Closes what has been idle for too long. To be called every second or so, or servers keep what nobody will use. */
    public void closeExpired() {
        var expired = new ArrayList<HttpConnection>();
        lock.lock();
        try {
            // All of them: one may have come later and yet be over sooner. The last was not needed for the longest
            // time.
            for (var each = idle.descendingIterator(); each.hasNext(); ) {
                var next = each.next();
                boolean isTooMany = idle.size() > limits.kept() && next.burst().isExpired();
                if (isTooMany || next.until().isExpired()) {
                    each.remove();
                    expired.add(next.connection());
                }
            }
        } finally {
            lock.unlock();
        }
        expired.forEach(this::close);
    }

    /** Connections that are open, at work or idle. */
    public int open() {
        return open.get();
    }

    /** Connections that are open and idle. */
    public int idle() {
        lock.lock();
        try {
            return idle.size();
        } finally {
            lock.unlock();
        }
    }

    /** Closes what is idle; exchanges that run end as they would, and their connections with them. */
    @Override
    public void close() {
        var last = new ArrayList<HttpConnection>();
        lock.lock();
        try {
            closed = true;
            idle.forEach(its -> last.add(its.connection()));
            idle.clear();
        } finally {
            lock.unlock();
        }
        last.forEach(this::close);
    }
}
