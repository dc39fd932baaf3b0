package dev.heddle.connection;

import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import io.helidon.webserver.ServerConnectionException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A connection as the parser sees it. It knows where each request ends, so that no byte of a body is ever parsed as a
 * request, and it takes chunks apart itself, because the parser would hold each of them whole. Belongs to the thread of
 * the connection.
 */
public final class GuardedConnection implements ConnectionContext {

    private static final System.Logger LOG = System.getLogger(GuardedConnection.class.getName());

    static final ScopedValue<GuardedConnection> CURRENT = ScopedValue.newInstance();

    /** The end of a head. */
    private static final byte[] EMPTY_LINE = {'\r', '\n', '\r', '\n'};

    private static final int LINE_END_BYTES = 2;

    /** A body that is longer is read in pieces of that size. Idle connections hold nothing of it, busy ones one piece. */
    private static final int PIECE_BYTES = 32 * 1024;

    /** What is kept for the beginning of a head while none comes: most heads are shorter, and most connections idle. */
    private static final int BEGINNING_BYTES = 1024;

    /** For the rest of a longer one. */
    private static final int HEAD_BYTES = 8 * 1024;

    private static final byte[] NOTHING = new byte[0];

    /** Whoever has connected right before the server closes is about to ask; whoever has said nothing for so long is not. */
    private static final Duration FIRST_REQUEST = Duration.ofSeconds(1);

    // Set once.
    private final ConnectionContext inner;
    private final ConnectionLimits limits;
    private final ConnectionWatch watch;
    private final long opened = System.nanoTime();
    private final @Nullable Wire wire;
    private final DataWriter writer;
    private final DataReader reader = DataReader.create(this::pull);
    private final Wait wait = new Wait();

    // The connection's thread and the watch.
    private final AtomicReference<Use> use = new AtomicReference<>(Use.BUSY);

    // The connection's thread.

    private final HeaderRules rules = new HeaderRules();
    private final byte[] beginning = new byte[BEGINNING_BYTES];

    private Expected expected = Expected.HEAD;

    /** Read from the socket, and not yet handed on: the bytes from {@link #from} on. */
    private byte[] kept = NOTHING;

    private int from;
    private int matched;
    private final RequestLine line = new RequestLine();
    private long bodyLeft;
    private long bodyMax = Long.MAX_VALUE;
    private @Nullable ChunkedBody chunks;
    private byte @Nullable [] piece;
    /** When the head began that is being read, 0 when none is. */
    private long headBegan;

    private long bodyRead;
    private long bodyWaited;
    private boolean closeIsAsked;
    private boolean isClosing;
    private boolean isHandled;
    private boolean isUsed;

    /** What the connection is for at the moment. Only where nothing of a request has come may the watch end it. */
    private enum Use {
        /** No request has come on it yet. */
        NEW,
        IDLE,
        BUSY,
        ENDED
    }

    /** What comes next on the wire. */
    private enum Expected {
        HEAD,
        /** Nothing, until the parser says what the head was. */
        VERDICT,
        SIZED_BODY,
        CHUNKED_BODY
    }

    GuardedConnection(ConnectionContext inner, ConnectionLimits limits, ConnectionWatch watch) {
        this.inner = inner;
        this.limits = limits;
        this.watch = watch;
        this.wire = Wire.of(inner.serverSocket(), wait, limits.stall()).orElse(null);
        this.writer = wire == null ? inner.dataWriter() : new GuardedWriter(wire);
    }

    /** That of the request which is being answered. */
    public static Optional<GuardedConnection> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /** The socket itself, where there is nothing between. */
    Optional<Wire> wire() {
        return Optional.ofNullable(wire);
    }

    // ---- What the parser and the writer tell ----

    /** A request line was parsed. */
    void begin() {
        if (isClosing || expected == Expected.SIZED_BODY || expected == Expected.CHUNKED_BODY) {
            throw new CloseConnectionException("the rest of a body is no request");
        }
    }

    /** The head of a request was parsed. */
    void head(Headers headers) {
        isUsed = true;
        rules.check(headers);
        closeIsAsked = HeaderRules.sayClose(headers);
        bodyMax = Long.MAX_VALUE;
        bodyRead = 0;
        bodyWaited = 0;
        isHandled = false;
        if (headers.contains(HeaderNames.TRANSFER_ENCODING)) {
            expected = Expected.CHUNKED_BODY;
            chunks = new ChunkedBody();
        } else {
            bodyLeft = sizeOf(headers);
            expected = bodyLeft > 0 ? Expected.SIZED_BODY : Expected.HEAD;
        }
    }

