package dev.heddle.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.http.ProblemException;
import dev.heddle.testing.Form;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.stream.Stream;

/** Any bytes where a form with a file should be. */
public final class FileFormFuzz {

    /** Short, so that it is hit upon. */
    private static final String BOUNDARY = "b";

    private static final String TYPE = "multipart/form-data; boundary=" + BOUNDARY;

    private FileFormFuzz() {}

    /** Where it begins, and what was found. */
    public static Stream<byte[]> seeds() {
        var whole = Form.of("x.txt", "content").replace(Form.BOUNDARY, BOUNDARY);
        return Stream.of(
                        whole,
                        "preamble\r\n" + whole + "epilogue",
                        whole.replace("content", "\r\n--\r\n--bb\r\n-"),
                        whole.replace("filename=\"x.txt\"", "filename*=UTF-8''caf%C3%A9"),
                        whole.replace("\r\n--b--", "\r\n--b\r\n\r\nmore\r\n--b--"),
                        whole.replace("\r\n\r\n", "\r\nContent-Digest: sha-256=:AAAA:\r\n\r\n"),
                        "--b--",
                        "--b\r\n\r\n\r\n--b--\r\n")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** What was received, or how it was refused. */
    private record Outcome(int status, String name, String type, String content) {

        static Outcome of(InputStream body) throws IOException {
            var content = new ByteArrayOutputStream();
            try {
                var form = FileForm.open(body, TYPE);
                form.receive(content::write);
                return new Outcome(
                        201, form.name().text(), form.contentType(), content.toString(StandardCharsets.ISO_8859_1));
            } catch (ProblemException e) {
                return new Outcome(e.problem().status(), "", "", "");
            }
        }
    }

    /** As it may come from a network: never as much as was asked for. */
    private static InputStream dripping(byte[] data) {
        return new ByteArrayInputStream(data) {
            @Override
            public synchronized int read(byte[] into, int offset, int length) {
                return super.read(into, offset, Math.min(3, length));
            }
        };
    }

    /** Any bytes are one file or a refusal, however they come. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        var outcome = Outcome.of(new ByteArrayInputStream(data));
        assertTrue(Set.of(201, 400, 422).contains(outcome.status()), outcome.toString());
        assertEquals(outcome, Outcome.of(dripping(data)));
        if (outcome.status() == 201) {
            var all = new String(data, StandardCharsets.ISO_8859_1);
            assertTrue(all.contains("\r\n\r\n" + outcome.content() + "\r\n--" + BOUNDARY), "no byte more or less");
        }
        FieldParameters.of(new String(data, StandardCharsets.ISO_8859_1));
    }
}
