package dev.heddle.notifications;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;

/**
 * A socket that fails when the other side talks too much. What a mail server answers is kept in memory until its line
 * ends, and one that never ends it could fill the heap long before the time is up.
 */
final class CappedSocket extends Socket {

    /** A certificate chain and the answers to half a dozen commands are some ten kilobytes. */
    static final int READ_MAX_BYTES = 256 * 1024;

    // only the reading thread
    private int read;

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(super.getInputStream()) {
            @Override
            public int read() throws IOException {
                int b = super.read();
                count(b < 0 ? 0 : 1);
                return b;
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                int n = super.read(buffer, offset, length);
                count(n);
                return n;
            }
        };
    }

    private void count(int bytes) throws IOException {
        read += Math.max(0, bytes);
        if (read > READ_MAX_BYTES) {
            throw new IOException("more than " + READ_MAX_BYTES + " bytes of answers");
        }
    }
}
