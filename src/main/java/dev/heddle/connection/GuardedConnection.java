package dev.heddle.connection;

import dev.heddle.concurrent.Deadline;
import io.helidon.common.buffers.BufferData;
import io.helidon.common.socket.SocketWriterException;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ServerConnectionException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A connection of HTTP/1.1. It reads one head after the other and the body that belongs to each, so that no byte of a body
 * is ever read as a request, and waits for its client no longer than it may. Belongs to the thread of the connection.
 */
final class GuardedConnection {

    private static final System.Logger LOG = System.getLogger(GuardedConnection.class.getName());

    /** What is kept for the beginning of a head while none comes: most heads are shorter, and most connections idle. */
    private static final int BEGINNING_BYTES = 1024;

    /** For the rest of a longer one. */
    private static final int HEAD_BYTES = 8 * 1024;

    /** What is given to the system at once: it makes a copy of it. */
    private static final int WRITE_BYTES = 64 * 1024;

    private static final byte[] NOTHING = new byte[0];

    /** Whoever has connected right before the server closes is about to ask; whoever has said nothing for so long is not. */
    private static final Duration FIRST_REQUEST = Duration.ofSeconds(1);

    // Set once.
    private final ConnectionContext inner;
    private final ConnectionLimits limits;
    private final ConnectionWatch watch;
    private final long opened = System.nanoTime();
    private final @Nullable InetAddress peer;
    private final @Nullable Wire wire;
    private final Wait wait = new Wait();

    // The connection's thread and the watch.
    private final AtomicReference<Use> use = new AtomicReference<>(Use.BUSY);
    /** Made for the first request that wants it, few connections ever have one; null as long as there is none. */
    private volatile @Nullable HangUps hangUps;

    // The connection's thread.

    private final byte[] beginning = new byte[BEGINNING_BYTES];

    /** Where heads are read: what has come and is not taken is from the one to the other. */
    private byte[] buffer = beginning;

    private int from;
    private int to;
    /** How much of the room for long heads it has. */
    private int room;
    /** When the head began that is being read, 0 when none is. */
    private long headBegan;

    private long bodyRead;
    private long bodyWaited;
    private boolean isUsed;
    private boolean isEnding;

    /** What the web server has read, where it reads, and was not asked for yet. */
    private byte[] ahead = NOTHING;

    /** What the connection is for at the moment. Only where nothing of a request has come may the watch end it. */
    private enum Use {
        /** No request has come on it yet. */
        NEW,
        IDLE,
        BUSY,
        ENDED
    }

    GuardedConnection(ConnectionContext inner, ConnectionLimits limits, ConnectionWatch watch) {
        this.inner = inner;
        this.limits = limits;
        this.watch = watch;
        this.peer = inner.remotePeer().address() instanceof InetSocketAddress its ? its.getAddress() : null;
        this.wire = Wire.of(inner.serverSocket(), wait, limits.stall()).orElse(null);
    }

    @Nullable
    InetAddress peer() {
        return peer;
    }

    /** The socket itself, where there is nothing between. */
    Optional<Wire> wire() {
        return Optional.ofNullable(wire);
    }

    // ---- Its end ----

    /** Whether the server is about to close. */
    boolean isDraining() {
        return watch.isDraining();
    }

    /** What is being answered is the last that is said on it. */
    void endSoon() {
        isEnding = true;
    }

    boolean isEnding() {
        return isEnding;
    }

    /** Ends it if nothing of a request has come. For the watch, when the server closes. */
    void endIfIdle(long now) {
        var its = use.get();
        boolean isIdle = its == Use.IDLE || (its == Use.NEW && now - opened > FIRST_REQUEST.toNanos());
        if (!isIdle || !isSilent() || !use.compareAndSet(its, Use.ENDED)) {
            return;
        }
        if (wire == null) {
            cut();
        } else {
            // Whoever waits for a request wakes up, and still gets one that came meanwhile.
            wire.endInput();
        }
    }

    /** Whether nothing has come that was not read. */
    private boolean isSilent() {
        var its = hangUps;
        return wire == null || (wire.available() == 0 && (its == null || !its.hasHeard()));
    }