    /** A size that is none is refused by the web server right after this. */
    private static long sizeOf(Headers headers) {
        try {
            return headers.contentLength().orElse(0);
        } catch (IllegalArgumentException e) {
            return 0;
        }
    }

    /** The answer has begun to leave. */
    void answered(boolean withClose) {
        // RFC 9112 §9.6: whoever said close has ended the connection with this answer.
        isClosing = withClose || closeIsAsked;
    }

    /** Whoever answers the request needs no more of its body. */
    public void handled() {
        isHandled = true;
    }

    /** Whether the answer that is made is the last one, because the server is about to close. */
    public boolean isLast() {
        return watch.isDraining();
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
        return wire == null || wire.available() == 0;
    }

    /** What it has waited for too long, if it has. For the watch. */
    Optional<Wait.Reason> overdue(long now) {
        return wait.overdue(now);
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

    /** The web server is done with the connection and is about to close it. */
    void end() {
        if (isClosing && wire != null) {
            wire.linger();
        }
    }

    /** Says that and no more, whatever is asked; it fits into what the system sends by itself. */
    void refuse(byte[] answer) {
        if (wire == null) {
            return;
        }
        try {
            wire.write(ByteBuffer.wrap(answer));
            wire.linger();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.TRACE, "a connection was gone before it was refused", e);
        }
    }

    /** What the body of this request may have; one that says by its chunks that it has more is refused at once. */
    public void bodyMax(long bytes) {
        bodyMax = bytes;
    }

    // ---- What the parser reads ----

    private byte @Nullable [] pull() {
        // What would be read behind the answer is the next request to the parser, be it the rest of a body.
        if (isClosing && (isHandled || expected == Expected.HEAD)) {
            return null;
        }
        return switch (expected) {
            case HEAD -> head();
            case VERDICT -> throw new CloseConnectionException("a head that goes on behind its end");
            case SIZED_BODY -> sizedBody();
            case CHUNKED_BODY -> chunk();
        };
    }

    private byte @Nullable [] head() {
        var bytes = next(0);
        if (bytes != null && headBegan == 0 && startsWithLineEnd(bytes)) {
            // Behind a body, by old clients; one is ignored (RFC 9112 §2.2).
            headBegan = System.nanoTime();
            bytes = bytes.length > LINE_END_BYTES ? Arrays.copyOfRange(bytes, LINE_END_BYTES, bytes.length) : next(0);
        }
        if (bytes == null) {
            return null;
        }
        int end = endOfHead(bytes);
        line.check(bytes, end > 0 ? end : bytes.length);
        if (end > 0) {
            line.begin();
            expected = Expected.VERDICT;
            headBegan = 0;
            return split(bytes, end);
        }
        if (headBegan == 0) {
            headBegan = System.nanoTime();
        }
        return bytes;
    }

    private static boolean startsWithLineEnd(byte[] bytes) {
        return bytes.length >= LINE_END_BYTES && bytes[0] == '\r' && bytes[1] == '\n';
    }

