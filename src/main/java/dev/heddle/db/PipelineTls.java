package dev.heddle.db;

import java.io.IOException;
import java.net.Socket;
import java.util.Properties;
import org.postgresql.PGProperty;
import org.postgresql.ssl.LibPQFactory;
import org.postgresql.util.PSQLException;

/**
 * The driver's own TLS, which reads certificates where libpq does; {@link PipelineSockets} hears of what it makes. Named by
 * the driver's property {@code sslfactory}, so it is public, as is its constructor; for nobody else.
 */
public final class PipelineTls extends LibPQFactory {

    private final String key;

    /** For the connection with those properties. */
    public PipelineTls(Properties properties) throws PSQLException {
        super(properties);
        this.key = String.valueOf(PGProperty.SOCKET_FACTORY_ARG.getOrDefault(properties));
    }

    @Override
    public Socket createSocket(Socket inner, String host, int port, boolean autoClose) throws IOException {
        var socket = super.createSocket(inner, host, port, autoClose);
        PipelineSockets.made(key, socket);
        return socket;
    }
}
