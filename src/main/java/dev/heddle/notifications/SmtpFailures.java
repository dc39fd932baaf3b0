package dev.heddle.notifications;

import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.MessagingException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;

/** What the failures of a conversation mean. */
final class SmtpFailures {

    /** The reply code and, if the server has them, the enhanced code of RFC 3463; the words behind may quote the mail. */
    private static final Pattern CODES = Pattern.compile("\\d{3}(?:[ -]\\d\\.\\d{1,3}\\.\\d{1,3})?");

    /** What the library says by itself, or the server before it has heard a password or a mail; enough of it to know. */
    private static final Pattern START = Pattern.compile("[^\\p{Cntrl}]{0,200}");

    private static final int FOR_GOOD = 5;

    private SmtpFailures() {}

    static MailException translate(Smtp smtp, Exception failure) {
        var chain = chain(failure);
        // First, because the library wraps a broken connection into whatever it was about.
        for (var link : chain) {
            if (link instanceof IOException e) {
                return MailException.transientFailure(smtp + ": " + e, e);
            }
        }
        for (var link : chain) {
            if (link instanceof SMTPAddressFailedException e) {
                return refusal(smtp + " refused the receiver", e.getReturnCode(), e);
            } else if (link instanceof SMTPSendFailedException e
                    && !e.getCommand().startsWith("MAIL ")) {
                return refusal(smtp + " refused the message", e.getReturnCode(), e);
            } else if (link instanceof SMTPSendFailedException e) {
                return MailException.transientFailure(smtp + " refused the sender" + codes(e), null);
            } else if (link instanceof AuthenticationFailedException e) {
                return MailException.transientFailure(smtp + " refused the login" + codes(e), null);
            }
        }
        return MailException.transientFailure(smtp + " broke off: " + start(failure), null);
    }

    private static MailException refusal(String what, int code, Exception answer) {
        var message = what + codes(answer);
        return code / 100 == FOR_GOOD
                ? MailException.permanent(message)
                : MailException.transientFailure(message, null);
    }

    private static String codes(Exception answer) {
        var codes = CODES.matcher(String.valueOf(answer.getMessage()));
        return codes.lookingAt() ? ": " + codes.group() : "";
    }

    private static String start(Exception failure) {
        var start = START.matcher(String.valueOf(failure.getMessage()));
        return start.lookingAt() ? start.group() : "";
    }

    private static List<Exception> chain(Exception failure) {
        var chain = new ArrayList<Exception>();
        for (Exception at = failure;
                at != null;
                at = at instanceof MessagingException e ? e.getNextException() : null) {
            chain.add(at);
        }
        return chain;
    }
}
