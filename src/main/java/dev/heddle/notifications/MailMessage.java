package dev.heddle.notifications;

import jakarta.activation.DataHandler;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.util.ByteArrayDataSource;
import jakarta.mail.util.StreamProvider;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UnsupportedEncodingException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.regex.Pattern;
import org.eclipse.angus.mail.util.MailStreamProvider;

/** A {@link Mail} as it goes over the wire and into files (RFC 5322): the same mail gives the same bytes. */
final class MailMessage extends MimeMessage {

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern(
                    "EEE, d MMM uuuu HH:mm:ss xx", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);

    /** Would end a header or leave a line of nothing but spaces in it. */
    private static final Pattern BREAKS = Pattern.compile("[\\p{Cc}\\p{Zl}\\p{Zp} ]+");

    /**
     * Other characters lose their high byte on the wire, where some of them would be line ends; servers that take them
     * (SMTPUTF8) are few.
     */
    private static final Pattern VISIBLE_ASCII = Pattern.compile("[!-~]+");

    private static final Pattern LINE_END = Pattern.compile("\r\n|\r|\n");

    static {
        // Else the library looks through all jars for it, several times for each mail.
        System.setProperty(StreamProvider.class.getName(), MailStreamProvider.class.getName());
    }

    private final Mail mail;
    private final String domain;

    private MailMessage(Mail mail, String domain) {
        super((Session) null);
        this.mail = mail;
        this.domain = domain;
    }

    /**
     * Makes the message.
     *
     * @throws MailException when the address of the receiver (permanent) or of the sender (not) is none
     */
    static MailMessage of(Mail mail, String from) {
        var sender = sender(from);
        var receiver = receiver(mail);
        var address = sender.getAddress();
        var message = new MailMessage(mail, address.substring(address.lastIndexOf('@') + 1));
        try {
            message.setFrom(sender);
            message.setRecipient(RecipientType.TO, receiver);
            message.setSubject(oneLine(mail.subject()), StandardCharsets.UTF_8.name());
            message.setHeader("Date", DATE.format(mail.date()));
            message.setHeader("Auto-Submitted", "auto-generated");
            // Not setText(): it would ask for a handler of text/plain in the files of whoever runs this.
            message.setDataHandler(new DataHandler(new ByteArrayDataSource(text(mail), "text/plain; charset=utf-8")));
            message.saveChanges();
        } catch (MessagingException e) {
            throw MailException.transientFailure("cannot write mail " + mail.id(), e);
        }
        return message;
    }

    /** The domain of the sender. */
    String domain() {
        return domain;
    }

    /** The whole message, its lines ended by CRLF. */
    byte[] bytes() {
        var bytes = new ByteArrayOutputStream();
        try {
            writeTo(bytes);
        } catch (IOException | MessagingException e) {
            throw MailException.transientFailure("cannot write mail " + mail.id(), e);
        }
        return bytes.toByteArray();
    }

    /** Called by {@link #saveChanges()}, which would make one of its own. */
    @Override
    protected void updateMessageID() throws MessagingException {
        setHeader("Message-ID", "<" + mail.id() + "@" + domain + ">");
    }

    private static InternetAddress sender(String setting) {
        var from = oneLine(setting);
        try {
            var sender = address(from);
            sender.setPersonal(sender.getPersonal(), StandardCharsets.UTF_8.name());
            return sender;
        } catch (AddressException | UnsupportedEncodingException e) {
            // It is a setting: once it is mended, this mail can go.
            throw MailException.transientFailure("the sender is no mail address: " + from, e);
        }
    }

    private static InternetAddress receiver(Mail mail) {
        try {
            var receiver = address(mail.to());
            // "x<a@b>" would go to somebody else than it seems.
            if (receiver.getAddress().equals(mail.to())) {
                return receiver;
            }
        } catch (AddressException e) {
            // Said below, without the parser's view of it.
        }
        throw MailException.permanent("mail " + mail.id() + " has a receiver that cannot be written to");
    }

    private static InternetAddress address(String text) throws AddressException {
        var address = new InternetAddress(text, true);
        if (!VISIBLE_ASCII.matcher(address.getAddress()).matches()) {
            throw new AddressException("not in ASCII");
        }
        return address;
    }

    private static String oneLine(String text) {
        return BREAKS.matcher(text).replaceAll(" ").strip();
    }

    private static byte[] text(Mail mail) {
        return LINE_END.matcher(mail.text()).replaceAll("\r\n").getBytes(StandardCharsets.UTF_8);
    }
}
