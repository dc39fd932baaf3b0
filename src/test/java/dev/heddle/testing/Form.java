package dev.heddle.testing;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;

/** A form with a file, as browsers send it. */
public final class Form {

    public static final String BOUNDARY = "----loom7MA4YWxkTrZu0gW";

    public static final String TYPE = "multipart/form-data; boundary=" + BOUNDARY;

    private Form() {}

    /** What stands before a file of that name. */
    public static String head(String filename) {
        return head("name=\"file\"; filename=\"" + filename + "\"", "Content-Type: text/plain\r\n");
    }

    /** The same in other words; the further fields each end with their line. */
    public static String head(String disposition, String further) {
        return "--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + disposition + "\r\n" + further + "\r\n";
    }

    /** What stands behind it. */
    public static String end() {
        return "\r\n--" + BOUNDARY + "--\r\n";
    }

    /** A whole form of text. */
    public static String of(String filename, String content) {
        return head(filename) + content + end();
    }

    /** A whole form of bytes. */
    public static byte[] bytes(String filename, byte[] content) {
        var head = head(filename).getBytes(StandardCharsets.UTF_8);
        var end = end().getBytes(StandardCharsets.UTF_8);
        var all = new byte[head.length + content.length + end.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        System.arraycopy(end, 0, all, head.length + content.length, end.length);
        return all;
    }

    /** A form whose file is longer than anybody wants to hold. */
    public static InputStream stream(String filename, InputStream content) {
        var head = new ByteArrayInputStream(head(filename).getBytes(StandardCharsets.UTF_8));
        var end = new ByteArrayInputStream(end().getBytes(StandardCharsets.UTF_8));
        return new SequenceInputStream(Collections.enumeration(List.of(head, content, end)));
    }
}