    /**
     * Does work during which this thread is interrupted if the client hangs up. Where something is between it and the socket,
     * nobody notices.
     *
     * @throws CloseConnectionException when the client has hung up, so that the work has failed
     */
    <T> T whileConnected(Supplier<T> work) {
        if (wire == null) {
            return work.get();
        }
        var its = hangUps;
        if (its == null) {
            its = new HangUps(wire);
            hangUps = its;
        }
        its.begin();
        try {
            return work.get();
        } catch (RuntimeException e) {
            throw its.end() ? new CloseConnectionException("the client hung up", e) : e;
        } finally {
            its.end();
        }
    }

    /** Listens for its client if it is worked on for long. For the watch. */
    void listenIfLate(long now) {
        var its = hangUps;
        if (its != null) {
            its.listenIfLate(now);
        }
    }

    /** What it has waited for too long, if it has: not for what has come, and only has to be read. For the watch. */
    Optional<Wait.Reason> overdue(long now) {
        return wait.overdue(now).filter(reason -> reason == Wait.Reason.WRITE || wire == null || wire.available() == 0);
    }

    /** Ends a wait that has lasted too long. For the watch. */
    void giveUp(Wait.Reason reason) {
        if (reason == Wait.Reason.DEADLINE && wire != null) {
            // Whoever waits for the body wakes up, and still answers.
            wire.endInput();
            return;
        }
        watch.count(reason);
        cut();
    }

    /** Ends it at once, from any thread. */
    void cut() {
        if (wire != null) {
            wire.cut();
            return;
        }
        try {
            inner.serverSocket().close();
        } catch (UncheckedIOException e) {
            LOG.log(System.Logger.Level.TRACE, "a connection was gone before it was cut", e);
        }
    }

    /** Nothing more is said on it, and the web server is about to close it. */
    void end() {
        giveRoom();
        if (isEnding && wire != null) {
            wire.endOutput();
            var its = hangUps;
            if (its == null || its.awaitSilence(Wire.LINGER)) {
                wire.linger();
            }
        }
    }

