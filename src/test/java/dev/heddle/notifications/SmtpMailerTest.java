package dev.heddle.notifications;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.notifications.Smtp.Security;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SmtpMailerTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    /** Makes both kinds of mailer, and sends; loaded again where there is no mail library. */
    public static final class Start implements Supplier<Mailer[]> {
        @Override
        public Mailer[] get() {
            return new Mailer[] {
                new SmtpMailer(smtp("heddle@example.com", 25, null, null, SECOND)),
                new MailFolder(Path.of("mail"), "heddle@localhost")
            };
        }
    }

    /** Sends a mail there. */
    public static final class Send implements Supplier<String> {
        @Override
        public String get() {
            new MailFolder(Path.of("mail"), "heddle@localhost")
                    .send(new Mail(new UUID(0, 1), Instant.EPOCH, "a@example.com", "s", "t"));
            return "sent";
        }
    }

    private static Smtp smtp(
            String from, int port, @Nullable String username, @Nullable String password, Duration timeout) {
        return new Smtp("mail.example", port, Security.TLS, username, password, from, SECOND, timeout);
    }

    private static Object runWithoutTheMailLibrary(Class<?> supplier) throws Exception {
        var ours = new URL[] {
            Mailer.class.getProtectionDomain().getCodeSource().getLocation(),
            supplier.getProtectionDomain().getCodeSource().getLocation()
        };
        try (var loader = new URLClassLoader(ours, ClassLoader.getPlatformClassLoader())) {
            var alone = loader.loadClass(supplier.getName());
            return alone.getMethod("get").invoke(alone.getConstructor().newInstance());
        }
    }

    @Test
    void theMailLibraryIsLoadedWithTheFirstMailAndNotBefore() throws Exception {
        assertEquals(2, ((Object[]) runWithoutTheMailLibrary(Start.class)).length);
        var failure = assertThrows(InvocationTargetException.class, () -> runWithoutTheMailLibrary(Send.class));
        assertInstanceOf(NoClassDefFoundError.class, failure.getCause());
    }

    @Test
    void theSettingsDoNotShowThePassword() {
        assertFalse(smtp("heddle@example.com", 25, "ada", "s3cret", SECOND)
                .toString()
                .contains("s3cret"));
    }

    @Test
    void settingsThatCannotWorkAreRefused() {
        refused("port", () -> smtp("heddle@example.com", 0, null, null, SECOND));
        refused("port", () -> smtp("heddle@example.com", 65_536, null, null, SECOND));
        refused("username and password", () -> smtp("heddle@example.com", 25, "ada", null, SECOND));
        refused("username and password", () -> smtp("heddle@example.com", 25, null, "s3cret", SECOND));
        refused("from", () -> smtp("heddle", 25, null, null, SECOND));
        refused("timeout", () -> smtp("heddle@example.com", 25, null, null, Duration.ZERO));
    }

    private static void refused(String what, Supplier<Smtp> settings) {
        var refusal = assertThrows(IllegalArgumentException.class, settings::get);
        assertTrue(String.valueOf(refusal.getMessage()).endsWith("wrong " + what), refusal::toString);
    }

    @Test
    void aSenderThatIsNoneIsAMatterOfSettingsAndNotOfTheMail() {
        var mail = new Mail(new UUID(0, 1), Instant.EPOCH, "a@example.com", "s", "t");
        var mailer = new SmtpMailer(smtp("he ddle@@example.com", 25, null, null, SECOND));
        var failure = assertThrows(MailException.class, () -> mailer.send(mail));
        assertFalse(failure.isPermanent(), failure::toString);
    }
}
