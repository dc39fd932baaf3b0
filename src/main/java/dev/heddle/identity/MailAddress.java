package dev.heddle.identity;

import java.util.regex.Pattern;

/** What counts as an e-mail address here: one that mail can be written to and from. Whether it exists, only a message can tell. */
public final class MailAddress {

    private static final String WORD = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    private static final String LABEL = "[A-Za-z0-9-]+";

    /**
     * A dot-string and a domain (RFC 5321 §4.1.2), in ASCII, as forms of browsers have it too: no quotes, no literal
     * addresses, and of a name in another script only what DNS knows it by ({@code xn--}). 64 characters and 189, so 254
     * with the sign between (§4.5.3.1).
     */
    public static final Pattern FORM =
            Pattern.compile("(?=.{1,64}@.{1,189}$)" + WORD + "(?:\\." + WORD + ")*@" + LABEL + "(?:\\." + LABEL + ")*");

    private MailAddress() {}
}