    /**
     * Says that and no more, whatever is asked; it fits into what the system sends by itself.
     *
     * @param lingers whether to make sure that it is heard, which may take a moment
     */
    void refuse(byte[] answer, boolean lingers) {
        if (wire == null) {
            return;
        }
        try {
            wire.write(ByteBuffer.wrap(answer));
            if (lingers) {
                wire.linger();
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a connection was gone before it was refused", e);
        }
    }

    // ---- Reading ----

    /**
     * Reads the next head.
     *
     * @return false when none comes
     * @throws RefusedException for what is none
     */
    boolean read(HeadParser parser) {
        headBegan = 0;
        if (to - from >= 2 && buffer[from] == '\r' && buffer[from + 1] == '\n') {
            // Old clients send it behind a request; it is no beginning of another (RFC 9112 §2.2).
            from += 2;
        }
        while (true) {
            int length = from < to ? parser.read(buffer, from, to) : 0;
            if (length > 0) {
                isUsed = true;
                bodyRead = 0;
                bodyWaited = 0;
                return true;
            }
            if (!readMore()) {
                return requireNone(parser);
            }
        }
    }

    private static boolean requireNone(HeadParser parser) {
        if (parser.hasLine()) {
            throw RefusedException.broken("a head that breaks off");
        }
        return false;
    }

    /** Takes off the head that was read, or what there is of it. */
    RequestHead head(HeadParser parser) {
        var head = parser.head(buffer, from);
        from += parser.length();
        return head;
    }

    private boolean readMore() {
        makeRoom();
        int length = from == to ? beginningOfHead() : restOfHead();
        to += Math.max(0, length);
        return length >= 0;
    }

    private void makeRoom() {
        if (from == to) {
            giveRoom();
            buffer = beginning;
            from = 0;
            to = 0;
        } else if (to == buffer.length) {
            int size = Math.max(HEAD_BYTES, 2 * (to - from));
            if (!watch.takeRoom(size - room)) {
                throw RefusedException.of(503, "too many long heads");
            }
            room = size;
            var larger = new byte[size];
            System.arraycopy(buffer, from, larger, 0, to - from);
            buffer = larger;
            to -= from;
            from = 0;
        }
    }

    private void giveRoom() {
        if (room > 0) {
            watch.giveRoom(room);
            room = 0;
        }
    }

    private int restOfHead() {
        if (headBegan == 0) {
            headBegan = System.nanoTime();
        }
        wait.begin(Wait.Reason.HEAD, headBegan + limits.head().toNanos() - System.nanoTime());
        return read(buffer, to, buffer.length - to);
    }

    private int beginningOfHead() {
        var resting = isUsed ? Use.IDLE : Use.NEW;
        // First this, then the question: the watch asks the other way round, so one of the two sees the other.
        use.set(resting);
        if (isUsed && watch.isClosing() && isSilent()) {
            return -1;
        }
        wait.begin(Wait.Reason.IDLE, limits.idle().toNanos());
        int length = read(buffer, 0, buffer.length);
        use.compareAndSet(resting, Use.BUSY);
        return length;
    }

    /**
     * Reads what comes next, be it a body or not: its end is for the caller to know. It is waited for until {@link
     * Deadline#current()}; then it ends, and the connection is to end with the answer.
     */
    int readBody(byte[] target, int offset, int length) {
        if (from < to) {
            int kept = Math.min(length, to - from);
            System.arraycopy(buffer, from, target, offset, kept);
            from += kept;
            return kept;
        }
        long began = System.nanoTime();
        long stall = limits.stall().toNanos();
        long patience = patience();
        long left = Deadline.current().remainingNanos();
        if (left < Math.min(stall, patience)) {
            wait.begin(Wait.Reason.DEADLINE, left);
        } else {
            wait.begin(patience < stall ? Wait.Reason.SLOW_BODY : Wait.Reason.STALL, Math.min(stall, patience));
        }
        int read = read(target, offset, length);
        if (read < 0 && left - (System.nanoTime() - began) <= 0) {
            watch.count(Wait.Reason.DEADLINE);
            endSoon();
        }
        bodyWaited += System.nanoTime() - began;
        bodyRead += Math.max(0, read);
        return read;
    }

    /** How long the body may still be waited for before it is too slow on the whole. */
    private long patience() {
        long rate = limits.bodyBytesPerSecond();
        return rate == 0 ? Long.MAX_VALUE : limits.grace().toNanos() + (long) (bodyRead * 1e9 / rate) - bodyWaited;
    }

    /** Takes back what stands behind a body, which was read with it the last time. */
    void giveBack(byte[] bytes, int begin, int end) {
        if (from < to) {
            // It came from there, and more stands behind it: that of a long head has room for many requests.
            from -= end - begin;
        } else if (begin < end) {
            giveRoom();
            buffer = Arrays.copyOfRange(bytes, begin, end);
            from = 0;
            to = buffer.length;
        }
    }

    /** What has been waited for too long is cut by the watch, which ends this by an exception. */
    private int read(byte[] target, int offset, int length) {
        try {
            if (wire == null) {
                return readAhead(target, offset, length);
            }
            var to = ByteBuffer.wrap(target, offset, length);
            var its = hangUps;
            return its == null ? wire.read(to) : its.read(to);
        } catch (IOException | UncheckedIOException e) {
            throw new ServerConnectionException("a connection broke", e);
        } finally {
            wait.end();
        }
    }

    /** The web server reads as much as it likes. */
    private int readAhead(byte[] target, int offset, int length) {
        if (ahead.length == 0) {
            var read = inner.serverSocket().get();
            if (read == null) {
                return -1;
            }
            ahead = read;
        }
        int taken = Math.min(length, ahead.length);
        System.arraycopy(ahead, 0, target, offset, taken);
        ahead = taken == ahead.length ? NOTHING : Arrays.copyOfRange(ahead, taken, ahead.length);
        return taken;
    }

    // ---- Writing ----

    /** Writes those bytes; the client has its time for each part that it takes. */
    void write(byte[] bytes, int offset, int length) {
        try {
            if (wire == null) {
                inner.dataWriter().writeNow(BufferData.create(bytes, offset, length));
                return;
            }
            for (int at = offset; at < offset + length; at += WRITE_BYTES) {
                wire.write(ByteBuffer.wrap(bytes, at, Math.min(WRITE_BYTES, offset + length - at)));
            }
        } catch (IOException | UncheckedIOException | SocketWriterException e) {
            throw new ServerConnectionException("a client did not take its answer", e);
        }
    }
}
