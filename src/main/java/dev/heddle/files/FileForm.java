package dev.heddle.files;

import dev.heddle.content.DigestFields;
import dev.heddle.content.FileName;
import dev.heddle.files.FormReader.BrokenFormException;
import dev.heddle.files.FormReader.LongHeadException;
import dev.heddle.http.PercentEncoding;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A form (RFC 7578) that has one field, {@code file}, with a file in it. It is read as it comes: first the head, then the
 * file, then the end. One request's.
 */
final class FileForm {

    private static final String FIELD = "file";

    /** Of the head of a field: a name of 255 bytes takes three times as many when it is escaped. */
    private static final int HEAD_BYTES_MAX = 8 * 1024;

    private static final String UNKNOWN_TYPE = "application/octet-stream";

    private static final int TYPE_MAX = 127;

    /** RFC 2046 §5.1.1. */
    private static final Pattern BOUNDARY = Pattern.compile("[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]");

    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

    private static final Pattern TYPE = Pattern.compile("(" + TOKEN + "/" + TOKEN + ")[ \\t]*(?:;.*)?");

    /** Those of bytes as they are. The others were given up with RFC 7578 §4.7. */
    private static final List<String> ENCODINGS = List.of("", "binary", "8bit", "7bit");

    private final FormReader form;
    private final FileName name;
    private final String contentType;
    private final List<Map<String, byte[]>> digests;

    private FileForm(FormReader form, Map<String, String> head) {
        this.form = form;
        var disposition = head.getOrDefault("content-disposition", "");
        var parameters = FieldParameters.of(disposition);
        if (!disposition.toLowerCase(Locale.ROOT).startsWith("form-data") || !FIELD.equals(parameters.get("name"))) {
            throw Problem.invalid(
                    "/" + parameters.getOrDefault("name", ""),
                    "unknown",
                    "is not a field of this form; file is its only one");
        }
        name = nameOf(parameters);
        contentType = typeOf(head.getOrDefault("content-type", ""));
        if (!ENCODINGS.contains(
                head.getOrDefault("content-transfer-encoding", "").toLowerCase(Locale.ROOT))) {
            throw Problem.BAD_REQUEST.because("The file must be sent as it is, without a Content-Transfer-Encoding.");
        }
        digests = List.of(
                DigestFields.read("Content-Digest", head.getOrDefault("content-digest", "")),
                DigestFields.read("Repr-Digest", head.getOrDefault("repr-digest", "")));
    }

    /**
     * Reads as far as the file begins.
     *
     * @param contentType of the whole form
     * @throws ProblemException when it is not such a form, or its name no name of a file
     */
    static FileForm open(InputStream body, String contentType) {
        var form = new FormReader(body, boundary(contentType));
        try {
            if (!hasField(form)) {
                throw Problem.BAD_REQUEST.because("The form has no fields, or does not keep to its boundary.");
            }
            return new FileForm(form, head(form.head(HEAD_BYTES_MAX)));
        } catch (IOException e) {
            throw broken(e);
        }
    }

    private static boolean hasField(FormReader form) throws IOException {
        try {
            // What stands before the first field means nothing (RFC 2046 §5.1.1).
            return form.content((_, _, _) -> {});
        } catch (BrokenFormException e) {
            return false;
        }
    }

    /** Reads the boundary, which a form cannot do without; the refusal of what is no form is the route's. */
    private static String boundary(String contentType) {
        var boundary = FieldParameters.of(contentType).getOrDefault("boundary", "");
        if (!BOUNDARY.matcher(boundary).matches()) {
            throw Problem.BAD_REQUEST.because("The Content-Type of a form needs a boundary of 1 to 70 characters.");
        }
        return boundary;
    }

    private static ProblemException broken(IOException e) {
        return switch (e) {
            case LongHeadException _ ->
                Problem.BAD_REQUEST.because("The head of a field may have at most " + HEAD_BYTES_MAX + " bytes.");
            case BrokenFormException _ -> Problem.BAD_REQUEST.because("The form ends before its end.", e);
            default -> throw new UncheckedIOException(e);
        };
    }

    FileName name() {
        return name;
    }

    /** As the client says, without parameters. */
    String contentType() {
        return contentType;
    }

    /** The digests of the file that stand with it, by algorithm. */
    List<Map<String, byte[]>> digests() {
        return digests;
    }

    /** Reads the file, and then the rest of the form, in which nothing more may come. */
    void receive(FormReader.Sink sink) throws IOException {
        try {
            if (form.content(sink)) {
                throw Problem.invalid("", "unknown", "the form has more fields than one; file is its only one");
            }
            // What stands behind the end means nothing (RFC 2046 §5.1.1), but belongs to the body and to its digest.
            form.skipRest();
        } catch (BrokenFormException e) {
            throw broken(e);
        }
    }

    private static Map<String, String> head(byte[] bytes) {
        var fields = new HashMap<String, String>();
        for (var line : utf8(bytes).split("\r\n", -1)) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.merge(
                        line.substring(0, colon).strip().toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).strip(),
                        (one, other) -> one + ", " + other);
            }
        }
        return fields;
    }

    private static String utf8(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw Problem.BAD_REQUEST.because("The head of a field is not UTF-8.");
        }
    }

    /** {@code filename*} (RFC 8187) is the better one of the two, where it is sent. */
    private static FileName nameOf(Map<String, String> parameters) {
        var extended = parameters.get("filename*");
        var text = extended == null ? Optional.ofNullable(parameters.get("filename")) : extended(extended);
        return text.flatMap(FileName::of)
                .orElseThrow(() -> Problem.invalid("/filename", "invalid_name", FileName.RULE));
    }

    private static Optional<String> extended(String value) {
        var parts = value.split("'", 3);
        if (parts.length < 3 || !parts[0].equalsIgnoreCase("UTF-8")) {
            return Optional.empty();
        }
        return PercentEncoding.decode(parts[2], false);
    }

    private static String typeOf(String header) {
        var type = TYPE.matcher(header);
        return type.matches() && type.group(1).length() <= TYPE_MAX
                ? type.group(1).toLowerCase(Locale.ROOT)
                : UNKNOWN_TYPE;
    }
}
