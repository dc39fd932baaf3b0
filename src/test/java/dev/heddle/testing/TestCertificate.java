package dev.heddle.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/** A key and a certificate that nobody but a test trusts. */
public final class TestCertificate {

    /** Of its key store. */
    public static final String PASSWORD = "changeit";

    private final Path file;
    private final SSLContext context;

    private TestCertificate(Path file, SSLContext context) {
        this.file = file;
        this.context = context;
    }

    /** Makes one for that host; the directory gets a file for it. */
    public static TestCertificate of(Path directory, String host)
            throws IOException, GeneralSecurityException, InterruptedException {
        var file = directory.resolve(host + ".p12");
        keytool(file, host);
        var store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
        return new TestCertificate(file, context(store));
    }

    private static void keytool(Path file, String host) throws IOException, InterruptedException {
        var keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keystore",
                        file.toString(),
                        "-storepass",
                        PASSWORD,
                        "-alias",
                        "test",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + host,
                        "-ext",
                        "SAN=dns:" + host)
                .redirectErrorStream(true)
                .redirectOutput(file.resolveSibling("keytool.log").toFile())
                .start();
        assertTrue(keytool.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, keytool.exitValue());
    }

    private static SSLContext context(KeyStore store) throws GeneralSecurityException {
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD.toCharArray());
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    /** The key store with key and certificate. */
    public Path file() {
        return file;
    }

    /** Makes sockets that show this certificate, and trust it alone. */
    public SSLSocketFactory sockets() {
        return context.getSocketFactory();
    }

    /** Shows this certificate, and trusts it alone. */
    public SSLContext context() {
        return context;
    }
}
