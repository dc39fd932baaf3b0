package dev.heddle.db;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Properties;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * A connection on which many statements are sent at once. The driver logs in, with all that its address says about hosts,
 * TLS and passwords, and cancels; between, this speaks the protocol by itself ("Extended Query" in PostgreSQL's
 * documentation), as the driver waits for the rows of each statement before it sends the next. Belongs to one thread, but
 * for what cuts it.
 */
final class PipelineConnection implements AutoCloseable {

    private static final int BUFFER_BYTES = 16 * 1024;

    /** One that a large row has made larger is given up. */
    private static final int BUFFER_BYTES_KEPT = 256 * 1024;

    /** More than any that is sent here: whoever claims it does not speak the protocol. */
    private static final int MESSAGE_BYTES_MAX = 1 << 30;

    /** Of the driver while it logs in; a login that takes longer is none. */
    private static final String LOGIN_SECONDS = "5";

    private static final byte[] SYNC = {'S', 0, 0, 0, 4};

    // Set once.
    private final Connection connection;
    private final InputStream in;
    private final OutputStream out;
    private final long openedAt = System.nanoTime();

    private final BitSet prepared = new BitSet();
    private final WireMessage sending = new WireMessage(BUFFER_BYTES);
    private byte[] buffer = new byte[BUFFER_BYTES];
    private int from;
    private int to;
    // Of the message that has been read last.
    private int body;
    private int bodyEnd;

    private PipelineConnection(Connection connection, Socket socket) throws IOException {
        this.connection = connection;
        this.in = socket.getInputStream();
        this.out = socket.getOutputStream();
    }

    /**
     * Opens one.
     *
     * @param properties the driver's, with name and password
     */
    static PipelineConnection open(String url, Properties properties) throws SQLException, IOException {
        var its = new Properties();
        its.putAll(properties);
        try (var expected = new PipelineSockets.Expected()) {
            PGProperty.SOCKET_FACTORY.set(its, PipelineSockets.class.getName());
            PGProperty.SOCKET_FACTORY_ARG.set(its, expected.key());
            PGProperty.SSL_FACTORY.set(its, PipelineTls.class.getName());
            // Its encryption lies around no socket.
            PGProperty.GSS_ENC_MODE.set(its, "disable");
            // A limit of the driver's thread instead would make the socket elsewhere.
            PGProperty.LOGIN_TIMEOUT.set(its, "0");
            PGProperty.SOCKET_TIMEOUT.set(its, LOGIN_SECONDS);
            var connection = new Driver().connect(url, its);
            if (connection == null) {
                throw new SQLException("no address of PostgreSQL");
            }
            try {
                // From here on, the watch ends what takes too long.
                expected.socket().setSoTimeout(0);
                return new PipelineConnection(connection, expected.socket());
            } catch (IOException | RuntimeException e) {
                connection.close();
                throw e;
            }
        }
    }

    /** What cancels or cuts it. */
    Connection connection() {
        return connection;
    }

    long ageNanos() {
        return System.nanoTime() - openedAt;
    }

    /**
     * Prepares a statement, once; it is found to be unfit when its rows cannot be read. When PostgreSQL refuses it, as it does
     * while its table is locked for long, it goes alone for a while.
     *
     * @param aloneNanos that while
     */
    void prepare(PipelineStatement statement, long aloneNanos) throws IOException {
        if (prepared.get(statement.number())) {
            return;
        }
        sending.clear();
        // An attempt that failed late has left it there.
        sending.add('C');
        int close = sending.begin();
        sending.add('S').string(statement.name());
        sending.end(close);
        sending.add('P');
        int parse = sending.begin();
        // The type of each parameter is the one that PostgreSQL infers.
        sending.string(statement.name());
        if (!sending.text(statement.text())) {
            throw new IllegalArgumentException("no text of a statement");
        }
        sending.add(0).int16(0);
        sending.end(parse);
        sending.add('D');
        int describe = sending.begin();
        sending.add('S').string(statement.name());
        sending.end(describe);
        send();
        boolean fit = false;
        boolean refused = false;
        for (int type = read(); type != 'Z'; type = read()) {
            fit |= type == 'T' && hasReadableColumns();
            refused |= type == 'E';
        }
        if (refused) {
            statement.alone(aloneNanos);
        } else if (fit) {
            prepared.set(statement.number());
        } else {
            statement.unfit();
        }
    }

    /** A RowDescription: for each column its name, the table's number, the column's, its type, and three that are not needed. */
    private boolean hasReadableColumns() {
        var data = ByteBuffer.wrap(buffer, body, bodyEnd - body);
        int columns = data.getShort();
        for (int i = 0; i < columns; i++) {
            while (data.get() != 0) {
                // The name ends with a zero byte.
            }
            data.position(data.position() + Integer.BYTES + Short.BYTES);
            if (!WireRow.READABLE.contains(data.getInt())) {
                return false;
            }
            data.position(data.position() + 2 * Short.BYTES + Integer.BYTES);
        }
        return true;
    }

    /**
     * Sends prepared statements and reads their rows. One that fails takes those behind it along; who has got all of its
     * rows {@linkplain PipelineRequest#hasRows() knows}.
     */
    void run(List<PipelineRequest> requests) throws IOException {
        sending.clear();
        for (var request : requests) {
            sending.add(request.messages());
        }
        send();
        int at = 0;
        for (int type = read(); type != 'Z'; type = read()) {
            switch (type) {
                case 'D' -> requests.get(at).add(Arrays.copyOfRange(buffer, body, bodyEnd));
                case 'C' -> requests.get(at++).complete();
                // BindComplete, an error, and what PostgreSQL may say at any time.
                default -> {}
            }
        }
        if (buffer.length > BUFFER_BYTES_KEPT && from == to) {
            buffer = new byte[BUFFER_BYTES];
            from = 0;
            to = 0;
        }
    }

    private void send() throws IOException {
        sending.add(SYNC);
        out.write(sending.bytes(), 0, sending.size());
    }

    /** Reads a message, whose type this is; its body stands in the buffer until the next is read. */
    private int read() throws IOException {
        require(1 + Integer.BYTES);
        int type = buffer[from];
        int length = ByteBuffer.wrap(buffer).getInt(from + 1);
        if (length < Integer.BYTES || length > MESSAGE_BYTES_MAX) {
            throw new IOException("no message of PostgreSQL");
        }
        require(1 + length);
        body = from + 1 + Integer.BYTES;
        bodyEnd = from + 1 + length;
        from = bodyEnd;
        return type;
    }

    /** So many bytes behind {@code from} are in the buffer. */
    private void require(int bytes) throws IOException {
        if (to - from >= bytes) {
            return;
        }
        if (from > 0) {
            System.arraycopy(buffer, from, buffer, 0, to - from);
            to -= from;
            from = 0;
        }
        if (buffer.length < bytes) {
            buffer = Arrays.copyOf(buffer, Math.max(bytes, 2 * buffer.length));
        }
        while (to < bytes) {
            int more = in.read(buffer, to, buffer.length - to);
            if (more < 0) {
                throw new EOFException("PostgreSQL has ended the connection");
            }
            to += more;
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            // It was broken, or is now.
        }
    }
}