    /** Behind the empty line, 0 when it is not there yet; it may begin in one read and end in another. */
    private int endOfHead(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            byte b = bytes[i];
            matched = b == EMPTY_LINE[matched] ? matched + 1 : b == '\r' ? 1 : 0;
            if (matched == EMPTY_LINE.length) {
                matched = 0;
                return i + 1;
            }
        }
        return 0;
    }

    private byte @Nullable [] sizedBody() {
        var bytes = next(bodyLeft);
        if (bytes == null) {
            return null;
        }
        int length = (int) Math.min(bytes.length, bodyLeft);
        bodyLeft -= length;
        if (bodyLeft == 0) {
            endOfBody();
        }
        return split(bytes, length);
    }

    private byte @Nullable [] chunk() {
        var decoder = chunks;
        if (decoder == null) {
            return null;
        }
        while (true) {
            var bytes = next(PIECE_BYTES);
            if (bytes == null) {
                return null;
            }
            var frame = decoder.frame(bytes, bodyMax);
            keep(bytes, decoder.taken());
            if (decoder.isAtEnd()) {
                endOfBody();
            }
            if (frame.length > 0) {
                return frame;
            }
        }
    }

    private void endOfBody() {
        expected = Expected.HEAD;
        chunks = null;
        piece = null;
    }

    /** What is kept, or else what comes, for something that has so many bytes left. */
    private byte @Nullable [] next(long left) {
        if (from < kept.length) {
            var bytes = from == 0 ? kept : Arrays.copyOfRange(kept, from, kept.length);
            keep(NOTHING, 0);
            return bytes;
        }
        return expected == Expected.HEAD ? nextOfHead() : nextOfBody(left);
    }

    private byte @Nullable [] nextOfHead() {
        if (headBegan == 0) {
            return beginningOfHead();
        }
        wait.begin(Wait.Reason.HEAD, headBegan + limits.head().toNanos() - System.nanoTime());
        return read(0);
    }

    private byte @Nullable [] beginningOfHead() {
        var resting = isUsed ? Use.IDLE : Use.NEW;
        // First this, then the question: the watch asks the other way round, so one of the two sees the other.
        use.set(resting);
        if (isUsed && watch.isClosing() && isSilent()) {
            return null;
        }
        wait.begin(Wait.Reason.IDLE, limits.idle().toNanos());
        var bytes = read(0);
        use.compareAndSet(resting, Use.BUSY);
        return bytes;
    }

    private byte @Nullable [] nextOfBody(long left) {
        long began = System.nanoTime();
        long stall = limits.stall().toNanos();
        long patience = patience();
        wait.begin(patience < stall ? Wait.Reason.SLOW_BODY : Wait.Reason.STALL, Math.min(stall, patience));
        var bytes = read(left);
        bodyWaited += System.nanoTime() - began;
        bodyRead += bytes == null ? 0 : bytes.length;
        return bytes;
    }

    /** How long the body may still be waited for before it is too slow on the whole. */
    private long patience() {
        long rate = limits.bodyBytesPerSecond();
        return rate == 0 ? Long.MAX_VALUE : limits.grace().toNanos() + (long) (bodyRead * 1e9 / rate) - bodyWaited;
    }

    /** What has been waited for too long is cut by the watch, which ends this by an exception. */
    private byte @Nullable [] read(long left) {
        try {
            return wire == null ? inner.serverSocket().get() : next(wire, left);
        } catch (IOException | UncheckedIOException e) {
            throw new ServerConnectionException("a connection broke", e);
        } finally {
            wait.end();
        }
    }

    private byte @Nullable [] next(Wire socket, long left) throws IOException {
        if (left >= PIECE_BYTES) {
            return nextPiece(socket);
        }
        if (left > 0) {
            return bytes(socket, new byte[(int) left]);
        }
        return bytes(socket, headBegan == 0 ? beginning : new byte[HEAD_BYTES]);
    }

    private static byte @Nullable [] bytes(Wire socket, byte[] to) throws IOException {
        int length = socket.read(ByteBuffer.wrap(to));
        return length < 0 ? null : Arrays.copyOf(to, length);
    }

    private byte @Nullable [] nextPiece(Wire socket) throws IOException {
        if (piece == null) {
            piece = new byte[PIECE_BYTES];
        }
        return bytes(socket, piece);
    }

    /** The first so many; the others are kept. */
    private byte[] split(byte[] bytes, int length) {
        if (length == bytes.length) {
            return bytes;
        }
        keep(bytes, length);
        return Arrays.copyOf(bytes, length);
    }

    private void keep(byte[] bytes, int behind) {
        kept = behind == bytes.length ? NOTHING : bytes;
        from = behind == bytes.length ? 0 : behind;
    }

    // ---- The rest is the web server's ----

    @Override
    public DataReader dataReader() {
        return reader;
    }

    @Override
    public DataWriter dataWriter() {
        return writer;
    }

    @Override
    public ListenerContext listenerContext() {
        return inner.listenerContext();
    }

    @Override
    public ExecutorService executor() {
        return inner.executor();
    }

    @Override
    public Router router() {
        return inner.router();
    }

    @Override
    public Optional<ProxyProtocolData> proxyProtocolData() {
        return inner.proxyProtocolData();
    }

    @Override
    public HelidonSocket serverSocket() {
        return inner.serverSocket();
    }

    @Override
    public PeerInfo remotePeer() {
        return inner.remotePeer();
    }

    @Override
    public PeerInfo localPeer() {
        return inner.localPeer();
    }

    @Override
    public boolean isSecure() {
        return inner.isSecure();
    }

    @Override
    public String socketId() {
        return inner.socketId();
    }

    @Override
    public String childSocketId() {
        return inner.childSocketId();
    }
}
