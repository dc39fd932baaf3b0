package dev.heddle.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A network between a client and a server of this machine, which a test can spoil. Its port stays the same whatever
 * happens behind it. Safe for any thread; whoever opens it closes it.
 */
public final class Forwarder implements AutoCloseable {

    /** What happens to connections. */
    public enum Mode {
        /** All is well. */
        FORWARD,
        /** Connections are accepted and stay open, but nothing arrives any more; what was sent arrives when it is over. */
        BLACK_HOLE,
        /** Connections are accepted and reset, open ones too. */
        RESET,
        /** Connections are refused; open ones are reset. */
        REFUSE
    }

    // Set once.
    private final int port;

    // Any thread.
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    // Under the lock.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Mode mode = Mode.FORWARD;
    private boolean closed;
    private int target;
    private @Nullable ServerSocket listener;

    /** Forwards to that port of this machine. */
    public Forwarder(int target) {
        this.target = target;
        port = listen(0);
    }

    /** Where it listens. */
    public int port() {
        return port;
    }

    /** The server has another port now; connections from now on go there. */
    public void target(int newTarget) {
        lock.lock();
        try {
            target = newTarget;
        } finally {
            lock.unlock();
        }
    }

    /** From now on, this happens. */
    public void mode(Mode wanted) {
        lock.lock();
        try {
            mode = wanted;
            if (wanted == Mode.REFUSE) {
                stopListening();
            } else if (listener == null) {
                listen(port);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (wanted == Mode.RESET || wanted == Mode.REFUSE) {
            open.forEach(this::reset);
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            mode = Mode.REFUSE;
            stopListening();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        open.forEach(this::reset);
    }

    private int listen(int wanted) {
        try {
            var server = new ServerSocket(wanted, 100, InetAddress.getLoopbackAddress());
            listener = server;
            Thread.ofVirtual().name("forwarder-accept").start(() -> accept(server));
            return server.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void stopListening() {
        var server = listener;
        listener = null;
        if (server != null) {
            try {
                server.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void accept(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                var client = server.accept();
                open.add(client);
                Thread.ofVirtual().name("forwarder").start(() -> connect(client));
            } catch (IOException e) {
                // Closed: connections are refused from now on.
                return;
            }
        }
    }

    private void connect(Socket client) {
        int port = awaitForwarding();
        if (port < 0) {
            reset(client);
            return;
        }
        var server = new Socket();
        open.add(server);
        try {
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            server.setTcpNoDelay(true);
            client.setTcpNoDelay(true);
        } catch (IOException e) {
            reset(client);
            reset(server);
            return;
        }
        var back = CompletableFuture.runAsync(() -> pump(server, client), Thread::startVirtualThread);
        pump(client, server);
        back.join();
        reset(client);
        reset(server);
    }

    private void pump(Socket from, Socket to) {
        try {
            var buffer = new byte[8192];
            for (int n; (n = from.getInputStream().read(buffer)) >= 0; ) {
                if (awaitForwarding() < 0) {
                    throw new IOException("reset");
                }
                to.getOutputStream().write(buffer, 0, n);
            }
            awaitForwarding();
            to.shutdownOutput();
        } catch (IOException e) {
            reset(from);
            reset(to);
        }
    }

    /** Waits while the hole is black; the port to connect to, or -1 when connections are to be reset. */
    private int awaitForwarding() {
        lock.lock();
        try {
            while (mode == Mode.BLACK_HOLE && !closed) {
                changed.awaitUninterruptibly();
            }
            return mode == Mode.FORWARD ? target : -1;
        } finally {
            lock.unlock();
        }
    }

    private void reset(Socket socket) {
        open.remove(socket);
        try {
            // Closing without lingering sends RST.
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // It was closed already.
        }
    }
}
